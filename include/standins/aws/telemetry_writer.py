"""Telemetry of the engines, written to the local CloudWatch and CloudWatch Logs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from include.standins.aws.metrics_store import Metric, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from include.standins.aws.keeping import Keeping
    from include.standins.aws.metrics_store import MetricStore
    from include.standins.aws.telemetry import Datum

BATCH = 5_000


class LocalTelemetry:
    """Implements `telemetry.Telemetry`; what is written survives a kill of the process."""

    def __init__(self, *, metrics: MetricStore, keeping: Keeping, account: str, region: str) -> None:
        self._metrics = metrics
        self._keeping = keeping
        self._account = account
        self._region = region

    def measure(self, namespace: str, data: Iterable[Datum]) -> None:
        """Put values into a namespace."""
        self._metrics.put(
            (
                Metric.of(namespace, datum.name, datum.dimensions),
                Values.one(datum.at.timestamp(), datum.value, datum.unit),
            )
            for datum in data
        )

    def log(self, group: str, stream: str, lines: Iterable[tuple[datetime, str]]) -> None:
        """Append lines; the group and the stream are made when they are missing."""
        events: Iterator[dict[str, object]] = (
            {"timestamp": int(at.timestamp() * 1000), "message": message} for at, message in lines
        )
        with self._keeping.locked("logs"):
            kept = self._stream(group, stream)
        while batch := list(islice(events, BATCH)):
            kept.put_log_events(batch)

    def _stream(self, group: str, stream: str) -> Any:
        backend = get_backend("logs")[self._account][self._region]
        if group not in backend.groups or stream not in backend.groups[group].streams:
            backend.ensure_log_group(group)
            backend.ensure_log_stream(group, stream)
            self._keeping.save("logs")
        return backend.groups[group].streams[stream]
