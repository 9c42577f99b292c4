"""Arithmetic, comparison and logic (docs: functions/math, functions/comparison, functions/logical, language/types)."""

from __future__ import annotations

from typing import Any

from include.athena_sql.casts import cast, coerce, local_time
from include.athena_sql.coercion import as_decimal, can_coerce, common_type
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import compiles, condition, expression, mismatch, typed
from include.athena_sql.errors import not_supported
from include.athena_sql.literals import meet, one_zone
from include.athena_sql.quoting import text
from include.athena_sql.syntax import chain, is_a, position
from include.athena_sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_INTERVAL,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    WHOLE_DIGITS,
    Type,
    array,
    decimal,
)
from include.athena_sql.zones import duckdb_zone

_ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%"}
_COMPARISON = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_DISTINCT = {"NullSafeEQ": "IS NOT DISTINCT FROM", "NullSafeNEQ": "IS DISTINCT FROM"}
_ORDER = ("<", "<=", ">", ">=")
_UNORDERED = ("map", "json", "ipaddress")
_INTERVALS = ("interval day to second", "interval year to month")


@compiles(*_ARITHMETIC, args="this expression")
def _arithmetic(node: Any, ctx: Context) -> Typed:
    sign = _ARITHMETIC[type(node).__name__]
    left, right = expression(node.this, ctx), expression(node.expression, ctx)
    result = _times(sign, left, right) or _numbers(sign, left, right)
    if result is None:
        raise mismatch(f"Cannot apply operator: {left.type} {sign} {right.type}", node)
    return typed(result.sql, result.type, left, right)


def _numbers(sign: str, left: Typed, right: Typed) -> Typed | None:
    kind = common_type(left.type, right.type)
    if kind is None or kind.name not in {*WHOLE_DIGITS, "decimal", "double", "real", "unknown"}:
        return None
    if kind.name == "decimal":
        return decimal_arithmetic(sign, left, right)
    kind = kind if kind != UNKNOWN else Type("integer")
    a, b = coerce(left, kind).sql, coerce(right, kind).sql
    if kind.name in WHOLE_DIGITS and sign in "/%":
        return Typed(f"{'ath_divide' if sign == '/' else 'ath_modulo'}({a}, {b})", kind)
    return Typed(f"({a} {sign} {b})", kind)


def decimal_arithmetic(sign: str, left: Typed, right: Typed) -> Typed:
    """Decimals by Trino's rules for precision and scale (docs: functions/decimal)."""
    a, b = _as_decimal(left, right.type), _as_decimal(right, left.type)
    (p1, s1), (p2, s2) = a.type.numbers, b.type.numbers
    if sign == "*":
        kind = decimal(p1 + p2, s1 + s2)
    elif sign == "/":
        return _divide(a, b)
    elif sign == "%":
        kind = decimal(min(p2 - s2, p1 - s1) + max(s1, s2), max(s1, s2))
        return Typed(cast(f"ath_modulo({a.sql}, {b.sql})", kind), kind)
    else:
        kind = decimal(max(s1, s2) + max(p1 - s1, p2 - s2) + 1, max(s1, s2))
    return Typed(cast(f"({a.sql} {sign} {b.sql})", kind), kind)


def _as_decimal(value: Typed, other: Type) -> Typed:
    return coerce(value, as_decimal(other if value.type == UNKNOWN else value.type))


def _divide(a: Typed, b: Typed) -> Typed:
    """Exact division on unscaled integers: DuckDB would divide decimals as doubles."""
    (p1, s1), (p2, s2) = a.type.numbers, b.type.numbers
    scale = max(s1, s2)
    kind = decimal(p1 + s2 + max(s2 - s1, 0), scale)
    shift = scale - s1 + s2
    if p1 + shift > 37 or p2 > 37 or kind.numbers[0] + scale > 37:
        raise not_supported(f"A division of {a.type} by {b.type}")
    dividend = f"({_unscaled(a)} * {10**shift}::HUGEINT)"
    whole = f"ath_divide_half_up({dividend}, {_unscaled(b)})"
    factor = f"CAST({text(f'{10**-scale:.{scale}f}')} AS DECIMAL({scale + 1}, {scale}))"
    return Typed(cast(f"CAST({whole} AS DECIMAL({kind.numbers[0]}, 0)) * {factor}", kind), kind)


def _unscaled(value: Typed) -> str:
    scale = value.type.numbers[1]
    return (
        f"CAST({value.sql} * {10**scale}::DECIMAL({scale + 1}, 0) AS HUGEINT)"
        if scale
        else f"CAST({value.sql} AS HUGEINT)"
    )


def _times(sign: str, left: Typed, right: Typed) -> Typed | None:
    if left.type.name in _INTERVALS and right.type.name not in _INTERVALS and sign in "+*":
        left, right = right, left
    interval = right.type.name in _INTERVALS
    if sign in "+-" and interval and left.type.name == right.type.name:
        return Typed(f"({left.sql} {sign} {right.sql})", left.type)
    if sign in "+-" and interval and left.type.name in {"date", "timestamp", "timestamp with time zone"}:
        return shifted(left, f"{sign} {right.sql}")
    if sign == "*" and interval and left.type.name in WHOLE_DIGITS:
        return Typed(f"({right.sql} * {coerce(left, BIGINT).sql})", right.type)
    if (
        sign == "-"
        and left.type.name == right.type.name
        and left.type.name in {"date", "timestamp", "timestamp with time zone"}
    ):
        return Typed(f"to_milliseconds(date_sub('millisecond', {right.sql}, {left.sql}))", DAY_INTERVAL)
    return None


def shifted(value: Typed, change: str) -> Typed:
    """A date or time moved by an interval on its zone's wall clock; a date stays a date."""
    if value.type == DATE:
        return Typed(f"CAST({value.sql} {change} AS DATE)", DATE)
    if value.type.name == TIMESTAMP_TZ.name and value.type.zone != "UTC":
        return Typed(f"timezone({text(duckdb_zone(value.type.zone))}, {local_time(value)} {change})", value.type)
    return Typed(f"({value.sql} {change})", value.type)


@compiles("Neg", args="this")
def _negative(node: Any, ctx: Context) -> Typed:
    value = expression(node.this, ctx)
    if value.type.name not in {*WHOLE_DIGITS, "decimal", "double", "real", *_INTERVALS}:
        raise mismatch(f"Cannot negate {value.type}", node)
    return typed(f"(- {value.sql})", value.type, value)


@compiles("DPipe", args="this expression")
def _concat(node: Any, ctx: Context) -> Typed:
    return concatenated([expression(node.this, ctx), expression(node.expression, ctx)], node)


def concatenated(items: list[Typed], node: Any) -> Typed:
    """Texts, binaries, or arrays with arrays or elements, one after another; NULL makes all NULL."""
    holders = [item.type for item in items if item.type.name == "array"]
    if holders:
        return _concatenated_arrays(items, holders[0], node)
    kind = VARBINARY if any(item.type == VARBINARY for item in items) else VARCHAR
    if not all(can_coerce(item.type, kind) for item in items):
        raise mismatch(f"Cannot apply operator: {' || '.join(str(item.type) for item in items)}", node)
    return typed(f"({' || '.join(coerce(item, kind).sql for item in items)})", kind, *items)


def _concatenated_arrays(items: list[Typed], first: Type, node: Any) -> Typed:
    element = first.items[0]
    for item in items:
        kind = item.type.items[0] if item.type.name == "array" else item.type
        element = common_type(element, kind) or element
    parts = []
    for item in items:
        whole = can_coerce(item.type, array(element)) and item.type.name == "array"
        if not whole and not can_coerce(item.type, element):
            raise mismatch(f"Cannot apply operator: {' || '.join(str(i.type) for i in items)}", node)
        parts.append(coerce(item, array(element)).sql if whole else f"[{coerce(item, element).sql}]")
    return typed(f"({' || '.join(parts)})", array(element), *items)


@compiles(*_COMPARISON, *_DISTINCT, args="this expression")
def _compare(node: Any, ctx: Context) -> Typed:
    sign = (_COMPARISON | _DISTINCT)[type(node).__name__]
    left, right = expression(node.this, ctx), expression(node.expression, ctx)
    kind = common_type(left.type, right.type)
    quantified = is_a(node.expression, "Any", "All")  # its text is ANY (query): nothing can be cast there
    if kind is None or (sign in _ORDER and kind.name in _UNORDERED) or (quantified and kind != right.type):
        raise mismatch(f"Cannot apply operator: {left.type} {sign} {right.type}", node)
    return typed(f"({coerce(left, kind).sql} {sign} {coerce(right, kind).sql})", BOOLEAN, left, right)


@compiles("And", "Or", args="this expression")
def _logic(node: Any, ctx: Context) -> Typed:
    word = type(node).__name__
    terms = [condition(term, ctx, clause="Logical expression term") for term in chain(node, word)]
    return typed(f"({f' {word.upper()} '.join(term.sql for term in terms)})", BOOLEAN, *terms)


@compiles("Not", args="this")
def _not(node: Any, ctx: Context) -> Typed:
    value = condition(node.this, ctx, clause="Value of logical NOT expression")
    return typed(f"(NOT {value.sql})", BOOLEAN, value)


@compiles("Is", args="this expression")
def _is(node: Any, ctx: Context) -> Typed:
    if not is_a(node.expression, "Null"):
        raise mismatch("mismatched input after IS. Expecting: 'NULL', 'DISTINCT'", node)
    value = expression(node.this, ctx)
    return typed(f"({value.sql} IS NULL)", BOOLEAN, value)


@compiles("Between", args="this low high")
def _between(node: Any, ctx: Context) -> Typed:
    parts = [expression(node.args[name], ctx) for name in ("this", "low", "high")]
    kind = meet(parts, node, f"Cannot check if {parts[0].type} is BETWEEN {parts[1].type} and {parts[2].type}")
    value, low, high = (coerce(part, kind).sql for part in parts)
    return typed(f"({value} BETWEEN {low} AND {high})", BOOLEAN, *parts)


@compiles("Like", args="this expression negate")
def _like(node: Any, ctx: Context) -> Typed:
    return _liked(node, expression(node.this, ctx), expression(node.expression, ctx), "")


@compiles("Escape", args="this expression")
def _escaped_like(node: Any, ctx: Context) -> Typed:
    if not is_a(node.this, "Like"):
        raise not_supported("ESCAPE here", at=position(node))
    escape = expression(node.expression, ctx)
    left, right = expression(node.this.this, ctx), expression(node.this.expression, ctx)
    return _liked(node.this, left, right, f" ESCAPE {escape.sql}")


def _liked(node: Any, value: Typed, pattern: Typed, escape: str) -> Typed:
    for part in (value, pattern):
        if not can_coerce(part.type, VARCHAR):
            raise mismatch(f"Left side of LIKE expression must evaluate to a varchar (actual: {part.type})", node)
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return typed(
        f"({coerce(value, VARCHAR).sql} {word} {coerce(pattern, VARCHAR).sql}{escape})", BOOLEAN, value, pattern
    )


@compiles("Case", args="this ifs default")
def _case(node: Any, ctx: Context) -> Typed:
    subject = expression(node.this, ctx) if node.this else None
    tests = []
    for branch in node.args["ifs"]:
        if subject is None:
            tests.append(condition(branch.this, ctx, clause="CASE WHEN clause"))
        else:
            tests.append(_equal(subject, expression(branch.this, ctx), node))
    results = [expression(branch.args["true"], ctx) for branch in node.args["ifs"]]
    default = expression(node.args["default"], ctx) if node.args.get("default") else Typed("NULL", UNKNOWN)
    return cases(tests, results, default, node)


def _equal(left: Typed, right: Typed, node: Any) -> Typed:
    kind = common_type(left.type, right.type)
    if kind is None:
        raise mismatch(f"CASE operand type does not match WHEN clause operand type: {left.type} vs {right.type}", node)
    return typed(f"{coerce(left, kind).sql} = {coerce(right, kind).sql}", BOOLEAN, left, right)


def cases(tests: list[Typed], results: list[Typed], default: Typed, node: Any) -> Typed:
    """CASE WHEN ... THEN ... ELSE ... END with one type for all results."""
    kind = meet([*results, default], node, "All CASE results must be the same type")
    one_zone([*results, default], node)
    whens = " ".join(f"WHEN {t.sql} THEN {coerce(r, kind).sql}" for t, r in zip(tests, results, strict=True))
    return typed(f"(CASE {whens} ELSE {coerce(default, kind).sql} END)", kind, *tests, *results, default)


@compiles("If", args="this true false")
def _if(node: Any, ctx: Context) -> Typed:
    test = condition(node.this, ctx, clause="IF condition")
    otherwise = expression(node.args["false"], ctx) if node.args.get("false") else Typed("NULL", UNKNOWN)
    return cases([test], [expression(node.args["true"], ctx)], otherwise, node)


def in_zone(value: Typed, zone: Typed, node: Any) -> Typed:
    """The same instant shown in another zone, which must be a constant: it becomes part of the type."""
    if zone.text is None:
        raise not_supported("A time zone that is not a constant text", at=position(node))
    duckdb_zone(zone.text)
    if not can_coerce(value.type, TIMESTAMP_TZ) and value.type.name not in {"timestamp", TIMESTAMP_TZ.name}:
        raise mismatch(
            f"Type of value must be a time or timestamp with or without time zone (actual {value.type})", node
        )
    target = Type(TIMESTAMP_TZ.name, value.type.numbers or (3,))
    return Typed(coerce(value, target).sql, target.in_zone(zone.text), subquery=value.subquery)
