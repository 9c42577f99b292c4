"""Statistics of a metric's values by period.

Source: CloudWatch API reference, GetMetricStatistics (StartTime is rounded down to the minute, or to the period when
that is shorter; EndTime is exclusive). Periods begin at the rounded StartTime. Percentiles interpolate between the two
nearest values; how CloudWatch approximates them was not compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from include.standins.aws.metrics_store import Values

HIGH_RESOLUTION = (1, 5, 10, 20, 30)
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)\Z")


class UnknownStatisticError(ValueError):
    """A statistic that is not modelled, or that CloudWatch does not have."""


def period_is_valid(period: int) -> bool:
    """Tell whether a period is 1, 5, 10, 20, 30 or a multiple of 60 seconds."""
    return period in HIGH_RESOLUTION or (period > 0 and period % 60 == 0)


def rounded_start(start: float, period: int) -> int:
    """Round a start time down as CloudWatch does for data of the last 15 days."""
    step = period if period < 60 else 60
    return int(start // step * step)


def by_period(values: Iterable[Values], *, start: int, period: int) -> dict[int, list[Values]]:
    """Group values by the begin of their period, in seconds since the epoch; empty periods are absent."""
    groups: dict[int, list[Values]] = {}
    for row in values:
        groups.setdefault(row.at - (row.at - start) % period, []).append(row)
    return groups


def statistic(name: str) -> Callable[[Sequence[Values]], float | None]:
    """Give the function of a statistic, as `Sum` or `p99.9`; it gives None where values do not allow it.

    :raises UnknownStatisticError: for trimmed means, ranks and everything else.
    """
    if name in _SIMPLE:
        return _SIMPLE[name]
    match = _PERCENTILE.match(name)
    if not match:
        raise UnknownStatisticError(f"The value {name} for a statistic is not supported by the local AWS.")
    share = float(match[1]) / 100
    return lambda rows: _percentile(rows, share)


def _percentile(rows: Sequence[Values], share: float) -> float | None:
    """Give a percentile of single values; a set of different values has none, as in CloudWatch."""
    if any(row.minimum != row.maximum for row in rows):
        return None
    ordered = sorted((row.minimum, row.samples) for row in rows)
    position = share * (sum(samples for _, samples in ordered) - 1)
    below, above = _at(ordered, int(position)), _at(ordered, int(position) + 1)
    return below + (above - below) * (position - int(position))


def _at(ordered: Sequence[tuple[float, float]], position: int) -> float:
    seen = 0.0
    for value, samples in ordered:
        seen += samples
        if position < seen:
            return value
    return ordered[-1][0]


def _sum(rows: Sequence[Values]) -> float:
    return sum(row.total for row in rows)


def _count(rows: Sequence[Values]) -> float:
    return sum(row.samples for row in rows)


_SIMPLE: dict[str, Callable[[Sequence[Values]], float | None]] = {
    "Sum": _sum,
    "SampleCount": _count,
    "Average": lambda rows: _sum(rows) / _count(rows) if _count(rows) else None,
    "Minimum": lambda rows: min(row.minimum for row in rows),
    "Maximum": lambda rows: max(row.maximum for row in rows),
}
