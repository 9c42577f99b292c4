"""How engines report themselves as the real services do: metrics to CloudWatch, lines to CloudWatch Logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """One value of a metric; `at` is aware."""

    name: str
    value: float
    unit: str
    dimensions: Mapping[str, str]
    at: datetime


class Telemetry(Protocol):
    """Takes metrics and log lines from engines, in any thread."""

    def measure(self, namespace: str, data: Iterable[Datum]) -> None:
        """Put values into a namespace, as `AWS/DataSync`."""
        ...

    def log(self, group: str, stream: str, lines: Iterable[tuple[datetime, str]]) -> None:
        """Append lines; the group and the stream are made when they are missing."""
        ...
