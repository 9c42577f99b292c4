"""What an alarm is, and in which state its metric puts it.

Source: CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" (its two
tables are tests), and API reference, PutMetricAlarm: by default the window slides. Here it moves by the minute (by
the period when that is shorter), the current, unfinished one is in it, and data are looked for in two more periods
than EvaluationPeriods; by how many more CloudWatch looks is not documented.
"""

from __future__ import annotations

import json
import operator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.standins.aws.cloudwatch_queries import Queries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.standins.aws.metrics_store import MetricStore

Parameters = dict[str, Any]
OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
HISTORY = 200
EXTRA_PERIODS = 2
_OPERATORS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass
class Alarm:
    """One metric alarm; times in seconds since the epoch.

    :param parameters: what PutMetricAlarm gave, without tags.
    :param held_until: until when a state set by hand stays.
    """

    name: str
    arn: str
    parameters: Parameters
    configured_at: float
    state: str = INSUFFICIENT
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str = ""
    state_at: float = 0.0
    held_until: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    history: list[Parameters] = field(default_factory=list)

    @property
    def queries(self) -> list[Parameters]:
        """The queries it evaluates; a plain alarm has one."""
        if self.parameters.get("Metrics"):
            return list(self.parameters["Metrics"])
        given = self.parameters
        metric = {name: given[name] for name in ("Namespace", "MetricName", "Dimensions") if given.get(name)}
        stat = given.get("Statistic") or given["ExtendedStatistic"]
        asked = {"Metric": metric, "Period": given["Period"], "Stat": stat, "Unit": given.get("Unit")}
        return [{"Id": "m", "MetricStat": asked, "ReturnData": True}]

    @property
    def watched(self) -> str:
        """The id of the query that is compared with the threshold."""
        return next(str(query["Id"]) for query in self.queries if query.get("ReturnData", True))

    @property
    def period(self) -> int:
        """The period of its data points: the longest of its metrics."""
        return max(int(query["MetricStat"]["Period"]) for query in self.queries if query.get("MetricStat"))

    @property
    def periods(self) -> int:
        """How many periods it looks at."""
        return int(self.parameters["EvaluationPeriods"])

    @property
    def needed(self) -> int:
        """How many of them have to breach."""
        return int(self.parameters.get("DatapointsToAlarm") or self.periods)

    def add_history(self, kind: str, summary: str, data: Parameters, *, at: float) -> None:
        """Note what happened; the oldest entries go when there are many."""
        entry = {"Timestamp": at, "HistoryItemType": kind, "HistorySummary": summary, "HistoryData": json.dumps(data)}
        self.history = [*self.history, entry][-HISTORY:]


@dataclass(frozen=True)
class Verdict:
    """The state that data ask for, and why."""

    state: str
    reason: str
    data: str


def evaluate(alarm: Alarm, store: MetricStore, now: float) -> Verdict:
    """Compare the alarm's latest data with its threshold; raises MathError or UnknownStatisticError."""
    step = min(alarm.period, 60)
    end = int(now // step + 1) * step
    start = end - (alarm.periods + EXTRA_PERIODS) * alarm.period
    series = Queries(store, alarm.queries, start=start, end=end, exact=True).series(alarm.watched)
    found = sorted(series.values.items())[-alarm.periods :]
    state = verdict_state(alarm, [value for _, value in found])
    return Verdict(state, _reason(alarm, state, found), _reason_data(alarm, found, now))


def breaches(alarm: Alarm, value: float) -> bool:
    """Tell whether a value is on the wrong side of the threshold."""
    compare, _ = _OPERATORS[alarm.parameters["ComparisonOperator"]]
    return compare(value, alarm.parameters["Threshold"])


def verdict_state(alarm: Alarm, found: Sequence[float]) -> str:
    """Give the state for the latest data points that exist, at most EvaluationPeriods of them.

    The treatment of missing data counts only when there are fewer.
    """
    treatment = alarm.parameters.get("TreatMissingData") or "missing"
    missing = alarm.periods - len(found)
    breaching = sum(breaches(alarm, value) for value in found)
    if treatment == "breaching":
        breaching += missing
    if breaching >= alarm.needed:
        return ALARM
    if not missing or treatment in ("breaching", "notBreaching"):
        return OK
    if any(not breaches(alarm, value) for value in found):
        return OK
    if treatment == "ignore":
        return alarm.state
    return ALARM if found else INSUFFICIENT


def _reason(alarm: Alarm, state: str, found: Sequence[tuple[int, float]]) -> str:
    given = alarm.parameters
    missing = alarm.periods - len(found)
    treatment = given.get("TreatMissingData") or "missing"
    if state == INSUFFICIENT:
        return f"Insufficient Data: {alarm.periods} datapoints were unknown."
    _, words = _OPERATORS[given["ComparisonOperator"]]
    decisive = [value for _, value in found if breaches(alarm, value) is (state == ALARM)]
    shown = ", ".join(f"{value} ({_stamp(time)})" for time, value in reversed(found))
    were = f"{'was' if len(decisive) == 1 else 'were'}{'' if state == ALARM else ' not'}"
    sentence = (
        f"Threshold Crossed: {len(decisive)} out of the last {alarm.periods} datapoints [{shown}] {were} {words} the "
        f"threshold ({given['Threshold']}) (minimum {alarm.needed} datapoints for OK -> ALARM transition)."
    )
    return f"{sentence} {missing} missing datapoints were treated as {treatment}." if missing else sentence


def _reason_data(alarm: Alarm, found: Sequence[tuple[int, float]], now: float) -> str:
    data = {
        "version": "1.0",
        "queryDate": _iso(now),
        "period": alarm.period,
        "recentDatapoints": [value for _, value in found],
        "threshold": alarm.parameters["Threshold"],
        "evaluatedDatapoints": [{"timestamp": _iso(time), "value": value} for time, value in found],
    }
    if alarm.parameters.get("Statistic"):
        data["statistic"] = alarm.parameters["Statistic"]
    return json.dumps(data)


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, tz=UTC).strftime("%d/%m/%y %H:%M:%S")


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
