"""Where the local AWS keeps its state: one SQLite file and a folder of object bodies.

Durability: SQLite in WAL mode with synchronous=NORMAL. A killed process loses nothing that was answered, because
the write to the operating system happens before the answer. A power cut of the whole machine may lose the last
moments (no fsync per request), and never corrupts the file. Source: sqlite.org/wal.html, "Performance Considerations".
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCHEMA = "CREATE TABLE IF NOT EXISTS state (kind TEXT, name TEXT, value BLOB NOT NULL, PRIMARY KEY (kind, name))"


class Change(NamedTuple):
    """One row to write, or to delete when `value` is None."""

    kind: str
    name: str
    value: bytes | None


class StateStore:
    """Named blobs by kind, written in transactions; safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(directory / "state.db", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(SCHEMA)

    def write(self, changes: Iterable[Change]) -> None:
        """Apply all changes, or none of them."""
        puts: list[tuple[str, str, bytes]] = []
        drops: list[tuple[str, str]] = []
        for change in changes:
            if change.value is None:
                drops.append((change.kind, change.name))
            else:
                puts.append((change.kind, change.name, change.value))
        if not puts and not drops:
            return
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("DELETE FROM state WHERE kind = ? AND name = ?", drops)
            self._database.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", puts)

    def drop(self, kind: str, *, prefix: str) -> None:
        """Delete every row of a kind whose name starts with `prefix`."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "DELETE FROM state WHERE kind = ? AND name >= ? AND name < ?", (kind, prefix, prefix + "\U0010ffff")
            )

    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Give every (name, value) of a kind, in order of names."""
        with self._lock:
            rows = self._database.execute("SELECT name, value FROM state WHERE kind = ? ORDER BY name", (kind,))
            yield from rows.fetchall()

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
