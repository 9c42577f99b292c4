"""What an alarm publishes to SNS when its state changes.

Source: CloudWatch user guide, "Notifying users on alarm changes", and published samples of the JSON; the order of keys
and the words of reasons were not compared.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.standins.aws.cloudwatch_alarms import Alarm

REGION_NAMES = {"us-east-1": "US East (N. Virginia)"}
SUBJECT_LIMIT = 99


def notification(alarm: Alarm, *, before: str, account: str, region: str) -> tuple[str, str]:
    """Give subject and message of a state change; `before` is the state it had."""
    place = REGION_NAMES.get(region, region)
    given = alarm.parameters
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": given.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": _stamp(alarm.configured_at),
        "NewStateValue": alarm.state,
        "NewStateReason": alarm.reason,
        "StateChangeTime": _stamp(alarm.state_at),
        "Region": place,
        "AlarmArn": alarm.arn,
        "OldStateValue": before,
        "OKActions": given.get("OKActions") or [],
        "AlarmActions": given.get("AlarmActions") or [],
        "InsufficientDataActions": given.get("InsufficientDataActions") or [],
        "Trigger": _trigger(alarm),
    }
    return f'{alarm.state}: "{alarm.name}" in {place}'[:SUBJECT_LIMIT], json.dumps(message)


def _trigger(alarm: Alarm) -> dict[str, Any]:
    given = alarm.parameters
    trigger: dict[str, Any] = {
        "Period": alarm.period,
        "EvaluationPeriods": alarm.periods,
        "DatapointsToAlarm": alarm.needed,
        "ComparisonOperator": given["ComparisonOperator"],
        "Threshold": given["Threshold"],
        "TreatMissingData": given.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": given.get("EvaluateLowSampleCountPercentile") or "",
    }
    if given.get("Metrics"):
        return trigger | {"Metrics": [_metric(query) for query in given["Metrics"]]}
    stat = given.get("Statistic")
    statistic = {"StatisticType": "Statistic", "Statistic": stat.upper()} if stat else {
        "StatisticType": "ExtendedStatistic", "ExtendedStatistic": given["ExtendedStatistic"],
    }  # fmt: skip
    named = {"MetricName": given["MetricName"], "Namespace": given["Namespace"], "Unit": given.get("Unit")}
    return trigger | named | statistic | {"Dimensions": _dimensions(given.get("Dimensions"))}


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {name: query[name] for name in ("Id", "Expression", "Label", "ReturnData") if name in query}
    asked = query.get("MetricStat")
    if asked:
        metric = asked["Metric"]
        named = {"MetricName": metric["MetricName"], "Namespace": metric["Namespace"]}
        shown["MetricStat"] = {
            "Metric": named | {"Dimensions": _dimensions(metric.get("Dimensions"))},
            "Period": asked["Period"],
            "Stat": asked["Stat"],
        }
    return shown


def _dimensions(dimensions: list[dict[str, str]] | None) -> list[dict[str, str]]:
    return [{"value": dimension["Value"], "name": dimension["Name"]} for dimension in dimensions or []]


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
