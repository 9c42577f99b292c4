"""Catalog views of one database's tables, columns and indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.query.dates import decode_datetime
from include.standins.sqlserver.query.types import as_decimal, family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.query.schema import ColumnDefinition, TableDefinition
    from include.standins.sqlserver.results import SqlType

_COLLATION = "SQL_Latin1_General_CP1_CI_AS"
# learn.microsoft.com: sys.types.system_type_id
_TYPE_IDS = {
    "uniqueidentifier": 36,
    "date": 40,
    "time": 41,
    "datetime2": 42,
    "tinyint": 48,
    "smallint": 52,
    "int": 56,
    "smalldatetime": 58,
    "real": 59,
    "money": 60,
    "datetime": 61,
    "float": 62,
    "bit": 104,
    "decimal": 106,
    "numeric": 108,
    "smallmoney": 122,
    "bigint": 127,
    "varbinary": 165,
    "varchar": 167,
    "binary": 173,
    "char": 175,
    "nvarchar": 231,
    "nchar": 239,
}
_BYTES = {
    "uniqueidentifier": 16,
    "date": 3,
    "time": 5,
    "datetime2": 8,
    "tinyint": 1,
    "smallint": 2,
    "int": 4,
    "smalldatetime": 4,
    "real": 4,
    "money": 8,
    "datetime": 8,
    "float": 8,
    "bit": 1,
    "smallmoney": 4,
    "bigint": 8,
}


def _tables(session: LocalSession, database: str) -> list[TableDefinition]:
    return sorted(session.home(database).schema().tables.values(), key=lambda table: table.object_id)


def table_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.tables."""
    return [
        _object(table.name, table.object_id, table, 0, ("U ", "USER_TABLE")) for table in _tables(session, database)
    ]


def _object(name: str, number: int, table: TableDefinition, parent: int, kind: tuple[str, str]) -> tuple[Any, ...]:
    created = decode_datetime(table.created)
    return name, number, None, 1, parent, *kind, created, created, False


def object_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.objects: tables and their constraints."""
    rows = list(table_rows(session, database))
    for table in _tables(session, database):
        number = table.object_id
        named = [
            (key.name, ("PK", "PRIMARY_KEY_CONSTRAINT") if key.kind == "PRIMARY KEY" else ("UQ", "UNIQUE_CONSTRAINT"))
            for key in table.keys
            if "INDEX" not in key.kind
        ]
        named += [(check.name, ("C ", "CHECK_CONSTRAINT")) for check in table.checks]
        named += [(key.name, ("F ", "FOREIGN_KEY_CONSTRAINT")) for key in table.foreign_keys]
        for offset, (name, kind) in enumerate(named, 1):
            rows.append(_object(name, number * 16 + offset & 0x7FFFFFFF, table, number, kind))
    return rows


def column_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.columns."""
    rows = []
    for table in _tables(session, database):
        for place, column in enumerate(table.columns, 1):
            type_ = column.type
            precision, scale = _digits(type_)
            number = _TYPE_IDS[type_.name]
            rows.append(
                (
                    table.object_id,
                    column.name,
                    place,
                    number,
                    number,
                    _width(type_),
                    precision,
                    scale,
                    _COLLATION if family(type_) == "string" else None,
                    column.nullable,
                    column.identity is not None,
                    False,
                    0,
                )
            )
    return rows


def _width(type_: SqlType) -> int:
    if family(type_) in {"string", "binary"}:
        if type_.length is None:
            return -1
        return type_.length * (2 if type_.name.startswith("n") else 1)
    if type_.name in {"decimal", "numeric"}:
        return next(size for most, size in ((9, 5), (19, 9), (28, 13), (38, 17)) if type_.precision <= most)
    return _BYTES[type_.name]


def _digits(type_: SqlType) -> tuple[int, int]:
    if family(type_) in {"int", "decimal"}:
        exact = as_decimal(type_)
        return exact.precision, exact.scale
    fixed = {"float": (53, 0), "real": (24, 0), "datetime": (23, 3), "smalldatetime": (16, 0), "date": (10, 0)}
    if type_.name in {"datetime2", "time"}:
        return (20 if type_.name == "datetime2" else 9) + type_.scale, type_.scale
    return fixed.get(type_.name, (0, 0))


def index_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.indexes: a heap has a row of its own, a primary key is taken to be clustered."""
    rows: list[tuple[Any, ...]] = []
    for table in _tables(session, database):
        clustered = any(key.kind == "PRIMARY KEY" for key in table.keys)
        if not clustered:
            rows.append((table.object_id, None, 0, 0, "HEAP", False, False, False, False))
        for place, key in enumerate(table.keys, 2):
            primary = key.kind == "PRIMARY KEY"
            kind = (1, 1, "CLUSTERED") if primary else (place, 2, "NONCLUSTERED")
            rows.append((table.object_id, key.name, *kind, key.kind != "INDEX", primary, key.kind == "UNIQUE", False))
    return rows


def schema_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.schemas."""
    del session, database
    return [("dbo", 1, 1), ("guest", 2, 2), ("INFORMATION_SCHEMA", 3, 3), ("sys", 4, 4)]


def information_table_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """INFORMATION_SCHEMA.TABLES."""
    return [(database, "dbo", table.name, "BASE TABLE") for table in _tables(session, database)]


def information_column_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """INFORMATION_SCHEMA.COLUMNS."""
    return [
        _information_column(database, table, column, place)
        for table in _tables(session, database)
        for place, column in enumerate(table.columns, 1)
    ]


def _information_column(database: str, table: TableDefinition, column: ColumnDefinition, place: int) -> tuple[Any, ...]:
    type_ = column.type
    kind = family(type_)
    length = (-1 if type_.length is None else type_.length) if kind in {"string", "binary"} else None
    numeric = kind in {"int", "decimal", "float"} and type_.name != "bit"
    precision, scale = _digits(type_)
    return (
        database,
        "dbo",
        table.name,
        column.name,
        place,
        f"({column.default})" if column.default else None,
        "YES" if column.nullable else "NO",
        type_.name,
        length,
        precision if numeric else None,
        scale if numeric and kind != "float" else None,
        scale if kind in {"datetime", "time"} else None,
        _COLLATION if kind == "string" else None,
    )
