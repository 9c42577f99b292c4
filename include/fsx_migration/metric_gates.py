"""What CloudWatch says of the target's room and of the transfer's errors, and when that stops a migration.

FreeDataStorageCapacity of a Lustre file system has one sample for each storage target: Sum is what is free in all,
Minimum what is free on the fullest one, SampleCount how many report (FSx for Lustre user guide, "Monitoring with Amazon
CloudWatch"). A full storage target ends writes although others have room. Windows has FreeStorageCapacity.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.file_systems import WINDOWS
from include.fsx_migration.troubles import Remedy, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from include.fsx_migration.file_systems import FileSystem

LOOK_BACK: Final = timedelta(minutes=15)
_PERIOD: Final = 60
_GIB: Final = 1 << 30
ERROR_NAMESPACE: Final = "Landfall/FsxMigration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The newest values; None where CloudWatch has none yet.

    :param free_bytes: in all.
    :param least_free_bytes: on the fullest storage target.
    :param targets: storage targets that report.
    :param error_lines: lines about failures that the tasks logged within the last minutes.
    """

    free_bytes: float | None = None
    least_free_bytes: float | None = None
    targets: int = 0
    error_lines: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def metric_request(file_system: FileSystem, *, migration: str, now: datetime) -> dict[str, Any]:
    """Return the arguments of GetMetricData for one look, newest values first."""
    free = "FreeStorageCapacity" if file_system.kind == WINDOWS else "FreeDataStorageCapacity"
    dimensions = {"FileSystemId": file_system.id}
    return {
        "MetricDataQueries": [
            _query("free", "AWS/FSx", free, dimensions, "Sum"),
            _query("least", "AWS/FSx", free, dimensions, "Minimum"),
            _query("targets", "AWS/FSx", free, dimensions, "SampleCount"),
            _query("errors", ERROR_NAMESPACE, error_metric(migration), {}, "Sum"),
        ],
        "StartTime": now - LOOK_BACK,
        "EndTime": now + timedelta(seconds=_PERIOD),
        "ScanBy": "TimestampDescending",
    }


def read_metrics(answer: Mapping[str, Any]) -> Measured:
    """Read an answer of GetMetricData.

    The newest minute may lack storage targets that have not reported yet: it counts when as many have as in any other.
    """
    found = {
        result["Id"]: dict(zip(result["Timestamps"], result["Values"], strict=True))
        for result in answer["MetricDataResults"]
    }
    counts = found.get("targets", {})
    most = max(counts.values(), default=0)
    whole = [moment for moment, count in counts.items() if count == most]
    newest = max(whole, default=None)
    errors = found.get("errors", {})
    return Measured(
        free_bytes=found.get("free", {}).get(newest) if newest else None,
        least_free_bytes=found.get("least", {}).get(newest) if newest else None,
        targets=int(most),
        error_lines=sum(errors.values()) if errors else None,
    )


def space_troubles(measured: Measured, *, storage_gib: int, free_share: float) -> list[Trouble]:
    """Return what is short of room, in total or on one storage target; nothing while CloudWatch has no values."""
    found = []
    capacity = storage_gib * _GIB
    if measured.free_bytes is not None and measured.free_bytes < free_share * capacity:
        sentence = (
            f"The file system has {_gib(measured.free_bytes)} of {storage_gib:,} GiB left, less than the "
            f"{free_share:.0%} that stay free."
        )
        found.append(_space("space/total", sentence))
    share, least = capacity / max(measured.targets, 1), measured.least_free_bytes
    if least is not None and measured.targets > 1 and least < free_share * share:
        sentence = (
            f"The fullest of {measured.targets} storage targets has {_gib(least)} of {_gib(share)} "
            f"left, less than the {free_share:.0%} that stay free; writes to it end although others have room."
        )
        found.append(_space("space/target", sentence))
    return found


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


def _space(key: str, sentence: str) -> Trouble:
    return Trouble(
        key=key,
        remedy=Remedy.STOP_ALL,
        sentence=sentence,
        look="Delete what is not needed on the file system or increase its storage capacity, then clear the task.",
    )


def _query(name: str, namespace: str, metric: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    asked = {"Namespace": namespace, "MetricName": metric, "Dimensions": listed}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": _PERIOD, "Stat": statistic}, "ReturnData": True}


def _gib(size: float) -> str:
    return f"{size / _GIB:,.1f} GiB"
