"""Metric filters: lines that match a pattern become values of a metric.

Source: CloudWatch Logs API reference (PutMetricFilter, MetricTransformation) and user guide, "Creating metrics from
log events using filters". `defaultValue` is published for lines that arrive and do not match.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from include.standins.aws.errors import AwsError
from include.standins.aws.logs_json_patterns import select
from include.standins.aws.logs_patterns import Pattern, PatternError, compile_pattern
from include.standins.aws.metrics_store import Metric, MetricStore, Values
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.standins.aws.logs_store import Event

KIND = "metric-filter"
FILTERS_PER_GROUP = 100
DIMENSIONS = 3


class MetricFilters:
    """The metric filters of all log groups, kept in the state store."""

    def __init__(self, kept: StateStore, metrics: MetricStore) -> None:
        self._kept = kept
        self._metrics = metrics
        self._filters: dict[str, dict[str, Any]] = {}
        self._patterns: dict[str, Pattern] = {}
        for name, value in kept.read(KIND):
            self._filters[name] = json.loads(value)
            self._patterns[name] = compile_pattern(self._filters[name]["filterPattern"])

    def put(self, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """PutMetricFilter; a filter of the same name is replaced."""
        group, name = parameters["logGroupName"], parameters["filterName"]
        for unmodelled in ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions"):
            if parameters.get(unmodelled):
                raise AwsError("InvalidParameterException", f"The local AWS does not model {unmodelled}.")
        pattern = _compile(parameters["filterPattern"])
        for transformation in parameters["metricTransformations"]:
            _check(transformation, parameters["filterPattern"])
        key = _key(region, group, name)
        if key not in self._filters and len(list(self._of_group(region, group))) >= FILTERS_PER_GROUP:
            raise AwsError("LimitExceededException", "Resource limit exceeded.")
        wanted = ("filterName", "filterPattern", "logGroupName", "metricTransformations")
        kept = {name: parameters[name] for name in wanted} | {"creationTime": int(time.time() * 1000)}
        self._kept.write([Change(KIND, key, json.dumps(kept).encode())])
        self._filters[key], self._patterns[key] = kept, pattern
        return {}

    def describe(self, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeMetricFilters, by group, name prefix, or metric."""
        found = [
            kept
            for key, kept in sorted(self._filters.items())
            if key.startswith(f"{region}\n")
            and parameters.get("logGroupName") in (None, kept["logGroupName"])
            and kept["filterName"].startswith(parameters.get("filterNamePrefix") or "")
            and any(_publishes(transformation, parameters) for transformation in kept["metricTransformations"])
        ]
        start, limit = int(parameters.get("nextToken") or 0), parameters.get("limit") or 50
        more = {"nextToken": str(start + limit)} if len(found) > start + limit else {}
        return {"metricFilters": found[start : start + limit], **more}

    def delete(self, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """DeleteMetricFilter."""
        key = _key(region, parameters["logGroupName"], parameters["filterName"])
        if key not in self._filters:
            raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")
        self._forget([key])
        return {}

    def test(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """TestMetricFilter."""
        pattern = _compile(parameters["filterPattern"])
        matches = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(parameters["logEventMessages"], start=1)
            if pattern.fields(message) is not None
        ]
        return {"matches": matches}

    def drop_group(self, region: str, group: str) -> None:
        """Forget the filters of a log group that was deleted."""
        self._forget(list(self._of_group(region, group)))

    def arrived(self, region: str, group: str, events: Sequence[Event]) -> None:
        """Publish what new lines of a group are worth."""
        rows: list[tuple[Metric, Values]] = []
        for key in self._of_group(region, group):
            for event in events:
                fields = self._patterns[key].fields(event.message)
                for transformation in self._filters[key]["metricTransformations"]:
                    rows.extend(_values(transformation, event, fields))
        if rows:
            self._metrics.put(rows)

    def _of_group(self, region: str, group: str) -> Iterator[str]:
        return iter([key for key in self._filters if key.startswith(_key(region, group, ""))])

    def _forget(self, keys: Sequence[str]) -> None:
        self._kept.write([Change(KIND, key, None) for key in keys])
        for key in keys:
            del self._filters[key], self._patterns[key]


def _key(region: str, group: str, name: str) -> str:
    return f"{region}\n{group}\n{name}"


def _compile(text: str) -> Pattern:
    try:
        return compile_pattern(text)
    except PatternError as error:
        raise AwsError("InvalidParameterException", str(error)) from error


def _check(transformation: dict[str, Any], pattern: str) -> None:
    value, dimensions = transformation["metricValue"], transformation.get("dimensions") or {}
    if len(dimensions) > DIMENSIONS:
        raise AwsError("InvalidParameterException", f"A metric filter has at most {DIMENSIONS} dimensions.")
    if dimensions and transformation.get("defaultValue") is not None:
        raise AwsError("InvalidParameterException", "Invalid metric transformation: dimensions and default value")
    fields = [text for text in (value, *dimensions.values()) if text.startswith("$")]
    if fields and not pattern.strip().startswith("{"):
        raise AwsError("InvalidParameterException", f"Invalid metric transformation: {fields[0]} needs a JSON pattern")
    if not value.startswith("$"):
        try:
            float(value)
        except ValueError:
            raise AwsError("InvalidParameterException", f"Invalid metric value: {value}") from None


def _publishes(transformation: dict[str, Any], parameters: dict[str, Any]) -> bool:
    return all(parameters.get(name) in (None, transformation[name]) for name in ("metricName", "metricNamespace"))


def _values(
    transformation: dict[str, Any], event: Event, fields: dict[str, Any] | None
) -> Iterator[tuple[Metric, Values]]:
    """Give the value of one line, if it has one: a field that is missing or no number publishes nothing."""
    value, dimensions = transformation["metricValue"], {}
    if fields is None:
        value = transformation.get("defaultValue")
    else:
        if str(value).startswith("$"):
            value = select(fields, value)
        selected = {name: select(fields, path) for name, path in (transformation.get("dimensions") or {}).items()}
        dimensions = {name: str(found) for name, found in selected.items() if found is not None}
    try:
        number = float(value)
    except (TypeError, ValueError):
        return
    metric = Metric.of(transformation["metricNamespace"], transformation["metricName"], dimensions)
    yield metric, Values.one(event.at / 1000, number, transformation.get("unit") or "None")
