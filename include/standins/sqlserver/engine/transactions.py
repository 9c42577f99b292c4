"""One session's transaction: nesting, savepoints, and the databases it has written to."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.standins.sqlserver.engine.homes import Home
    from include.standins.sqlserver.engine.waiting import Waiting

_STATEMENT = "landfall_statement"


class Transaction:
    """BEGIN, COMMIT, ROLLBACK and SAVE of one session.

    SQLite's transaction begins in a database with the first write there; until then every read sees what is committed
    (READ COMMITTED, as with row versions). One session may write to several databases; they commit one after another.
    """

    def __init__(self, owner: object, *, waiting: Waiting, check: Callable[[], None]) -> None:
        self.depth = 0
        self.descriptor = 0
        self.name: str | None = None
        self.doomed = False
        self.lock_timeout: float | None = None
        self._owner = owner
        self._waiting = waiting
        self._check = check
        self._writers: dict[str, Home] = {}
        self._saved: list[tuple[str, frozenset[str]]] = []

    @property
    def is_open(self) -> bool:
        return self.depth > 0

    def writes_to(self, database: str) -> bool:
        """Whether it has written to a database."""
        return database.lower() in self._writers

    def begin(self, name: str | None = None) -> bool:
        """BEGIN TRAN; whether it is the outermost."""
        self.depth += 1
        if self.depth > 1:
            return False
        self.descriptor = self._waiting.next_descriptor()
        self.name = name
        return True

    def commit(self) -> bool:
        """COMMIT; whether it was the outermost.

        :raises SqlError: 3902 without a transaction, 3930 when an error has doomed it.
        """
        if not self.depth:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        if self.doomed:
            raise SqlError(
                3930,
                "The current transaction cannot be committed and cannot support operations that write to the log file. "
                "Roll back the transaction.",
            )
        if self.depth > 1:
            self.depth -= 1
            return False
        try:
            for home in list(self._writers.values()):
                home.commit(self._owner)
        except BaseException:
            self.rollback()
            raise
        self._forget()
        return True

    def rollback(self) -> None:
        """Undo everything; also with no transaction open."""
        homes = list(self._writers.values())
        self._forget()
        for home in homes:
            home.forget_schema()
            home.rollback(self._owner)

    def _forget(self) -> None:
        self.depth = 0
        self.descriptor = 0
        self.name = None
        self.doomed = False
        self._writers.clear()
        self._saved.clear()

    def save(self, name: str) -> None:
        """SAVE TRAN.

        :raises SqlError: 628 without a transaction.
        """
        if not self.depth:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.")
        place = f"save_{len(self._saved)}"
        for home in self._writers.values():
            home.connection.execute(f"SAVEPOINT {place}")
        self._saved.append((name.lower(), frozenset(self._writers)))

    def rollback_to(self, name: str) -> bool:
        """ROLLBACK TRAN name: to a savepoint, or of all when it is the transaction's own name (then True).

        :raises SqlError: 6401 for a name that nothing has.
        """
        folded = name.lower()
        for place in range(len(self._saved) - 1, -1, -1):
            saved, written = self._saved[place]
            if saved == folded:
                self._back_to(place, written)
                return False
        if self.name is not None and self.name.lower() == folded:
            self.rollback()
            return True
        raise SqlError(6401, f"Cannot roll back {name}. No transaction or savepoint of that name was found.")

    def _back_to(self, place: int, written: frozenset[str]) -> None:
        for key, home in list(self._writers.items()):
            home.forget_schema()
            if key in written:
                home.connection.execute(f"ROLLBACK TO save_{place}")
            else:
                home.rollback(self._owner)
                del self._writers[key]
        del self._saved[place + 1 :]

    @contextmanager
    def statement(self, home: Home) -> Iterator[None]:
        """Run one writing statement: all of it happens or nothing; without a transaction it commits by itself."""
        if self.doomed:
            raise SqlError(
                3930,
                "The current transaction cannot be committed and cannot support operations that write to the log file. "
                "Roll back the transaction.",
            )
        if not self.depth:
            yield from self._alone(home)
            return
        self._enlist(home)
        home.connection.execute(f"SAVEPOINT {_STATEMENT}")
        try:
            yield
        except BaseException:
            home.forget_schema()
            if home.connection.in_transaction:
                home.connection.execute(f"ROLLBACK TO {_STATEMENT}")
                home.connection.execute(f"RELEASE {_STATEMENT}")
            else:
                # SQLite gave up the whole transaction (disk full, no memory): so must we, or half of it would commit.
                self.rollback()
            raise
        home.connection.execute(f"RELEASE {_STATEMENT}")

    def _alone(self, home: Home) -> Iterator[None]:
        self._wait_for(home)
        try:
            yield
            home.commit(self._owner)
        except BaseException:
            home.forget_schema()
            home.rollback(self._owner)
            raise

    def _enlist(self, home: Home) -> None:
        if home.name.lower() not in self._writers:
            self._wait_for(home)
            self._writers[home.name.lower()] = home

    def _wait_for(self, home: Home) -> None:
        """Begin to write in a database: wait for its one writer's place.

        :raises SqlError: 1222 past LOCK_TIMEOUT, 1205 when two sessions wait for each other.
        """
        deadline = None if self.lock_timeout is None else time.monotonic() + self.lock_timeout

        def check() -> None:
            self._check()
            self._waiting.check_deadlock(self._owner)
            if deadline is not None and time.monotonic() >= deadline:
                raise SqlError(1222, "Lock request time out period exceeded.", state=51)

        self._waiting.enter(self._owner, home)
        try:
            home.begin(self._owner, check)
        except BaseException:
            home.rollback(self._owner)
            raise
        finally:
            self._waiting.leave(self._owner)
