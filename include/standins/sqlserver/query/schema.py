"""The tables of a database as T-SQL declared them, kept inside the database so that they travel with its pages."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.query.types import declared, read_declared

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from include.standins.sqlserver.results import SqlType

STORE = "landfall_tables"
IDENTITIES = "landfall_identities"


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column. `default` is T-SQL's text."""

    name: str
    type: SqlType
    nullable: bool
    identity: tuple[int, int] | None = None
    default: str | None = None
    default_name: str | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class KeyDefinition:
    """A PRIMARY KEY, UNIQUE constraint or index; `kind` is PRIMARY KEY, UNIQUE, UNIQUE INDEX or INDEX."""

    kind: str
    name: str
    columns: tuple[str, ...]
    descending: tuple[bool, ...] = ()
    rowid: bool = False


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """A CHECK constraint."""

    name: str
    text: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKeyDefinition:
    """A FOREIGN KEY constraint."""

    name: str
    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]
    on_delete: str
    on_update: str


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table of schema dbo."""

    name: str
    object_id: int
    created: str
    columns: tuple[ColumnDefinition, ...]
    keys: tuple[KeyDefinition, ...] = ()
    checks: tuple[CheckDefinition, ...] = ()
    foreign_keys: tuple[ForeignKeyDefinition, ...] = ()

    def column(self, name: str) -> ColumnDefinition | None:
        """Find a column by its name in any case."""
        folded = name.lower()
        return next((column for column in self.columns if column.name.lower() == folded), None)

    @property
    def identity(self) -> ColumnDefinition | None:
        return next((column for column in self.columns if column.identity is not None), None)


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables of a database at one time; equal fingerprints mean equal tables."""

    fingerprint: int
    tables: dict[str, TableDefinition] = field(default_factory=dict)

    def table(self, name: str) -> TableDefinition | None:
        """Find a table by its name in any case."""
        return self.tables.get(name.lower())


EMPTY = Schema(0)


def to_json(table: TableDefinition) -> str:
    """Write a table's definition."""
    document = asdict(table)
    for column, source in zip(document["columns"], table.columns, strict=True):
        column["type"] = declared(source.type)
    return json.dumps(document, sort_keys=True)


def from_json(text: str) -> TableDefinition:
    """Read a table's definition."""
    document = json.loads(text)
    return TableDefinition(
        document["name"],
        document["object_id"],
        document["created"],
        tuple(_column(each) for each in document["columns"]),
        tuple(
            KeyDefinition(each["kind"], each["name"], tuple(each["columns"]), tuple(each["descending"]), each["rowid"])
            for each in document["keys"]
        ),
        tuple(CheckDefinition(**each) for each in document["checks"]),
        tuple(
            ForeignKeyDefinition(**{**each, "columns": tuple(each["columns"]), "referenced": tuple(each["referenced"])})
            for each in document["foreign_keys"]
        ),
    )


def _column(document: dict[str, Any]) -> ColumnDefinition:
    identity = document["identity"]
    return ColumnDefinition(
        **{**document, "type": read_declared(document["type"]), "identity": tuple(identity) if identity else None}
    )


def read_schema(connection: sqlite3.Connection) -> Schema:
    """Read all definitions; a database that never had a table has none."""
    found = connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", (STORE,)).fetchone()
    if found is None:
        return EMPTY
    rows = connection.execute(f"SELECT definition FROM main.{STORE} ORDER BY name").fetchall()
    tables = [from_json(text) for (text,) in rows]
    return Schema(hash(tuple(rows)), {table.name.lower(): table for table in tables})


def prepare_store(connection: sqlite3.Connection) -> None:
    """Make the tables that hold the definitions, inside the open transaction."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {STORE} (name TEXT PRIMARY KEY, definition TEXT NOT NULL)")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {IDENTITIES} (name TEXT PRIMARY KEY, last INTEGER)")


def save_table(connection: sqlite3.Connection, table: TableDefinition) -> None:
    """Write one definition."""
    connection.execute(f"INSERT OR REPLACE INTO {STORE} VALUES (?, ?)", (table.name.lower(), to_json(table)))


def forget_table(connection: sqlite3.Connection, name: str) -> None:
    """Remove one definition and its identity."""
    connection.execute(f"DELETE FROM {STORE} WHERE name = ?", (name.lower(),))
    connection.execute(f"DELETE FROM {IDENTITIES} WHERE name = ?", (name.lower(),))


def next_object_id(tables: Iterable[TableDefinition]) -> int:
    """An object id that no table has; the engine's begin in the hundreds of millions too."""
    return max((table.object_id for table in tables), default=901578250) + 16


def with_key(table: TableDefinition, key: KeyDefinition) -> TableDefinition:
    """Return the table with one more key or index."""
    return replace(table, keys=(*table.keys, key))
