"""Wait for what happens by itself, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


def until(claim: Callable[[], Found], *, seconds: float = 20) -> Found:
    """Give the first true answer of `claim`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, f"{claim} did not come true within {seconds} s"
        time.sleep(0.05)
    return found
