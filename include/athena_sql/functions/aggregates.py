"""Aggregates and window functions (docs: functions/aggregate, functions/window).

approx_distinct and approx_percentile are computed exactly: within the error Trino promises, and the same on every run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from include.athena_sql.attempts import carried_in
from include.athena_sql.calls import AGGREGATES, Modifiers, call, special
from include.athena_sql.casts import coerce
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import compiles, condition, expression, mismatch
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.ordering import order_terms
from include.athena_sql.syntax import is_a, position
from include.athena_sql.types import BIGINT, VARCHAR, decimal

TABLE = """
sum_number(W) -> bigint | CAST(sum($d$1)$f AS BIGINT)
sum_number(double) -> double | sum($d$1)$f
sum_number(real) -> real | CAST(sum($d$1)$f AS FLOAT)
min(T) -> T | min($d$1)$f
max(T) -> T | max($d$1)$f
min(T, bigint) -> array(T) | min($1, $2)$f
max(T, bigint) -> array(T) | max($1, $2)$f
max_by(V, K) -> V | arg_max_null($1, $2)$f
min_by(V, K) -> V | arg_min_null($1, $2)$f
max_by(V, K, bigint) -> array(V) | max_by($1, $2, $3)$f
min_by(V, K, bigint) -> array(V) | min_by($1, $2, $3)$f
avg_number(W) -> double | avg($d$1)$f
avg_number(double) -> double | avg($d$1)$f
avg_number(real) -> real | CAST(avg($d$1)$f AS FLOAT)
arbitrary(T) -> T | any_value($1$o)$f
any_value(T) -> T | any_value($1$o)$f
array_agg(T) -> array(T) | list($d$1$o)$f
count(T) -> bigint | count($d$1)$f
count_if(boolean) -> bigint | count(CASE WHEN $1 THEN 1 END)$f
bool_and(boolean) -> boolean | bool_and($1)$f
every(boolean) -> boolean | bool_and($1)$f
bool_or(boolean) -> boolean | bool_or($1)$f
approx_distinct(T) -> bigint | count(DISTINCT $1)$f
approx_distinct(T, double) -> bigint | count(DISTINCT $1)$f
approx_percentile(W, double) -> W | quantile_disc($1, $2)$f
approx_percentile(double, double) -> double | quantile_disc($1, $2)$f
approx_percentile(W, array(double)) -> array(W) | quantile_disc($1, $2)$f
approx_percentile(double, array(double)) -> array(double) | quantile_disc($1, $2)$f
histogram(T) -> map(T, bigint) | CAST(histogram($1)$f AS $R)
map_agg(K, V) -> map(K, V) | ath_first_entries(list(struct_pack(key := $1, value := $2)$o)$f)
multimap_agg(K, V) -> map(K, array(V)) | ath_gathered_entries(list(struct_pack(key := $1, value := $2)$o)$f)
bitwise_and_agg(bigint) -> bigint | bit_and($1)$f
bitwise_or_agg(bigint) -> bigint | bit_or($1)$f
bitwise_xor_agg(bigint) -> bigint | bit_xor($1)$f
corr(double, double) -> double | corr($1, $2)$f
covar_pop(double, double) -> double | covar_pop($1, $2)$f
covar_samp(double, double) -> double | covar_samp($1, $2)$f
regr_slope(double, double) -> double | regr_slope($1, $2)$f
regr_intercept(double, double) -> double | regr_intercept($1, $2)$f
stddev(double) -> double | stddev_samp($d$1)$f
stddev_samp(double) -> double | stddev_samp($d$1)$f
stddev_pop(double) -> double | stddev_pop($d$1)$f
variance(double) -> double | var_samp($d$1)$f
var_samp(double) -> double | var_samp($d$1)$f
var_pop(double) -> double | var_pop($d$1)$f
geometric_mean(double) -> double | exp(avg(ln($1))$f)
"""

WINDOWS = """
row_number() -> bigint | row_number()$f
rank() -> bigint | rank()$f
dense_rank() -> bigint | dense_rank()$f
percent_rank() -> double | percent_rank()$f
cume_dist() -> double | cume_dist()$f
ntile(bigint) -> bigint | ntile($1)$f
first_value(T) -> T | first_value($1$n)$f
last_value(T) -> T | last_value($1$n)$f
nth_value(T, bigint) -> T | nth_value($1, $2$n)$f
lag(T) -> T | lag($1$n)$f
lag(T, bigint) -> T | lag($1, $2$n)$f
lag(T, bigint, T) -> T | lag($1, $2, $3$n)$f
lead(T) -> T | lead($1$n)$f
lead(T, bigint) -> T | lead($1, $2$n)$f
lead(T, bigint, T) -> T | lead($1, $2, $3$n)$f
"""


@special("count")
def _count(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    if not nodes or is_a(nodes[0], "Star"):
        return Typed(f"count(*){around.filter}{around.over}", BIGINT)
    value = expression(nodes[0], ctx)
    if len(nodes) > 1:
        raise mismatch("count takes one argument", node)
    return Typed(f"count({around.distinct}{value.sql}){around.filter}{around.over}", BIGINT, subquery=value.subquery)


@special("sum", "avg")
def _decimal_or(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    """Sums of decimals have 38 digits, averages the argument's type (docs: functions/aggregate)."""
    name = node.name.lower()
    value = expression(nodes[0], ctx) if len(nodes) == 1 else None
    if value is None or value.type.name != "decimal":
        return call(f"{name}_number", nodes, node, ctx, around)
    kind = decimal(38, value.type.numbers[1]) if name == "sum" else value.type
    inner = f"{name}({around.distinct}{value.sql}){around.filter}{around.over}"
    return Typed(f"CAST({inner} AS DECIMAL({kind.numbers[0]}, {kind.numbers[1]}))", kind)


@special("grouping")
def _grouping(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    del around
    if not nodes:
        raise mismatch("GROUPING takes at least one column", node)
    return Typed(f"grouping({', '.join(expression(n, ctx).sql for n in nodes)})", BIGINT)


@compiles("Anonymous", args="this expressions")
def _plain_call(node: Any, ctx: Context) -> Typed:
    if str(node.name).lower() not in AGGREGATES:
        return _modified(node, ctx, Modifiers())
    return carried_in(_modified(node, replace(ctx, carried=None), Modifiers()), ctx)


def _modified(node: Any, ctx: Context, around: Modifiers) -> Typed:
    """A call with what stands inside its parentheses: DISTINCT and ORDER BY."""
    if not is_a(node, "Anonymous"):
        raise not_supported(f"{type(node).__name__} as an aggregate or window function", at=position(node))
    nodes = list(node.expressions)
    order, distinct = "", ""
    if nodes and is_a(nodes[-1], "Order"):
        order = f" ORDER BY {order_terms(nodes[-1].expressions, ctx)}"
        nodes[-1] = nodes[-1].this
    if nodes and is_a(nodes[0], "Distinct"):
        distinct = "DISTINCT "
        nodes = [*nodes[0].expressions, *nodes[1:]]
    inside = Modifiers(distinct, order, around.nulls, around.filter, around.over)
    return call(str(node.name), nodes, node, ctx, inside)


@compiles("Filter", args="this expression")
def _filtered(node: Any, ctx: Context) -> Typed:
    return carried_in(_around(node, replace(ctx, carried=None), ""), ctx)


@compiles("IgnoreNulls", "RespectNulls", args="this")
def _no_window(node: Any, ctx: Context) -> Typed:
    del ctx
    raise AthenaSqlError("MISSING_OVER", "IGNORE NULLS requires an OVER clause", at=position(node))


def _around(node: Any, ctx: Context, over: str) -> Typed:
    """Unwrap FILTER and IGNORE NULLS, in either order."""
    filtered, nulls = "", ""
    while is_a(node, "Filter", "IgnoreNulls", "RespectNulls"):
        if is_a(node, "Filter"):
            test = condition(node.expression.this, ctx, clause="Filter expression")
            filtered = f" FILTER (WHERE {test.sql})"
        else:
            nulls = " IGNORE NULLS" if is_a(node, "IgnoreNulls") else " RESPECT NULLS"
        node = node.this
    around = Modifiers(nulls=nulls, filter=filtered, over=over)
    if is_a(node, "GroupConcat"):
        return _listagg(node, ctx, around)
    return _modified(node, ctx, around)


@compiles("Window", args="this partition_by order spec over alias")
def _window(node: Any, ctx: Context) -> Typed:
    inner = replace(ctx, carried=None)
    return carried_in(_around(node.this, inner, f" OVER {window_text(node, inner)}"), ctx)


def window_text(node: Any, ctx: Context) -> str:
    """A window's definition in parentheses; a named window is written out."""
    alias = node.args.get("alias")
    if alias is not None:
        name = str(alias.this).lower()
        if name not in ctx.windows or any(node.args.get(a) for a in ("partition_by", "order", "spec")):
            raise AthenaSqlError("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {name}", at=position(node))
        return ctx.windows[name]
    parts = []
    if node.args.get("partition_by"):
        parts.append("PARTITION BY " + ", ".join(expression(n, ctx).sql for n in node.args["partition_by"]))
    if node.args.get("order"):
        parts.append("ORDER BY " + order_terms(node.args["order"].expressions, ctx))
    if node.args.get("spec"):
        parts.append(_frame(node.args["spec"], ctx))
    return f"({' '.join(parts)})"


def _frame(spec: Any, ctx: Context) -> str:
    if spec.args.get("exclude"):
        raise not_supported("EXCLUDE in a window frame", at=position(spec))
    start = _bound(spec.args["start"], spec.args.get("start_side"), ctx)
    end = _bound(spec.args["end"], spec.args.get("end_side"), ctx) if spec.args.get("end") else "CURRENT ROW"
    kind = str(spec.args["kind"]).upper()
    if kind not in {"ROWS", "RANGE", "GROUPS"}:
        raise not_supported(f"A window frame of {kind}", at=position(spec))
    return f"{kind} BETWEEN {start} AND {end}"


def _bound(value: Any, side: str | None, ctx: Context) -> str:
    if value in ("UNBOUNDED", "CURRENT ROW"):
        return f"{value} {side or ''}".strip()
    return f"{expression(value, ctx).sql} {side}"


@compiles("GroupConcat", args="this separator")
def _plain_listagg(node: Any, ctx: Context) -> Typed:
    return carried_in(_listagg(node, replace(ctx, carried=None), Modifiers()), ctx)


def _listagg(node: Any, ctx: Context, around: Modifiers) -> Typed:
    value, order = node.this, ""
    if is_a(value, "Order"):
        order = f" ORDER BY {order_terms(value.expressions, ctx)}"
        value = value.this
    distinct = "DISTINCT " if is_a(value, "Distinct") else ""
    item = expression(value.expressions[0] if distinct else value, ctx)
    separator = expression(node.args["separator"], ctx).sql if node.args.get("separator") else "''"
    if item.type.name not in {"varchar", "unknown"}:
        raise mismatch(f"Expected expression of varchar, but '{value.sql()}' has {item.type} type", node)
    text = coerce(item, VARCHAR).sql
    return Typed(f"string_agg({distinct}{text}, {separator}{order}){around.filter}{around.over}", VARCHAR)
