"""Aggregates of Insights' stats command.

Source: CloudWatch Logs user guide, "stats". count_distinct is exact here; CloudWatch approximates it for high counts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from include.standins.aws.logs_insights_rows import Row, Value, number, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def count(rows: Sequence[Row], of: Callable[[Row], Value] | None) -> Value:
    """Count rows, or those that have a value."""
    return len(rows) if of is None else sum(of(row) is not None for row in rows)


def count_distinct(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Count different values."""
    return len({value for row in rows if (value := of(row)) is not None})


def _numbers(rows: Sequence[Row], of: Callable[[Row], Value]) -> list[float]:
    return [value for row in rows if (value := number(of(row))) is not None]


def total(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Add up the numbers; None without any."""
    values = _numbers(rows, of)
    return sum(values) if values else None


def average(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Give the mean of the numbers; None without any."""
    values = _numbers(rows, of)
    return math.fsum(values) / len(values) if values else None


def deviation(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Give the standard deviation of the numbers; None without any."""
    values = _numbers(rows, of)
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def percentile(rows: Sequence[Row], of: Callable[[Row], Value], percent: float) -> Value:
    """Give the value below which `percent` of the numbers lie, by nearest rank; None without any."""
    values = sorted(_numbers(rows, of))
    if not values:
        return None
    return values[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def smallest(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Give the smallest value."""
    return min((value for row in rows if (value := of(row)) is not None), key=sort_key, default=None)


def largest(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Give the largest value."""
    return max((value for row in rows if (value := of(row)) is not None), key=sort_key, default=None)


def earliest(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Give the value of the oldest row that has one."""
    return _by_time(rows, of, oldest=True)


def latest(rows: Sequence[Row], of: Callable[[Row], Value]) -> Value:
    """Give the value of the newest row that has one."""
    return _by_time(rows, of, oldest=False)


def _by_time(rows: Sequence[Row], of: Callable[[Row], Value], *, oldest: bool) -> Value:
    having = [row for row in rows if of(row) is not None]
    having.sort(key=lambda row: sort_key(row.get("@timestamp")), reverse=not oldest)
    return of(having[0]) if having else None


AGGREGATES: dict[str, Callable[[Sequence[Row], Callable[[Row], Value]], Value]] = {
    "count_distinct": count_distinct, "sum": total, "avg": average, "stddev": deviation, "min": smallest,
    "max": largest, "earliest": earliest, "latest": latest,
}  # fmt: skip
