"""The events of every log stream, in a SQLite file of their own; durability is that of `state_store`."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, log_group TEXT, stream TEXT, at INTEGER, ingested INTEGER, message TEXT
);
CREATE INDEX IF NOT EXISTS event_at ON event (log_group, stream, at, id);
"""
FOREVER = 1 << 62
PAGE = 10_000


class Event(NamedTuple):
    """A line; times in milliseconds since the epoch."""

    id: int
    stream: str
    at: int
    ingested: int
    message: str


class LogStore:
    """Events by log group and stream; safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(directory / "logs.db", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(SCHEMA)

    def append(self, group: str, stream: str, events: Iterable[tuple[int, str]], *, ingested: int) -> list[Event]:
        """Add (time, message) pairs, all or none, and give them with their ids."""
        kept = []
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for at, message in events:
                row = self._database.execute(
                    "INSERT INTO event (log_group, stream, at, ingested, message) VALUES (?, ?, ?, ?, ?)",
                    (group, stream, at, ingested, message),
                )
                kept.append(Event(row.lastrowid or 0, stream, at, ingested, message))
        return kept

    def events(self, group: str, stream: str = "", *, start: int = 0, end: int = FOREVER) -> Iterator[Event]:
        """Give events with start <= time <= end, of one stream or of all in the group, by time within each stream."""
        after = (stream, -1, 0)
        while page := self._page(group, stream, (start, end), after):
            yield from page
            after = (page[-1].stream, page[-1].at, page[-1].id)

    def _page(self, group: str, stream: str, between: tuple[int, int], after: tuple[str, int, int]) -> Sequence[Event]:
        with self._lock:
            rows = self._database.execute(
                "SELECT id, stream, at, ingested, message FROM event WHERE log_group = ? AND (? = '' OR stream = ?)"
                " AND at >= ? AND at <= ? AND (stream, at, id) > (?, ?, ?) ORDER BY stream, at, id LIMIT ?",
                (group, stream, stream, *between, *after, PAGE),
            ).fetchall()
        return [Event(*row) for row in rows]

    def find(self, number: int) -> tuple[str, Event] | None:
        """Give (group, event) of an id."""
        with self._lock:
            row = self._database.execute(
                "SELECT log_group, id, stream, at, ingested, message FROM event WHERE id = ?", (number,)
            ).fetchone()
        return (row[0], Event(*row[1:])) if row else None

    def span(self, group: str, stream: str) -> tuple[int, int, int, int] | None:
        """Give first and last event time, last ingestion, and bytes of a stream; None when it is empty."""
        with self._lock:
            row = self._database.execute(
                "SELECT min(at), max(at), max(ingested), sum(length(message)) FROM event"
                " WHERE log_group = ? AND stream = ?",
                (group, stream),
            ).fetchone()
        return None if row[0] is None else (row[0], row[1], row[2], row[3])

    def drop(self, group: str, stream: str = "") -> None:
        """Delete the events of a stream, or of a whole group."""
        with self._lock, self._database:
            self._database.execute(
                "DELETE FROM event WHERE log_group = ? AND (? = '' OR stream = ?)", (group, stream, stream)
            )

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
