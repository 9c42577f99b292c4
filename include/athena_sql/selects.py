"""One SELECT: its items, GROUP BY, HAVING, windows and order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from include.athena_sql.aggregation import Item, group_clause
from include.athena_sql.context import Column, Context, Scope, Typed
from include.athena_sql.dispatch import check_arguments, condition, expression
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.functions.aggregates import window_text
from include.athena_sql.queries import Query, body, limit_text, order_text, output_name
from include.athena_sql.relations import from_clause, where_clause
from include.athena_sql.syntax import is_a, parts, position
from include.athena_sql.types import UNKNOWN

_CLAUSES = frozenset("expressions from_ joins where group having windows distinct order limit offset with_".split())


@body("Select")
def select(node: Any, ctx: Context, top: bool) -> Query:
    """Translate one SELECT; `ctx.scope` is the scope around it."""
    check_arguments(node, _CLAUSES)
    if not node.expressions:
        raise AthenaSqlError("SYNTAX_ERROR", "mismatched input: SELECT needs at least one output", at=position(node))
    inner = ctx.inside(Scope(parent=ctx.scope))
    source = from_clause(node, inner)
    where = where_clause(node, inner)
    inner = _with_windows(node, inner)
    items = _items(node, inner)
    group, keys = group_clause(node, inner, items)
    having = _having(node, inner)
    distinct = _distinct(node)
    order = _order(node, inner, items, distinct=distinct)
    if distinct or node.args.get("order"):
        ctx.state.reads.update(*(item.column.reads for item in items))
    shown = ", ".join(f"{_shown(item.value)} AS {output_name(item.column, n, top=top)}" for n, item in enumerate(items))
    sql = f"SELECT {'DISTINCT ' if distinct else ''}{shown}{source}{where}{group}{having}{order}{limit_text(node)}"
    return Query(sql, [_output(item, n, node, keys) for n, item in enumerate(items)])


def _shown(value: Typed) -> str:
    return f"CAST({value.sql} AS INTEGER)" if value.type == UNKNOWN else value.sql


def _output(item: Item, index: int, node: Any, keys: set[str] | None) -> Column:
    """An output passes a partition column on where dropping source rows cannot change other rows."""
    origin = item.column.origin
    cut = node.args.get("limit") or node.args.get("offset") or parts(node, "Window")
    if cut or (keys is not None and item.value.sql not in keys):
        origin = None
    return replace(item.column, sql=f"c{index}", origin=origin)


def _with_windows(node: Any, ctx: Context) -> Context:
    windows: dict[str, str] = {}
    for window in node.args.get("windows") or []:
        windows[str(window.this.this).lower()] = window_text(window, replace(ctx, windows=windows))
    return replace(ctx, windows=windows)


def _distinct(node: Any) -> bool:
    distinct = node.args.get("distinct")
    if distinct is not None:
        check_arguments(distinct, frozenset())
    return distinct is not None


def _having(node: Any, ctx: Context) -> str:
    clause = node.args.get("having")
    return f" HAVING {condition(clause.this, ctx, clause='HAVING clause').sql}" if clause else ""


def _order(node: Any, ctx: Context, items: list[Item], *, distinct: bool) -> str:
    """ORDER BY sees the output names first, then the source."""
    outputs: dict[str, Typed] = {}
    for item in items:
        if item.column.name is not None:
            outputs.setdefault(item.column.name.lower(), item.value)
    scope = replace(ctx.scope, outputs=outputs)
    return order_text(node, replace(ctx, scope=scope), [item.value for item in items], distinct=distinct)


def _items(node: Any, ctx: Context) -> list[Item]:
    items: list[Item] = []
    for part in node.expressions:
        if is_a(part, "Star") or (is_a(part, "Column") and is_a(part.this, "Star")):
            items += _star(part, ctx)
        else:
            items.append(_item(part, ctx))
    return items


def _item(node: Any, ctx: Context) -> Item:
    inner, name = node, None
    if is_a(node, "Alias"):
        check_arguments(node, frozenset({"this", "alias"}))
        inner, name = node.this, str(node.args["alias"].this)
    elif is_a(node, "Column"):
        name = str(node.this.this)
    elif is_a(node, "Dot"):
        name = str(node.expression.this)
    with ctx.state.collecting() as reads:
        value = expression(inner, ctx)
    return Item(value, Column(name, value.sql, value.type, frozenset(reads), _origin(inner, value, ctx)))


def _origin(node: Any, value: Typed, ctx: Context) -> Any:
    if not is_a(node, "Column"):
        return None
    for column in [*ctx.scope.merged.values(), *(c for r in ctx.scope.relations if not r.nullable for c in r.columns)]:
        if column.sql == value.sql:
            return column.origin
    return None


def _star(node: Any, ctx: Context) -> list[Item]:
    check_arguments(node, frozenset({"this", "table", "db", "catalog"}))
    columns = _star_columns(node, ctx)
    if not columns:
        raise AthenaSqlError("SYNTAX_ERROR", "SELECT * not allowed in queries without FROM clause", at=position(node))
    return [
        Item(Typed(c.sql, c.type), replace(c, origin=c.origin if not nullable else None)) for c, nullable in columns
    ]


def _star_columns(node: Any, ctx: Context) -> list[tuple[Column, bool]]:
    qualifier = tuple(str(node.args[k].this).lower() for k in ("catalog", "db", "table") if node.args.get(k))
    relations = [r for r in ctx.scope.relations if r.answers_to(qualifier)]
    if qualifier and not relations:
        raise AthenaSqlError("TABLE_NOT_FOUND", f"Unable to resolve reference {'.'.join(qualifier)}", at=position(node))
    merged = {} if qualifier else ctx.scope.merged
    rest = [
        (c, r.nullable) for r in relations for c in r.columns if not c.hidden and (c.name or "").lower() not in merged
    ]
    return [(column, False) for column in merged.values()] + rest
