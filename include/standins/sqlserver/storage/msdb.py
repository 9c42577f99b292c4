"""msdb: backup and restore history, suspect pages, the log shipping monitor's tables."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.storage import msdb_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from include.standins.sqlserver.storage.instance_files import HistoryEntry

_BUSY_MILLISECONDS = 5_000


@dataclass(frozen=True, slots=True)
class CellFormat:
    """How the engine keeps T-SQL values in SQLite, so that its statements can read what is written here.

    :param encode: value (int, str, None; a datetime as ISO text) and T-SQL type to what SQLite keeps.
    :param prepare: creates `msdb_schema.TABLES` in the engine's own manner; what it leaves out is created plainly.
    """

    encode: Callable[[Any, str], Any] = lambda value, _type: value
    prepare: Callable[[sqlite3.Connection], None] = lambda _connection: None


class Msdb:
    """A plain SQLite file in WAL mode, durable at each COMMIT.

    Sessions may change the log_shipping_* tables, in short transactions; history that finds them locked for longer than
    the busy timeout stays in the master file's outbox.
    """

    def __init__(self, path: Path, cells: CellFormat) -> None:
        self.path = path
        self._cells = cells
        self._lock = threading.Lock()
        self._connection = self.connect()
        self._connection.execute("PRAGMA journal_mode = WAL")
        cells.prepare(self._connection)
        for table, columns in msdb_schema.TABLES.items():
            self._connection.execute(_create_table(table, columns))
        self._connection.execute(
            "CREATE UNIQUE INDEX IF NOT EXISTS backupset_uuid ON backupset (backup_set_uuid, media_set_id)"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS landfall_recorded (key TEXT PRIMARY KEY)")

    def connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        """Open a connection that commits when told to."""
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA synchronous = FULL")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def record(self, entry: HistoryEntry) -> None:
        """Write one backup or restore into the history; the same entry again changes nothing.

        :raises sqlite3.OperationalError: another session keeps msdb locked.
        """
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            added = self._connection.execute("INSERT OR IGNORE INTO landfall_recorded VALUES (?)", (entry["key"],))
            if added.rowcount:
                set_id = self._backup_set(entry) if entry.get("set") else None
                if restored := entry.get("restore"):
                    self._restore(restored, set_id, entry["files"])

    def suspect_page(self, *, database_id: int, page: int, now: str) -> None:
        """Note a damaged page (event type 1: read error)."""
        with self._lock, self._connection:
            self._insert(
                "suspect_pages",
                {
                    "database_id": database_id,
                    "file_id": 1,
                    "page_id": page,
                    "event_type": 1,
                    "error_count": 1,
                    "last_update_date": now,
                },
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _backup_set(self, entry: HistoryEntry) -> int:
        media_id = self._media_set(entry["media"], entry["families"])
        known = self._connection.execute(
            "SELECT backup_set_id FROM backupset WHERE backup_set_uuid = ? AND media_set_id = ?",
            (entry["set"]["backup_set_uuid"], media_id),
        ).fetchone()
        if known:
            return int(known[0])
        set_id = self._insert("backupset", {**entry["set"], "media_set_id": media_id})
        for file in entry["set_files"]:
            self._insert("backupfile", {**file, "backup_set_id": set_id})
        return set_id

    def _media_set(self, media: Mapping[str, Any], families: Sequence[Mapping[str, Any]]) -> int:
        known = self._connection.execute(
            """SELECT m.media_set_id FROM backupmediaset m JOIN backupmediafamily f ON f.media_set_id = m.media_set_id
            WHERE m.media_uuid = ? AND f.physical_device_name = ?""",
            (media["media_uuid"], families[0]["physical_device_name"]),
        ).fetchone()
        if known:
            return int(known[0])
        media_id = self._insert("backupmediaset", media)
        for family in families:
            self._insert("backupmediafamily", {**family, "media_set_id": media_id})
        return media_id

    def _restore(self, restored: Mapping[str, Any], set_id: int | None, files: Sequence[Mapping[str, Any]]) -> None:
        history_id = self._insert("restorehistory", {**restored, "backup_set_id": set_id})
        for file in files:
            self._insert("restorefile", {**file, "restore_history_id": history_id})

    def _insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Insert by column name, with the next identity; names come from this package, never from outside."""
        row = dict(values)
        identity = msdb_schema.IDENTITIES.get(table)
        number = 0
        if identity is not None:
            query = f'SELECT COALESCE(MAX("{identity}"), 0) + 1 FROM "{table}"'
            (number,) = self._connection.execute(query).fetchone()
            row[identity] = number
        types = dict(msdb_schema.TABLES[table])
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'
        cells = [None if value is None else self._cells.encode(value, types[name]) for name, value in row.items()]
        self._connection.execute(statement, cells)
        return int(number)


def _create_table(table: str, columns: Sequence[tuple[str, str]]) -> str:
    identity = msdb_schema.IDENTITIES.get(table)
    definitions = (
        f'"{name}" INTEGER PRIMARY KEY' if name == identity else f'"{name}" {kind}' for name, kind in columns
    )
    return f'CREATE TABLE IF NOT EXISTS "{table}" ({", ".join(definitions)})'
