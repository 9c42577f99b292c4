"""Conditions that partition columns alone decide: what a table read can skip.

Sound, not complete: a condition is pushed only where every row it drops could not have reached the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from include.athena_sql.columns import name_parts
from include.athena_sql.context import Column, Context, Origin, Relation, TableRef, find_column
from include.athena_sql.dispatch import condition
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.syntax import chain, is_a, parts

_MOST_PATHS = 64
# What a condition on a partition alone cannot hold.
_UNFIT = ("Select", "Union", "Except", "Intersect", "Values", "Lambda", "Window")
Key = tuple[TableRef, tuple[Any, ...]]


def push_where(node: Any, ctx: Context) -> None:
    """Push a WHERE: not to the side of an outer join that can be NULL, since there NULL could pass."""
    _push(node, ctx, [relation for relation in ctx.scope.relations if not relation.nullable])


def push_join(node: Any, ctx: Context, *, side: str, left: list[Relation], right: list[Relation]) -> None:
    """Push an ON: to both sides of an inner join, to the optional side of an outer one."""
    if side == "LEFT":
        _push(node, ctx, right)
    elif side == "RIGHT":
        _push(node, ctx, left)
    elif not side:
        _push(node, ctx, [relation for relation in left + right if not relation.nullable])


def _push(node: Any, ctx: Context, relations: list[Relation]) -> None:
    allowed = {id(column.origin) for relation in relations for column in relation.columns if column.origin}
    for term in chain(node, "And"):
        for key in sorted(_tables(term, ctx, allowed), key=lambda k: (k[0].database, k[0].table, id(k[0]))):
            sql = _implied(term, ctx, key, allowed)
            if sql:
                _attach(key, sql)


def _origins(node: Any, ctx: Context, allowed: set[int]) -> list[Origin | None]:
    """The origin of every column in an expression; None for one that is not a partition column to push to."""
    found: list[Origin | None] = []
    for part in parts(node, "Column"):
        column = _column(part, ctx)
        ok = column is not None and column.origin is not None and id(column.origin) in allowed
        found.append(column.origin if ok and column else None)
    return found


def _column(part: Any, ctx: Context) -> Column | None:
    try:
        column, rest = find_column(replace(ctx, scope=replace(ctx.scope, parent=None)), name_parts(part), (1, 1))
    except AthenaSqlError:
        return None
    return None if rest else column


def _tables(node: Any, ctx: Context, allowed: set[int]) -> set[Key]:
    return {(origin.ref, origin.path) for origin in _origins(node, ctx, allowed) if origin}


def _implied(node: Any, ctx: Context, key: Key, allowed: set[int]) -> str | None:
    """What must hold of the key's partition columns wherever the condition holds."""
    if is_a(node, "Paren"):
        return _implied(node.this, ctx, key, allowed)
    if is_a(node, "And", "Or"):
        word = type(node).__name__
        terms = [_implied(term, ctx, key, allowed) for term in chain(node, word)]
        known = [term for term in terms if term]
        if not known or (word == "Or" and len(known) < len(terms)):
            return None
        return known[0] if len(known) == 1 else f"({f' {word.upper()} '.join(known)})"
    origins = _origins(node, ctx, allowed)
    alone = origins and all(origin and (origin.ref, origin.path) == key for origin in origins)
    if not alone or parts(node, *_UNFIT):
        return None
    with ctx.state.collecting():
        return condition(node, replace(ctx, bare=True), clause="WHERE clause").sql


def _attach(key: Key, sql: str) -> None:
    ref, path = key
    if not path:
        ref.conjuncts.append(sql)
        return
    path[-1].conjuncts.setdefault((ref, path[:-1]), []).append(sql)


def pushed(ref: TableRef) -> str | None:
    """The condition on one mention of a table: its own, and what every way to it through WITH queries adds."""
    ways = _ways(ref, ref.container, ())
    if ways is None:
        return _all(ref.conjuncts)
    return either([_all([*ref.conjuncts, *way]) for way in ways])


def _ways(ref: TableRef, container: Any, path: tuple[Any, ...]) -> list[list[str]] | None:
    """Per way from the table out to the result, the conditions met on it; None when there are too many."""
    if container is None:
        return [[]]
    ways = []
    for use in container.uses:
        here = use.conjuncts.get((ref, path), [])
        outer = _ways(ref, use.container, (*path, use))
        if outer is None:
            return None
        ways += [here + rest for rest in outer]
    return ways if len(ways) <= _MOST_PATHS else None


def _all(terms: list[str]) -> str | None:
    unique = list(dict.fromkeys(terms))
    return " AND ".join(unique) if unique else None


def either(conditions: list[str | None]) -> str | None:
    """One of several conditions; None, no condition, wins."""
    if not conditions or None in conditions:
        return None
    unique = list(dict.fromkeys(c for c in conditions if c))
    return unique[0] if len(unique) == 1 else " OR ".join(f"({c})" for c in unique)
