"""The values of every metric, in a SQLite file of their own: a transfer puts thousands, a query asks for a day of them.

A row holds one value, or a set of values by minimum, maximum, sum and count, as PutMetricData's StatisticValues do.
Durability is that of `state_store`. Values older than HISTORY are dropped (CloudWatch keeps one-minute points 15 days).
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

HISTORY_SECONDS = 15 * 24 * 3600.0
PRUNE_EVERY_SECONDS = 3600.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS metric (
    id INTEGER PRIMARY KEY, namespace TEXT, name TEXT, dimensions TEXT, UNIQUE (namespace, name, dimensions)
);
CREATE TABLE IF NOT EXISTS value (
    metric INTEGER, at INTEGER, minimum REAL, maximum REAL, total REAL, samples REAL, unit TEXT
);
CREATE INDEX IF NOT EXISTS value_at ON value (metric, at);
"""


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured; `dimensions` are (name, value) pairs in order of names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        """Build it from dimensions in any order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class Values(NamedTuple):
    """One value (`minimum` == `maximum`), seen `samples` times, or a set of values.

    :param at: whole seconds since the epoch.
    """

    at: int
    minimum: float
    maximum: float
    total: float
    samples: float
    unit: str

    @classmethod
    def one(cls, at: float, value: float, unit: str, *, samples: float = 1.0) -> Values:
        """Give a value that was seen `samples` times."""
        return cls(int(at), value, value, value * samples, samples, unit)


class MetricStore:
    """Metrics and their values; safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(directory / "metrics.db", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(SCHEMA)
        self._ids: dict[Metric, int] = {
            Metric(namespace, name, tuple((key, value) for key, value in json.loads(dimensions))): number
            for number, namespace, name, dimensions in self._database.execute(
                "SELECT id, namespace, name, dimensions FROM metric"
            )
        }
        self._pruned_at = 0.0

    def put(self, data: Iterable[tuple[Metric, Values]]) -> None:
        """Add values, all or none."""
        rows = list(data)
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT INTO value VALUES (?, ?, ?, ?, ?, ?, ?)", [(self._id(metric), *row) for metric, row in rows]
            )
            self._prune()

    def replace(self, metric: Metric, rows: Sequence[Values]) -> None:
        """Put the values of one moment in the place of those that the metric had in the same minute."""
        minute = rows[0].at - rows[0].at % 60
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            number = self._id(metric)
            self._database.execute(
                "DELETE FROM value WHERE metric = ? AND at >= ? AND at < ?", (number, minute, minute + 60)
            )
            self._database.executemany(
                "INSERT INTO value VALUES (?, ?, ?, ?, ?, ?, ?)", [(number, *row) for row in rows]
            )

    def between(self, metric: Metric, start: float, end: float, *, unit: str = "") -> list[Values]:
        """Give the values with start <= at < end, oldest first; with `unit`, only those that carry it."""
        with self._lock:
            number = self._ids.get(metric)
            if number is None:
                return []
            found = self._database.execute(
                "SELECT at, minimum, maximum, total, samples, unit FROM value"
                " WHERE metric = ? AND at >= ? AND at < ? AND (? = '' OR unit = ?) ORDER BY at",
                (number, start, end, unit, unit),
            ).fetchall()
        return [Values(*row) for row in found]

    def metrics(self) -> Iterator[Metric]:
        """Give every metric that ever had a value, in the order of their first."""
        with self._lock:
            return iter(list(self._ids))

    def _id(self, metric: Metric) -> int:
        if metric not in self._ids:
            inserted = self._database.execute(
                "INSERT INTO metric (namespace, name, dimensions) VALUES (?, ?, ?)",
                (metric.namespace, metric.name, json.dumps(metric.dimensions)),
            )
            self._ids[metric] = inserted.lastrowid or 0
        return self._ids[metric]

    def _prune(self) -> None:
        now = time.time()
        if now - self._pruned_at >= PRUNE_EVERY_SECONDS:
            self._pruned_at = now
            self._database.execute("DELETE FROM value WHERE at < ?", (int(now - HISTORY_SECONDS),))

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
