"""Dates and times (docs: functions/datetime)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from include.athena_sql.calls import Call, builder, call
from include.athena_sql.casts import explicit, local_time, time_text
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import compiles, expression, typed
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.operators import in_zone, shifted
from include.athena_sql.quoting import text
from include.athena_sql.syntax import position
from include.athena_sql.time_patterns import joda_pattern, mysql_pattern
from include.athena_sql.types import BIGINT, DATE, DOUBLE, TIMESTAMP, TIMESTAMP_TZ, VARCHAR, Type
from include.athena_sql.zones import duckdb_zone

_PARTS = {
    "year": "year($l1)",
    "quarter": "quarter($l1)",
    "month": "month($l1)",
    "week": "week($l1)",
    "week_of_year": "week($l1)",
    "day": "day($l1)",
    "day_of_month": "day($l1)",
    "day_of_week": "isodow($l1)",
    "dow": "isodow($l1)",
    "day_of_year": "dayofyear($l1)",
    "doy": "dayofyear($l1)",
    "year_of_week": "isoyear($l1)",
    "yow": "isoyear($l1)",
    "hour": "hour($l1)",
    "minute": "minute($l1)",
    "second": "second($l1)",
    "millisecond": "(millisecond($l1) % 1000)",
}
_OF_TIME = ("hour", "minute", "second", "millisecond")

TABLE = (
    "\n".join(
        [f"{name}({'timestamp' if name in _OF_TIME else 'D'}) -> bigint | {sql}" for name, sql in _PARTS.items()]
        + [f"{name}(timestamp with time zone) -> bigint | {_PARTS[name]}" for name in _OF_TIME]
    )
    + """
now() -> timestamp with time zone | date_trunc('millisecond', current_timestamp)
date(D) -> date | CAST($l1 AS DATE)
date(varchar) -> date | @date_of_text
last_day_of_month(D) -> date | last_day($l1)
date_add(varchar, bigint, D) -> D | @date_add
date_diff(varchar, D, D) -> bigint | @date_diff
date_trunc(varchar, D) -> D | @date_trunc
date_format(D, varchar) -> varchar | @date_format
date_parse(varchar, varchar) -> timestamp(3) | @date_parse
format_datetime(timestamp, varchar) -> varchar | @format_datetime
format_datetime(timestamp with time zone, varchar) -> varchar | @format_datetime
parse_datetime(varchar, varchar) -> timestamp(3) with time zone | @parse_datetime
from_iso8601_date(varchar) -> date | ath_iso_date($1)
from_iso8601_timestamp(varchar) -> timestamp(3) with time zone | @from_iso8601
to_iso8601(D) -> varchar | @to_iso8601
from_unixtime(double) -> timestamp(3) with time zone | @from_unixtime
from_unixtime(double, varchar) -> timestamp(3) with time zone | @from_unixtime
from_unixtime_nanos(bigint) -> timestamp(9) with time zone | @from_unixtime_nanos
to_unixtime(timestamp) -> double | epoch($1)
to_unixtime(timestamp with time zone) -> double | @to_unixtime
to_milliseconds(interval day to second) -> bigint | epoch_ms($1)
at_timezone(timestamp with time zone, varchar) -> timestamp with time zone | @at_timezone
with_timezone(timestamp, varchar) -> timestamp with time zone | @with_timezone
"""
)

_LENGTHS = {
    "millisecond": "to_milliseconds", "second": "to_seconds", "minute": "to_minutes", "hour": "to_hours",
    "day": "to_days", "week": "to_weeks", "month": "to_months", "quarter": "to_quarters", "year": "to_years",
}  # fmt: skip
_DATE_UNITS = ("day", "week", "month", "quarter", "year")


def _unit(made: Call, kind: Type) -> str:
    unit = made.constant(0, "a unit").lower()
    if unit not in _LENGTHS or (kind == DATE and unit not in _DATE_UNITS):
        raise made.refuse(f"'{unit}' is not a valid {'DATE' if kind == DATE else 'TIMESTAMP'} field")
    return unit


@builder("date_of_text")
def _date_of_text(made: Call) -> Typed:
    return Typed(explicit(made.arguments[0].sql, VARCHAR, DATE) or "", DATE)


@builder("date_add")
def _date_add(made: Call) -> Typed:
    value = made.arguments[2]
    length = _LENGTHS[_unit(made, value.type)]
    count = made.arguments[1].sql
    whole = (
        count if length in {"to_milliseconds", "to_seconds", "to_minutes", "to_hours"} else f"CAST({count} AS INTEGER)"
    )
    return shifted(value, f"+ {length}({whole})")


@builder("date_diff")
def _date_diff(made: Call) -> Typed:
    """Whole units between two moments; days and longer on the wall clock of the first one's zone."""
    kind = made.bound["D"]
    unit = _unit(made, kind)
    first, second = made.arguments[1], made.arguments[2]
    zoned = kind.name == TIMESTAMP_TZ.name and unit in _DATE_UNITS
    zone = text(duckdb_zone(first.type.zone))
    low, high = (f"timezone({zone}, {v.sql})" if zoned else v.sql for v in (first, second))
    return typed(f"date_sub({text(unit)}, {low}, {high})", BIGINT, first, second)


@builder("date_trunc")
def _date_trunc(made: Call) -> Typed:
    value = made.arguments[1]
    unit = _unit(made, value.type)
    local = f"date_trunc({text(unit)}, {local_time(value)})"
    if value.type == DATE:
        return Typed(f"CAST({local} AS DATE)", DATE)
    if value.type.name == TIMESTAMP_TZ.name:
        return Typed(f"timezone({text(duckdb_zone(value.type.zone))}, {local})", value.type)
    return Typed(local, value.type)


@builder("date_format")
def _date_format(made: Call) -> Typed:
    pattern = mysql_pattern(made.constant(1, "a format"))
    return Typed(f"strftime({local_time(made.arguments[0])}, {text(pattern)})", VARCHAR)


@builder("date_parse")
def _date_parse(made: Call) -> Typed:
    pattern = mysql_pattern(made.constant(1, "a format"))
    return Typed(f"date_trunc('millisecond', strptime({made.arguments[0].sql}, {text(pattern)}))", TIMESTAMP)


@builder("format_datetime")
def _format_datetime(made: Call) -> Typed:
    zone = {"Z": "+0000", "ZZ": "+00:00", "ZZZ": "UTC", "z": "UTC"}
    pattern, zoned = joda_pattern(made.constant(1, "a format"), zone=zone)
    if zoned and made.arguments[0].type.zone not in {"UTC", "Z"}:
        raise not_supported("A zone in the format of a time outside UTC", at=position(made.node))
    return Typed(f"strftime({local_time(made.arguments[0])}, {text(pattern)})", VARCHAR)


@builder("parse_datetime")
def _parse_datetime(made: Call) -> Typed:
    pattern, zoned = joda_pattern(made.constant(1, "a format"), zone={"Z": "%z", "ZZ": "%z"})
    value = made.arguments[0]
    parsed = f"strptime({value.sql}, {text(pattern)})"
    if not zoned:
        return Typed(f"timezone('UTC', {parsed})", TIMESTAMP_TZ)
    if not pattern.endswith("%z"):
        raise not_supported("A zone before the end of a date pattern", at=position(made.node))
    if value.text is not None:
        offset = re.search(r"[+-]\d{2}:?\d{2}\s*$", value.text)
        return Typed(parsed, TIMESTAMP_TZ.in_zone(offset[0].strip() if offset else "UTC"))
    return Typed(f"ath_parsed_utc({parsed}, {value.sql})", TIMESTAMP_TZ)


@builder("from_iso8601")
def _from_iso8601(made: Call) -> Typed:
    """A constant's zone is known; a column's must be UTC, or the next step says which zone to show."""
    value = made.arguments[0]
    if value.text is not None:
        at = max(value.text.rfind("+"), value.text.rfind("-", 10))
        zone = value.text[at:] if at > 10 else "UTC"
        return Typed(f"ath_iso_timestamp({value.sql})", TIMESTAMP_TZ.in_zone(zone))
    return Typed(f"ath_iso_timestamp_utc({value.sql})", TIMESTAMP_TZ)


def any_zone(value: Typed) -> Typed:
    """The value for a use in which its own zone does not matter: from_iso8601_timestamp then takes any zone."""
    sql = value.sql
    for checked, free in (("ath_iso_timestamp_utc(", "ath_iso_timestamp("), ("ath_parsed_utc(", "ath_parsed(")):
        if sql.startswith(checked):  # the value is that call: inside another one the zone has been used already
            sql = free + sql.removeprefix(checked)
    return replace(value, sql=sql)


@builder("to_iso8601")
def _to_iso8601(made: Call) -> Typed:
    value = made.arguments[0]
    if value.type == DATE:
        return Typed(f"strftime({value.sql}, '%Y-%m-%d')", VARCHAR)
    local = local_time(value)
    shown = f"replace({time_text(local, value.type.numbers[0])}, ' ', 'T')"
    if value.type.name == TIMESTAMP_TZ.name:
        shown += f" || ath_iso_offset(date_diff('minute', timezone('UTC', {value.sql}), {local}))"
    return Typed(f"({shown})", VARCHAR)


@builder("from_unixtime")
def _from_unixtime(made: Call) -> Typed:
    seconds = made.arguments[0].sql
    instant = Typed(f"timezone('UTC', epoch_ms(CAST(round({seconds} * 1000) AS BIGINT)))", TIMESTAMP_TZ)
    return in_zone(instant, made.arguments[1], made.node) if len(made.arguments) > 1 else instant


@builder("to_unixtime")
def _to_unixtime(made: Call) -> Typed:
    return Typed(f"epoch({any_zone(made.arguments[0]).sql})", DOUBLE)


@builder("from_unixtime_nanos")
def _from_unixtime_nanos(made: Call) -> Typed:
    """DuckDB's instants end at the microsecond: finer values fail."""
    count = made.arguments[0].sql
    words = "'nanoseconds are not modelled by this engine'"
    exact = f"ath_require({count} % 1000 = 0, {words}, make_timestamp({count} // 1000))"
    return Typed(f"timezone('UTC', {exact})", Type(TIMESTAMP_TZ.name, (9,)))


@builder("at_timezone")
def _at_timezone(made: Call) -> Typed:
    return in_zone(any_zone(made.arguments[0]), made.arguments[1], made.node)


@builder("with_timezone")
def _with_timezone(made: Call) -> Typed:
    zone = made.constant(1, "a zone")
    kind = Type(TIMESTAMP_TZ.name, made.arguments[0].type.numbers or (3,)).in_zone(zone)
    return Typed(f"timezone({text(duckdb_zone(zone))}, {made.arguments[0].sql})", kind)


@compiles("AtTimeZone", args="this zone")
def _at_time_zone(node: Any, ctx: Context) -> Typed:
    return in_zone(any_zone(expression(node.this, ctx)), expression(node.args["zone"], ctx), node)


@compiles("Extract", args="this expression")
def _extract(node: Any, ctx: Context) -> Typed:
    field = str(node.this.name).lower()
    if field not in _PARTS:
        raise AthenaSqlError("SYNTAX_ERROR", f"Invalid EXTRACT field: {field}", at=position(node))
    return call(field, [node.expression], node, ctx)
