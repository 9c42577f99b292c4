"""The log of one database: an append-only file of records, each durable before its commit is acknowledged."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import durable, log_scan, records
from include.standins.sqlserver.storage.log_scan import DATA_OFFSET, DamagedLogError, Entry
from include.standins.sqlserver.storage.log_slice import LogSlice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.storage.records import RecordHeader

_HEADROOM_BYTES = 1 << 20
_SCAN_BYTES = 1 << 22


class LogFile:
    """An open log. Appends come from one thread at a time; everything else may run beside them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()
        self._descriptor = -1
        self._headers: list[RecordHeader] = []
        self._lsns: list[int] = []
        self._offsets: list[int] = []
        self._start = self._end = 0
        self._tail = self._allocated = DATA_OFFSET
        self._synced = 0

    @classmethod
    def create(cls, path: Path, *, start_lsn: int) -> LogFile:
        """Write an empty log that begins at an LSN, in place of any at the path, and open it."""
        temporary = path.with_name(path.name + ".new")
        temporary.write_bytes(log_scan.file_header(start_lsn))
        durable.sync_file(temporary)
        durable.replace(temporary, path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> LogFile:
        """Read the log through, and cut off what a crash left half-written at its end.

        :raises DamagedLogError: missing, no log, or harmed before its end.
        """
        log = cls(path)
        try:
            log._descriptor = os.open(path, os.O_RDWR)
        except OSError as error:
            raise DamagedLogError(f"The log file {path} cannot be opened: {error.strerror}.") from error
        try:
            log._read_through()
        except BaseException:
            os.close(log._descriptor)
            raise
        return log

    @property
    def start_lsn(self) -> int:
        """LSN of the oldest record kept, or of the next one when there is none."""
        return self._start

    @property
    def end_lsn(self) -> int:
        """LSN that the next record gets."""
        return self._end

    def reserve(self, size: int) -> None:
        """Make sure that `size` bytes can be appended.

        :raises OSError: the disk is full.
        """
        with self._lock:
            needed = self._tail + size
            if needed > self._allocated:
                grown = needed + _HEADROOM_BYTES
                os.posix_fallocate(self._descriptor, self._allocated, grown - self._allocated)
                self._allocated = grown

    def append(self, pages: Iterator[list[tuple[int, bytes]]], *, database_pages: int, commit_time: datetime) -> int:
        """Append one commit, given as lists of at most PAGES_PER_RECORD pages; return the new end LSN.

        It is durable after `sync`.
        """
        with self._lock:
            run: list[Entry] = []
            lsn, offset = self._end, self._tail
            chunk = next(pages)
            while chunk:
                following = next(pages, [])
                size = 0 if following else database_pages
                record = records.encode(lsn=lsn, commit_time=commit_time, database_pages=size, pages=chunk)
                durable.write_all(self._descriptor, record, offset)
                header = records.decode_header(record)
                run.append((header, offset))
                lsn, offset, chunk = header.next_lsn, offset + len(record), following
            self._adopt(run)
            return self._end

    def append_records(self, run: Iterator[tuple[RecordHeader, bytes]], *, faults: Callable[[int], None]) -> None:
        """Append records of another log as they are, each beginning where the last one ended; `faults` sees the sizes.

        :raises DamagedLogError: they do not join.
        """
        with self._lock:
            added: list[Entry] = []
            offset, expected = self._tail, self._end
            for header, record in run:
                if header.lsn != expected:
                    raise DamagedLogError(f"A log record at LSN {header.lsn} stands where {expected} was due.")
                faults(len(record))
                durable.write_all(self._descriptor, record, offset)
                added.append((header, offset))
                offset, expected = offset + len(record), header.next_lsn
            self._adopt(added)

    def sync(self, lsn: int) -> None:
        """Return once everything before `lsn` is durable; one sync serves all that wait for it."""
        if self._synced >= lsn:
            return
        with self._sync_lock:
            if self._synced >= lsn:
                return
            with self._lock:
                end, descriptor = self._end, os.dup(self._descriptor)
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
            self._synced = end

    def slice(self, from_lsn: int, to_lsn: int) -> LogSlice:
        """Return the records with from_lsn <= LSN < to_lsn.

        :raises DamagedLogError: the log was truncated past `from_lsn`.
        """
        with self._lock:
            if from_lsn < self._start:
                raise DamagedLogError(f"The log begins at LSN {self._start}; {from_lsn} is no longer in it.")
            first, last = bisect_left(self._lsns, from_lsn), bisect_left(self._lsns, to_lsn)
            entries = list(zip(self._headers[first:last], self._offsets[first:last], strict=True))
            return LogSlice(os.dup(self._descriptor), entries)

    def bytes_from(self, lsn: int) -> int:
        """Bytes of log from an LSN to the end."""
        with self._lock:
            first = bisect_left(self._lsns, lsn)
            return self._tail - self._offsets[first] if first < len(self._offsets) else 0

    def truncate_before(self, lsn: int) -> None:
        """Forget records before an LSN, atomically; every record from it on stays."""
        with self._lock:
            first = bisect_left(self._lsns, lsn)
            if first == 0:
                return
            start = self._lsns[first] if first < len(self._lsns) else self._end
            self._rewrite(start, first)

    def cut_from(self, lsn: int) -> None:
        """Forget records from an LSN on: they were never acknowledged."""
        with self._lock:
            last = bisect_left(self._lsns, lsn)
            if last == len(self._lsns):
                return
            offset = self._offsets[last]
            os.ftruncate(self._descriptor, offset)
            os.fsync(self._descriptor)
            self._end = self._lsns[last]
            del self._headers[last:], self._lsns[last:], self._offsets[last:]
            self._tail = self._allocated = offset
            self._synced = self._end

    def close(self) -> None:
        """Close the file."""
        with self._sync_lock, self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _adopt(self, run: Sequence[Entry]) -> None:
        for header, offset in run:
            self._headers.append(header)
            self._lsns.append(header.lsn)
            self._offsets.append(offset)
            self._end, self._tail = header.next_lsn, offset + header.length
        self._allocated = max(self._allocated, self._tail)

    def _rewrite(self, start_lsn: int, first: int) -> None:
        temporary = self.path.with_name(self.path.name + ".new")
        moved = DATA_OFFSET - (self._offsets[first] if first < len(self._offsets) else self._tail)
        with temporary.open("wb") as copy:
            copy.write(log_scan.file_header(start_lsn))
            position = DATA_OFFSET - moved
            while position < self._tail:
                piece = os.pread(self._descriptor, min(_SCAN_BYTES, self._tail - position), position)
                copy.write(piece)
                position += len(piece)
            copy.flush()
            os.fsync(copy.fileno())
        descriptor = os.open(temporary, os.O_RDWR)
        durable.replace(temporary, self.path)
        os.close(self._descriptor)
        self._descriptor, self._start, self._synced = descriptor, start_lsn, self._end
        del self._headers[:first], self._lsns[:first], self._offsets[:first]
        self._offsets = [offset + moved for offset in self._offsets]
        self._tail = self._allocated = self._tail + moved

    def _read_through(self) -> None:
        self._start = self._end = log_scan.start_lsn(self._descriptor, self.path)
        self._adopt(log_scan.whole_commits(self._descriptor, self.path, start=self._start))
        os.ftruncate(self._descriptor, self._tail)
        os.fsync(self._descriptor)
        self._allocated, self._synced = self._tail, self._end
