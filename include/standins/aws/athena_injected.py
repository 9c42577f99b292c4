"""Injected projection: a query must say which values it wants.

Source: Athena user guide, "Supported types for partition projection", injected type.
"""

from __future__ import annotations

from sqlglot import exp, parse_one

from include.standins.aws.athena_errors import QueryFailedError


def require_equality(predicate: str | None, *, column: str, table: str) -> None:
    """Raise CONSTRAINT_VIOLATION unless the pushed predicate pins the column to literals."""
    if predicate is None or not _pins(parse_one(predicate, dialect="duckdb"), column):
        raise QueryFailedError(
            "CONSTRAINT_VIOLATION",
            f"For the injected projected partition column {column} of {table}, the WHERE clause must contain only "
            "static equality conditions, and at least one such condition must be present",
        )


def _pins(node: exp.Expression, column: str) -> bool:
    if isinstance(node, exp.Paren):
        return _pins(node.this, column)
    if isinstance(node, exp.And):
        return _pins(node.left, column) or _pins(node.right, column)
    if isinstance(node, exp.Or):
        return _pins(node.left, column) and _pins(node.right, column)
    if isinstance(node, exp.EQ):
        return (_is(node.left, column) and _constant(node.right)) or (_is(node.right, column) and _constant(node.left))
    if isinstance(node, exp.In):
        return _is(node.this, column) and bool(node.expressions) and all(map(_constant, node.expressions))
    return False


def _is(node: exp.Expression, column: str) -> bool:
    return isinstance(node, exp.Column) and node.name.lower() == column


def _constant(node: exp.Expression) -> bool:
    return node.find(exp.Column) is None
