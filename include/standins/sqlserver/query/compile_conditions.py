"""Conditions to SQLite: comparisons in the common type and collation of their sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.collation import COLLATION
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.types import common_type, family

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.tsql import expressions as ast


def comparison(compiler: ExpressionCompiler, node: ast.Comparison) -> Emitted:
    """=, <>, < and their kin."""
    return compiler.compare(node.operator, compiler.value(node.left), compiler.value(node.right))


def logical(compiler: ExpressionCompiler, node: ast.Logical) -> Emitted:
    """AND and OR."""
    left, right = compiler.condition(node.left), compiler.condition(node.right)
    return Emitted(f"({left} {node.operator} {right})", None, condition=True)


def negation(compiler: ExpressionCompiler, node: ast.Not) -> Emitted:
    """NOT."""
    return Emitted(f"(NOT {compiler.condition(node.operand)})", None, condition=True)


def is_null(compiler: ExpressionCompiler, node: ast.IsNull) -> Emitted:
    """IS [NOT] NULL."""
    word = "IS NOT NULL" if node.negated else "IS NULL"
    return Emitted(f"({compiler.value(node.operand).sql} {word})", None, condition=True)


def between(compiler: ExpressionCompiler, node: ast.Between) -> Emitted:
    """BETWEEN: two comparisons, each in its own common type."""
    operand, low, high = (compiler.value(each) for each in (node.operand, node.low, node.high))
    first = compiler.compare(">=", operand, low).sql
    sql = f"({first} AND {compiler.compare('<=', operand, high).sql})"
    return Emitted(f"(NOT {sql})" if node.negated else sql, None, condition=True)


def in_list(compiler: ExpressionCompiler, node: ast.InList) -> Emitted:
    """IN over values."""
    values = compiler.alike(compiler.value(node.operand), *(compiler.value(item) for item in node.items))
    operand = values[0]
    if operand.type is not None and family(operand.type) == "string" and "COLLATE" not in operand.sql:
        operand = Emitted(f"({operand.sql}) COLLATE {COLLATION}", operand.type)
    items = ", ".join(each.sql for each in values[1:])
    return Emitted(f"({operand.sql} {'NOT ' if node.negated else ''}IN ({items}))", None, condition=True)


def in_query(compiler: ExpressionCompiler, node: ast.InQuery) -> Emitted:
    """IN over a query, in the common type of both sides."""
    operand = compiler.value(node.operand)
    query = compiler.queries.query(node.query, compiler.scope)
    if len(query.columns) != 1:
        raise one_column_only()
    common = common_type(operand.type, query.columns[0].type)
    if query.columns[0].type != common:
        query = compiler.queries.query(node.query, compiler.scope, targets=(common,))
    left = compiler.convert(operand, common, comparing=True)
    sql = f"({left.sql}) COLLATE {COLLATION}" if family(common) == "string" else left.sql
    return Emitted(f"({sql} {'NOT ' if node.negated else ''}IN ({query.sql}))", None, condition=True)


def like(compiler: ExpressionCompiler, node: ast.Like) -> Emitted:
    """LIKE."""
    text, pattern = compiler.as_text(compiler.value(node.operand)), compiler.as_text(compiler.value(node.pattern))
    escape = f", {compiler.value(node.escape).sql}" if node.escape is not None else ""
    sql = f"ts_like({text.sql}, {pattern.sql}{escape})"
    return Emitted(f"(NOT {sql})" if node.negated else sql, None, condition=True)


def exists(compiler: ExpressionCompiler, node: ast.Exists) -> Emitted:
    """EXISTS."""
    return Emitted(f"EXISTS ({compiler.queries.query(node.query, compiler.scope).sql})", None, condition=True)


def one_column_only() -> SqlError:
    """116."""
    return SqlError(
        116,
        "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
        ends_batch=True,
    )
