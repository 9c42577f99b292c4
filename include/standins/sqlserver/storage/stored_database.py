"""A database's files and properties through their life: started, stopped, restored onto, recovered."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from include.standins.sqlserver.storage import data_file, failures
from include.standins.sqlserver.storage.log import LogFile
from include.standins.sqlserver.storage.log_scan import DamagedLogError
from include.standins.sqlserver.storage.open_files import DamagedDataError, OpenFiles, check_data_file
from include.standins.sqlserver.storage.pages import PageMap
from include.standins.sqlserver.storage.properties import DatabaseProperties, DatabaseState, PendingTail
from include.standins.sqlserver.storage.writer_slot import WriterSlot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from include.standins.sqlserver.storage.clock import Clock
    from include.standins.sqlserver.storage.faults import Faults
    from include.standins.sqlserver.storage.instance_files import HistoryEntry

RESTORABLE = (DatabaseState.RESTORING, DatabaseState.STANDBY)
"""States in which RESTORE rolls forward."""


class Surroundings(Protocol):
    """What a database needs of its catalog."""

    clock: Clock
    faults: Faults

    @property
    def in_use(self) -> Callable[[str, object], list[int]]:
        """Who else uses a database."""

    def save(self, properties: DatabaseProperties, *, history: Sequence[HistoryEntry] = ()) -> None:
        """Write a database's row durably, with history for msdb."""


class StoredDatabase:
    """What BACKUP, RESTORE and the catalog do with a database; sessions know `Database`."""

    def __init__(self, properties: DatabaseProperties, surroundings: Surroundings) -> None:
        self.properties = properties
        self.generation = 0
        """Grows whenever open connections must be opened anew: after a restore, a recovery, offline."""
        self.log_backup_lock = WriterSlot()
        self.data_backup_lock = WriterSlot()
        self._around = surroundings
        self._slot = WriterSlot()
        self._lock = threading.RLock()
        self._files: OpenFiles | None = None
        self._broken: OpenFiles | None = None
        self._trouble: DatabaseState | None = None
        self._exclusive: object | None = None

    @property
    def name(self) -> str:
        """Its name as it was written at CREATE or RESTORE."""
        return self.properties.name

    @property
    def id(self) -> int:
        """database_id."""
        return self.properties.id

    @property
    def state(self) -> DatabaseState:
        """What it is now: damage found at start goes before what was saved."""
        return self._trouble or self.properties.state

    @property
    def data_path(self) -> Path:
        """Where the data file is."""
        return Path(self.properties.data_path)

    @property
    def log_path(self) -> Path:
        """Where the log is."""
        return Path(self.properties.log_path)

    @property
    def end_lsn(self) -> int:
        """The LSN that the next commit gets; while restoring, where redo goes on."""
        if self._files is not None:
            return self._files.log.end_lsn
        return self.properties.redo_start_lsn or self.properties.checkpoint_lsn

    @property
    def is_running(self) -> bool:
        """Whether its files are open."""
        return self._files is not None

    @property
    def last_commit_time(self) -> datetime | None:
        """When the newest commit in it was made."""
        newest = self._files.last_commit_time if self._files is not None else None
        return newest or self.properties.last_commit_time

    @property
    def open_files(self) -> OpenFiles:
        """The files of a running database.

        :raises SqlError: it is not running.
        """
        if self._files is None:
            raise failures.cannot_open(self.name, self.state)
        return self._files

    def now(self) -> datetime:
        """Return the instance's time."""
        return self._around.clock.now()

    def update(self, *, history: Sequence[HistoryEntry] = (), **changes: Any) -> None:
        """Change properties, durably and at once; by field name of `DatabaseProperties`."""
        with self._lock:
            changed = replace(self.properties, **changes)
            self._around.save(changed, history=history)
            self.properties = changed

    @contextmanager
    def exclusive(self, owner: object) -> Iterator[None]:
        """Keep all others out meanwhile.

        :raises SqlError: 3101 when somebody is in.
        """
        with self._lock:
            if self._exclusive is not None:
                raise failures.in_use()
            self._exclusive = owner
        try:
            backups = (self.log_backup_lock, self.data_backup_lock)
            if self._around.in_use(self.name, owner) or not all(lock.try_acquire(owner) for lock in backups):
                raise failures.in_use()
            yield
        finally:
            self._exclusive = None
            self.log_backup_lock.release(owner)
            self.data_backup_lock.release(owner)

    def start(self) -> None:
        """Open and recover the files as the saved state asks; damage becomes SUSPECT or RECOVERY_PENDING."""
        self._trouble = None
        try:
            if self.properties.state is DatabaseState.ONLINE:
                self._start_online()
            elif self.properties.state in RESTORABLE and not self.properties.interrupted_restore:
                self.redo()
        except DamagedDataError:
            exists = self.data_path.exists()
            self._trouble = DatabaseState.SUSPECT if exists else DatabaseState.RECOVERY_PENDING
        except DamagedLogError:
            self._trouble = DatabaseState.SUSPECT if self.log_path.exists() else DatabaseState.RECOVERY_PENDING

    def redo(self) -> None:
        """Bring the data file of a restoring database to its redo LSN from its own log, and empty the log.

        :raises DamagedDataError, DamagedLogError: a file is missing or harmed.
        """
        row = self.properties
        target = row.redo_start_lsn or row.checkpoint_lsn
        check_data_file(self.data_path)
        log = LogFile.open(self.log_path)
        try:
            log.cut_from(target)
            if row.checkpoint_lsn < target:
                changed = PageMap(row.changed_pages)
                with log.slice(row.checkpoint_lsn, target) as records:
                    changed.add(data_file.replay(self.data_path, records))
                self._around.faults.reach("restore.before_save")
                self.update(checkpoint_lsn=target, changed_pages=changed.packed())
        finally:
            log.close()
        LogFile.create(self.log_path, start_lsn=target).close()

    def stop(self) -> None:
        """Close the files of a running database, with the data file up to date."""
        files = self._files
        self.generation += 1
        if files is not None:
            files.checkpoint(self._save_checkpoint)
            self._files = None
            files.close()

    def abandon(self) -> None:
        """Close the files whatever their condition: their content is about to be overwritten."""
        files, self._files = self._files, None
        self._trouble = None
        self.generation += 1
        if files is not None:
            files.close()

    def finish_tail(self, tail: PendingTail, *, history: Sequence[HistoryEntry] = ()) -> None:
        """Go to RESTORING or STANDBY at the end of the log: its tail is on the media."""
        self.stop()
        self._trouble = None
        self.update(
            history=history,
            state=tail.state,
            standby_file=tail.standby_file,
            redo_start_lsn=tail.end_lsn,
            redo_time=self.last_commit_time,
            last_log_backup_lsn=tail.end_lsn,
            last_log_backup_time=self._around.clock.now(),
            pending_tail=None,
        )
        try:
            self.redo()
        except DamagedDataError:  # the tail of a damaged database: only a whole restore helps it
            self.update(state=DatabaseState.RESTORING, interrupted_restore=tail.set_guid)

    def renew_connections(self) -> None:
        """Tell sessions that their connections are stale."""
        self.generation += 1

    def checkpoint(self) -> None:
        """Bring the data file up to date, and drop the log that nothing needs any more."""
        files = self._files
        if files is not None:
            files.checkpoint(self._save_checkpoint)
            files.truncate(self._truncation_lsn(files))

    def _start_online(self) -> None:
        row = self.properties
        changed = PageMap(row.changed_pages)
        self._files = OpenFiles(
            self.data_path,
            self.log_path,
            checkpoint_lsn=row.checkpoint_lsn,
            changed=changed,
            faults=self._around.faults,
        )
        self.generation += 1
        self._save_checkpoint(self._files.checkpoint_lsn)

    def _save_checkpoint(self, lsn: int) -> None:
        files = self._files
        if lsn != self.properties.checkpoint_lsn and files is not None:
            packed = files.changed.packed()
            self.update(checkpoint_lsn=lsn, changed_pages=packed, last_commit_time=self.last_commit_time)

    def _truncation_lsn(self, files: OpenFiles) -> int:
        chain = self.properties.last_log_backup_lsn
        return files.log.end_lsn if chain is None else chain
