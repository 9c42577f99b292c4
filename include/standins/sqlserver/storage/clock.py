"""The instance's clock: the machine's UTC time plus an offset that a drill may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Naive UTC times, as GETDATE() gives them on a server whose time zone is UTC."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """Return the present moment, moved by the offset."""
        return datetime.now(UTC).replace(tzinfo=None) + self.offset
