"""CloudWatch: metrics and alarms are ours, the protocols and dashboards are moto's.

Source: CloudWatch API reference. Metrics and alarms of all regions lie together: the local AWS has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import moto.cloudwatch.urls
from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from include.standins.aws.cloudwatch_alarm_calls import AlarmCalls
from include.standins.aws.cloudwatch_math import MathError
from include.standins.aws.cloudwatch_puts import rows_of
from include.standins.aws.cloudwatch_queries import Queries, label, metric_of
from include.standins.aws.cloudwatch_statistics import (
    UnknownStatisticError,
    by_period,
    period_is_valid,
    rounded_start,
    statistic,
)
from include.standins.aws.cloudwatch_times import moment, seconds
from include.standins.aws.errors import AwsError
from include.standins.aws.model_checks import check_request

if TYPE_CHECKING:
    from include.standins.aws.cloudwatch_watch import Alarms
    from include.standins.aws.metrics_store import Metric, MetricStore, Values

_Response: Any = CloudWatchResponse
DATAPOINTS = 1_440
QUERIES = 500
PAGE = 500


class Response(AlarmCalls, _Response):  # type: ignore[misc]  # moto carries no types
    """moto's CloudWatch with our metrics and alarms; `install` gives the class its stores."""

    metrics: ClassVar[MetricStore]

    def call_action(self) -> Any:
        """Hold the request against the service's model, then run the operation."""
        operation = self._get_action()
        try:
            check_request("cloudwatch", operation, self.params or {})
        except AwsError as error:
            return self.serialized(ActionResult(ValidationError(error.message)))
        return super().call_action()

    def put_metric_data(self) -> Any:
        """PutMetricData."""
        if self.params.get("EntityMetricData"):
            raise ValidationError("The local AWS does not model EntityMetricData.")
        self.metrics.put(list(rows_of(self.params["Namespace"], self.params.get("MetricData") or [])))
        return EmptyResult()

    def list_metrics(self) -> Any:
        """ListMetrics; RecentlyActive is not looked at."""
        given = self.params
        filters = [(item["Name"], item.get("Value")) for item in given.get("Dimensions") or []]
        found = [metric for metric in self.metrics.metrics() if _is_listed(metric, given, filters)]
        start = int(given.get("NextToken") or 0)
        page: dict[str, Any] = {"Metrics": [_described(metric) for metric in found[start : start + PAGE]]}
        if len(found) > start + PAGE:
            page["NextToken"] = str(start + PAGE)
        return ActionResult(page)

    def get_metric_statistics(self) -> Any:
        """GetMetricStatistics: values of different units give data points of their own."""
        given = self.params
        names = [*(given.get("Statistics") or []), *(given.get("ExtendedStatistics") or [])]
        if not names:
            raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
        start, end, period = _span(given, given["Period"])
        wanted = int((end - seconds(given["StartTime"])) / period)
        if wanted > DATAPOINTS:
            raise InvalidParameterCombination(
                f"You have requested up to {wanted} datapoints, which exceeds the limit of {DATAPOINTS}. You may "
                "reduce the datapoints requested by increasing Period, or decreasing the time range."
            )
        values = self.metrics.between(metric_of(given), start, end, unit=given.get("Unit") or "")
        groups: dict[str, list[Values]] = {}
        for row in values:
            groups.setdefault(row.unit, []).append(row)
        points = [
            _point(given, rows, moment(time), unit)
            for unit, of_unit in groups.items()
            for time, rows in by_period(of_unit, start=start, period=period).items()
        ]
        return ActionResult({"Label": given["MetricName"], "Datapoints": points})

    def get_metric_data(self) -> Any:
        """GetMetricData: everything in one page."""
        given, asked = self.params, self.params["MetricDataQueries"]
        if len(asked) > QUERIES:
            raise ValidationError(f"The collection MetricDataQueries must not have a size greater than {QUERIES}.")
        for query in asked:
            _check_query(query)
        start, end = seconds(given["StartTime"]), seconds(given["EndTime"])
        if start >= end:
            raise ValidationError("The parameter EndTime must be greater than StartTime.")
        queries = Queries(self.metrics, asked, start=start, end=end)
        ascending = given.get("ScanBy") == "TimestampAscending"
        try:
            results = [_result(query, queries, ascending) for query in asked if query.get("ReturnData", True)]
        except (MathError, UnknownStatisticError) as error:
            raise ValidationError(str(error)) from error
        return ActionResult({"MetricDataResults": results, "Messages": []})


def _check_query(query: dict[str, Any]) -> None:
    if ("MetricStat" in query) == ("Expression" in query):
        raise ValidationError("Exactly one of MetricStat and Expression must be given in each query.")
    if "MetricStat" in query and not period_is_valid(query["MetricStat"]["Period"]):
        raise ValidationError("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    if query.get("Expression", "").upper().startswith(("SELECT", "SEARCH")):
        raise ValidationError("The local AWS does not model Metrics Insights and SEARCH.")


def _result(query: dict[str, Any], queries: Queries, ascending: bool) -> dict[str, Any]:
    series = queries.series(query["Id"])
    times = sorted(series.values, reverse=not ascending)
    return {
        "Id": query["Id"],
        "Label": label(query),
        "Timestamps": [moment(time) for time in times],
        "Values": [series.values[time] for time in times],
        "StatusCode": "Complete",
    }


def _span(given: dict[str, Any], period: int) -> tuple[int, float, int]:
    start, end = seconds(given["StartTime"]), seconds(given["EndTime"])
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    if not period_is_valid(period):
        raise InvalidParameterValue("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    return rounded_start(start, period), end, period


def _point(given: dict[str, Any], rows: list[Values], time: Any, unit: str) -> dict[str, Any]:
    point: dict[str, Any] = {"Timestamp": time, "Unit": unit}
    try:
        point |= {name: statistic(name)(rows) for name in given.get("Statistics") or []}
        extended = {name: statistic(name)(rows) for name in given.get("ExtendedStatistics") or []}
    except UnknownStatisticError as error:
        raise InvalidParameterValue(str(error)) from error
    known = {name: value for name, value in extended.items() if value is not None}
    return point | ({"ExtendedStatistics": known} if known else {})


def _is_listed(metric: Metric, given: Any, filters: list[tuple[str, str | None]]) -> bool:
    has = dict(metric.dimensions)
    return (
        given.get("Namespace") in (None, metric.namespace)
        and given.get("MetricName") in (None, metric.name)
        and all(name in has and value in (None, has[name]) for name, value in filters)
    )


def _described(metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def install(metrics: MetricStore, alarms: Alarms) -> None:
    """Put this in the place of moto's CloudWatch; call before the first request."""
    Response.metrics = metrics
    Response.alarms = alarms
    moto.cloudwatch.urls.url_paths = {"{0}/$": Response.dispatch}
