"""Statements that only read: SELECT, the expressions of SET and PRINT, the conditions of IF and WHILE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.compile_queries import QueryCompiler
from include.standins.sqlserver.query.scopes import Scope, result_columns
from include.standins.sqlserver.query.types import INT
from include.standins.sqlserver.results import Column
from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compilation import Compiled, Context

SELECT = 0xC1
"""The DONE token's CurCmd."""


def compile_select(query: tree.Query, context: Context) -> Compiled:
    """Compile a SELECT that returns rows or fills variables."""
    compiled = QueryCompiler(context).query(query)
    assigns: tuple[str, ...] = ()
    body = query.body
    if isinstance(body, tree.Select) and any(item.variable for item in body.items):
        if not all(item.variable for item in body.items):
            raise SqlError(
                141,
                "A SELECT statement that assigns a value to a variable must not be combined with "
                "data-retrieval operations.",
                severity=15,
                ends_batch=True,
            )
        assigns = tuple(item.variable or "" for item in body.items)
        for name in assigns:
            if name not in context.variables:
                raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15, ends_batch=True)
    made = context.compiled(compiled.sql, result_columns(compiled.columns), verb="SELECT", command=SELECT)
    return replace(made, assigns=assigns)


def compile_value(node: ast.Expression, context: Context) -> Compiled:
    """Compile one expression, as of SET @x = ... or PRINT."""
    value = ExpressionCompiler(context, Scope(groups=None), QueryCompiler(context)).value(node)
    return context.compiled(f"SELECT {value.sql}", [Column("", value.type or INT)], verb="SELECT")


def compile_condition(node: ast.Expression, context: Context) -> Compiled:
    """Compile the condition of IF or WHILE."""
    sql = ExpressionCompiler(context, Scope(), QueryCompiler(context)).condition(node)
    return context.compiled(f"SELECT {sql}", [Column("", INT)], verb="SELECT")
