"""Metric filters that count the failure lines of a migration's tasks, so that CloudWatch can be asked for the rate."""

from __future__ import annotations

from typing import Any, Final

ERROR_NAMESPACE: Final = "Landfall/FsxMigration"


def error_metric(migration: str) -> str:
    """Return the name of the metric that counts a migration's failure lines."""
    return f"{migration}-failure-lines"


def error_filters(migration: str) -> list[dict[str, Any]]:
    """Return the arguments of PutMetricFilter, without the log group: one for each form of DataSync's log lines.

    Basic tasks write `[ERROR] text`, `[WARN] text` and `[NOTICE] Verification failed <> /path`, Enhanced ones a JSON
    object with ErrorCode (DataSync user guide, "Monitoring data transfers with Amazon CloudWatch Logs").
    """
    patterns = {"basic": '?"[ERROR]" ?"[WARN]" ?"Verification failed"', "enhanced": '{ $.ErrorCode = "*" }'}
    change = {"metricName": error_metric(migration), "metricNamespace": ERROR_NAMESPACE, "metricValue": "1"}
    return [
        {"filterName": f"landfall-{migration}-{form}", "filterPattern": pattern, "metricTransformations": [change]}
        for form, pattern in patterns.items()
    ]


def ensure_error_filters(logs: Any, *, log_group: str, migration: str) -> None:
    """Put the metric filters of a migration; the same ones again change nothing."""
    for arguments in error_filters(migration):
        logs.put_metric_filter(logGroupName=log_group, **arguments)
