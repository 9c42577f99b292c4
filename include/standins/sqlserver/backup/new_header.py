"""The header of a backup set that is about to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup.backup_set import BackedUpFile, SetHeader
from include.standins.sqlserver.requests import BackupKind, BackupRequest
from include.standins.sqlserver.storage.properties import DatabaseState, UserAccess

if TYPE_CHECKING:
    from datetime import datetime

    from include.standins.sqlserver.storage.database import Database

DAMAGED = (DatabaseState.SUSPECT, DatabaseState.RECOVERY_PENDING)
"""States in which only the log may still be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which set, by whom, where and when."""

    guid: str
    user: str
    server: str
    started: datetime


def new_header(
    database: Database, request: BackupRequest, *, origin: Origin, first_lsn: int, checkpoint_lsn: int
) -> SetHeader:
    """Describe the set from the database's present properties."""
    row = database.properties
    differential = request.kind is BackupKind.DIFFERENTIAL
    is_log = request.kind is BackupKind.LOG
    return SetHeader(
        guid=origin.guid,
        kind=request.kind,
        name=request.name,
        description=request.description,
        user=origin.user,
        server=origin.server,
        database=row.name,
        database_guid=row.database_guid,
        family_guid=row.family_guid,
        created=row.create_date,
        started=origin.started,
        begin_time=row.last_log_backup_time if is_log else None,
        recovery_model=row.recovery_model,
        first_lsn=first_lsn,
        checkpoint_lsn=checkpoint_lsn,
        database_backup_lsn=row.database_backup_lsn,
        differential_base_lsn=row.differential_base_lsn if differential else None,
        differential_base_guid=row.differential_base_guid if differential else None,
        forks=row.forks,
        is_copy_only=request.copy_only or request.no_truncate,
        has_checksums=request.checksum,
        is_compressed=request.compression,
        is_read_only=row.is_read_only,
        is_single_user=row.user_access is UserAccess.SINGLE_USER,
        is_damaged=database.state in DAMAGED,
        begins_log_chain=is_log and first_lsn == row.database_backup_lsn,
        is_tail=request.no_recovery or request.standby is not None,
        files=_files(database),
    )


def _files(database: Database) -> tuple[BackedUpFile, ...]:
    return tuple(
        BackedUpFile(
            file_id=file.file_id,
            type="D" if file.type == 0 else "L",
            logical_name=file.logical_name,
            physical_name=file.physical_name,
            size=file.pages * 8192,
        )
        for file in database.files()
    )
