"""A SQL Server, as the steps of log shipping use it: one connection to master, autocommit, named errors."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

from include.log_shipping.failures import LoginRefusedError, ServerUnreachableError, SqlServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from types import TracebackType

PERCENT = re.compile(rb"(\d+) percent processed")
DB_LIBRARY_ADDITION = re.compile(r"DB-Lib error message.*", re.DOTALL)
DB_LIBRARY_NUMBER = re.compile(r"DB-Lib error message (\d+)")
LOGIN_NUMBERS = frozenset({4060, 18452, 18456, 18470, 18487, 18488})
NO_ANSWER = frozenset({20003, 20004, 20006, 20009, 20013, 20017})
"""DB-Library: timeout, read and write failed, no connection, unknown host, end of file (FreeTDS, sybdb.h)."""

Row = dict[str, Any]


class Statement(Protocol):
    """A statement and its parameters, as `include.log_shipping.tsql` builds them."""

    @property
    def text(self) -> str: ...

    @property
    def parameters(self) -> tuple[Any, ...]: ...


class SqlServer:
    """One connection to a server; use as a context manager.

    BACKUP and RESTORE refuse to run in a transaction (3021), a database that is restored cannot be one's current
    database (3101), and a RESTORING database answers a login with 18456: hence autocommit, and always `master`.

    :param name: the server's name in the configuration, for messages.
    :param connect: opens a DB-API connection of pymssql with autocommit on, to `master`; called on first use.
    """

    def __init__(self, name: str, connect: Callable[[], Any]) -> None:
        self.name = name
        self._connect = connect
        self._connection: Any = None
        self.seconds_inside = 0.0
        """Time this connection waited for the server; a failover's report separates it from orchestration."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def run(self, statement: Statement, *, doing: str, progress: Callable[[int], None] | None = None) -> list[Row]:
        """Run a statement and return the rows of its last result set; raises SqlServerError.

        :param doing: what it does, for the error's sentence: "BACKUP LOG Sales".
        :param progress: called with the percent that the server reports while BACKUP and RESTORE run.
        """
        with self._errors(doing), self._timed():
            connection = self._open()
            if progress is not None:
                connection._conn.set_msghandler(_percent_handler(progress))  # pymssql offers it on the inner object
            cursor = connection.cursor(as_dict=True)
            cursor.execute(statement.text, statement.parameters or None)
            rows = list(_last_result(cursor))
            cursor.close()
            return rows

    def one(self, statement: Statement, *, doing: str) -> Row | None:
        """Run a statement and return its first row, or None."""
        rows = self.run(statement, doing=doing)
        return rows[0] if rows else None

    def now(self) -> datetime:
        """Return the server's UTC time without a zone, by which its own history is written."""
        row = self.one(_UTC_NOW, doing="reading the clock")
        if row is None:
            raise SqlServerError(number=0, text="no row came back", server=self.name, doing="reading the clock")
        at: datetime = row["now"]
        return at

    def _open(self) -> Any:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except Exception as error:
                if not is_driver_error(error):
                    raise
                number, text = refused_connection(error)
                if number in LOGIN_NUMBERS:
                    raise LoginRefusedError(number=number, text=text, server=self.name) from None
                raise ServerUnreachableError(number=number, text=text, server=self.name) from None
        return self._connection

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except SqlServerError:
            raise
        except Exception as error:
            if not is_driver_error(error):
                raise
            self._drop()
            number, text = number_and_text(error)
            # `from None`: the driver's own traceback holds the statement with its parameters filled in
            raise SqlServerError(number=number, text=text, server=self.name, doing=doing) from None

    def _drop(self) -> None:
        """Forget the connection after an error: what it still has to say would answer the next statement."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception as error:
                if not is_driver_error(error):
                    raise

    @contextmanager
    def _timed(self) -> Iterator[None]:
        import time

        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds_inside += time.monotonic() - started


def number_and_text(error: BaseException) -> tuple[int, str]:
    """Return the error number and the server's sentence of a pymssql exception; (0, its text) when it has none.

    pymssql gives `(number, bytes)`, nested once more on connect, and appends DB-Library's own message.
    """
    arguments: Sequence[Any] = error.args
    while len(arguments) == 1 and isinstance(arguments[0], tuple):
        arguments = arguments[0]
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        text = arguments[1]
        sentence = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return arguments[0], DB_LIBRARY_ADDITION.sub("", sentence).strip()
    return 0, " ".join(str(part) for part in arguments) or type(error).__name__


def refused_connection(error: BaseException) -> tuple[int, str]:
    """Return number and sentence of a connection that was not opened.

    While it connects, pymssql 2.4 keeps the number of the worst server message *of the process*: a dead server that is
    asked after a wrong password comes as 18456 as well. What DB-Library says of this attempt stands in the text.
    """
    number, sentence = number_and_text(error)
    said = str(error.args)
    silent = {int(found) for found in DB_LIBRARY_NUMBER.findall(said)} & NO_ANSWER
    if silent:
        return min(silent), sentence or "no answer"
    if not sentence and number not in LOGIN_NUMBERS and DB_LIBRARY_NUMBER.search(said):
        return 18456, "the server gave no reason"
    return number, sentence or "the server gave no reason"


def is_driver_error(error: BaseException) -> bool:
    """Tell whether pymssql raised it."""
    import pymssql

    return isinstance(error, pymssql.Error | pymssql.Warning | OSError)


class _Fixed:
    """A statement without parameters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parameters: tuple[Any, ...] = ()


_UTC_NOW = _Fixed("SELECT SYSUTCDATETIME() AS now")


def _last_result(cursor: Any) -> list[Row]:
    """Read every result set, so that no error behind the first one is lost, and return the rows of the last."""
    rows: list[Row] = []
    while True:
        if cursor.description is not None:
            rows = list(cursor)
        if not cursor.nextset():
            return rows


def _percent_handler(progress: Callable[[int], None]) -> Callable[..., None]:
    def handle(_state: int, _severity: int, _server: Any, _procedure: Any, _line: int, text: bytes) -> None:
        if match := PERCENT.search(text):
            progress(int(match.group(1)))

    return handle
