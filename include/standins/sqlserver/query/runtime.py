"""What an SQLite connection needs to run compiled T-SQL: the collation, the functions and the aggregates."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any, Protocol

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.collation import COLLATION, compare
from include.standins.sqlserver.query.scalars import AGGREGATES, PURE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable


class Surroundings(Protocol):
    """What functions ask of the session whose connection this is."""

    def next_identity(self) -> int: ...
    def database_id(self, name: str | None) -> int | None: ...
    def database_name(self, number: int | None) -> str | None: ...
    def object_id(self, name: str | None, kind: str | None) -> int | None: ...
    def object_name(self, number: int | None) -> str | None: ...
    def server_property(self, name: str | None) -> str | int | None: ...
    def database_property(self, database: str | None, name: str | None) -> str | int | None: ...


_kept = threading.local()
"""A function's SqlError on its way past SQLite, which would only say that a function failed.

SQLite calls a function in the thread that runs the statement, so the thread is enough to find the error again.
"""


def take_error() -> SqlError | None:
    """Return once the error of a function that failed in this thread."""
    error: SqlError | None = getattr(_kept, "error", None)
    _kept.error = None
    return error


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except SqlError as error:
            _kept.error = error
            raise

    return run


def _guarded_class(aggregate: type) -> type:
    names = [name for name in ("step", "inverse", "value", "finalize") if hasattr(aggregate, name)]
    return type(aggregate.__name__, (aggregate,), {name: _guarded(getattr(aggregate, name)) for name in names})


_FUNCTIONS = {name: _guarded(function) for name, function in PURE.items()}
_WINDOWS = {
    name: (arity, _guarded_class(kind)) for name, (arity, kind) in AGGREGATES.items() if hasattr(kind, "inverse")
}
_OTHERS = {
    name: (arity, _guarded_class(kind)) for name, (arity, kind) in AGGREGATES.items() if not hasattr(kind, "inverse")
}


def prepare(connection: sqlite3.Connection, surroundings: Surroundings) -> None:
    """Register everything on a connection."""
    connection.create_collation(COLLATION, compare)
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, -1, function, deterministic=True)
    for name, function in _of(surroundings).items():
        connection.create_function(name, -1, _guarded(function))
    for name, (arity, window) in _WINDOWS.items():
        connection.create_window_function(name, arity, window)
    for name, (arity, aggregate) in _OTHERS.items():
        connection.create_aggregate(name, arity, aggregate)


def _of(surroundings: Surroundings) -> dict[str, Callable[..., Any]]:
    return {
        "ts_next_identity": surroundings.next_identity,
        "ts_newid": lambda: str(uuid.uuid4()).upper(),
        "ts_db_id": lambda name=None: surroundings.database_id(name),
        "ts_db_name": lambda number=None: surroundings.database_name(number),
        "ts_object_id": lambda name, kind=None: surroundings.object_id(name, kind),
        "ts_object_name": surroundings.object_name,
        "ts_schema_name": lambda number=1: {1: "dbo", 3: "INFORMATION_SCHEMA", 4: "sys"}.get(number),
        "ts_schema_id": lambda name="dbo": {"dbo": 1, "information_schema": 3, "sys": 4}.get(str(name).lower()),
        "ts_has_dbaccess": lambda name: None if surroundings.database_id(name) is None else 1,
        "ts_is_member": lambda *_: 1,
        "ts_server_property": surroundings.server_property,
        "ts_database_property": surroundings.database_property,
    }
