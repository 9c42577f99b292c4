"""msdb in the engine's own manner, so that one compiler reads user tables and history alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.query import compile_tables
from include.standins.sqlserver.query.collation import COLLATION, compare
from include.standins.sqlserver.query.compilation import Context
from include.standins.sqlserver.query.schema import (
    EMPTY,
    ColumnDefinition,
    KeyDefinition,
    TableDefinition,
    prepare_store,
    read_schema,
    save_table,
)
from include.standins.sqlserver.query.types import read_declared
from include.standins.sqlserver.query.values import encode
from include.standins.sqlserver.storage.msdb import CellFormat
from include.standins.sqlserver.storage.msdb_schema import IDENTITIES, TABLES

if TYPE_CHECKING:
    import sqlite3

_FIRST_OBJECT_ID = 100000


def cell_format() -> CellFormat:
    """How msdb's rows are to be written."""
    return CellFormat(encode=_encode, prepare=_prepare)


def _encode(value: Any, declared: str) -> Any:
    return encode(value, read_declared(declared.replace(" ", "")))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.create_collation(COLLATION, compare)
    prepare_store(connection)
    known = read_schema(connection)
    context = Context(EMPTY, "msdb", {}, (), lambda *_: None)
    for number, (name, columns) in enumerate(TABLES.items()):
        if known.table(name) is not None:
            continue
        table = _definition(name, columns, _FIRST_OBJECT_ID + number)
        connection.execute("BEGIN")
        for statement in compile_tables.create_statements(table, context):
            connection.execute(statement)
        save_table(connection, table)
        connection.execute("COMMIT")


def _definition(name: str, columns: tuple[tuple[str, str], ...], object_id: int) -> TableDefinition:
    identity = IDENTITIES.get(name)
    definitions = tuple(
        ColumnDefinition(
            column,
            read_declared(declared.replace(" ", "")),
            nullable=column != identity,
            identity=(1, 1) if column == identity else None,
        )
        for column, declared in columns
    )
    keys = (KeyDefinition("PRIMARY KEY", f"PK_{name}", (identity,), rowid=True),) if identity else ()
    return TableDefinition(name, object_id, "2022-10-08 00:00:00.0000000", definitions, keys)
