"""Rows of sys.master_files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage.stored_database import RESTORABLE, StoredDatabase

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_SQL_SERVER_PAGE_BYTES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFile:
    """A row of sys.master_files; `pages` are SQL Server's pages of 8 KB, `type` is 0 for ROWS and 1 for LOG."""

    file_id: int
    type: int
    logical_name: str
    physical_name: str
    pages: int
    redo_start_lsn: int | None = None
    redo_start_fork: str | None = None
    redo_target_lsn: int | None = None
    differential_base_lsn: int | None = None
    differential_base_guid: str | None = None
    differential_base_time: datetime | None = None
    backup_lsn: int | None = None


def master_files(database: StoredDatabase) -> list[DatabaseFile]:
    """Return the data file and the log."""
    row = database.properties
    restoring = database.state in RESTORABLE
    data = DatabaseFile(
        file_id=1,
        type=0,
        logical_name=row.data_logical_name,
        physical_name=row.data_path,
        pages=_pages(database.data_path),
        redo_start_lsn=row.redo_start_lsn if restoring else None,
        redo_start_fork=row.redo_start_fork if restoring else None,
        redo_target_lsn=row.redo_start_lsn if restoring else None,
        differential_base_lsn=row.differential_base_lsn,
        differential_base_guid=row.differential_base_guid,
        differential_base_time=row.differential_base_time,
        backup_lsn=row.database_backup_lsn,
    )
    log = DatabaseFile(
        file_id=2,
        type=1,
        logical_name=row.log_logical_name,
        physical_name=row.log_path,
        pages=_pages(database.log_path),
    )
    return [data, log]


def _pages(path: Path) -> int:
    try:
        return -(-path.stat().st_size // _SQL_SERVER_PAGE_BYTES)
    except OSError:
        return 0
