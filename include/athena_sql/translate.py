"""An Athena query as DuckDB SQL, with what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from include.athena_sql import catalogue, columns, selects, subqueries  # the allow-lists register themselves
from include.athena_sql.casts import explicit
from include.athena_sql.context import Context, Lookup, Read, Scope, State, TableRef
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.pruning import either, pushed
from include.athena_sql.queries import Query, query
from include.athena_sql.quoting import identifier, select
from include.athena_sql.schema import TableRead, TableSchema, Translation
from include.athena_sql.syntax import parse_query
from include.athena_sql.types import VARCHAR, Type

Schemas = Callable[[str | None, str], TableSchema] | Mapping[Any, TableSchema]
REGISTERED = (catalogue, columns, selects, subqueries)


def translate_query(sql: str, *, schemas: Schemas, default_database: str = "default") -> Translation:
    """Translate one SELECT, WITH or VALUES query from Athena's SQL to DuckDB's.

    `schemas` is a function of database and table that raises KeyError (or returns None) for a table that does not
    exist, or a mapping by ``(database, table)``, ``"database.table"`` or ``"table"``. The text runs on a connection of
    `connect`. Raises AthenaSqlError, in Athena's words, for everything that Athena or this engine would not run.
    """
    state = State(_lookup(schemas, default_database.lower()), default_database.lower())
    ctx = Context(state, Scope())
    tree = parse_query(sql)
    try:
        text, result = _whole(tree, ctx)
    except RecursionError:
        raise AthenaSqlError("SYNTAX_ERROR", "statement is too large (stack overflow during analysis)") from None
    reads = state.reads.union(*(column.reads for column in result.columns))
    names = tuple(column.name or f"_col{n}" for n, column in enumerate(result.columns))
    return Translation(text, _tables(reads), names, tuple(str(column.type) for column in result.columns))


def _lookup(schemas: Schemas, default: str) -> Lookup:
    if callable(schemas):
        return schemas
    table = schemas

    def find(database: str | None, name: str) -> TableSchema:
        keys = [(database, name), f"{database}.{name}"] + ([name] if database == default else [])
        for key in keys:
            if key in table:
                return table[key]
        raise KeyError(name)

    return find


def _whole(tree: Any, ctx: Context) -> tuple[str, Query]:
    """The query with its own output names; where Athena prints what DuckDB cannot hold, a text is made of it."""
    plain = query(tree, ctx, top=True)
    shown = [_shown(f"result.c{n}", column.type) for n, column in enumerate(plain.columns)]
    if not any(shown):
        return plain.sql, plain
    fresh = Context(State(ctx.state.lookup, ctx.state.default_database), Scope())
    inner = query(tree, fresh)
    cells = ", ".join(
        f"{text or f'result.c{n}'} AS {identifier(column.name or f'_col{n}')}"
        for n, (text, column) in enumerate(zip(shown, plain.columns, strict=True))
    )
    return select(cells, f"({inner.sql}) AS result"), plain


def _shown(sql: str, kind: Type) -> str | None:
    if kind.name == "timestamp with time zone" and kind.zone not in {"UTC", "Z"}:
        return explicit(sql, kind, VARCHAR)
    if kind.name == "interval day to second":
        return f"ath_day_interval_text({sql})"
    return f"ath_month_interval_text({sql})" if kind.name == "interval year to month" else None


def _tables(reads: set[Read]) -> tuple[TableRead, ...]:
    """Reads by table: columns together, conditions joined by OR over the mentions."""
    columns: dict[tuple[str, str], set[str]] = {}
    refs: dict[tuple[str, str], dict[TableRef, None]] = {}
    for ref, column in reads:
        key = (ref.database, ref.table)
        columns.setdefault(key, set()).update({column} - {""})
        refs.setdefault(key, {})[ref] = None
    return tuple(
        TableRead(*key, tuple(sorted(columns[key])), either(sorted_conditions([pushed(ref) for ref in refs[key]])))
        for key in sorted(columns)
    )


def sorted_conditions(conditions: list[str | None]) -> list[str | None]:
    """The same conditions in a fixed order: a set gave them."""
    return sorted(conditions, key=lambda condition: condition or "")
