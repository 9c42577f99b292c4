"""Which metric alarms may be put: the rules that are not in the service's model.

Source: CloudWatch API reference, PutMetricAlarm. What is refused because nobody modelled it says so.
"""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError

from include.standins.aws.cloudwatch_statistics import UnknownStatisticError, statistic

DAY_SECONDS, WEEK_SECONDS, HOUR_SECONDS = 86_400, 604_800, 3_600
OPERATORS = (
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
)  # fmt: skip
TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
UNMODELLED = (
    "ThresholdMetricId", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval", "ActionConfiguration",
    "EvaluateLowSampleCountPercentile",
)  # fmt: skip
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


def check_alarm(given: dict[str, Any]) -> None:
    """Refuse an alarm that CloudWatch refuses, or that is not modelled; raises moto's exceptions."""
    _check_modelled(given)
    for name in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if given.get(name) is None:
            raise ValidationError(f"The parameter {name} is required.")
    if (given.get("TreatMissingData") or "missing") not in TREATMENTS:
        raise ValidationError(f"TreatMissingData is one of {', '.join(TREATMENTS)}.")
    if (given.get("DatapointsToAlarm") or 1) > given["EvaluationPeriods"]:
        raise ValidationError("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    period = _check_metrics(given["Metrics"]) if given.get("Metrics") else _check_metric(given)
    span = period * given["EvaluationPeriods"]
    if span > (DAY_SECONDS if period < HOUR_SECONDS else WEEK_SECONDS):
        raise ValidationError("Metrics cannot be checked across more than a day (a week with periods of an hour).")


def _check_modelled(given: dict[str, Any]) -> None:
    for name in UNMODELLED:
        if given.get(name) is not None:
            raise ValidationError(f"The local AWS does not model {name} of an alarm.")
    if "WallClockWindow" in (given.get("EvaluationWindow") or {}):
        raise ValidationError("The local AWS does not model wall clock windows.")
    if given.get("ComparisonOperator") not in (None, *OPERATORS):
        raise ValidationError("The local AWS does not model anomaly detection.")
    for name in ACTIONS:
        for action in given.get(name) or []:
            if not action.startswith("arn:aws:sns:"):
                raise ValidationError(f"The local AWS models SNS topics as alarm actions only, not {action}.")


def _check_metric(given: dict[str, Any]) -> int:
    for name in ("MetricName", "Namespace", "Period"):
        if given.get(name) is None:
            raise ValidationError(f"The parameter {name} is required.")
    if (given.get("Statistic") is None) == (given.get("ExtendedStatistic") is None):
        raise InvalidParameterCombination("Exactly one of Statistic and ExtendedStatistic must be given.")
    _check_statistic(given.get("Statistic") or given["ExtendedStatistic"])
    return _check_period(given["Period"])


def _check_metrics(queries: list[dict[str, Any]]) -> int:
    if sum(query.get("ReturnData", True) for query in queries) != 1:
        raise ValidationError("Exactly one element of the metrics list should return data.")
    stats = [query["MetricStat"] for query in queries if query.get("MetricStat")]
    if not stats:
        raise ValidationError("The metrics list must name at least one metric.")
    for stat in stats:
        _check_statistic(stat["Stat"])
    if len({stat["Period"] for stat in stats}) > 1:
        raise ValidationError("All metrics of an alarm must have the same period.")
    return _check_period(stats[0]["Period"])


def _check_statistic(name: str) -> None:
    try:
        statistic(name)
    except UnknownStatisticError as error:
        raise InvalidParameterValue(str(error)) from error


def _check_period(period: int) -> int:
    if period not in (10, 20, 30) and (period <= 0 or period % 60):
        raise ValidationError("Valid periods are 10, 20, 30 and multiples of 60 seconds.")
    return period
