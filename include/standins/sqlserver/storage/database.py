"""A database as sessions know it: connections, one writer at a time, durable commits, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import data_file, failures
from include.standins.sqlserver.storage.master_files import DatabaseFile, master_files
from include.standins.sqlserver.storage.open_files import LogBrokenError
from include.standins.sqlserver.storage.properties import DatabaseState, RecoveryModel, UserAccess
from include.standins.sqlserver.storage.stored_database import RESTORABLE, StoredDatabase

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

__all__ = ["Database", "DatabaseFile"]


class Database(StoredDatabase):
    """A user database."""

    @property
    def log_reuse_wait(self) -> str:
        """sys.databases.log_reuse_wait_desc."""
        if self._files is None:
            return "NOTHING"
        if self._files.is_pinned:
            return "ACTIVE_BACKUP_OR_RESTORE"
        chain = self.properties.last_log_backup_lsn
        waits = self.properties.recovery_model is RecoveryModel.FULL and chain is not None and chain < self.end_lsn
        return "LOG_BACKUP" if waits else "NOTHING"

    @property
    def writer(self) -> object | None:
        """The owner that has the writer's place."""
        return self._slot.owner

    def connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        """Open the SQLite file (isolation_level=None, usable from any thread). To COMMIT use `commit`.

        :raises SqlError: 927 restoring, 942 offline, 945 files missing, 926 suspect.
        """
        with self._lock:
            if self._exclusive is not None:
                raise failures.cannot_open(self.name, DatabaseState.RESTORING)
            if self.state not in (DatabaseState.ONLINE, DatabaseState.STANDBY):
                raise failures.cannot_open(self.name, self.state)
            standby = self.state is DatabaseState.STANDBY
            return data_file.connect(self.data_path, immutable=standby, read_only=read_only)

    def begin_write(self, owner: object, check: Callable[[], None]) -> None:
        """Wait, first come first served, for the one writer's place; `check` is called now and then and may raise.

        Send BEGIN on the connection only after this returned, or SQLite refuses a stale snapshot. An owner that has
        the place already keeps it.

        :raises SqlError: 3906 for a standby or read-only database.
        """
        if self.state is DatabaseState.STANDBY or self.properties.is_read_only:
            raise failures.read_only(self.name)
        self._slot.acquire(owner, check)

    def commit(self, connection: sqlite3.Connection, owner: object) -> int:
        """COMMIT, make it durable in the log, give the writer's place back; return the log's end LSN.

        :raises SqlError: 9002 when the log cannot grow: the transaction is still open, roll it back.
        """
        files = self._files
        if files is None:
            connection.execute("COMMIT")
            return self.end_lsn
        try:
            end = files.commit(connection, now=self.now)
            self._slot.release(owner)
            self._around.faults.reach("commit.before_sync")
            if end is not None:
                files.log.sync(end)
        except LogBrokenError as error:
            self._break(owner)
            raise failures.log_unavailable(self.name) from error
        except OSError as error:
            if connection.in_transaction:
                raise failures.log_full(self.name, self.log_reuse_wait) from error
            self._break(owner)
            raise failures.log_unavailable(self.name) from error
        self._around.faults.reach("commit.after_sync")
        if files.checkpoint_is_due:
            self.checkpoint()
        return end or files.log.end_lsn

    def rollback(self, connection: sqlite3.Connection, owner: object) -> None:
        """ROLLBACK if a transaction is open, and give the writer's place back; an owner without it may call too."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        finally:
            self._slot.release(owner)

    def set_recovery_model(self, model: RecoveryModel) -> None:
        """SIMPLE ends the log chain; after FULL it begins with the next full or differential backup."""
        if model is self.properties.recovery_model:
            return
        self.update(recovery_model=model, last_log_backup_lsn=None)
        if model is RecoveryModel.SIMPLE:
            self.checkpoint()

    def set_user_access(self, access: UserAccess) -> None:
        """SINGLE_USER, RESTRICTED_USER or MULTI_USER; who may stay is the engine's to see to."""
        self.update(user_access=access)

    def set_read_only(self, *, read_only: bool) -> None:
        """READ_ONLY or READ_WRITE."""
        self.update(is_read_only=read_only)

    def set_offline(self, owner: object) -> None:
        """Close the files.

        :raises SqlError: 3101 when others use it.
        """
        with self.exclusive(owner):
            self.stop()
            self.update(state=DatabaseState.OFFLINE)

    def set_online(self) -> None:
        """Bring back what is OFFLINE, SUSPECT or RECOVERY_PENDING, as far as its files allow.

        :raises SqlError: 5181 or what keeps it from opening.
        """
        if self.state in RESTORABLE:
            raise failures.cannot_open(self.name, self.state)
        if self._broken is None and self.state is not DatabaseState.ONLINE:
            self.update(state=DatabaseState.ONLINE)
            self.start()
        if self._trouble is not None:
            raise failures.cannot_open(self.name, self._trouble)

    def files(self) -> list[DatabaseFile]:
        """Return the data file and the log, as sys.master_files has them."""
        return master_files(self)

    def log_bytes(self, from_lsn: int) -> int:
        """Bytes of log from an LSN to the end."""
        return self._files.log.bytes_from(from_lsn) if self._files is not None else 0

    def _break(self, owner: object) -> None:
        """Refuse everything until the process starts again and recovers from the log."""
        self._trouble = DatabaseState.RECOVERY_PENDING
        self._broken, self._files = self._files, None
        if self._broken is not None:
            self._broken.give_up()
        self.generation += 1
        self._slot.release(owner)
