"""What a backup reads: pages of the data file, and a range of the log."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import frames
from include.standins.sqlserver.backup.frames import FrameKind
from include.standins.sqlserver.storage.log import LogFile
from include.standins.sqlserver.storage.records import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from include.standins.sqlserver.storage.database import Database
    from include.standins.sqlserver.storage.log_slice import LogSlice

_PAGES_PER_FRAME = 256
_LOG_FRAME_BYTES = 1 << 20


class Content(ABC):
    """Frames to write, and what is known once they are all written."""

    estimated_bytes: int
    data_pages: int = 0
    log_bytes: int = 0
    end_lsn: int
    end_time: datetime
    last_commit_time: datetime | None

    @abstractmethod
    def frames(self) -> Iterator[tuple[FrameKind, bytes]]:
        """Yield the frames; afterwards the other attributes are final."""

    def _log_frames(self, log: LogSlice) -> Iterator[tuple[FrameKind, bytes]]:
        gathered: list[bytes] = []
        size = 0
        for header, record in log:
            gathered.append(record)
            size += len(record)
            self.last_commit_time = header.commit_time
            if size >= _LOG_FRAME_BYTES:
                yield FrameKind.LOG, b"".join(gathered)
                gathered, size = [], 0
        if gathered:
            yield FrameKind.LOG, b"".join(gathered)


class DataContent(Content):
    """Pages as of the checkpoint, which must be pinned, and the log from there to the end of the copy."""

    def __init__(self, database: Database, first_lsn: int, *, differential: bool) -> None:
        self._database = database
        self._first_lsn = first_lsn
        files = database.open_files
        with files.quiet():
            count = database.data_path.stat().st_size // PAGE_BYTES
            changed = (number for number in files.changed if 0 < number <= count)
            self._numbers: Sequence[int] = list(changed) if differential else range(1, count + 1)
            self.estimated_bytes = len(self._numbers) * PAGE_BYTES + files.log.bytes_from(first_lsn)
        self.last_commit_time = database.last_commit_time

    def frames(self) -> Iterator[tuple[FrameKind, bytes]]:
        """Yield the pages, then the log."""
        descriptor = os.open(self._database.data_path, os.O_RDONLY)
        try:
            for start in range(0, len(self._numbers), _PAGES_PER_FRAME):
                numbers = self._numbers[start : start + _PAGES_PER_FRAME]
                yield FrameKind.DATA, frames.pack_pages(list(_images(descriptor, numbers)))
        finally:
            os.close(descriptor)
        self.data_pages = len(self._numbers)
        end_lsn, end_time = _durable_end(self._database)
        with self._database.open_files.log.slice(self._first_lsn, end_lsn) as log:
            yield from self._log_frames(log)
            self.log_bytes = log.size
        self.end_lsn, self.end_time = end_lsn, end_time


class LogContent(Content):
    """A range of the log."""

    def __init__(self, log: LogSlice, *, end_lsn: int, end_time: datetime, last_commit_time: datetime | None) -> None:
        self._log = log
        self.end_lsn, self.end_time, self.last_commit_time = end_lsn, end_time, last_commit_time
        self.estimated_bytes = self.log_bytes = log.size

    def frames(self) -> Iterator[tuple[FrameKind, bytes]]:
        """Yield the records."""
        yield from self._log_frames(self._log)


@contextmanager
def log_content(database: Database, first_lsn: int) -> Iterator[LogContent]:
    """Return the log from an LSN to its durable end; of a damaged database too, if its log can be read.

    :raises DamagedLogError: it cannot.
    """
    last = database.last_commit_time
    if database.is_running:
        end_lsn, end_time = _durable_end(database)
        with database.open_files.log.slice(first_lsn, end_lsn) as log:
            yield LogContent(log, end_lsn=end_lsn, end_time=end_time, last_commit_time=last)
        return
    file = LogFile.open(database.log_path)
    try:
        with file.slice(first_lsn, file.end_lsn) as log:
            yield LogContent(log, end_lsn=file.end_lsn, end_time=database.now(), last_commit_time=last)
    finally:
        file.close()


def _durable_end(database: Database) -> tuple[int, datetime]:
    files = database.open_files
    with files.quiet():
        end_lsn, end_time = files.log.end_lsn, database.now()
    files.log.sync(end_lsn)
    return end_lsn, end_time


def _images(descriptor: int, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    for number in numbers:
        yield number, os.pread(descriptor, PAGE_BYTES, (number - 1) * PAGE_BYTES)
