"""Whose turn it is: what a client has asked and not yet got, and whether it has changed its mind (ATTENTION)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CANCEL_AGAIN_SECONDS = 0.05


class Turns:
    """Shared by a connection's two threads: the reader notes requests and ATTENTION, the executor ends them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outstanding = 0
        self._idle = threading.Event()
        self._idle.set()
        self._attention = False
        self._is_closed = False

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its answer."""
        return self._outstanding > 0

    def stopped(self) -> bool:
        """Whether the running request should end: the client said so or is gone."""
        return self._attention or self._is_closed

    def note_request(self) -> None:
        """A request came in."""
        with self._lock:
            self._outstanding += 1
            self._idle.clear()

    def note_attention(self, cancel: Callable[[], None]) -> bool:
        """Stop the running request and return True once it has ended; False when none runs."""
        with self._lock:
            if not self._outstanding:
                return False
            self._attention = True
        self._cancel_until_idle(cancel)
        return True

    def note_closed(self, cancel: Callable[[], None]) -> None:
        """The client is gone: stop what still runs for it, and return once it has ended."""
        self._is_closed = True
        self._cancel_until_idle(cancel)

    def end_request(self) -> bool:
        """A request has ended; return whether its answer must acknowledge an ATTENTION."""
        with self._lock:
            self._outstanding -= 1
            if self._outstanding:
                return False
            acknowledges, self._attention = self._attention, False
            self._idle.set()
            return acknowledges

    def give_up(self) -> None:
        """The executor has ended: nobody waits for it any more."""
        with self._lock:
            self._outstanding = 0
            self._attention = False
            self._idle.set()

    def _cancel_until_idle(self, cancel: Callable[[], None]) -> None:
        """Cancel again and again: one that arrives just before the session starts its batch would be lost."""
        while not self._idle.is_set():
            cancel()
            self._idle.wait(_CANCEL_AGAIN_SECONDS)
