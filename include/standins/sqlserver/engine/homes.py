"""A session's connection to one database: SQLite prepared for T-SQL, the schema, the way to begin and commit."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query import runtime, schema
from include.standins.sqlserver.storage.msdb_schema import WRITABLE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.storage.database import Database
    from include.standins.sqlserver.storage.msdb import Msdb

SYSTEM_DATABASES = {"master": 1, "tempdb": 2, "model": 3, "msdb": 4}


class Home:
    """A database as one session sees it."""

    def __init__(self, name: str, connection: sqlite3.Connection, surroundings: runtime.Surroundings) -> None:
        self.name = name
        self.connection = connection
        runtime.prepare(connection, surroundings)
        self.views: set[str] = set()
        self._schema = schema.EMPTY
        self._version = -1
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA foreign_keys = ON")

    def schema(self) -> schema.Schema:
        """Return the tables as they are now."""
        version = self.connection.execute("PRAGMA main.schema_version").fetchone()[0]
        if version != self._version:
            self._schema = schema.read_schema(self.connection)
            self._version = version
        return self._schema

    def forget_schema(self) -> None:
        """Read the tables anew at the next statement: definitions changed, or were rolled back."""
        self._version = -1

    def begin(self, owner: object, check: Callable[[], None]) -> None:
        """Begin a transaction that may write.

        :raises SqlError: 3906 in a read-only database, 40515 in a system database.
        """
        raise not_modelled(f"Writing in the system database {self.name}")

    def commit(self, owner: object) -> None:
        """Commit durably."""

    def rollback(self, owner: object) -> None:
        """Roll back."""

    @property
    def is_stale(self) -> bool:
        """Whether the database has been restored or closed since this connection was opened."""
        return False

    def check_writable(self, table: str) -> None:
        """Raise when statements may not change this table."""

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class SystemHome(Home):
    """master, model or tempdb: nothing but catalog views."""

    def __init__(self, name: str, surroundings: runtime.Surroundings) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        super().__init__(name, connection, surroundings)


class MsdbHome(Home):
    """msdb: everything can be read, the log_shipping_* tables can be changed."""

    def __init__(self, msdb: Msdb, surroundings: runtime.Surroundings) -> None:
        super().__init__("msdb", msdb.connect(), surroundings)

    def begin(self, owner: object, check: Callable[[], None]) -> None:
        """Take the writer's place at once: a statement that reads first could not wait for it later (SQLITE_BUSY).

        A BACKUP whose history finds msdb locked keeps it in the outbox and writes it with the next one.
        """
        while True:
            check()
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            else:
                return

    def commit(self, owner: object) -> None:
        self.connection.execute("COMMIT")

    def rollback(self, owner: object) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def check_writable(self, table: str) -> None:
        """:raises SqlError: 229 for the history that BACKUP and RESTORE write."""
        if not table.lower().startswith(WRITABLE_PREFIX):
            raise SqlError(
                229,
                f"The UPDATE permission was denied on the object '{table}', database 'msdb', schema 'dbo': BACKUP and "
                "RESTORE write it.",
                severity=14,
            )


class UserHome(Home):
    """A user database."""

    def __init__(self, database: Database, surroundings: runtime.Surroundings) -> None:
        self.database = database
        self._generation = database.generation
        super().__init__(database.name, database.connect(), surroundings)

    def begin(self, owner: object, check: Callable[[], None]) -> None:
        self.database.begin_write(owner, check)
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self, owner: object) -> None:
        self.database.commit(self.connection, owner)

    def rollback(self, owner: object) -> None:
        self.database.rollback(self.connection, owner)

    @property
    def is_stale(self) -> bool:
        return self.database.generation != self._generation
