"""ORDER BY, TOP, OFFSET and FETCH to SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.query_columns import CompiledQuery, collated
from include.standins.sqlserver.query.scopes import OutputColumn, Scope
from include.standins.sqlserver.query.types import BIGINT, family
from include.standins.sqlserver.tsql import expressions as ast

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compilation import Emitted
    from include.standins.sqlserver.query.compile_queries import QueryCompiler
    from include.standins.sqlserver.tsql import query_tree as tree


def order_of_set(queries: QueryCompiler, query: tree.Query, compiled: CompiledQuery, scope: Scope) -> str:
    items = []
    for item in query.order_by:
        place = place_in(queries, item.expression, compiled.columns)
        if place is None:
            raise SqlError(
                104,
                "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT "
                "operator.",
                severity=15,
                ends_batch=True,
            )
        items.append(f"{place}{' DESC' if item.descending else ''}")
    order = f" ORDER BY {', '.join(items)}" if items else ""
    return order + limit_of(queries, query, None, ExpressionCompiler(queries.context, scope, queries))


def place_in(queries: QueryCompiler, node: ast.Expression, columns: tuple[OutputColumn, ...]) -> int | None:
    """The number of the output column that an item of ORDER BY names."""
    if isinstance(node, ast.Literal):
        value = queries.context.bake(node.slot)
        if not isinstance(value, int) or isinstance(value, bool):
            raise SqlError(
                408, "A constant expression was encountered in the ORDER BY list.", severity=15, ends_batch=True
            )
        if not 1 <= value <= len(columns):
            raise SqlError(
                108,
                f"The ORDER BY position number {value} is out of range of the number of items in the select list.",
                severity=15,
                ends_batch=True,
            )
        return value
    if isinstance(node, ast.Name) and len(node.parts) == 1:
        folded = node.parts[0].lower()
        places = [place for place, column in enumerate(columns, 1) if column.name.lower() == folded]
        return places[0] if places else None
    return None


def order_of(
    queries: QueryCompiler,
    query: tree.Query,
    items: list[Emitted],
    columns: list[OutputColumn],
    compiler: ExpressionCompiler,
    *,
    distinct: bool,
) -> str:
    parts = []
    for item in query.order_by:
        place = place_in(queries, item.expression, tuple(columns))
        if place is not None:
            value = items[place - 1]
            guid = value.type is not None and family(value.type) == "guid"
            sql = collated(value) if guid else str(place)
        elif distinct:
            value = compiler.value(item.expression)
            matching = [number for number, each in enumerate(items, 1) if each.sql == value.sql]
            if not matching:
                raise SqlError(
                    145,
                    "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
                    severity=15,
                    ends_batch=True,
                )
            sql = str(matching[0])
        else:
            sql = collated(compiler.value(item.expression))
        parts.append(f"{sql}{' DESC' if item.descending else ''}")
    return f" ORDER BY {', '.join(parts)}" if parts else ""


def limit_of(
    queries: QueryCompiler, query: tree.Query | None, top: ast.Expression | None, compiler: ExpressionCompiler
) -> str:
    outer = ExpressionCompiler(queries.context, Scope(), queries)
    del compiler
    if top is not None:
        if query is not None and query.offset is not None:
            raise SqlError(
                10741,
                "A TOP can not be used in the same query or sub-query as a OFFSET.",
                severity=15,
                ends_batch=True,
            )
        return f" LIMIT ts_row_count({outer.convert(outer.value(top), BIGINT).sql})"
    if query is None or query.offset is None:
        return ""
    count = "-1"
    if query.fetch is not None:
        count = f"ts_row_count({outer.convert(outer.value(query.fetch), BIGINT).sql})"
    return f" LIMIT {count} OFFSET ts_row_count({outer.convert(outer.value(query.offset), BIGINT).sql})"
