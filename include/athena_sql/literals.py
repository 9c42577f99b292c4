"""Literals, constructors and the casts written in a query."""

from __future__ import annotations

import re
from typing import Any

from include.athena_sql import casts
from include.athena_sql.attempts import attempted
from include.athena_sql.coercion import common_type
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import compiles, expression, mismatch, typed
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.quoting import identifier, text
from include.athena_sql.syntax import is_a, position, type_text
from include.athena_sql.type_names import to_duckdb
from include.athena_sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_INTERVAL,
    DOUBLE,
    INTEGER,
    JSON,
    MONTH_INTERVAL,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    Type,
    array,
    decimal,
    parse_type,
    row,
)
from include.athena_sql.zones import duckdb_zone


@compiles("Literal", args="this is_string")
def _literal(node: Any, ctx: Context) -> Typed:
    del ctx
    value = str(node.this)
    if node.is_string:
        return Typed(text(value), Type("varchar", (len(value),)), text=value)
    if value.isdigit():
        return _whole(int(value), node)
    if "e" in value.lower():
        return Typed(casts.cast(text(value), DOUBLE), DOUBLE)
    whole, _, fraction = value.partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    if not re.fullmatch(r"[0-9]*", whole + fraction) or digits > 38:
        raise AthenaSqlError("SYNTAX_ERROR", f"Invalid numeric literal: {value}", at=position(node))
    kind = decimal(max(1, digits), len(fraction))
    return Typed(casts.cast(value, kind), kind)


def _whole(value: int, node: Any) -> Typed:
    if value >= 2**63:
        raise AthenaSqlError("SYNTAX_ERROR", f"Invalid numeric literal: {value}", at=position(node))
    return Typed(str(value), INTEGER) if value < 2**31 else Typed(casts.cast(str(value), BIGINT), BIGINT)


@compiles("Boolean", args="this")
def _boolean(node: Any, ctx: Context) -> Typed:
    del ctx
    return Typed("true" if node.this else "false", BOOLEAN)


@compiles("Null", args="")
def _null(node: Any, ctx: Context) -> Typed:
    del node, ctx
    return Typed("NULL", UNKNOWN)


@compiles("HexString", args="this is_integer")
def _hex(node: Any, ctx: Context) -> Typed:
    del ctx
    digits = re.sub(r"\s", "", str(node.this))
    if not re.fullmatch(r"([0-9A-Fa-f]{2})*", digits):
        words = "Binary literal must contain an even number of hexadecimal digits"
        raise AthenaSqlError("SYNTAX_ERROR", words, at=position(node))
    return Typed(f"unhex({text(digits)})", VARBINARY)


@compiles("UnicodeString", args="this escape")
def _unicode(node: Any, ctx: Context) -> Typed:
    del ctx
    mark = re.escape(node.args["escape"].name if node.args.get("escape") else "\\")
    digits = rf"{mark}(?:({mark})|([0-9A-Fa-f]{{4}})|\+([0-9A-Fa-f]{{6}}))"
    value = re.sub(digits, lambda m: m[1] or chr(int(m[2] or m[3], 16)), str(node.this))
    return Typed(text(value), Type("varchar", (len(value),)), text=value)


@compiles("ParseJSON", args="this is_literal")
def _json(node: Any, ctx: Context) -> Typed:
    return Typed(f"ath_json_parse({expression(node.this, ctx).sql})", JSON)


@compiles("Paren", args="this")
def _paren(node: Any, ctx: Context) -> Typed:
    return expression(node.this, ctx)


@compiles("Array", args="expressions")
def _array(node: Any, ctx: Context) -> Typed:
    items = [expression(item, ctx) for item in node.expressions]
    kind = meet(items, node, "All ARRAY elements must be the same type")
    one_zone(items, node)
    values = ", ".join(casts.coerce(item, kind).sql for item in items)
    return typed(f"CAST([{values}] AS {to_duckdb(array(kind))})", array(kind), *items)


def meet(items: list[Typed], node: Any, words: str) -> Type:
    """The common type of several values; raises TYPE_MISMATCH where they have none."""
    kind = UNKNOWN
    for item in items:
        found = common_type(kind, item.type)
        if found is None:
            raise mismatch(f"{words}: {kind}, {item.type}" if words.startswith("All") else words, node)
        kind = found
    return kind


def one_zone(items: list[Typed], node: Any) -> None:
    """Refuse values that would be shown in different zones under one type: the zone is not kept per value."""
    if len({item.type.zone for item in items if item.type.name == TIMESTAMP_TZ.name}) > 1:
        raise not_supported("Times of different zones in one column", at=position(node))


def row_of(items: list[Typed]) -> Typed:
    """An anonymous row."""
    kind = row(tuple(item.type for item in items))
    parts = [f"{identifier(f'field{n}')} := {casts.coerce(item, item.type).sql}" for n, item in enumerate(items)]
    return typed(f"struct_pack({', '.join(parts)})", kind, *items)


@compiles("Tuple", args="expressions")
def _tuple(node: Any, ctx: Context) -> Typed:
    return row_of([expression(item, ctx) for item in node.expressions])


@compiles("Cast", args="this to")
def _cast(node: Any, ctx: Context) -> Typed:
    if node.meta.get("explicit"):
        return cast_to(expression(node.this, ctx), parse_type(type_text(node.to)), node)
    return _typed_literal(str(node.this.this), parse_type(type_text(node.to)), node)


@compiles("TryCast", args="this to safe")
def _try_cast(node: Any, ctx: Context) -> Typed:
    target = parse_type(type_text(node.to))
    return try_cast(node, target, ctx)


def try_cast(node: Any, target: Type, ctx: Context) -> Typed:
    """A cast that gives NULL where the value does not fit; what fails while the value is computed still fails."""
    value = expression(node.this, ctx)
    sql = casts.soft(value.sql, value.type, target)
    if sql is not None:
        return typed(sql, target, value)
    return attempted(lambda inner: cast_to(expression(node.this, inner), target, node), node, ctx)


def cast_to(value: Typed, target: Type, node: Any) -> Typed:
    """CAST; raises TYPE_MISMATCH where Trino has no such cast."""
    zone = _literal_zone(value, target)
    if zone:
        return zone
    sql = casts.explicit(value.sql, value.type, target)
    if sql is None:
        raise mismatch(f"Cannot cast {value.type} to {target}", node)
    zoned = target.in_zone(value.type.zone) if value.type.name == target.name else target
    return typed(sql, zoned, value)


_ZONE = re.compile(r"^(?P<time>[^ ]+ [0-9:.]+)\s*(?P<zone>[A-Za-z+-].*)$")


def _literal_zone(value: Typed, target: Type) -> Typed | None:
    """A constant text with a zone name: the zone is kept, since it is known now."""
    found = _ZONE.match(value.text.strip()) if value.text and target.name == TIMESTAMP_TZ.name else None
    if not found:
        return None
    zone = found["zone"]
    local = casts.explicit(text(found["time"]), VARCHAR, Type("timestamp", target.numbers))
    return Typed(f"timezone({text(duckdb_zone(zone))}, {local})", target.in_zone(zone))


def _typed_literal(value: str, kind: Type, node: Any) -> Typed:
    if kind.name == "decimal":
        whole, _, fraction = value.lstrip("+-").partition(".")
        kind = decimal(max(1, len(whole.lstrip("0")) + len(fraction)), len(fraction))
    elif kind.name.startswith("timestamp"):
        decimals = re.search(r"\.(\d+)", value)
        zoned = bool(_ZONE.match(value.strip()))
        kind = Type(TIMESTAMP_TZ.name if zoned else TIMESTAMP.name, (len(decimals[1]) if decimals else 0,))
    elif kind.name not in {
        "date",
        "bigint",
        "integer",
        "smallint",
        "tinyint",
        "double",
        "real",
        "varchar",
        "ipaddress",
        "boolean",
    }:
        raise not_supported(f"A literal of type {kind}", at=position(node))
    return cast_to(Typed(text(value), VARCHAR, text=value), kind, node)


_DAYS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@compiles("Interval", args="this unit")
def _interval(node: Any, ctx: Context) -> Typed:
    del ctx
    value = node.this.this if is_a(node.this, "Neg") else node.this
    sign = -1 if is_a(node.this, "Neg") else 1
    unit = str(node.args["unit"].name).lower() if is_a(node.args.get("unit"), "Var") else ""
    if not is_a(value, "Literal") or unit not in _DAYS | _MONTHS or not re.fullmatch(r"-?\d+(\.\d+)?", str(value.this)):
        raise not_supported("This form of INTERVAL", at=position(node))
    amount = sign * float(value.this)
    if unit in _MONTHS:
        return Typed(f"to_months({int(amount) * _MONTHS[unit]})", MONTH_INTERVAL)
    return Typed(f"to_milliseconds({round(amount * _DAYS[unit] * 1000)})", DAY_INTERVAL)


@compiles("CurrentTimestamp", args="")
def _now(node: Any, ctx: Context) -> Typed:
    del node, ctx
    return Typed("date_trunc('millisecond', current_timestamp)", TIMESTAMP_TZ)


@compiles("Localtimestamp", args="")
def _local_now(node: Any, ctx: Context) -> Typed:
    del node, ctx
    return Typed("date_trunc('millisecond', timezone('UTC', current_timestamp))", TIMESTAMP)


@compiles("CurrentDate", args="")
def _today(node: Any, ctx: Context) -> Typed:
    del node, ctx
    return Typed("CAST(timezone('UTC', current_timestamp) AS DATE)", DATE)
