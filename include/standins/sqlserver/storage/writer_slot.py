"""The place of a database's one writer: first come, first served, and patient only as long as the caller wants."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CHECK_SECONDS = 0.05


class WriterSlot:
    """A lock owned by a session, not by a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: object | None = None
        self._waiting: deque[tuple[object, threading.Event]] = deque()

    @property
    def owner(self) -> object | None:
        """Who has it."""
        return self._owner

    def acquire(self, owner: object, check: Callable[[], None]) -> None:
        """Wait in line; `check` runs now and then and ends the wait by raising. Taking it twice is once."""
        with self._lock:
            if self._owner is owner:
                return
            if self._owner is None:
                self._owner = owner
                return
            turn = threading.Event()
            ticket = (owner, turn)
            self._waiting.append(ticket)
        try:
            while not turn.wait(_CHECK_SECONDS):
                check()
        except BaseException:
            self._leave(ticket)
            raise

    def try_acquire(self, owner: object) -> bool:
        """Take it if it is free or already `owner`'s."""
        with self._lock:
            if self._owner is None:
                self._owner = owner
            return self._owner is owner

    def release(self, owner: object) -> None:
        """Hand it to the next in line; nothing happens when `owner` does not have it."""
        with self._lock:
            if self._owner is owner:
                self._hand_over()

    def _leave(self, ticket: tuple[object, threading.Event]) -> None:
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            else:  # the turn came while the wait was being given up
                self._hand_over()

    def _hand_over(self) -> None:
        if self._waiting:
            self._owner, turn = self._waiting.popleft()
            turn.set()
        else:
            self._owner = None
