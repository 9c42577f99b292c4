"""What is told to people: one message, and who sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is published; `dedup_id` is the same for every try, `group` is the FIFO group that keeps the order."""

    subject: str
    body: str
    dedup_id: str
    group: str


class Publisher(Protocol):
    """Sends a message; raises when it could not."""

    def __call__(self, message: Message) -> None: ...
