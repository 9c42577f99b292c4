"""One logged-in connection: settings, variables of the running batch, transaction, connections to databases."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.engine.facts import Facts
from include.standins.sqlserver.engine.frames import Frame
from include.standins.sqlserver.engine.homes import SYSTEM_DATABASES, Home, MsdbHome, SystemHome, UserHome
from include.standins.sqlserver.engine.transactions import Transaction
from include.standins.sqlserver.errors import BatchCancelled, SessionKilled, SqlError
from include.standins.sqlserver.results import Event, Login, Parameter, TransactionChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from include.standins.sqlserver.backup.progress import Progress
    from include.standins.sqlserver.engine.instance import LocalInstance

_DEEPEST = 32


@dataclass(slots=True)
class Settings:
    """What SET changes."""

    nocount: bool = False
    xact_abort: bool = False
    implicit_transactions: bool = False
    identity_insert: str | None = None
    row_count: int = 0


@dataclass(slots=True)
class RunningRequest:
    """What sys.dm_exec_requests shows."""

    started: datetime
    sql: str
    command: str = "SELECT"
    progress: Progress | None = None
    wait: str | None = None
    wait_for: object | None = None


class LocalSession:
    """A session of the local SQL Server."""

    def __init__(self, instance: LocalInstance, login: Login, *, spid: int, disconnect: Callable[[], None]) -> None:
        self.instance = instance
        self.login = login
        self.spid = spid
        self.database = "master"
        self.login_time = instance.catalog.clock.now()
        self.last_request = self.login_time
        self.settings = Settings()
        self.transaction = Transaction(self, waiting=instance.waiting, check=self.check)
        self.request: RunningRequest | None = None
        self.rowcount = 0
        self.last_error = 0
        self.last_identity: int | None = None
        self.caught: list[SqlError] = []
        self.trying = 0
        self.facts = Facts(self)
        self.is_closed = False
        self.is_killed = False
        self._disconnect = disconnect
        self._homes: dict[str, Home] = {}
        self._cancelled = threading.Event()
        self._busy = threading.RLock()

    # --- Session, as the wire knows it

    @property
    def transaction_descriptor(self) -> int:
        """The open transaction's number, 0 for none."""
        return self.transaction.descriptor

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> Iterator[Event]:
        """Run a batch; raise SqlError when it ends early, BatchCancelled, or SessionKilled."""
        with self._busy:
            self._cancelled.clear()
            self.check()
            self.trying = 0
            self.caught.clear()
            request = self.request = RunningRequest(self.instance.catalog.clock.now(), sql)
            try:
                yield from self.run(sql, parameters)
            except SqlError as error:
                self.last_error = error.number
                yield from self._after_fatal(error)
                raise
            except (BatchCancelled, SessionKilled):
                if self.settings.xact_abort and self.transaction.is_open:
                    self.transaction.rollback()
                raise
            finally:
                self.last_request = request.started
                self.request = None
                self._close_strays()

    def run(self, sql: str, parameters: Sequence[Parameter] = (), *, nesting: int = 0) -> Iterator[Event]:
        """Run a batch inside the running one, as EXEC does.

        :raises SqlError: 217 when it is nested too deeply.
        """
        from include.standins.sqlserver.engine.control import run_statements

        if nesting > _DEEPEST:
            raise SqlError(
                217,
                f"Maximum stored procedure, function, trigger, or view nesting level exceeded (limit {_DEEPEST}).",
                ends_batch=True,
            )
        batch, literals = self.instance.batches.read(sql)
        frame = Frame(batch, literals, nesting=nesting)
        frame.bind(parameters)
        yield from run_statements(self, frame, batch.statements)

    def begin(self) -> Iterator[Event]:
        """BEGIN by the transaction manager's request."""
        yield from self.execute("BEGIN TRANSACTION")

    def commit(self) -> Iterator[Event]:
        """COMMIT by the transaction manager's request."""
        yield from self.execute("COMMIT TRANSACTION")

    def rollback(self) -> Iterator[Event]:
        """ROLLBACK by the transaction manager's request."""
        yield from self.execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")

    def call(self, procedure: str, arguments: Sequence[Parameter]) -> Iterator[Event]:
        """Run a stored procedure by name; unknown: SqlError 2812."""
        from include.standins.sqlserver.engine.procedures import call_procedure

        with self._busy:
            self._cancelled.clear()
            self.check()
            self.request = RunningRequest(self.instance.catalog.clock.now(), procedure, command="EXECUTE")
            try:
                values = {
                    argument.name.lower() or f"#{place}": argument.value for place, argument in enumerate(arguments)
                }
                yield from call_procedure(self, procedure, values)
            finally:
                self.request = None

    def cancel(self) -> None:
        """Stop the running batch (ATTENTION), from any thread."""
        self._cancelled.set()
        self._interrupt()

    def reset(self) -> None:
        """Bring the session back to its login's settings; an open transaction is rolled back."""
        self.transaction.rollback()
        self.settings = Settings()
        self.transaction.lock_timeout = None
        if self.database.lower() != (self.login.database or "master").lower():
            self.leave_database(self.login.database or "master")

    def close(self) -> None:
        """Roll back and forget the session; may be called twice."""
        with self._busy:
            if self.is_closed:
                return
            self.is_closed = True
            try:
                self.transaction.rollback()
            finally:
                for home in self._homes.values():
                    home.close()
                self._homes.clear()
                self.instance.forget(self)

    # --- cancelling and killing

    def check(self) -> None:
        """Raise when the client has cancelled the batch or somebody has killed the session."""
        if self.is_killed:
            raise SessionKilled
        if self._cancelled.is_set():
            raise BatchCancelled

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until a cancel or kill."""
        self._cancelled.wait(seconds)
        self.check()

    def kill(self) -> None:
        """End the session from another thread: what runs stops, the connection closes, an idle session goes at once."""
        self.is_killed = True
        self._cancelled.set()
        self._interrupt()
        self._disconnect()
        if self._busy.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._busy.release()

    def _interrupt(self) -> None:
        for home in list(self._homes.values()):
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile: then nothing runs on it
                home.connection.interrupt()

    def _after_fatal(self, error: SqlError) -> Iterator[Event]:
        if self.transaction.is_open and (self.settings.xact_abort or error.number in ROLLS_BACK):
            descriptor = self.transaction.descriptor
            self.transaction.rollback()
            yield TransactionChanged("rolled back", descriptor)

    # --- databases

    def home(self, name: str | None = None) -> Home:
        """Return the connection to a database, the current one by default.

        :raises SqlError: 911 unknown, 927 and kin when it cannot be opened, 924 when somebody has it alone.
        """
        key = (name or self.database).lower()
        home = self._homes.get(key)
        if home is not None and home.is_stale and not self.transaction.writes_to(key):
            home.close()
            home = None
        if home is None:
            home = self._homes[key] = self._open(key)
        return home

    def _open(self, key: str) -> Home:
        if key == "msdb":
            return MsdbHome(self.instance.catalog.msdb, self.facts)
        if key in SYSTEM_DATABASES:
            return SystemHome(key, self.facts)
        database = self.instance.catalog.get(key)
        self.instance.check_access(database, self)
        return UserHome(database, self.facts)

    def enter_database(self, name: str) -> str:
        """USE: open the database, close the one before; return its name as it is written.

        :raises SqlError: as `home`.
        """
        home = self.home(name)
        self.leave_database(home.name)
        return home.name

    def leave_database(self, new: str) -> None:
        """Make another database the current one without opening it."""
        self.database = new
        self._close_strays()

    def _close_strays(self) -> None:
        """Keep no connection but the current database's and those the transaction writes to."""
        for key in list(self._homes):
            if key != self.database.lower() and not self.transaction.writes_to(key):
                self._homes.pop(key).close()

    def uses(self, name: str) -> bool:
        """Whether the session has the database open or as its current one."""
        key = name.lower()
        return not self.is_closed and (self.database.lower() == key or key in self._homes)

    def release_database(self, name: str) -> None:
        """Close this session's own connection, before its statement needs the database for itself."""
        home = self._homes.pop(name.lower(), None)
        if home is not None:
            home.close()


ROLLS_BACK = frozenset((1205, 245, 241, 3930, 596))
"""Errors that end the batch and its transaction: Sommarskog, "Error and Transaction Handling in SQL Server"."""
