"""The databases of one instance: created, found, dropped, recovered at start."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.storage import data_file, durable, failures
from include.standins.sqlserver.storage.clock import Clock
from include.standins.sqlserver.storage.database import Database
from include.standins.sqlserver.storage.faults import Faults
from include.standins.sqlserver.storage.instance_files import HistoryEntry, MasterFile
from include.standins.sqlserver.storage.log import LogFile
from include.standins.sqlserver.storage.lsn import FIRST_LSN
from include.standins.sqlserver.storage.msdb import CellFormat, Msdb
from include.standins.sqlserver.storage.properties import DatabaseProperties, DatabaseState, Fork

InUse: TypeAlias = Callable[[str, object], list[int]]
"""Database name and the asking owner (a session) to the session ids of all others that use it."""

_FIRST_ID = 5  # 1 to 4 are master, tempdb, model and msdb
_DISK_FILE_NAME_BYTES = 200


class Catalog:
    """User databases by name, whatever its case; system databases (master, tempdb, model) are the engine's.

    Open one by `backup.opening.open_catalog`, which also settles tail backups that a crash interrupted.
    """

    def __init__(
        self,
        root: Path,
        *,
        server_name: str,
        in_use: InUse = lambda _name, _owner: [],
        cells: CellFormat | None = None,
    ) -> None:
        self.root = root
        self.server_name = server_name
        self.in_use = in_use
        self.clock = Clock()
        self.faults = Faults(self.clock)
        self.data_directory = root / "data"
        self.backup_directory = root / "backup"
        self._lock = threading.RLock()
        self._history_lock = threading.Lock()
        self._databases: dict[str, Database] = {}
        self.data_directory.mkdir(parents=True, exist_ok=True)
        self.backup_directory.mkdir(exist_ok=True)
        self._master = MasterFile(root / "master.sqlite")
        self.msdb = Msdb(root / "msdb.sqlite", cells or CellFormat())

    def open(self, *, tail_is_complete: Callable[[DatabaseProperties], bool]) -> None:
        """Recover every database; damaged ones become SUSPECT or RECOVERY_PENDING, never an exception.

        :param tail_is_complete: for a database with a `pending_tail`, whether that backup is whole on its media.
        """
        for properties in self._master.load():
            database = Database(properties, self)
            self._databases[properties.name.casefold()] = database
            database.start()
            if (tail := properties.pending_tail) is not None:
                whole = tail_is_complete(properties)
                database.finish_tail(tail) if whole else database.update(pending_tail=None)
        self.flush_history()

    def close(self) -> None:
        """Checkpoint and close all; sessions must be gone."""
        for database in self.databases():
            database.stop()
        self.flush_history()
        self.msdb.close()
        self._master.close()

    def get(self, name: str) -> Database:
        """Find a database.

        :raises SqlError: 911.
        """
        database = self.find(name)
        if database is None:
            raise failures.unknown_database(name)
        return database

    def find(self, name: str) -> Database | None:
        """Find a database, or None."""
        return self._databases.get(name.casefold())

    def names(self) -> list[str]:
        """Return the names, by id."""
        return [database.name for database in self.databases()]

    def databases(self) -> list[Database]:
        """Return all, by id; ids begin at 5."""
        with self._lock:
            return sorted(self._databases.values(), key=lambda database: database.id)

    def create(self, name: str) -> Database:
        """CREATE DATABASE, in the FULL recovery model.

        :raises SqlError: 1801 when it exists.
        """
        with self._lock:
            if self.find(name) is not None:
                text = f"Database '{name}' already exists. Choose a different database name."
                raise SqlError(1801, text, state=3)
            properties = self.new_properties(name, state=DatabaseState.ONLINE)
            data_file.create(Path(properties.data_path))
            LogFile.create(Path(properties.log_path), start_lsn=FIRST_LSN).close()
            return self.add(properties)

    def new_properties(
        self, name: str, *, state: DatabaseState, files: Mapping[int, str] | None = None
    ) -> DatabaseProperties:
        """Describe a database that does not exist yet; `files` gives paths by file id instead of the default ones."""
        paths = {1: str(self.default_path(name, ".mdf")), 2: str(self.default_path(name, "_log.ldf"))} | dict(
            files or {}
        )
        return DatabaseProperties(
            name=name,
            id=self._free_id(),
            data_path=paths[1],
            log_path=paths[2],
            data_logical_name=name,
            log_logical_name=f"{name}_log",
            state=state,
            create_date=self.clock.now(),
            family_guid=new_guid(),
            database_guid=new_guid(),
            forks=(Fork(new_guid(), FIRST_LSN),),
            checkpoint_lsn=FIRST_LSN,
        )

    def add(self, properties: DatabaseProperties) -> Database:
        """Make a described database known, durably, and start it.

        Its number is given here: between describing and adding another session may have added one.

        :raises SqlError: 1801 when one of that name was added meanwhile.
        """
        with self._lock:
            if self.find(properties.name) is not None:
                raise SqlError(1801, f"Database '{properties.name}' already exists. Choose a different database name.")
            properties.id = self._free_id()
            self.save(properties)
            database = self._databases[properties.name.casefold()] = Database(properties, self)
        database.start()
        return database

    def drop(self, name: str, owner: object) -> None:
        """DROP DATABASE with its files.

        :raises SqlError: 3701 unknown, 3702 in use.
        """
        database = self.find(name)
        if database is None:
            text = f"Cannot drop the database '{name}', because it does not exist or you do not have permission."
            raise SqlError(3701, text, severity=11)
        try:
            with database.exclusive(owner):
                self._forget(database)
        except SqlError as error:
            text = f'Cannot drop database "{database.name}" because it is currently in use.'
            raise SqlError(3702, text, state=3) if error.number == 3101 else error from error

    def rename(self, name: str, new_name: str, owner: object) -> None:
        """ALTER DATABASE ... MODIFY NAME; the files keep their names.

        :raises SqlError: 911, 1801, 5030 in use.
        """
        database = self.get(name)
        if self.find(new_name) not in (None, database):
            raise SqlError(1801, f"Database '{new_name}' already exists. Choose a different database name.", state=3)
        try:
            with database.exclusive(owner), self._lock:
                del self._databases[database.name.casefold()]
                database.update(name=new_name)
                self._databases[new_name.casefold()] = database
        except SqlError as error:
            text = "The database could not be exclusively locked to perform the operation."
            raise SqlError(5030, text) if error.number == 3101 else error from error

    def save(self, properties: DatabaseProperties, *, history: Sequence[HistoryEntry] = ()) -> None:
        """Write a database's row durably, with history for msdb (see `flush_history`)."""
        self._master.save(properties, history=history)

    def flush_history(self) -> None:
        """Move history that is due into msdb; what msdb cannot take now (it is locked) waits for the next time."""
        with self._history_lock:
            for number, entry in self._master.pending_history():
                try:
                    self.msdb.record(entry)
                except sqlite3.OperationalError:
                    return
                self._master.history_written(number)

    def default_path(self, name: str, suffix: str) -> Path:
        """Where a file of a database goes when nobody says otherwise."""
        return self.data_directory / (quote(name, safe=" -_.,()")[:_DISK_FILE_NAME_BYTES].lstrip(".") + suffix)

    def owner_of_file(self, path: Path) -> Database | None:
        """Return the database that has this file."""
        for database in self.databases():
            if path in (database.data_path, database.log_path):
                return database
        return None

    def _free_id(self) -> int:
        taken = {database.id for database in self._databases.values()}
        return next(number for number in range(_FIRST_ID, _FIRST_ID + len(taken) + 1) if number not in taken)

    def _forget(self, database: Database) -> None:
        with self._lock:
            if database.state not in (DatabaseState.SUSPECT, DatabaseState.RECOVERY_PENDING):
                database.stop()
            self._master.forget(database.id)
            del self._databases[database.name.casefold()]
        data = database.data_path
        durable.remove(data, *data_file.side_files(data), database.log_path)


def new_guid() -> str:
    """Return a random uniqueidentifier as SQL Server prints it."""
    return str(uuid.uuid4()).upper()
