"""How far a BACKUP or RESTORE is, for sys.dm_exec_requests and the STATS messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.results import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

_SQL_SERVER_PAGE_BYTES = 8192


@dataclass(slots=True)
class Progress:
    """Bytes done of a total; written by one thread, read by any."""

    command: str = ""
    done: int = 0
    total: int = 0

    @property
    def percent(self) -> float:
        """0 to 100."""
        return min(100.0, 100.0 * self.done / self.total) if self.total else 0.0


class Announcements:
    """Turns progress into messages 3211, one per step of `stats` percent; None says nothing."""

    def __init__(self, progress: Progress, stats: int | None) -> None:
        self._progress = progress
        self._step = stats
        self._said = 0

    def due(self, *, finished: bool = False) -> Iterator[Message]:
        """Yield what has become due."""
        if self._step is None:
            return
        reached = 100 if finished else min(99, int(self._progress.percent))
        while self._said + self._step <= reached:
            self._said += self._step
            yield Message(3211, f"{self._said} percent processed.")
        if finished and self._said < 100:
            self._said = 100
            yield Message(3211, "100 percent processed.")


def processed_pages(count_bytes: int) -> int:
    """Express bytes in SQL Server's pages of 8 KB."""
    return -(-count_bytes // _SQL_SERVER_PAGE_BYTES)


def processed_file(database: str, logical_name: str, *, size: int, position: int) -> Message:
    """Message 4035."""
    pages = processed_pages(size)
    return Message(
        4035, f"Processed {pages} pages for database '{database}', file '{logical_name}' on file {position}."
    )


def succeeded(verb: str, *, size: int, seconds: float) -> Message:
    """Message 3014."""
    rate = size / (1 << 20) / seconds if seconds > 0 else 0.0
    text = f"{verb} successfully processed {processed_pages(size)} pages in {seconds:.3f} seconds ({rate:.3f} MB/sec)."
    return Message(3014, text)
