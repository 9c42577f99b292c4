"""The pair of files of a running database: commits, checkpoints, truncation, and pins that hold both back."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import data_file, pages
from include.standins.sqlserver.storage.data_file import DataFile
from include.standins.sqlserver.storage.log import LogFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.storage.faults import Faults
    from include.standins.sqlserver.storage.pages import PageMap

_FRAMES_BEFORE_CHECKPOINT = 4000
_CACHED_PAGES_BYTES = 2 << 20  # SQLite's page cache: what a transaction may hold beside spilled pages


class DamagedDataError(Exception):
    """The data file is missing or is no database."""


class LogBrokenError(Exception):
    """A commit reached the data file's side but not the log: only recovery makes the two one again."""


class OpenFiles:
    """Data file and log of a database that accepts connections."""

    def __init__(
        self, data_path: Path, log_path: Path, *, checkpoint_lsn: int, changed: PageMap, faults: Faults
    ) -> None:
        """Open and recover: the log is replayed over the data file from the checkpoint on.

        :raises DamagedDataError, DamagedLogError: a file is missing or harmed.
        """
        check_data_file(data_path)
        self.log = LogFile.open(log_path)
        self.changed = changed
        self.checkpoint_lsn = self.log.end_lsn
        self.last_commit_time: datetime | None = None
        self._faults = faults
        self._lock = threading.RLock()
        self._pins: list[int] = []
        try:
            with self.log.slice(checkpoint_lsn, self.log.end_lsn) as redo:
                changed.add(data_file.replay(data_path, redo))
                if redo.headers:
                    self.last_commit_time = redo.headers[-1].commit_time
            self._data = DataFile(data_path, self.log)
        except sqlite3.DatabaseError as error:
            self.log.close()
            raise DamagedDataError(f"The data file {data_path} is damaged: {error}.") from error
        except BaseException:
            self.log.close()
            raise

    @property
    def checkpoint_is_due(self) -> bool:
        """Whether the write-ahead log has grown enough."""
        return self._data.captured_frames >= _FRAMES_BEFORE_CHECKPOINT and not self._pins

    def commit(self, connection: sqlite3.Connection, *, now: Callable[[], datetime]) -> int | None:
        """COMMIT and append it to the log; return the end LSN, not yet durable, or None when nothing had changed.

        :raises OSError: the log cannot grow; the transaction is still open.
        :raises LogBrokenError: see there.
        """
        with self._lock:
            self._faults.check_space(self.log.path)
            self.log.reserve(_CACHED_PAGES_BYTES // 2 + self._data.pending_bytes())
            connection.execute("COMMIT")
            self._faults.reach("commit.before_log")
            try:
                moment = now()
                if not self._data.capture(commit_time=moment, changed=self.changed):
                    return None
                self.last_commit_time = moment
            except (OSError, pages.PageFormatError) as error:
                raise LogBrokenError(str(error)) from error
            return self.log.end_lsn

    def checkpoint(self, saved: Callable[[int], None]) -> None:
        """Bring the data file up to date and have the new checkpoint LSN saved; nothing happens under a pin."""
        with self._lock:
            if self._pins:
                return
            self.log.sync(self.log.end_lsn)
            self.checkpoint_lsn = self._data.checkpoint(self.checkpoint_lsn)
            self._faults.reach("checkpoint.before_save")
            saved(self.checkpoint_lsn)

    def truncate(self, before: int) -> None:
        """Drop log records before an LSN that neither recovery nor a running backup needs."""
        with self._lock:
            self.log.truncate_before(min([before, self.checkpoint_lsn, *self._pins]))

    @property
    def is_pinned(self) -> bool:
        """Whether a backup holds the log."""
        return bool(self._pins)

    @contextmanager
    def pinned(self, lsn: int | None = None) -> Iterator[int]:
        """Keep the data file's pages, and the log from an LSN on, as they are; by default from the checkpoint on."""
        with self._lock:
            held = self.checkpoint_lsn if lsn is None else lsn
            self._pins.append(held)
        try:
            yield held
        finally:
            with self._lock:
                self._pins.remove(held)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let no commit and no checkpoint happen meanwhile."""
        with self._lock:
            yield

    def give_up(self) -> None:
        """Make sure that what is not in the log never reaches the data file, whoever closes SQLite's connections."""
        with self._lock:
            self._data.discard()

    def close(self) -> None:
        """Close both files."""
        with self._lock:
            self.log.sync(self.log.end_lsn)
            self._data.close()
            self.log.close()


def check_data_file(path: Path) -> None:
    """Look at the file from outside.

    :raises DamagedDataError: it is missing or is no database.
    """
    try:
        usable = pages.is_database_file(path)
    except OSError as error:
        raise DamagedDataError(f"The data file {path} cannot be opened: {error.strerror}.") from error
    if not usable:
        raise DamagedDataError(f"The data file {path} is no database file.")
