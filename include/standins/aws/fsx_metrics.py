"""AWS/FSx metrics: what a file system reports of itself each minute, and at once when it changes.

Source: FSx for Lustre user guide, "Monitoring with Amazon CloudWatch": FreeDataStorageCapacity has one sample per
storage target, so that Sum is the total, Minimum and Maximum are single targets and SampleCount is their number. A
change within a minute replaces that minute's samples; the sums of the minute go on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.standins.aws.fsx_records import LUSTRE
from include.standins.aws.fsx_volumes import Traffic
from include.standins.aws.metrics_store import Metric, MetricStore, Values

if TYPE_CHECKING:
    from include.standins.aws.fsx_records import FileSystem
    from include.standins.aws.fsx_volumes import FsxVolume

NAMESPACE = "AWS/FSx"


@dataclass
class Minute:
    """The sums of a file system's current minute."""

    start: int = 0
    traffic: Traffic = field(default_factory=Traffic)


class FsxMetrics:
    """Writes the metrics of file systems."""

    def __init__(self, metrics: MetricStore) -> None:
        self._metrics = metrics
        self._minutes: dict[str, Minute] = {}

    def report(self, found: FileSystem, volume: FsxVolume) -> None:
        """Write the current minute of a file system when it began or something changed."""
        now = int(time.time())
        minute = self._minutes.setdefault(found.id, Minute())
        begins = now // 60 * 60
        if begins == minute.start and not volume.changed:
            return
        if begins != minute.start:
            minute.start, minute.traffic = begins, Traffic()
        _add(minute.traffic, volume.take_traffic())
        free = "FreeDataStorageCapacity" if found.kind == LUSTRE else "FreeStorageCapacity"
        self._write(found, free, [Values.one(begins, value, "Bytes") for value in volume.free()])
        for name, total, samples in (
            ("DataWriteBytes", minute.traffic.written, minute.traffic.writes),
            ("DataReadBytes", minute.traffic.read, minute.traffic.reads),
        ):
            self._write(found, name, [Values(begins, 0, total, total, max(1, samples), "Bytes")])
        for name, count in (
            ("DataWriteOperations", minute.traffic.writes),
            ("DataReadOperations", minute.traffic.reads),
        ):
            self._write(found, name, [Values.one(begins, count, "Count")])

    def _write(self, found: FileSystem, name: str, rows: list[Values]) -> None:
        self._metrics.replace(Metric.of(NAMESPACE, name, {"FileSystemId": found.id}), rows)


def _add(minute: Traffic, more: Traffic) -> None:
    minute.written += more.written
    minute.read += more.read
    minute.writes += more.writes
    minute.reads += more.reads
