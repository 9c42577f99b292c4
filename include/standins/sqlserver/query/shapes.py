"""Structural questions about expressions: are two the same, does one contain an aggregate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AGGREGATES = frozenset("COUNT COUNT_BIG SUM AVG MIN MAX STRING_AGG CHECKSUM_AGG STDEV STDEVP VAR VARP".split())


def children(node: Any) -> Iterator[Any]:
    """The expressions directly inside a node, not those of its subqueries."""
    for each in dataclasses.fields(node):
        yield from _flat(getattr(node, each.name))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _flat(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, tree.Query):
        yield value


def has_aggregate(node: Any) -> bool:
    """Whether an aggregate (not a window function) stands in the expression itself."""
    if isinstance(node, ast.Call) and node.name in AGGREGATES and node.over is None:
        return True
    return any(has_aggregate(child) for child in children(node))


def shape(node: Any, column: Callable[[tuple[str, ...]], object | None], literal: Callable[[int], Any]) -> object:
    """Return a value that is equal for equal expressions.

    :param column: gives a column's identity.
    :param literal: gives a literal's value.
    """
    if isinstance(node, ast.Name):
        found = column(node.parts)
        return ("column", *found) if isinstance(found, tuple) else ("outer", node.parts)
    if isinstance(node, ast.Literal):
        return ("literal", node.type.name, literal(node.slot))
    if isinstance(node, tuple):
        return tuple(shape(item, column, literal) for item in node)
    if isinstance(node, tree.Query):
        return ("query", id(node))
    if dataclasses.is_dataclass(node):
        parts = (getattr(node, each.name) for each in dataclasses.fields(node))
        return (type(node).__name__, *(shape(part, column, literal) for part in parts))
    return node
