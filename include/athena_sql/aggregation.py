"""GROUP BY with positions, GROUPING SETS, ROLLUP and CUBE (docs: sql/select, GROUP BY)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.athena_sql.dispatch import check_arguments, expression
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.syntax import is_a, literal_number, position

if TYPE_CHECKING:
    from include.athena_sql.context import Column, Context, Typed


@dataclass(frozen=True)
class Item:
    """One output of a SELECT."""

    value: Typed
    column: Column


_SETS = {"GroupingSets": "GROUPING SETS", "Rollup": "ROLLUP", "Cube": "CUBE"}


def group_clause(node: Any, ctx: Context, items: list[Item]) -> tuple[str, set[str] | None]:
    """GROUP BY, and the texts of its plain keys; None for a SELECT that groups nothing."""
    clause = node.args.get("group")
    if clause is None:
        aggregates = any(is_a(part, "Anonymous", "GroupConcat") for item in node.expressions for part in item.walk())
        return "", set() if aggregates else None
    check_arguments(clause, frozenset({"expressions"}))
    texts, keys = [], set()
    for term in clause.expressions:
        texts.append(_term(term, ctx, items))
        if not is_a(term, *_SETS):
            keys.add(texts[-1])
    plain = len(keys) == len(set(texts))
    return f" GROUP BY {', '.join(texts)}", keys if plain else set()


def _term(node: Any, ctx: Context, items: list[Item]) -> str:
    kind = type(node).__name__
    if kind in _SETS:
        check_arguments(node, frozenset({"expressions"}))
        return f"{_SETS[kind]} ({', '.join(_set(part, ctx, items) for part in node.expressions)})"
    if is_a(node, "Tuple"):
        return ", ".join(_key(part, ctx, items) for part in node.expressions) or "()"
    return _key(node, ctx, items)


def _set(node: Any, ctx: Context, items: list[Item]) -> str:
    if is_a(node, *_SETS):
        return _term(node, ctx, items)
    if is_a(node, "Tuple", "Paren"):
        parts = node.expressions if is_a(node, "Tuple") else [node.this]
        return f"({', '.join(_key(part, ctx, items) for part in parts)})"
    return _key(node, ctx, items)


def _key(node: Any, ctx: Context, items: list[Item]) -> str:
    number = literal_number(node)
    if number is None:
        value = expression(node, ctx)
    elif 0 < number <= len(items):
        value, column = items[number - 1].value, items[number - 1].column
        ctx.state.reads |= column.reads  # grouping by an output needs it, whether or not anybody reads that output
    else:
        words = f"GROUP BY position {number} is not in select list"
        raise AthenaSqlError("INVALID_COLUMN_REFERENCE", words, at=position(node))
    if value.subquery:
        raise not_supported("GROUP BY over a subquery", at=position(node))
    return f"CAST({value.sql} AS INTEGER)" if value.sql.isdigit() else value.sql
