"""The columns of a compiled query: names, types, collation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.collation import COLLATION
from include.standins.sqlserver.query.scopes import OutputColumn
from include.standins.sqlserver.query.types import common_type, family

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compilation import Emitted
    from include.standins.sqlserver.results import SqlType


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query for SQLite; `single` when it can only return one row."""

    sql: str
    columns: tuple[OutputColumn, ...]
    single: bool = False
    untyped: tuple[bool, ...] = ()


def named_columns(columns: tuple[OutputColumn, ...], names: tuple[str, ...], table: str) -> tuple[OutputColumn, ...]:
    if names:
        if len(names) != len(columns):
            raise SqlError(
                8158 if len(columns) > len(names) else 8159,
                f"'{table}' has {'more' if len(columns) > len(names) else 'fewer'} columns than were specified in "
                "the column list.",
                ends_batch=True,
            )
        return tuple(OutputColumn(name, column.type) for name, column in zip(names, columns, strict=True))
    for number, column in enumerate(columns, 1):
        if not column.name:
            raise SqlError(8155, f"No column name was specified for column {number} of '{table}'.", ends_batch=True)
    return columns


def collated(value: Emitted, *, ordering: bool = True) -> str:
    if value.type is None or value.column:
        if ordering and value.type is not None and family(value.type) == "guid":
            return f"ts_guid_key({value.sql})"
        return value.sql
    if family(value.type) == "string":
        return f"{value.sql} COLLATE {COLLATION}"
    return f"ts_guid_key({value.sql})" if ordering and family(value.type) == "guid" else value.sql


def spelling(emitted: Emitted, name: str) -> str:
    """The column's own spelling: SELECT ID names its column as the table does."""
    if not emitted.column:
        return name
    return emitted.sql.rsplit('."', 1)[-1][:-1].replace('""', '"')


def common_columns(left: CompiledQuery, right: CompiledQuery) -> tuple[SqlType, ...]:
    return tuple(common_type(a.type, b.type) for a, b in zip(left.columns, right.columns, strict=True))
