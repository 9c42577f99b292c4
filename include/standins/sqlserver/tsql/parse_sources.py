"""What follows FROM: tables, derived tables, joins and hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql.parse_expressions import parse_expression
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

_HINTS = frozenset(
    "NOLOCK READUNCOMMITTED READCOMMITTED READPAST ROWLOCK PAGLOCK TABLOCK TABLOCKX UPDLOCK XLOCK "
    "HOLDLOCK SERIALIZABLE "
    "REPEATABLEREAD NOWAIT".split()
)
_NOT_AN_ALIAS = frozenset(("OUTPUT", "OFFSET", "WITHIN"))


def parse_sources(cursor: TokenCursor) -> tree.Source:
    """Read what follows FROM: tables, derived tables and joins; a comma is a cross join."""
    left = _joined(cursor)
    while cursor.accept_operator(","):
        left = tree.Join("CROSS", left, _joined(cursor), None)
    return left


def _joined(cursor: TokenCursor) -> tree.Source:
    left = _source(cursor)
    while True:
        kind = _join_kind(cursor)
        if kind is None:
            return left
        if kind == "CROSS":
            left = tree.Join(kind, left, _source(cursor), None)
            continue
        right = _joined_until_on(cursor)
        cursor.expect("ON")
        left = tree.Join(kind, left, right, parse_expression(cursor))


def _joined_until_on(cursor: TokenCursor) -> tree.Source:
    """The right side of a join: itself a join when another JOIN comes before its ON (a JOIN b JOIN c ON .. ON ..)."""
    right = _source(cursor)
    while not cursor.at_word("ON"):
        kind = _join_kind(cursor)
        if kind is None:
            raise cursor.error()
        if kind == "CROSS":
            right = tree.Join(kind, right, _source(cursor), None)
            continue
        inner = _joined_until_on(cursor)
        cursor.expect("ON")
        right = tree.Join(kind, right, inner, parse_expression(cursor))
    return right


def _join_kind(cursor: TokenCursor) -> str | None:
    if cursor.accept("JOIN") or cursor.accept("INNER", "JOIN"):
        return "INNER"
    for kind in ("LEFT", "RIGHT", "FULL"):
        if cursor.at_word(kind):
            cursor.advance()
            cursor.accept("OUTER")
            cursor.expect("JOIN")
            return kind
    if cursor.accept("CROSS", "JOIN"):
        return "CROSS"
    if cursor.at_words("CROSS", "APPLY") or cursor.at_words("OUTER", "APPLY"):
        raise cursor.refuse("APPLY")
    if cursor.at_word("PIVOT", "UNPIVOT", "TABLESAMPLE"):
        raise cursor.refuse(str(cursor.here.value))
    return None


def _source(cursor: TokenCursor) -> tree.Source:
    if cursor.at_operator("("):
        return _parenthesised_source(cursor)
    if cursor.here.kind is Kind.VARIABLE:
        raise cursor.refuse("A table variable")
    table = parse_table_name(cursor)
    alias = cursor.name() if cursor.accept("AS") else parse_alias(cursor)
    parse_table_hints(cursor)
    return tree.Table(table, alias)


def parse_table_name(cursor: TokenCursor) -> tuple[str, ...]:
    """Read a table's name with its qualifiers."""
    parts = cursor.names()
    if cursor.at_operator("("):
        if cursor.ahead().kind is Kind.WORD and cursor.ahead().value in _HINTS:
            return parts
        raise cursor.refuse(f"Table-valued function {'.'.join(parts)}")
    return parts


def parse_table_hints(cursor: TokenCursor) -> None:
    """Read WITH (NOLOCK, ...); locking hints change nothing here, all else is refused."""
    if not (cursor.at_word("WITH") and cursor.ahead().value == "("):
        return
    cursor.advance()
    cursor.advance()
    while True:
        if not cursor.at_word(*_HINTS):
            raise cursor.refuse(f"Table hint {cursor.here.text}")
        cursor.advance()
        if not cursor.accept_operator(","):
            break
    cursor.expect_operator(")")


def _parenthesised_source(cursor: TokenCursor) -> tree.Source:
    from include.standins.sqlserver.tsql.parse_queries import parse_names, parse_query

    start = cursor.at
    cursor.expect_operator("(")
    if cursor.at_word("SELECT", "VALUES", "WITH") or cursor.at_operator("("):
        try:
            query = parse_query(cursor)
            cursor.expect_operator(")")
        except SqlError:
            if cursor.tokens[start + 1].value != "(":
                raise
            cursor.back_to(start + 1)
        else:
            cursor.accept("AS")
            alias = cursor.name()
            columns = parse_names(cursor) if cursor.at_operator("(") else ()
            return tree.Derived(query, alias, columns)
    source = parse_sources(cursor)
    cursor.expect_operator(")")
    return source


def parse_alias(cursor: TokenCursor) -> str | None:
    """Read an alias without AS, if one stands here."""
    if cursor.at_name and not (cursor.here.kind is Kind.WORD and cursor.here.value in _NOT_AN_ALIAS):
        return cursor.name()
    return None
