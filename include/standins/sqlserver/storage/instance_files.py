"""The master file: what the instance knows of its databases, one durable transaction per change.

A change may carry history for msdb. It is kept here until msdb has it, so that a crash between the two loses nothing.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

from include.standins.sqlserver.storage import properties as rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from include.standins.sqlserver.storage.properties import DatabaseProperties

HistoryEntry: TypeAlias = dict[str, Any]
"""One event for msdb, in JSON's types, with its own "key"."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (id INTEGER PRIMARY KEY, properties TEXT NOT NULL, changed_pages BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pending_history (number INTEGER PRIMARY KEY, entry TEXT NOT NULL);
"""


class MasterFile:
    """An SQLite file in full synchronous mode."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)

    def load(self) -> list[DatabaseProperties]:
        """Return all databases, by id."""
        with self._lock:
            found = self._connection.execute("SELECT properties, changed_pages FROM databases ORDER BY id").fetchall()
        return [rows.from_json(text, changed_pages=changed) for text, changed in found]

    def save(self, properties: DatabaseProperties, *, history: Sequence[HistoryEntry] = ()) -> None:
        """Write one database's row, and history for msdb, in one durable transaction."""
        row = (properties.id, rows.to_json(properties), properties.changed_pages)
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT OR REPLACE INTO databases VALUES (?, ?, ?)", row)
            self._add_history(history)

    def forget(self, database_id: int) -> None:
        """Delete one database's row."""
        with self._lock:
            self._connection.execute("DELETE FROM databases WHERE id = ?", (database_id,))

    def pending_history(self) -> list[tuple[int, HistoryEntry]]:
        """Return what msdb has not got yet, oldest first."""
        with self._lock:
            found = self._connection.execute("SELECT number, entry FROM pending_history ORDER BY number").fetchall()
        return [(number, json.loads(entry)) for number, entry in found]

    def history_written(self, number: int) -> None:
        """Forget an entry that msdb has."""
        with self._lock:
            self._connection.execute("DELETE FROM pending_history WHERE number = ?", (number,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _add_history(self, history: Sequence[HistoryEntry]) -> None:
        entries = [(json.dumps(entry),) for entry in history]
        self._connection.executemany("INSERT INTO pending_history (entry) VALUES (?)", entries)
