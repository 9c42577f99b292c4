"""CAST from varchar: which texts Trino accepts for each type, and its words for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.athena_sql.quoting import text
from include.athena_sql.type_names import to_duckdb
from include.athena_sql.types import WHOLE_DIGITS, Type

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNED = "[+-]?[0-9]+"
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_FLOATING = rf"\s*({_NUMBER}|[+-]?(NaN|Infinity))\s*"
_DATE = r"\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*"
_TIME = r"[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( +[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]+)?)?)?"
_ZONED = rf"\s*{_TIME}( ?(UTC|Z|\+00:00))?\s*"


def _checked(value: str, sql: str, valid: str, words: str) -> str:
    """`value` where the text is valid; elsewhere the query fails with Trino's words."""
    return f"ath_checked({value}, {sql}, {valid}, {words})"


def _matches(sql: str, pattern: str) -> str:
    return f"regexp_full_match({sql}, {text(pattern)})"


def _cannot(sql: str, target: str) -> str:
    return f"concat('Cannot cast ''', {sql}, ''' to {target}')"


def cut(sql: str, target: Type) -> str:
    """A text cut to a varchar's length."""
    return f"left({sql}, {target.numbers[0]})" if target.numbers else sql


def from_varchar(sql: str, source: Type, target: Type, depth: int) -> str | None:
    """The DuckDB text of a cast from varchar, or None where Trino has none."""
    del source, depth
    name, kind = target.name, to_duckdb(target)
    attempt = f"TRY_CAST({sql} AS {kind})"
    if name in WHOLE_DIGITS:
        return _checked(
            attempt, sql, _matches(sql, _SIGNED), _cannot(sql, "INT" if name == "integer" else name.upper())
        )
    if name in {"double", "real"}:
        return _checked(f"TRY_CAST(trim({sql}) AS {kind})", sql, _matches(sql, _FLOATING), _cannot(sql, name.upper()))
    if name == "decimal":
        return _checked(attempt, sql, _matches(sql, _NUMBER), _cannot(sql, str(target).upper()))
    if name in _TEXT_TARGETS:
        return _TEXT_TARGETS[name](sql, target)
    return None


def _text_to_date(sql: str, target: Type) -> str:
    words = f"concat('Value cannot be cast to date: ', {sql})"
    return _checked(f"TRY_CAST(trim({sql}) AS {to_duckdb(target)})", sql, _matches(sql, _DATE), words)


def _text_to_timestamp(sql: str, target: Type) -> str:
    words = f"concat('Value cannot be cast to timestamp: ', {sql})"
    value = f"TRY_CAST(trim({sql}) AS TIMESTAMP)"
    return rounded(_checked(value, sql, _matches(sql, rf"\s*{_TIME}\s*"), words), target)


def _text_to_instant(sql: str, target: Type) -> str:
    """Only UTC: DuckDB drops the zone that the text names, so another zone would be shown wrongly."""
    words = f"concat('Value cannot be cast to timestamp with time zone (or its zone is not UTC): ', {sql})"
    value = f"TRY_CAST(trim({sql}) AS TIMESTAMPTZ)"
    return rounded(_checked(value, sql, _matches(sql, _ZONED), words), target)


def _text_to_boolean(sql: str, target: Type) -> str:
    del target
    low = f"lower({sql})"
    return _checked(
        f"{low} IN ('t', 'true', '1')", sql, f"{low} IN ('t', 'true', '1', 'f', 'false', '0')", _cannot(sql, "BOOLEAN")
    )


_TEXT_TARGETS: dict[str, Callable[[str, Type], str]] = {
    "varchar": cut,
    "varbinary": lambda sql, _: f"encode({sql})",
    "boolean": _text_to_boolean,
    "date": _text_to_date,
    "timestamp": _text_to_timestamp,
    "timestamp with time zone": _text_to_instant,
    "ipaddress": lambda sql, _: f"ath_ip({sql})",
}


def rounded(sql: str, target: Type) -> str:
    """A time rounded to its type's precision."""
    return f"ath_round_time({sql}, {target.numbers[0]})" if target.numbers[0] < 6 else sql
