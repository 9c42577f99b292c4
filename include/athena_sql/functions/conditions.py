"""Conditionals and functions of any type (docs: functions/conditional, functions/comparison, functions/conversion)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.athena_sql.attempts import attempted
from include.athena_sql.calls import Modifiers, call, special
from include.athena_sql.casts import coerce, to_json
from include.athena_sql.coercion import common_type
from include.athena_sql.context import Typed
from include.athena_sql.dispatch import compiles, expression, mismatch, typed
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.literals import meet, one_zone, row_of, try_cast
from include.athena_sql.operators import concatenated
from include.athena_sql.quoting import text
from include.athena_sql.syntax import is_a, position, type_text
from include.athena_sql.types import VARCHAR, parse_type

if TYPE_CHECKING:
    from include.athena_sql.context import Context


def _values(nodes: list[Any], node: Any, ctx: Context, around: Modifiers, least: int) -> list[Typed]:
    if around.any or len(nodes) < least:
        raise mismatch(f"{node.name} takes {least} or more arguments and no aggregate clauses", node)
    return [expression(n, ctx) for n in nodes]


@special("coalesce")
def _coalesce(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    items = _values(nodes, node, ctx, around, 2)
    kind = meet(items, node, "All COALESCE operands must be the same type")
    one_zone(items, node)
    return typed(f"coalesce({', '.join(coerce(item, kind).sql for item in items)})", kind, *items)


@special("nullif")
def _nullif(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    first, second = _values(nodes, node, ctx, around, 2)
    kind = common_type(first.type, second.type)
    if kind is None:
        raise mismatch(f"Types are not comparable with NULLIF: {first.type} vs {second.type}", node)
    same = f"{coerce(first, kind).sql} = {coerce(second, kind).sql}"
    return typed(f"(CASE WHEN {same} THEN NULL ELSE {first.sql} END)", first.type, first, second)


@special("greatest", "least")
def _extreme(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    """NULL as soon as one argument is NULL; DuckDB would leave NULLs out."""
    items = _values(nodes, node, ctx, around, 1)
    kind = meet(items, node, "All arguments must be the same type")
    one_zone(items, node)
    values = [coerce(item, kind).sql for item in items]
    known = " AND ".join(f"{value} IS NOT NULL" for value in values)
    return typed(f"(CASE WHEN {known} THEN {node.name.lower()}({', '.join(values)}) END)", kind, *items)


@special("try")
def _try(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    if len(nodes) != 1:
        raise mismatch("try takes one argument", node)
    return _mild(nodes[0], ctx) or attempted(lambda inner: _values(nodes, node, inner, around, 1)[0], node, ctx)


_SIMPLE = ("Column", "Identifier", "Literal", "Paren", "Neg")
_MILD = ("ath_divide", "ath_modulo", "ath_subscript", "ath_map_subscript")


def _mild(node: Any, ctx: Context) -> Typed | None:
    """The common uses of try, a division or a subscript over plain columns, without DuckDB's slow TRY."""
    inner = node.unnest()
    if is_a(inner, "Cast") and inner.meta.get("explicit") and _simple(inner.this):
        return try_cast(inner, parse_type(type_text(inner.to)), ctx)
    parts = [inner.this, *inner.expressions, *([inner.args["expression"]] if inner.args.get("expression") else [])]
    if not is_a(inner, "Div", "Mod", "Bracket") or not all(_simple(part) for part in parts):
        return None
    value = expression(inner, ctx)
    macro = value.sql.partition("(")[0]
    return replace(value, sql=value.sql.replace("ath_", "ath_try_", 1)) if macro in _MILD else None


def _simple(node: Any) -> bool:
    return all(is_a(part, *_SIMPLE) for part in node.walk())


@special("row")
def _row(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    return row_of(_values(nodes, node, ctx, around, 1))


@special("typeof")
def _typeof(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    (value,) = _values(nodes[:1], node, ctx, around, 1)
    return Typed(text(str(value.type)), VARCHAR)


@special("concat")
def _concat(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    return concatenated(_values(nodes, node, ctx, around, 2), node)


@special("format")
def _format(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    pattern, *items = _values(nodes, node, ctx, around, 2)
    parts = []
    for item in items:
        shown = to_json(
            coerce(item, VARCHAR).sql if item.type.name == "unknown" else item.sql,
            item.type if item.type.name != "unknown" else VARCHAR,
        )
        if shown is None or item.type.items:
            raise not_supported(f"format of {item.type}", at=position(node))
        parts.append(shown)
    values = f"CAST(to_json([{', '.join(parts)}]) AS VARCHAR)"
    return typed(f"ath_format({pattern.sql}, {values})", VARCHAR, pattern, *items)


@special("current_timestamp", "localtimestamp")
def _with_precision(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    del nodes, ctx, around
    raise not_supported(f"{node.name} with a precision", at=position(node))


@compiles("Trim", args="this expression position")
def _trim(node: Any, ctx: Context) -> Typed:
    names = {"LEADING": "ltrim", "TRAILING": "rtrim"}
    nodes = [node.this] + ([node.expression] if node.args.get("expression") else [])
    return call(names.get(str(node.args.get("position")), "trim"), nodes, node, ctx)


@compiles("Substring", args="this start length")
def _substring(node: Any, ctx: Context) -> Typed:
    nodes = [node.args[name] for name in ("this", "start", "length") if node.args.get(name) is not None]
    return call("substring", nodes, node, ctx)


@compiles("StrPosition", args="this substr")
def _position(node: Any, ctx: Context) -> Typed:
    return call("strpos", [node.this, node.args["substr"]], node, ctx)


@compiles("Normalize", args="this form")
def _normalize(node: Any, ctx: Context) -> Typed:
    value = expression(node.this, ctx)
    form = str(node.args["form"].name).upper() if node.args.get("form") else "NFC"
    if form not in {"NFC", "NFD", "NFKC", "NFKD"} or value.type.name != "varchar":
        raise AthenaSqlError("INVALID_FUNCTION_ARGUMENT", f"Unsupported normalization form: {form}", at=position(node))
    return typed(f"ath_normalize({value.sql}, {text(form)})", VARCHAR, value)


@compiles("Identifier", args="this quoted")
def _parameter(node: Any, ctx: Context) -> Typed:
    """A lambda's parameter."""
    name = str(node.this).lower()
    if name not in ctx.lambdas:
        raise AthenaSqlError("COLUMN_NOT_FOUND", f"Column '{name}' cannot be resolved", at=position(node))
    return ctx.lambdas[name]
