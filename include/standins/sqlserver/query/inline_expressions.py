"""DEFAULT and CHECK: expressions kept as text, compiled with their literals built in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import not_modelled
from include.standins.sqlserver.query.compilation import Context, Emitted
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.compile_queries import QueryCompiler
from include.standins.sqlserver.query.scopes import Scope
from include.standins.sqlserver.tsql.cursor import TokenCursor
from include.standins.sqlserver.tsql.parse_expressions import parse_expression
from include.standins.sqlserver.tsql.tokens import Kind, tokenize

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql import expressions as ast


def inline_compiler(text: str, context: Context, scope: Scope | None = None) -> tuple[Emitted, ExpressionCompiler]:
    """Compile the text of a DEFAULT; its literals are built into the SQL, all else binds to `context`."""
    node, values = read_expression(text)
    inner = Context(
        context.schema, context.database, {}, values, context.foreign_table, bindings=context.bindings, inline=True
    )
    compiler = ExpressionCompiler(inner, scope or Scope(), QueryCompiler(inner))
    return compiler.value(node), compiler


def inline_condition(text: str, context: Context, scope: Scope) -> str:
    """Compile the text of a CHECK with its literals built in."""
    node, values = read_expression(text)
    inner = Context(context.schema, context.database, {}, values, context.foreign_table, inline=True)
    sql = ExpressionCompiler(inner, scope, QueryCompiler(inner)).condition(node)
    if inner.bindings or inner.foreign:
        raise not_modelled("A CHECK constraint that depends on the session or another table")
    return sql


def read_expression(text: str) -> tuple[ast.Expression, list[object]]:
    """Parse the text of an expression and return it with the values of its literals."""
    tokens = tokenize(text)
    cursor = TokenCursor(tokens)
    node = parse_expression(cursor)
    if not cursor.at_end:
        raise cursor.error()
    return node, [token.value for token in tokens if token.kind is Kind.LITERAL]
