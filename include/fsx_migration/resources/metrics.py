"""What CloudWatch says of the target's room and of the transfer's errors.

FreeDataStorageCapacity of a Lustre file system has one sample for each storage target: Sum is what is free in all,
Minimum what is free on the fullest one, SampleCount how many report (FSx for Lustre user guide, "Monitoring with Amazon
CloudWatch"). Windows has FreeStorageCapacity.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.resources.error_filters import ERROR_NAMESPACE, error_metric
from include.fsx_migration.resources.file_systems import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from include.fsx_migration.resources.file_systems import FileSystem

LOOK_BACK: Final = timedelta(minutes=15)
_PERIOD: Final = 60


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


def _query(name: str, namespace: str, metric: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    asked = {"Namespace": namespace, "MetricName": metric, "Dimensions": listed}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": _PERIOD, "Stat": statistic}, "ReturnData": True}
