"""The data file of a running database: an SQLite file whose write-ahead log is copied to our log after each commit.

SQLite itself syncs nothing here. Our log is the truth: after a crash the write-ahead log is thrown away and our log is
replayed over the data file, from the last checkpoint on.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import durable, pages, records
from include.standins.sqlserver.storage.pages import PageMap, WalIndex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.storage.log import LogFile
    from include.standins.sqlserver.storage.log_slice import LogSlice

_BUSY_MILLISECONDS = 10_000


def connect(path: Path, *, immutable: bool = False, read_only: bool = False) -> sqlite3.Connection:
    """Open an SQLite connection that commits only when told to, usable from any thread, one at a time."""
    mode = "mode=ro&immutable=1" if immutable else "mode=ro" if read_only else "mode=rw"
    connection = sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def side_files(path: Path) -> tuple[Path, Path]:
    """Return SQLite's write-ahead log and its index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def create(path: Path) -> None:
    """Write an empty database in WAL mode, durably, in place of any file."""
    durable.remove(path, *side_files(path))
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"PRAGMA page_size = {records.PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    durable.sync_file(path)
    durable.sync_directory(path.parent)


def replay(path: Path, log: LogSlice) -> PageMap:
    """Write the pages of a log range to a data file that nobody has open, durably; return which pages they were."""
    changed = PageMap()
    durable.remove(*side_files(path))
    descriptor = os.open(path, os.O_RDWR)
    try:
        for header, record in log:
            pages.write_pages(descriptor, records.pages(record, header), database_pages=header.database_pages)
            changed.add(records.page_numbers(record, header))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return changed


class DataFile:
    """An open data file. `capture` and `checkpoint` must not run at the same time."""

    def __init__(self, path: Path, log: LogFile) -> None:
        self.path = path
        self._log = log
        durable.remove(*side_files(path))
        self._keeper = connect(path)
        self._keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        wal, index = side_files(path)
        self._wal = os.open(wal, os.O_RDONLY)
        self._index = os.open(index, os.O_RDONLY)
        self._salt = b""
        self._frame = 0
        self._ends: list[tuple[int, int]] = []
        self._descriptor = os.open(path, os.O_RDWR)

    @property
    def captured_frames(self) -> int:
        """How many frames the write-ahead log holds."""
        return self._frame

    def pending_bytes(self) -> int:
        """Bytes that a transaction may have spilled to the write-ahead log, not yet committed."""
        return max(0, os.fstat(self._wal).st_size - self._frame * records.PAGE_BYTES)

    def capture(self, *, commit_time: datetime, changed: PageMap) -> bool:
        """Append what was committed since the last call to the log; False when there was nothing."""
        index = pages.read_index(self._index)
        if index.salt != self._salt:
            self._salt, self._frame, self._ends = index.salt, 0, []
        if index.last_frame == self._frame:
            return False
        self._log.append(self._new_pages(index, changed), database_pages=index.database_pages, commit_time=commit_time)
        self._frame = index.last_frame
        self._ends.append((self._frame, self._log.end_lsn))
        return True

    def checkpoint(self, known: int) -> int:
        """Bring committed pages into the data file, as far as open readers allow, durably.

        Return the LSN before which the file holds everything; `known` is the one so far.
        """
        if not self._ends:
            return known
        _, frames, copied = self._keeper.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        os.fsync(self._descriptor)
        if frames == copied:
            return self._ends[-1][1]
        return max([known, *(lsn for frame, lsn in self._ends if frame <= copied)])

    def close(self) -> None:
        """Close it; SQLite may write what is committed, all of which the log has too."""
        self._keeper.close()
        os.fsync(self._descriptor)
        for descriptor in (self._wal, self._index, self._descriptor):
            os.close(descriptor)

    def discard(self) -> None:
        """Throw the write-ahead log away under SQLite's feet: no frame of it can be checkpointed any more."""
        os.truncate(side_files(self.path)[0], 0)

    def _new_pages(self, index: WalIndex, changed: PageMap) -> Iterator[list[tuple[int, bytes]]]:
        for batch in pages.committed_pages(self._wal, after_frame=self._frame, index=index):
            changed.add(number for number, _ in batch)
            yield batch
