"""Values on their way into a column: conversion, length, NULL, defaults and identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.query.compilation import Context, Emitted, text_literal
from include.standins.sqlserver.query.conversions import fits_without_change
from include.standins.sqlserver.query.inline_expressions import inline_compiler
from include.standins.sqlserver.query.types import family
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.query.schema import ColumnDefinition, TableDefinition


class ColumnValues:
    """Compiles what is written to columns."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def filler(self, column: ColumnDefinition, table: TableDefinition) -> str:
        """The value of a column that an INSERT does not mention."""
        if column.identity is not None:
            return "ts_next_identity()"
        if column.default is None:
            return self._not_null("NULL", column, table)
        compiler = inline_compiler(column.default, self.context)
        return self.assign(compiler[0], column, table, compiler[1])

    def assign(
        self, value: Emitted, column: ColumnDefinition, table: TableDefinition, compiler: ExpressionCompiler
    ) -> str:
        """Convert a value for a column; what does not fit fails, 2628 for strings, 8115 for numbers.

        :raises SqlError: 40515 for a pair of types that is not modelled.
        """
        if value.type is None:
            return self._not_null("NULL", column, table)
        sized = family(column.type) in {"string", "binary"}
        if not sized or fits_without_change(value.type, column.type):
            return self._not_null(compiler.convert(value, column.type).sql, column, table)
        sql = compiler.convert(value, _without_length(column.type)).sql
        if column.type.length is not None:
            pads = int("var" not in column.type.name)
            place = text_literal(f"{self.context.database}.dbo.{table.name}")
            sql = f"ts_fit({sql}, {column.type.length}, {pads}, {place}, {text_literal(column.name)})"
        return self._not_null(sql, column, table)

    @staticmethod
    def _not_null(sql: str, column: ColumnDefinition, table: TableDefinition) -> str:
        """SQLite would number a row itself when its INTEGER PRIMARY KEY is NULL."""
        if any(key.rowid and key.columns == (column.name,) for key in table.keys):
            return f"ts_not_null({sql}, {text_literal(column.name)})"
        return sql


def _without_length(type_: SqlType) -> SqlType:
    """The (max) type of the same kind, so that a value that is too long fails instead of being cut."""
    if family(type_) == "binary":
        return SqlType("varbinary", None)
    return SqlType("nvarchar" if type_.name.startswith("n") else "varchar", None)
