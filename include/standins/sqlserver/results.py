"""What a batch answers, as a stream of events between the session that runs it and the wire that sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from include.standins.sqlserver.errors import SqlError


@dataclass(frozen=True, slots=True)
class SqlType:
    """A T-SQL type: bit, tinyint, smallint, int, bigint, decimal, numeric, money, float, real, date, time, datetime,
    datetime2, datetimeoffset, uniqueidentifier, nvarchar, varchar, nchar, char, varbinary, binary.

    :param length: characters or bytes; None is (max). Only for character and binary types.
    """

    name: str
    length: int | None = None
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result."""

    name: str
    type: SqlType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Rows:
    """A result set. Values are Python's: int, bool, Decimal, float, datetime, date, time, UUID, str, bytes, None."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StatementDone:
    """A statement ended well. `count` is None where SQL Server reports none, or under SET NOCOUNT ON.

    :param command: the DONE token's CurCmd, as 0xC1 for SELECT, 0xC3 INSERT, 0xC4 DELETE, 0xC5 UPDATE; 0 elsewhere.
    """

    command: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """An informational message (severity 0 to 10), as PRINT, 3211 "10 percent processed." or 5701."""

    number: int
    text: str
    severity: int = 0
    state: int = 1


@dataclass(frozen=True, slots=True)
class StatementFailed:
    """A statement failed and the batch goes on; an error that ends the batch is raised instead."""

    error: SqlError


@dataclass(frozen=True, slots=True)
class DatabaseChanged:
    """USE succeeded (ENVCHANGE 1)."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TransactionChanged:
    """A transaction began or ended (ENVCHANGE 8, 9, 10); `descriptor` is its 8-byte number."""

    kind: str  # "begun", "committed", "rolled back"
    descriptor: int


Event: TypeAlias = Rows | StatementDone | Message | StatementFailed | DatabaseChanged | TransactionChanged


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of sp_executesql and its kin; `name` starts with @."""

    name: str
    type: SqlType
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What LOGIN7 brings."""

    user: str
    password: str
    database: str
    host: str
    application: str
    interface: str


class Session(Protocol):
    """One logged-in connection. All methods run in the connection's thread, except `cancel`."""

    spid: int
    database: str

    @property
    def transaction_descriptor(self) -> int:
        """The open transaction's number, 0 for none."""

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> Iterator[Event]:
        """Run a batch; raise SqlError when it ends early, BatchCancelled, or SessionKilled."""

    def begin(self) -> Iterator[Event]: ...

    def commit(self) -> Iterator[Event]: ...

    def rollback(self) -> Iterator[Event]: ...

    def call(self, procedure: str, arguments: Sequence[Parameter]) -> Iterator[Event]:
        """Run a stored procedure by name, as sp_who or sp_datatype_info; unknown: SqlError 2812."""

    def cancel(self) -> None:
        """Stop the running batch (ATTENTION), from any thread."""

    def reset(self) -> None:
        """Bring the session back to its login's settings (RESETCONNECTION); an open transaction is rolled back."""

    def close(self) -> None:
        """Roll back and forget the session; may be called twice."""


class Instance(Protocol):
    """What the wire needs of the server."""

    name: str

    def login(self, login: Login, *, disconnect: Callable[[], None]) -> Session:
        """Open a session. `disconnect` closes its socket when somebody kills it.

        :raises SqlError: 18456, or 4060 followed by 18456.
        """
