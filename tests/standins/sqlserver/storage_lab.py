"""One instance's storage driven directly, without T-SQL and the wire."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.backup import reading
from include.standins.sqlserver.backup.opening import open_catalog
from include.standins.sqlserver.backup.restoring import restore
from include.standins.sqlserver.backup.writing import back_up
from include.standins.sqlserver.requests import (
    AfterRestore,
    BackupKind,
    BackupRequest,
    MediaQuestion,
    MediaRequest,
    RestoreRequest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from include.standins.sqlserver.backup.progress import Progress
    from include.standins.sqlserver.results import Message
    from include.standins.sqlserver.storage.catalog import Catalog
    from include.standins.sqlserver.storage.database import Database

NORECOVERY, STANDBY, RECOVERY = AfterRestore.NORECOVERY, AfterRestore.STANDBY, AfterRestore.RECOVERY


def never() -> None:
    """Cancel nothing."""


class Lab:
    """An instance under a directory. `users` are session ids that "use" every database."""

    def __init__(self, root: Path, name: str = "SQLFCI01") -> None:
        self.root = root
        self.name = name
        self.users: list[int] = []
        self.owner = object()
        self.catalog: Catalog = self._open()

    def _open(self) -> Catalog:
        return open_catalog(self.root, server_name=self.name, in_use=lambda _name, _owner: self.users)

    def reopen(self) -> None:
        """Start again after an orderly stop."""
        self.catalog.close()
        self.catalog = self._open()

    def create(self, name: str = "sales") -> Database:
        """Create a database with a table t."""
        database = self.catalog.create(name)
        self.run(name, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        return database

    def run(self, name: str, sql: str, *values: Any) -> int:
        """Run one statement in its own transaction; return the end LSN."""
        return self.run_all(name, [(sql, values)])

    def run_all(self, name: str, statements: list[tuple[str, tuple[Any, ...]]]) -> int:
        """Run statements in one transaction."""
        database = self.catalog.get(name)
        owner = object()
        with closing(database.connect()) as connection:
            database.begin_write(owner, never)
            try:
                connection.execute("BEGIN")
                for sql, values in statements:
                    connection.execute(sql, values)
                return database.commit(connection, owner)
            finally:
                database.rollback(connection, owner)

    def add(self, *values: str, name: str = "sales") -> int:
        """Insert rows, one commit each."""
        end = 0
        for value in values:
            end = self.run(name, "INSERT INTO t (v) VALUES (?)", value)
        return end

    def values(self, name: str = "sales") -> list[str]:
        """Return t's values in order."""
        with closing(self.catalog.get(name).connect(read_only=True)) as connection:
            return [value for (value,) in connection.execute("SELECT v FROM t ORDER BY id")]

    def digest(self, name: str = "sales") -> str:
        """Return a hash over every table's definition and content."""
        with closing(self.catalog.get(name).connect(read_only=True)) as connection:
            return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()

    def back_up(
        self,
        kind: BackupKind,
        *paths: Path | str,
        name: str = "sales",
        progress: Progress | None = None,
        **options: Any,
    ) -> list[Message]:
        """Take a backup."""
        request = BackupRequest(kind=kind, database=name, devices=tuple(map(str, paths)), **options)
        return list(back_up(self.catalog, request, user="sa", owner=self.owner, check=never, progress=progress))

    def full(self, *paths: Path | str, **options: Any) -> list[Message]:
        """BACKUP DATABASE."""
        return self.back_up(BackupKind.DATABASE, *paths, **options)

    def differential(self, *paths: Path | str, **options: Any) -> list[Message]:
        """BACKUP DATABASE WITH DIFFERENTIAL."""
        return self.back_up(BackupKind.DIFFERENTIAL, *paths, **options)

    def log(self, *paths: Path | str, **options: Any) -> list[Message]:
        """BACKUP LOG."""
        return self.back_up(BackupKind.LOG, *paths, **options)

    def restore(
        self,
        *paths: Path | str,
        log: bool = False,
        name: str = "sales",
        after: AfterRestore = NORECOVERY,
        **options: Any,
    ) -> list[Message]:
        """RESTORE DATABASE, or only recover when there are no paths."""
        request = RestoreRequest(log=log, database=name, devices=tuple(map(str, paths)), after=after, **options)
        return list(restore(self.catalog, request, user="sa", owner=self.owner, check=never))

    def restore_log(self, *paths: Path | str, **options: Any) -> list[Message]:
        """RESTORE LOG."""
        return self.restore(*paths, log=True, **options)

    def headers(self, path: Path | str) -> list[dict[str, Any]]:
        """RESTORE HEADERONLY, rows by column name."""
        columns, rows = reading.headers(self.catalog, _question(MediaQuestion.HEADERONLY, path))
        return [dict(zip([column.name for column in columns], row, strict=True)) for row in rows]

    def verify(self, *paths: Path | str, position: int | None = None) -> list[Message]:
        """RESTORE VERIFYONLY."""
        request = MediaRequest(question=MediaQuestion.VERIFYONLY, devices=tuple(map(str, paths)), position=position)
        return list(reading.verify(self.catalog, request, check=never))

    def msdb(self, query: str) -> list[tuple[Any, ...]]:
        """Ask msdb."""
        with closing(self.catalog.msdb.connect(read_only=True)) as connection:
            return connection.execute(query).fetchall()


def _question(question: MediaQuestion, path: Path | str) -> MediaRequest:
    return MediaRequest(question=question, devices=(str(path),))
