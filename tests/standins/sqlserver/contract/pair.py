"""Two servers that the contract is held against, whoever made them."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pymssql


@dataclass(frozen=True)
class End:
    """One server, on a connection of its own for every batch, to master and in autocommit mode."""

    host: str
    port: int
    password: str

    def execute(self, sql: str, parameters: Sequence[Any] = (), *, database: str = "master") -> None:
        """Run a batch to its end; an error of any of its statements is raised."""
        with self._cursor(database) as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            while cursor.nextset():
                pass

    def query(self, sql: str, parameters: Sequence[Any] = (), *, database: str = "master") -> list[dict[str, Any]]:
        """Run one statement and return its rows."""
        with self._cursor(database) as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return list(cursor.fetchall())

    def refusal(self, sql: str, *, database: str = "master") -> int:
        """Run a batch that must fail, and return the number of the first error of the highest severity."""
        try:
            self.execute(sql, database=database)
        except pymssql.Error as error:
            arguments = error.args
            while len(arguments) == 1:
                arguments = arguments[0]
            return int(arguments[0])
        raise AssertionError(f"The server took it: {sql}")

    def state(self, database: str) -> tuple[str, bool]:
        """Return state_desc and is_in_standby."""
        (row,) = self.query("SELECT state_desc, is_in_standby FROM sys.databases WHERE name = %s", (database,))
        return row["state_desc"], bool(row["is_in_standby"])

    def redo_lsn(self, database: str) -> int:
        """Return where the next log must begin or reach over."""
        (row,) = self.query(
            "SELECT MIN(redo_start_lsn) AS lsn FROM sys.master_files WHERE database_id = DB_ID(%s)", (database,)
        )
        return int(row["lsn"])

    @contextmanager
    def _cursor(self, database: str) -> Iterator[Any]:
        connection = pymssql.connect(
            server=self.host,
            port=str(self.port),
            user="sa",
            password=self.password,
            database=database,
            autocommit=True,
            login_timeout=15,
        )
        with closing(connection), connection.cursor(as_dict=True) as cursor:
            yield cursor


@dataclass(frozen=True)
class Pair:
    """Primary, secondary, and a folder that both know by the same path."""

    primary: End
    secondary: End
    folder: str

    def file(self, name: str) -> str:
        """Return a path that nothing stands under yet."""
        return f"{self.folder}/{uuid.uuid4().hex[:8]}_{name}"

    def back_up(self, database: str, kind: str = "LOG", *, options: str = "") -> str:
        """Back up on the primary, and return the file."""
        path = self.file(f"{database}.bak")
        self.primary.execute(f"BACKUP {kind} [{database}] TO DISK = N'{path}' WITH INIT, CHECKSUM{options}")
        return path

    def restore(self, database: str, path: str, kind: str = "LOG", *, after: str = "NORECOVERY") -> None:
        """Restore on the secondary."""
        self.secondary.execute(f"RESTORE {kind} [{database}] FROM DISK = N'{path}' WITH {after}")

    def header(self, path: str) -> dict[str, Any]:
        """Return the one header of a file, as the secondary reads it."""
        (header,) = self.secondary.query(f"RESTORE HEADERONLY FROM DISK = N'{path}'")
        return header
