"""Rules that hold for every value, against plain Python."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[str], list[tuple[Any, ...]]]

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
at = dt.datetime.fromisoformat
small = st.integers(-1000, 1000)
letters = st.text("ab,ñ", max_size=12)
moments = st.datetimes(at("1980-01-01"), at("2060-01-01")).map(lambda t: t.replace(microsecond=0))
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@quick
@given(a=small, b=small.filter(bool))
def test_whole_division_truncates_and_the_remainder_has_the_dividends_sign(run: Run, a: int, b: int) -> None:
    quotient, remainder = run(f"SELECT ({a}) / ({b}), ({a}) % ({b})")[0]

    assert quotient == int(a / b)
    assert remainder == a - b * int(a / b)


@quick
@given(items=st.lists(small, max_size=6), start=st.integers(-8, 8).filter(bool), size=st.integers(0, 8))
def test_slice_takes_so_many_from_the_start_or_counted_from_the_end(
    run: Run, items: list[int], start: int, size: int
) -> None:
    first = start - 1 if start > 0 else len(items) + start
    expected = items[first : first + size] if first >= 0 else []
    array = f"CAST(ARRAY[{', '.join(map(str, items))}] AS array(integer))"

    assert run(f"SELECT slice({array}, {start}, {size})") == [(expected,)]


@quick
@given(text=letters, limit=st.integers(1, 6))
def test_split_with_a_limit_keeps_the_rest_in_the_last_part(run: Run, text: str, limit: int) -> None:
    assert run(f"SELECT split({quoted(text)}, ',', {limit})") == [(text.split(",", limit - 1),)]


@quick
@given(text=letters, start=st.integers(-15, 15), size=st.integers(-2, 15))
def test_substr_counts_code_points_from_either_end(run: Run, text: str, start: int, size: int) -> None:
    first = start - 1 if start > 0 else len(text) + start
    inside = start != 0 and first >= 0
    expected = text[first : first + size] if inside and size > 0 else ""

    assert run(f"SELECT substr({quoted(text)}, {start}, {size}), substr({quoted(text)}, {start})") == [
        (expected, text[first:] if inside else "")
    ]


@quick
@given(a=moments, b=moments, unit=st.sampled_from(sorted(UNITS)))
def test_date_diff_counts_whole_units_toward_zero(run: Run, a: dt.datetime, b: dt.datetime, unit: str) -> None:
    seconds = int((b - a).total_seconds())
    expected = abs(seconds) // UNITS[unit] * (1 if seconds >= 0 else -1)

    assert run(f"SELECT date_diff('{unit}', TIMESTAMP '{a}', TIMESTAMP '{b}')") == [(expected,)]


@quick
@given(a=moments, months=st.integers(-30, 30))
def test_date_diff_in_months_undoes_date_add(run: Run, a: dt.datetime, months: int) -> None:
    day = a.replace(day=min(a.day, 28)).date()

    assert run(f"SELECT date_diff('month', DATE '{day}', date_add('month', {months}, DATE '{day}'))") == [(months,)]


@quick
@given(a=st.decimals(-999, 999, places=2), b=st.decimals(-99, 99, places=1).filter(bool))
def test_decimal_division_rounds_half_up_at_the_larger_scale(run: Run, a: Any, b: Any) -> None:
    expected = (a / b).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    assert run(f"SELECT CAST('{a}' AS decimal(5, 2)) / CAST('{b}' AS decimal(3, 1))") == [(expected,)]


@quick
@given(text=st.text(max_size=12).filter(lambda t: "\0" not in t))
def test_any_text_survives_a_literal_utf8_base64_and_url_encoding(run: Run, text: str) -> None:
    literal = quoted(text)
    row = run(
        f"SELECT {literal}, from_utf8(from_base64(to_base64(to_utf8({literal})))), url_decode(url_encode({literal}))"
    )

    assert row == [(text, text, text)]
