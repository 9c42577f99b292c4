"""Queries inside expressions: scalar, IN, EXISTS, ANY and ALL."""

from __future__ import annotations

from typing import Any

from include.athena_sql.casts import coerce
from include.athena_sql.coercion import common_type
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import compiles, expression, mismatch
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.literals import meet
from include.athena_sql.queries import Query, query
from include.athena_sql.quoting import select
from include.athena_sql.syntax import is_a, position
from include.athena_sql.types import BOOLEAN, Type

# What a query's own translator checks again.
_WHOLE = "this expression distinct expressions from_ joins where group having windows order limit offset with_"


def _inner(node: Any, ctx: Context) -> Query:
    """The query of an expression, correlated with the scope it stands in; all it outputs is read."""
    result = query(node, ctx)
    ctx.state.reads.update(*(column.reads for column in result.columns))
    return result


def _one_column(node: Any, ctx: Context) -> Query:
    result = _inner(node, ctx)
    if len(result.columns) != 1:
        words = f"Multiple columns returned by subquery are not yet supported. Found {len(result.columns)}"
        raise AthenaSqlError("NOT_SUPPORTED", words, at=position(node))
    return result


@compiles("Subquery", args="this with_ order limit offset")
def _scalar(node: Any, ctx: Context) -> Typed:
    result = _one_column(node, ctx)
    return Typed(f"({result.sql})", result.columns[0].type, subquery=True)


@compiles("Select", "Union", "Except", "Intersect", args=_WHOLE)
def _bare(node: Any, ctx: Context) -> Typed:
    return _scalar(node, ctx)


@compiles("Exists", args="this")
def _exists(node: Any, ctx: Context) -> Typed:
    return Typed(f"EXISTS ({_inner(node.this, ctx).sql})", BOOLEAN, subquery=True)


@compiles("Any", "All", args="this")
def _quantified(node: Any, ctx: Context) -> Typed:
    """ANY (query) and ALL (query): nothing around them can be cast, so the query's column takes the common type."""
    result = _one_column(node.this, ctx)
    column = result.columns[0]
    kind = common_type(expression(node.parent.this, ctx).type, column.type) or column.type
    return Typed(f"{type(node).__name__.upper()} {_cast_query(result, kind, ctx)}", kind, subquery=True)


def _cast_query(result: Query, kind: Type, ctx: Context) -> str:
    alias = ctx.state.next_name("rel")
    cell = coerce(Typed(f"{alias}.c0", result.columns[0].type), kind).sql
    return f"({select(cell, f'({result.sql}) AS {alias}')})"


@compiles("In", args="this expressions query")
def _in(node: Any, ctx: Context) -> Typed:
    value = expression(node.this, ctx)
    if node.args.get("query") is not None:
        return _in_query(node, value, ctx)
    items = [expression(part, ctx) for part in node.expressions]
    if len(node.expressions) == 1 and is_a(node.expressions[0], "Select", "Union"):
        raise mismatch("IN takes a list or a query", node)
    kind = meet([value, *items], node, "All IN list values must be the same type")
    listed = ", ".join(coerce(item, kind).sql for item in items)
    subquery = value.subquery or any(item.subquery for item in items)
    return Typed(f"({coerce(value, kind).sql} IN ({listed}))", BOOLEAN, subquery=subquery)


def _in_query(node: Any, value: Typed, ctx: Context) -> Typed:
    result = _one_column(node.args["query"], ctx)
    column = result.columns[0]
    kind = common_type(value.type, column.type)
    if kind is None:
        raise mismatch(
            f"value and result of subquery must be of the same type for IN expression: {value.type} vs {column.type}",
            node,
        )
    return Typed(f"({coerce(value, kind).sql} IN {_cast_query(result, kind, ctx)})", BOOLEAN, subquery=True)
