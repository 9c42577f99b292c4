"""SELECT in all its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql.parse_calls import parse_order
from include.standins.sqlserver.tsql.parse_expressions import (
    parse_expression,
    parse_list,
    parse_value,
)
from include.standins.sqlserver.tsql.parse_sources import parse_alias, parse_sources
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor


def parse_query(cursor: TokenCursor) -> tree.Query:
    """Read [WITH ...] body [ORDER BY ... [OFFSET ... FETCH ...]]."""
    return parse_query_after(cursor, parse_common_tables(cursor))


def parse_query_after(cursor: TokenCursor, tables: tuple[tree.CommonTable, ...]) -> tree.Query:
    """Read a query whose WITH has been read."""
    body = _body(cursor)
    order: tuple[tree.OrderItem, ...] = ()
    offset = fetch = None
    if cursor.accept("ORDER", "BY"):
        order = parse_order(cursor)
        if cursor.accept("OFFSET"):
            offset = parse_value(cursor)
            _rows_word(cursor)
            if cursor.accept_any("FETCH"):
                if cursor.accept_any("NEXT", "FIRST") is None:
                    raise cursor.error()
                fetch = parse_value(cursor)
                _rows_word(cursor)
                cursor.expect("ONLY")
    if cursor.at_word("FOR"):
        raise cursor.refuse("FOR XML, JSON or BROWSE")
    parse_options(cursor)
    return tree.Query(body, order, offset, fetch, tables)


def _rows_word(cursor: TokenCursor) -> None:
    if cursor.accept_any("ROW", "ROWS") is None:
        raise cursor.error()


def parse_options(cursor: TokenCursor) -> None:
    """Read OPTION (...): hints for an optimiser that the stand-in does not have."""
    if not cursor.accept("OPTION"):
        return
    cursor.expect_operator("(")
    depth = 1
    while depth:
        if cursor.at_end:
            raise cursor.error()
        token = cursor.advance()
        if token.kind is Kind.LITERAL:
            cursor.baked[token.slot] = token.value
        if token.kind is Kind.OPERATOR and token.value in "()":
            depth += 1 if token.value == "(" else -1


def parse_common_tables(cursor: TokenCursor) -> tuple[tree.CommonTable, ...]:
    """Read WITH name (columns) AS (query), ... if it stands here."""
    if not cursor.accept("WITH"):
        return ()
    tables = []
    while True:
        name = cursor.name()
        columns = parse_names(cursor) if cursor.at_operator("(") else ()
        cursor.expect("AS")
        cursor.expect_operator("(")
        tables.append(tree.CommonTable(name, columns, parse_query(cursor)))
        cursor.expect_operator(")")
        if not cursor.accept_operator(","):
            return tuple(tables)


def parse_names(cursor: TokenCursor) -> tuple[str, ...]:
    """Read (a, b, c)."""
    cursor.expect_operator("(")
    names = [cursor.name()]
    while cursor.accept_operator(","):
        names.append(cursor.name())
    cursor.expect_operator(")")
    return tuple(names)


def _body(cursor: TokenCursor) -> tree.Body:
    left = _intersection(cursor)
    while True:
        if cursor.accept("UNION"):
            operator = "UNION ALL" if cursor.accept("ALL") else "UNION"
        elif cursor.accept("EXCEPT"):
            operator = "EXCEPT"
        else:
            return left
        left = tree.SetOperation(operator, left, _intersection(cursor))


def _intersection(cursor: TokenCursor) -> tree.Body:
    left = _primary(cursor)
    while cursor.accept("INTERSECT"):
        left = tree.SetOperation("INTERSECT", left, _primary(cursor))
    return left


def _primary(cursor: TokenCursor) -> tree.Body:
    if cursor.accept_operator("("):
        inner = _body(cursor)
        cursor.expect_operator(")")
        return inner
    if cursor.at_word("VALUES"):
        return parse_value_rows(cursor)
    return _select(cursor)


def parse_value_rows(cursor: TokenCursor) -> tree.ValueRows:
    """Read VALUES (...), (...)."""
    cursor.expect("VALUES")
    rows = []
    while True:
        cursor.expect_operator("(")
        rows.append(tuple(parse_list(cursor, parse_value)))
        cursor.expect_operator(")")
        if not cursor.accept_operator(","):
            return tree.ValueRows(tuple(rows))


def _select(cursor: TokenCursor) -> tree.Select:
    cursor.expect("SELECT")
    distinct = cursor.accept("DISTINCT")
    if not distinct:
        cursor.accept("ALL")
    top = parse_top(cursor)
    items = [_select_item(cursor)]
    while cursor.accept_operator(","):
        items.append(_select_item(cursor))
    if cursor.at_word("INTO"):
        raise cursor.refuse("SELECT INTO")
    source = parse_sources(cursor) if cursor.accept("FROM") else None
    where = parse_expression(cursor) if cursor.accept("WHERE") else None
    group_by: tuple[ast.Expression, ...] = ()
    if cursor.accept("GROUP", "BY"):
        if cursor.at_word("ALL", "ROLLUP", "CUBE", "GROUPING"):
            raise cursor.refuse(f"GROUP BY {cursor.here.value}")
        group_by = tuple(parse_list(cursor, parse_value))
        if cursor.at_word("WITH") and cursor.ahead().value in {"ROLLUP", "CUBE"}:
            raise cursor.refuse("GROUP BY WITH ROLLUP or CUBE")
    having = parse_expression(cursor) if cursor.accept("HAVING") else None
    return tree.Select(tuple(items), source, where, group_by, having, distinct, top)


def parse_top(cursor: TokenCursor) -> ast.Expression | None:
    """Read TOP (n) or TOP n."""
    if not cursor.accept("TOP"):
        return None
    if cursor.accept_operator("("):
        count = parse_value(cursor)
        cursor.expect_operator(")")
    else:
        if cursor.here.kind is not Kind.LITERAL:
            raise cursor.error()
        token = cursor.advance()
        count = ast.Literal(token.slot, token.type)
    if cursor.at_word("PERCENT") or cursor.at_words("WITH", "TIES"):
        raise cursor.refuse("TOP PERCENT or WITH TIES")
    return count


def _select_item(cursor: TokenCursor) -> tree.SelectItem:
    if cursor.here.kind is Kind.VARIABLE and cursor.ahead().value == "=":
        name = cursor.advance().value
        cursor.advance()
        return tree.SelectItem(parse_value(cursor), variable=name)
    if cursor.at_name and cursor.ahead().kind is Kind.OPERATOR and cursor.ahead().value == "=":
        alias = cursor.name()
        cursor.advance()
        return tree.SelectItem(parse_value(cursor), alias)
    value = parse_value(cursor)
    return tree.SelectItem(value) if isinstance(value, ast.Star) else tree.SelectItem(value, _item_alias(cursor))


def _item_alias(cursor: TokenCursor) -> str | None:
    """An alias, which in a select list may also be a string."""
    named = cursor.accept("AS")
    if cursor.here.kind is Kind.LITERAL and isinstance(cursor.here.value, str):
        return cursor.baked_text()
    return cursor.name() if named else parse_alias(cursor)
