"""A client that commits row after row, and remembers exactly what the server acknowledged."""

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

CREATE_TABLE = (
    "CREATE TABLE dbo.LiveOrders"
    " (number int NOT NULL PRIMARY KEY, amount decimal(12, 2) NOT NULL, sent_at datetime2(7) NOT NULL)"
)
_INSERT = "INSERT INTO dbo.LiveOrders (number, amount, sent_at) VALUES (%s, %s, %s)"
_NUMBERS = "SELECT number FROM dbo.LiveOrders WHERE number >= %d ORDER BY number"
_LAST = "SELECT MAX(number) FROM dbo.LiveOrders"
_RETRY_SECONDS = 0.05

Connect = Callable[[], Any]
"""Opens a pymssql connection with autocommit to the database, wherever it is now; may raise what pymssql raises."""


@dataclass(frozen=True, slots=True)
class Commit:
    """An acknowledged row; its commit lies between the two times (aware)."""

    number: int
    sent_at: datetime
    acknowledged_at: datetime


@dataclass(slots=True)
class Ledger:
    """What a writer knows: acknowledged commits in order, and rows whose commit is in doubt since no answer came.

    :ivar first_number: rows below it are of other writers.
    """

    first_number: int = 1
    acknowledged: list[Commit] = field(default_factory=list)
    in_doubt: list[int] = field(default_factory=list)

    def longest_pause(self) -> float:
        """Return the longest time in seconds between two acknowledgements: what clients see of a failover."""
        times = (commit.acknowledged_at for commit in self.acknowledged)
        return max(((later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)), default=0.0)


class LiveWriter:
    """Writes in a thread of its own until the block ends. No number is sent twice, so a row in doubt stays one row.

    :param connect: asked before every connection, so the writer follows a redirection by itself.
    :param pause_seconds: wait between two commits.
    """

    def __init__(self, connect: Connect, *, first_number: int = 1, pause_seconds: float = 0.0) -> None:
        self.ledger = Ledger(first_number)
        self._connect = connect
        self._number = first_number
        self._pause = pause_seconds
        self._over = threading.Event()
        self._acknowledged = threading.Condition()
        self._thread = threading.Thread(target=self._write, daemon=True, name="live writer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End after the commit under way; what it does not answer is in doubt."""
        self._over.set()
        self._thread.join()

    def wait_for(self, *, more: int, timeout_seconds: float) -> bool:
        """Wait until so many more commits were acknowledged; False when the time is over first."""
        wanted = len(self.ledger.acknowledged) + more
        with self._acknowledged:
            return self._acknowledged.wait_for(lambda: len(self.ledger.acknowledged) >= wanted, timeout_seconds)

    def _write(self) -> None:
        from pymssql import Error

        while not self._over.is_set():
            try:
                with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
                    self._write_on(cursor)
            except (Error, OSError):  # the server, its database or the network is gone: the next connection tells
                self._over.wait(_RETRY_SECONDS)

    def _write_on(self, cursor: Any) -> None:
        while not self._over.is_set():
            number, self._number = self._number, self._number + 1
            sent_at = datetime.now(UTC)
            self.ledger.in_doubt.append(number)
            cursor.execute(_INSERT, (number, f"{number % 1000}.{number % 100:02d}", sent_at.replace(tzinfo=None)))
            acknowledged_at = datetime.now(UTC)
            with self._acknowledged:
                self.ledger.in_doubt.pop()
                self.ledger.acknowledged.append(Commit(number, sent_at, acknowledged_at))
                self._acknowledged.notify_all()
            if self._pause:
                time.sleep(self._pause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """What of a ledger is in a database.

    :ivar lost: acknowledged commits that are missing.
    :ivar is_prefix: nothing is missing before something that is there.
    :ivar strangers: rows that no writer sent.
    """

    acknowledged: int
    found: int
    lost: tuple[Commit, ...]
    is_prefix: bool
    strangers: int


def survival(ledger: Ledger, connection: Any) -> Survival:
    """Compare a ledger with the rows of the database; the writer must have stopped."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(_NUMBERS, (ledger.first_number,))
        found = {int(row[0]) for row in cursor.fetchall()}
    return compared(ledger, found)


def next_number(connection: Any) -> int:
    """Return the first number that no writer has used in this database."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(_LAST)
        (row,) = cursor.fetchall()
        return int(row[0] or 0) + 1


def compared(ledger: Ledger, found: set[int]) -> Survival:
    """Compare a ledger with the numbers that were found."""
    lost = tuple(commit for commit in ledger.acknowledged if commit.number not in found)
    last = max(found, default=0)
    sent = {commit.number for commit in ledger.acknowledged} | set(ledger.in_doubt)
    return Survival(
        acknowledged=len(ledger.acknowledged),
        found=len(found),
        lost=lost,
        is_prefix=all(commit.number > last for commit in lost),
        strangers=len(found - sent),
    )
