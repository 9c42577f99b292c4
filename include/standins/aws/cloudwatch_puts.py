"""PutMetricData: from its members to rows of the metric store.

Source: CloudWatch API reference, PutMetricData and MetricDatum.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue

from include.standins.aws.cloudwatch_queries import metric_of
from include.standins.aws.cloudwatch_times import seconds
from include.standins.aws.metrics_store import Metric, Values

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = 1_000
VALUES = 150
DIMENSIONS = 30
PAST_SECONDS, FUTURE_SECONDS = 14 * 24 * 3600, 2 * 3600


def rows_of(namespace: str, data: list[dict[str, Any]]) -> Iterator[tuple[Metric, Values]]:
    """Give the rows of a request; raises moto's exceptions for data that CloudWatch refuses."""
    if len(data) > DATA:
        raise InvalidParameterValue(f"The collection MetricData must not have a size greater than {DATA}.")
    for number, datum in enumerate(data, start=1):
        where = f"MetricData.member.{number}"
        metric = metric_of(datum | {"Namespace": namespace})
        if len(metric.dimensions) > DIMENSIONS:
            raise InvalidParameterValue(f"The collection {where}.Dimensions has more than {DIMENSIONS} members.")
        at = _moment(datum, where)
        for row in _rows(datum, where, at):
            yield metric, row


def _moment(datum: dict[str, Any], where: str) -> int:
    now = time.time()
    at = seconds(datum["Timestamp"]) if datum.get("Timestamp") is not None else now
    if not now - PAST_SECONDS <= at <= now + FUTURE_SECONDS:
        raise InvalidParameterValue(
            f"The parameter {where}.Timestamp must specify a time within the past two weeks and two hours ahead."
        )
    # Standard resolution is one minute: CloudWatch stores such values at the beginning of it.
    return int(at) if datum.get("StorageResolution") == 1 else int(at // 60 * 60)


def _rows(datum: dict[str, Any], where: str, at: int) -> Iterator[Values]:
    unit = datum.get("Unit") or "None"
    given = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if len(given) != 1:
        raise InvalidParameterCombination(f"Exactly one of {where}.Value, Values and StatisticValues must be given.")
    if given == ["StatisticValues"]:
        stats = {name: _finite(value, where) for name, value in datum["StatisticValues"].items()}
        yield Values(at, stats["Minimum"], stats["Maximum"], stats["Sum"], stats["SampleCount"], unit)
        return
    values = datum["Values"] if given == ["Values"] else [datum["Value"]]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(counts) != len(values):
        raise InvalidParameterValue(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if len(values) > VALUES:
        raise InvalidParameterValue(f"The collection {where}.Values must not have a size greater than {VALUES}.")
    for value, count in zip(values, counts, strict=True):
        yield Values.one(at, _finite(value, where), unit, samples=float(count))


def _finite(value: float, where: str) -> float:
    if not math.isfinite(float(value)):
        raise InvalidParameterValue(f"The value {value} for parameter {where} is invalid.")
    return float(value)
