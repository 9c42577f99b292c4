"""Names in expressions: columns, qualified columns, fields of columns."""

from __future__ import annotations

from typing import Any

from include.athena_sql.context import Context, Typed, find_column
from include.athena_sql.dispatch import compiles
from include.athena_sql.errors import not_supported
from include.athena_sql.functions.arrays import field_named
from include.athena_sql.quoting import identifier
from include.athena_sql.syntax import is_a, position


def name_parts(node: Any) -> list[str]:
    """The parts of a dotted name, outermost first."""
    return [str(node.args[key].this) for key in ("catalog", "db", "table", "this") if node.args.get(key)]


@compiles("Column", args="this table db catalog")
def _column(node: Any, ctx: Context) -> Typed:
    if is_a(node.this, "Star"):
        raise not_supported("* here", at=position(node))
    parts = name_parts(node)
    if parts[0].lower() in ctx.lambdas:
        return _fields(ctx.lambdas[parts[0].lower()], parts[1:], node)
    if len(parts) == 1 and parts[0].lower() in ctx.scope.outputs:
        return ctx.scope.outputs[parts[0].lower()]
    column, rest = find_column(ctx, parts, position(node))
    ctx.state.reads |= column.reads
    sql = identifier(column.origin.column) if ctx.bare and column.origin else column.sql
    return _fields(Typed(sql, column.type), rest, node)


def _fields(value: Typed, names: list[str], node: Any) -> Typed:
    for name in names:
        value = field_named(value, name, node)
    return value
