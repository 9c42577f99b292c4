"""The backup and restore history in msdb, and the monitor tables of SQL Server's own log shipping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.log_shipping.tsql.quoting import (
    Statement,
    guid,
    joined,
    listed,
    literal,
    moment,
    number,
    optional,
    optional_moment,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


def msdb_backups(database: str, *, since: datetime) -> Statement:
    """Return what lists the backups of a database, one row per file, in the order they were taken.

    :param since: only those that finished then or later; the server's local time, without a zone.
    """
    return joined(
        "SELECT s.backup_set_id, s.backup_set_uuid, s.database_name, s.server_name, s.user_name, s.type,",
        "s.is_copy_only, s.first_lsn, s.last_lsn, s.checkpoint_lsn, s.database_backup_lsn, s.backup_start_date,",
        "s.backup_finish_date, s.position, s.backup_size, f.physical_device_name",
        "FROM msdb.dbo.backupset AS s",
        "JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id",
        "WHERE s.database_name =",
        literal(database),
        "AND s.backup_finish_date >=",
        moment(since),
        "ORDER BY s.backup_set_id, f.family_sequence_number",
    )


def msdb_restores(database: str) -> Statement:
    """Return what lists the last 100 restores onto a database, the newest first."""
    return joined(
        "SELECT TOP (100) r.restore_history_id, r.restore_date, r.destination_database_name, r.user_name,",
        "r.restore_type, r.recovery, r.stop_at, s.backup_set_uuid, s.database_name, s.first_lsn, s.last_lsn",
        "FROM msdb.dbo.restorehistory AS r",
        "JOIN msdb.dbo.backupset AS s ON s.backup_set_id = r.backup_set_id",
        "WHERE r.destination_database_name =",
        literal(database),
        "ORDER BY r.restore_history_id DESC",
    )


def put_monitor_primary(
    *,
    primary_id: UUID | str,
    server: str,
    database: str,
    backup_threshold: int,
    last_file: str | None,
    last_at: datetime | None,
    last_at_utc: datetime | None,
    keep_minutes: int = 5760,
) -> Statement:
    """Return what writes the row of a primary database into log_shipping_monitor_primary.

    :param backup_threshold: minutes without a log backup after which 14420 is raised.
    :param last_at: server's local time of the last log backup; `last_at_utc` is the same in UTC.
    """
    values = {
        "primary_server": literal(server),
        "primary_database": literal(database),
        "backup_threshold": number(backup_threshold),
        "threshold_alert": "14420",
        "threshold_alert_enabled": "1",
        "last_backup_file": optional(last_file),
        "last_backup_date": optional_moment(last_at),
        "last_backup_date_utc": optional_moment(last_at_utc),
        "history_retention_period": number(keep_minutes),
    }
    return _put("msdb.dbo.log_shipping_monitor_primary", {"primary_id": guid(primary_id)}, values)


def put_monitor_secondary(
    *,
    secondary_id: UUID | str,
    server: str,
    database: str,
    primary: tuple[str, str],
    restore_threshold: int,
    copied: tuple[str, datetime, datetime] | None,
    restored: tuple[str, datetime, datetime, int] | None,
    keep_minutes: int = 5760,
) -> Statement:
    """Return what writes the row of a secondary database into log_shipping_monitor_secondary.

    :param primary: server and database that the logs come from.
    :param restore_threshold: minutes without a restore after which 14421 is raised.
    :param copied: the last copied file, its time in the server's local time and in UTC.
    :param restored: the same for the last restored file, and the latency in minutes between backup and restore.
    """
    primary_server, primary_database = primary
    copied_file, copied_at, copied_utc = copied or (None, None, None)
    restored_file, restored_at, restored_utc, latency = restored or (None, None, None, None)
    values = {
        "primary_server": literal(primary_server),
        "primary_database": literal(primary_database),
        "restore_threshold": number(restore_threshold),
        "threshold_alert": "14421",
        "threshold_alert_enabled": "1",
        "last_copied_file": optional(copied_file),
        "last_copied_date": optional_moment(copied_at),
        "last_copied_date_utc": optional_moment(copied_utc),
        "last_restored_file": optional(restored_file),
        "last_restored_date": optional_moment(restored_at),
        "last_restored_date_utc": optional_moment(restored_utc),
        "last_restored_latency": "NULL" if latency is None else number(latency),
        "history_retention_period": number(keep_minutes),
    }
    keys = {
        "secondary_server": literal(server),
        "secondary_database": literal(database),
        "secondary_id": guid(secondary_id),
    }
    return _put("msdb.dbo.log_shipping_monitor_secondary", keys, values)


def _put(table: str, keys: dict[str, str], values: dict[str, str]) -> Statement:
    """Update the row, or insert it: one batch, the same row after a second run. Names are ours, values are quoted."""
    changes = listed([name + " = " + value for name, value in values.items()])
    match = " AND ".join(name + " = " + value for name, value in keys.items())
    row = keys | values
    names, inserted = "(" + listed(list(row)) + ")", "(" + listed(list(row.values())) + ");"
    update = ("UPDATE", table, "SET", changes, "WHERE", match + ";")
    return joined(*update, "IF @@ROWCOUNT = 0 INSERT INTO", table, names, "VALUES", inserted)
