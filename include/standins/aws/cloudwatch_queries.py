"""GetMetricData's queries: statistics of metrics, and expressions over other queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.aws.cloudwatch_math import MathError, Operand, Series, evaluate
from include.standins.aws.cloudwatch_statistics import by_period, rounded_start, statistic
from include.standins.aws.metrics_store import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.standins.aws.metrics_store import MetricStore

Query = dict[str, Any]


def metric_of(named: Query) -> Metric:
    """Give the metric that `Namespace`, `MetricName` and `Dimensions` of a request name."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in named.get("Dimensions") or []}
    return Metric.of(named["Namespace"], named["MetricName"], dimensions)


def statistic_series(
    store: MetricStore, metric: Metric, *, stat: str, period: int, span: tuple[int, int], unit: str = ""
) -> Series:
    """Give a statistic for each period that has values; `span` is the begin of the first period, and the end.

    :raises UnknownStatisticError: for statistics that are not modelled.
    """
    start, end = span
    compute = statistic(stat)
    groups = by_period(store.between(metric, start, end, unit=unit), start=start, period=period)
    computed = {time: compute(rows) for time, rows in groups.items()}
    values = {time: value for time, value in computed.items() if value is not None}
    return Series(values, period, tuple(range(start, end, period)))


class Queries:
    """The queries of one request, evaluated when they are asked for.

    :param exact: take `start` as it is, as alarms do, instead of rounding it down.
    """

    def __init__(
        self, store: MetricStore, queries: Sequence[Query], *, start: float, end: float, exact: bool = False
    ) -> None:
        self._store = store
        self._queries = {query["Id"]: query for query in queries}
        self._start, self._end = start, end
        self._exact = exact
        self._known: dict[str, Operand] = {}
        self._open: list[str] = []

    def series(self, query_id: str) -> Series:
        """Give the series of a query; raises MathError or UnknownStatisticError."""
        value = self._operand(query_id)
        if not isinstance(value, Series):
            raise MathError(f"Error in expression '{self._queries[query_id]['Expression']}': it gives no time series")
        return value

    def _operand(self, query_id: str) -> Operand:
        if query_id not in self._queries:
            raise MathError(f"The metric or expression '{query_id}' is not defined.")
        if query_id in self._open:
            raise MathError(f"The expressions {', '.join(self._open)} refer to each other.")
        if query_id not in self._known:
            self._open.append(query_id)
            self._known[query_id] = self._evaluate(self._queries[query_id])
            self._open.pop()
        return self._known[query_id]

    def _evaluate(self, query: Query) -> Operand:
        if query.get("Expression") is not None:
            return evaluate(query["Expression"], self._operand)
        asked = query["MetricStat"]
        start = int(self._start) if self._exact else rounded_start(self._start, asked["Period"])
        return statistic_series(
            self._store,
            metric_of(asked["Metric"]),
            stat=asked["Stat"],
            period=asked["Period"],
            span=(start, int(-(-self._end // 1))),
            unit=asked.get("Unit") or "",
        )


def label(query: Query) -> str:
    """Give what a result is called."""
    if query.get("Label"):
        return str(query["Label"])
    return str(query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else query["Id"])
