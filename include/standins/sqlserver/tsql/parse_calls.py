"""What looks like a function: calls with OVER and WITHIN GROUP, CASE, CAST and CONVERT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql.parse_types import parse_type

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

_PARTS_OF_DATES = frozenset(("DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEPART", "DATENAME", "DATETRUNC"))


def parse_call(cursor: TokenCursor, name: str) -> ast.Expression:
    """Read the arguments of a function, and what follows them."""
    from include.standins.sqlserver.tsql.parse_expressions import parse_expression, parse_list

    cursor.expect_operator("(")
    arguments: list[ast.Expression] = []
    distinct = star = False
    if cursor.at_operator("*") and name in {"COUNT", "COUNT_BIG"}:
        cursor.advance()
        star = True
    elif not cursor.at_operator(")"):
        distinct = cursor.accept("DISTINCT")
        if not distinct:
            cursor.accept("ALL")
        if name in _PARTS_OF_DATES:
            arguments.append(ast.Name((cursor.name(),)))
            cursor.expect_operator(",")
        arguments.extend(parse_list(cursor, parse_expression))
    cursor.expect_operator(")")
    within = _within(cursor)
    over = _over(cursor) if cursor.accept("OVER") else None
    return ast.Call(name, tuple(arguments), distinct=distinct, star=star, over=over, within=within)


def _within(cursor: TokenCursor) -> tuple[tree.OrderItem, ...]:
    if not cursor.accept("WITHIN", "GROUP"):
        return ()
    cursor.expect_operator("(")
    cursor.expect("ORDER", "BY")
    order = parse_order(cursor)
    cursor.expect_operator(")")
    return order


def _over(cursor: TokenCursor) -> ast.Over:
    from include.standins.sqlserver.tsql.parse_expressions import parse_list, parse_value

    cursor.expect_operator("(")
    partition = tuple(parse_list(cursor, parse_value)) if cursor.accept("PARTITION", "BY") else ()
    order = parse_order(cursor) if cursor.accept("ORDER", "BY") else ()
    frame = ""
    if cursor.at_word("ROWS", "RANGE"):
        frame = _frame(cursor)
    cursor.expect_operator(")")
    return ast.Over(partition, order, frame)


def _frame(cursor: TokenCursor) -> str:
    unit = str(cursor.advance().value)
    if cursor.accept("BETWEEN"):
        low = _frame_edge(cursor)
        cursor.expect("AND")
        return f"{unit} BETWEEN {low} AND {_frame_edge(cursor)}"
    return f"{unit} {_frame_edge(cursor)}"


def _frame_edge(cursor: TokenCursor) -> str:
    if cursor.accept("CURRENT", "ROW"):
        return "CURRENT ROW"
    edge = "UNBOUNDED" if cursor.accept("UNBOUNDED") else str(cursor.baked_integer())
    direction = cursor.accept_any("PRECEDING", "FOLLOWING")
    if direction is None:
        raise cursor.error()
    return f"{edge} {direction}"


def parse_order(cursor: TokenCursor) -> tuple[tree.OrderItem, ...]:
    """Read the items after ORDER BY."""
    from include.standins.sqlserver.tsql.parse_expressions import parse_value

    items = []
    while True:
        value = parse_value(cursor)
        descending = cursor.accept_any("ASC", "DESC") == "DESC"
        items.append(tree.OrderItem(value, descending))
        if not cursor.accept_operator(","):
            return tuple(items)


def parse_case(cursor: TokenCursor) -> ast.Expression:
    """Read CASE ... END."""
    from include.standins.sqlserver.tsql.parse_expressions import parse_expression, parse_value

    cursor.expect("CASE")
    operand = None if cursor.at_word("WHEN") else parse_value(cursor)
    branches = []
    while cursor.accept("WHEN"):
        when = parse_expression(cursor)
        cursor.expect("THEN")
        branches.append((when, parse_value(cursor)))
    if not branches:
        raise cursor.error()
    otherwise = parse_value(cursor) if cursor.accept("ELSE") else None
    cursor.expect("END")
    return ast.Case(operand, tuple(branches), otherwise)


def parse_cast(cursor: TokenCursor) -> ast.Expression:
    """Read CAST or TRY_CAST (value AS type)."""
    from include.standins.sqlserver.tsql.parse_expressions import parse_value

    tries = cursor.advance().value == "TRY_CAST"
    cursor.expect_operator("(")
    value = parse_value(cursor)
    cursor.expect("AS")
    type_ = parse_type(cursor, default_length=30)
    cursor.expect_operator(")")
    return ast.Convert(value, type_, None, tries)


def parse_convert(cursor: TokenCursor) -> ast.Expression:
    """Read CONVERT or TRY_CONVERT (type, value, style)."""
    from include.standins.sqlserver.tsql.parse_expressions import parse_value

    tries = cursor.advance().value == "TRY_CONVERT"
    cursor.expect_operator("(")
    type_ = parse_type(cursor, default_length=30)
    cursor.expect_operator(",")
    value = parse_value(cursor)
    style = parse_value(cursor) if cursor.accept_operator(",") else None
    cursor.expect_operator(")")
    return ast.Convert(value, type_, style, tries)
