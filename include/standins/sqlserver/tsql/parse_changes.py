"""INSERT, UPDATE, DELETE and TRUNCATE TABLE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql import statements as st
from include.standins.sqlserver.tsql.parse_expressions import parse_expression, parse_value
from include.standins.sqlserver.tsql.parse_queries import (
    parse_common_tables,
    parse_names,
    parse_options,
    parse_query,
    parse_query_after,
    parse_top,
    parse_value_rows,
)
from include.standins.sqlserver.tsql.parse_sources import parse_sources, parse_table_hints, parse_table_name
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor


def parse_with(cursor: TokenCursor) -> st.Statement:
    """Read a statement that begins with common table expressions."""
    tables = parse_common_tables(cursor)
    if cursor.at_word("INSERT"):
        insert = parse_insert(cursor)
        if not isinstance(insert.source, tree.Query):
            raise cursor.error()
        return replace(insert, source=replace(insert.source, tables=(*tables, *insert.source.tables)))
    if cursor.at_word("UPDATE", "DELETE", "MERGE"):
        raise cursor.refuse(f"WITH ... {cursor.here.value}")
    return st.SelectRows(parse_query_after(cursor, tables))


def parse_insert(cursor: TokenCursor) -> st.Insert:
    """Read INSERT [INTO] table (columns) [OUTPUT ...] VALUES ... | SELECT ... | DEFAULT VALUES."""
    cursor.expect("INSERT")
    if cursor.at_word("TOP", "BULK"):
        raise cursor.refuse(f"INSERT {cursor.here.value}")
    cursor.accept("INTO")
    table = cursor.names()
    parse_table_hints(cursor)
    columns = parse_names(cursor) if cursor.at_operator("(") and not _query_in_parentheses(cursor) else ()
    output = _output(cursor)
    if cursor.accept("DEFAULT", "VALUES"):
        return st.Insert(table, columns, None, output)
    if cursor.at_word("EXEC", "EXECUTE"):
        raise cursor.refuse("INSERT ... EXEC")
    if cursor.at_word("VALUES"):
        return st.Insert(table, columns, parse_value_rows(cursor), output)
    return st.Insert(table, columns, parse_query(cursor), output)


def _query_in_parentheses(cursor: TokenCursor) -> bool:
    return cursor.ahead().kind is Kind.WORD and cursor.ahead().value in {"SELECT", "WITH"}


def _output(cursor: TokenCursor) -> tuple[tree.SelectItem, ...]:
    if not cursor.accept("OUTPUT"):
        return ()
    items = []
    while True:
        value = parse_value(cursor)
        alias = cursor.name() if cursor.accept("AS") or (cursor.at_name and not cursor.at_word("FROM")) else None
        items.append(tree.SelectItem(value, alias))
        if not cursor.accept_operator(","):
            break
    if cursor.at_word("INTO"):
        raise cursor.refuse("OUTPUT ... INTO")
    return tuple(items)


def parse_update(cursor: TokenCursor) -> st.Statement:
    """Read UPDATE target SET column = value, ... [OUTPUT ...] [FROM ...] [WHERE ...]."""
    cursor.expect("UPDATE")
    if cursor.at_word("STATISTICS"):
        raise cursor.refuse("UPDATE STATISTICS")
    top = parse_top(cursor)
    target = parse_table_name(cursor)
    parse_table_hints(cursor)
    cursor.expect("SET")
    assignments = [_assignment(cursor)]
    while cursor.accept_operator(","):
        assignments.append(_assignment(cursor))
    output = _output(cursor)
    source = parse_sources(cursor) if cursor.accept("FROM") else None
    where = _where(cursor)
    return st.Update(target, tuple(assignments), source, where, output, top)


def _where(cursor: TokenCursor) -> ast.Expression | None:
    if not cursor.accept("WHERE"):
        parse_options(cursor)
        return None
    if cursor.at_words("CURRENT", "OF"):
        raise cursor.refuse("WHERE CURRENT OF")
    where = parse_expression(cursor)
    parse_options(cursor)
    return where


def _assignment(cursor: TokenCursor) -> st.Assignment:
    if cursor.here.kind is Kind.VARIABLE:
        raise cursor.refuse("UPDATE ... SET @variable")
    column = cursor.names()[-1]
    operator = ""
    if cursor.here.kind is Kind.OPERATOR and cursor.here.value in {"+=", "-=", "*=", "/=", "%="}:
        operator = cursor.advance().value[0]
    else:
        cursor.expect_operator("=")
    return st.Assignment(column, parse_value(cursor), operator)


def parse_delete(cursor: TokenCursor) -> st.Statement:
    """Read DELETE [FROM] target [OUTPUT ...] [FROM ...] [WHERE ...]."""
    cursor.expect("DELETE")
    top = parse_top(cursor)
    cursor.accept("FROM")
    target = parse_table_name(cursor)
    parse_table_hints(cursor)
    output = _output(cursor)
    source = parse_sources(cursor) if cursor.accept("FROM") else None
    return st.Delete(target, source, _where(cursor), output, top)


def parse_truncate(cursor: TokenCursor) -> st.Statement:
    """Read TRUNCATE TABLE name."""
    cursor.expect("TRUNCATE", "TABLE")
    table = cursor.names()
    if cursor.at_word("WITH"):
        raise cursor.refuse("TRUNCATE TABLE ... WITH")
    return st.TruncateTable(table)
