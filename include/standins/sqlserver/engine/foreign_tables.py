"""What a query reads that is not in its own database: catalog views and tables of other databases.

Their rows are copied into temporary tables of the query's connection before it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine.catalog_views import find_view
from include.standins.sqlserver.query.collation import COLLATION
from include.standins.sqlserver.query.compilation import ForeignTable, quoted
from include.standins.sqlserver.query.types import declared, family
from include.standins.sqlserver.query.values import encode
from include.standins.sqlserver.results import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.standins.sqlserver.engine.homes import Home
    from include.standins.sqlserver.engine.session import LocalSession


def finder(session: LocalSession, home: Home) -> Callable[[str, str, str], ForeignTable | None]:
    """Return what finds a foreign table by database (empty for `home`), schema and name."""

    def find(database: str, schema: str, name: str) -> ForeignTable | None:
        return _view(session, database or home.name, schema, name, own=not database) or _table(
            session, database, schema, name
        )

    return find


def _view(session: LocalSession, database: str, schema: str, name: str, *, own: bool) -> ForeignTable | None:
    view = find_view(schema, name, database=database)
    if view is None:
        return None
    if not own:
        session.home(database)
    key = f"view:{'' if own else database.lower()}:{view.name}"
    columns = tuple(Column(column, type_) for column, type_ in view.columns)
    return ForeignTable(key, columns, lambda: view.rows(session, database))


def _table(session: LocalSession, database: str, schema: str, name: str) -> ForeignTable | None:
    if not database or schema not in {"", "dbo"}:
        return None
    home = session.home(database)
    table = home.schema().table(name)
    if table is None:
        return None
    columns = tuple(Column(column.name, column.type) for column in table.columns)
    names = ", ".join(quoted(column.name) for column in table.columns)

    def rows() -> Sequence[Sequence[Any]]:
        return home.connection.execute(f"SELECT {names} FROM main.{quoted(table.name)}").fetchall()

    return ForeignTable(f"table:{database}:{table.name}", columns, rows, encoded=True)


def is_fixed(key: str) -> bool:
    """Whether the foreign table's columns never change, so that a statement over it can be kept compiled."""
    return key.startswith("view:")


def fill(session: LocalSession, home: Home, keys: Sequence[str]) -> None:
    """Copy the rows of foreign tables into the connection's temporary tables."""
    for key in keys:
        kind, database, name = key.split(":", 2)
        find = finder(session, home)
        schema, _, bare = name.rpartition(".") if kind == "view" else ("", "", name)
        foreign = find(database, schema, bare)
        if foreign is not None:
            _copy(home, foreign)


def _copy(home: Home, foreign: ForeignTable) -> None:
    rows = foreign.rows()
    table = f"temp.{quoted(foreign.key)}"
    execute = home.connection.execute
    if foreign.key not in home.views or not foreign.key.startswith("view:"):
        execute(f"DROP TABLE IF EXISTS {table}")
        execute(f"CREATE TABLE {table} ({', '.join(_declaration(column) for column in foreign.columns)})")
        home.views.add(foreign.key)
    else:
        execute(f"DELETE FROM {table}")
    marks = ", ".join("?" * len(foreign.columns))
    types = [column.type for column in foreign.columns]
    cells = rows if foreign.encoded else [[encode(v, t) for v, t in zip(row, types, strict=True)] for row in rows]
    home.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)


def _declaration(column: Column) -> str:
    collate = f" COLLATE {COLLATION}" if family(column.type) == "string" else ""
    return f"{quoted(column.name)} {quoted(declared(column.type))}{collate}"
