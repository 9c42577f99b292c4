"""What a BACKUP or RESTORE writes into msdb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.backup.versions import (
    COLLATION,
    COMPATIBILITY_LEVEL,
    DATABASE_VERSION,
    SOFTWARE_NAME,
    VERSION,
)
from include.standins.sqlserver.requests import AfterRestore, BackupKind, RestoreRequest
from include.standins.sqlserver.storage.catalog import new_guid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.backup.backup_set import BackupSet
    from include.standins.sqlserver.backup.media import MediaLabel
    from include.standins.sqlserver.storage.instance_files import HistoryEntry
    from include.standins.sqlserver.storage.properties import DatabaseProperties

TYPE_LETTERS = {BackupKind.DATABASE: "D", BackupKind.DIFFERENTIAL: "I", BackupKind.LOG: "L"}
_DISK = 2


def stored_time(moment: datetime | None) -> str | None:
    """Write a datetime as msdb's tables keep it."""
    return moment.isoformat(sep=" ", timespec="milliseconds") if moment else None


def backup_entry(found: BackupSet, labels: Sequence[tuple[Path, MediaLabel]]) -> HistoryEntry:
    """Describe a finished backup."""
    return {"key": f"backup {found.header.guid}", **_backup_set(found, labels)}


def restore_entry(
    request: RestoreRequest,
    *,
    found: BackupSet,
    labels: Sequence[tuple[Path, MediaLabel]],
    properties: DatabaseProperties,
    user: str,
    when: datetime,
) -> HistoryEntry:
    """Describe a finished restore of a set."""
    return {
        "key": f"restore {new_guid()}",
        **_backup_set(found, labels),
        "restore": {
            "restore_date": stored_time(when),
            "destination_database_name": properties.name,
            "user_name": user,
            "restore_type": TYPE_LETTERS[found.header.kind],
            "replace": int(request.replace),
            "recovery": int(request.after is AfterRestore.RECOVERY),
            "restart": 0,
            "stop_at": stored_time(request.stop_at),
            "device_count": len(labels),
        },
        "files": [
            {"file_number": 1, "destination_phys_name": properties.data_path},
            {"file_number": 2, "destination_phys_name": properties.log_path},
        ],
    }


def _backup_set(found: BackupSet, labels: Sequence[tuple[Path, MediaLabel]]) -> dict[str, Any]:
    label = labels[0][1]
    return {
        "set": _set_row(found, family_count=label.family_count),
        "set_files": [
            {
                "file_number": file.file_id,
                "file_type": file.type,
                "file_size": file.size,
                "logical_name": file.logical_name,
                "physical_name": file.physical_name,
                "filegroup_name": "PRIMARY" if file.type == "D" else None,
                "page_size": 8192,
                "is_present": 1,
                "is_readonly": 0,
            }
            for file in found.header.files
        ],
        "media": {
            "media_uuid": label.media_guid,
            "media_family_count": label.family_count,
            "software_name": SOFTWARE_NAME,
            "mirror_count": 1,
            "is_password_protected": 0,
            "is_compressed": int(label.compressed),
            "is_encrypted": 0,
        },
        "families": [
            {
                "family_sequence_number": each.family_number,
                "media_family_id": each.family_guid,
                "media_count": 1,
                "physical_device_name": str(path),
                "device_type": _DISK,
                "physical_block_size": 512,
                "mirror": 0,
            }
            for path, each in labels
        ],
    }


def _set_row(found: BackupSet, *, family_count: int) -> dict[str, Any]:
    header, end = found.header, found.end
    return {
        "backup_set_uuid": header.guid,
        "first_family_number": 1,
        "last_family_number": family_count,
        "first_media_number": 1,
        "last_media_number": 1,
        "position": found.position,
        "name": header.name,
        "description": header.description,
        "user_name": header.user,
        "software_major_version": VERSION[0],
        "software_minor_version": VERSION[1],
        "software_build_version": VERSION[2],
        "time_zone": 0,
        "first_lsn": header.first_lsn,
        "last_lsn": end.last_lsn,
        "checkpoint_lsn": header.checkpoint_lsn,
        "database_backup_lsn": header.database_backup_lsn or 0,
        "database_creation_date": stored_time(header.created),
        "backup_start_date": stored_time(header.started),
        "backup_finish_date": stored_time(end.finished),
        "type": TYPE_LETTERS[header.kind],
        "compatibility_level": COMPATIBILITY_LEVEL,
        "database_version": DATABASE_VERSION,
        "backup_size": end.backup_bytes,
        "database_name": header.database,
        "server_name": header.server,
        "machine_name": header.server,
        "collation_name": COLLATION,
        "is_password_protected": 0,
        "recovery_model": header.recovery_model,
        "has_bulk_logged_data": 0,
        "is_snapshot": 0,
        "is_readonly": int(header.is_read_only),
        "is_single_user": int(header.is_single_user),
        "has_backup_checksums": int(header.has_checksums),
        "is_damaged": int(header.is_damaged),
        "begins_log_chain": int(header.begins_log_chain),
        "has_incomplete_metadata": 0,
        "is_force_offline": int(header.is_tail),
        "is_copy_only": int(header.is_copy_only),
        "first_recovery_fork_guid": found.first_fork,
        "last_recovery_fork_guid": found.last_fork,
        "fork_point_lsn": found.fork_point_lsn,
        "database_guid": header.database_guid,
        "family_guid": header.family_guid,
        "differential_base_lsn": header.differential_base_lsn,
        "differential_base_guid": header.differential_base_guid,
        "compressed_backup_size": end.compressed_bytes,
        "last_valid_restore_time": stored_time(end.last_commit_time),
        "compression_algorithm": "MS_XPRESS" if header.is_compressed else None,
    }
