"""Bandwidth limits: a token bucket whose rate may change while somebody waits for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1 << 20
SLICE_SECONDS = 0.1


class Throttle:
    """Bytes per second of one execution; a rate of 0 or less is no limit."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._changed = threading.Condition()
        self._tokens = 0.0
        self._at = time.monotonic()

    def set_rate(self, rate: float) -> None:
        """Change the limit, for those who wait too."""
        with self._changed:
            self._refill()
            self._rate = rate
            self._changed.notify_all()

    @property
    def chunk(self) -> int:
        """How much to ask for at once, so that progress shows."""
        return CHUNK if self._rate <= 0 else int(min(CHUNK, max(4096.0, self._rate * SLICE_SECONDS)))

    def take(self, size: int, pause: Callable[[], None]) -> None:
        """Wait until `size` bytes may pass; `pause` is called now and then, and may raise to end the waiting."""
        if self._rate <= 0:
            return
        with self._changed:
            self._refill()
            self._tokens -= size
        while True:
            with self._changed:
                self._refill()
                if self._rate <= 0 or self._tokens >= 0:
                    return
                self._changed.wait(min(SLICE_SECONDS, -self._tokens / self._rate))
            pause()

    def _refill(self) -> None:
        now = time.monotonic()
        full = max(0.0, self._rate) * SLICE_SECONDS
        self._tokens = min(full, self._tokens + (now - self._at) * max(0.0, self._rate))
        self._at = now
