"""The rows of SQL Server's own log shipping monitor, so that its reports and other tools see this shipping as well."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from include.log_shipping import tsql
from include.log_shipping.failures import SqlServerError
from include.log_shipping.headers import BackupHeader, BackupType

if TYPE_CHECKING:
    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration_model import DatabaseSettings
    from include.log_shipping.fleet import Workplace
    from include.log_shipping.header_book import HeaderBook
    from include.log_shipping.restoring import Restored
    from include.log_shipping.roles import Roles

NAMESPACE: Final = uuid.UUID("6f2d1b1e-57c0-4a53-9d1c-6d2a3b0f5f11")
"""Makes the ids of a pair the same in every run."""


def write_monitor_rows(
    workplace: Workplace,
    settings: DatabaseSettings,
    *,
    roles: Roles,
    target: SqlServer,
    book: HeaderBook,
    done: Restored,
) -> str:
    """Write the rows of this pair into msdb on both servers; returns what came of it, and never fails a restore."""
    logs = sorted(
        (header for header in book.headers() if header.type is BackupType.LOG), key=lambda header: header.last_lsn
    )
    restored = [header for header in logs if done.redo_lsn is not None and header.last_lsn <= done.redo_lsn]
    try:
        target.run(_secondary(workplace, settings, roles, logs=logs, restored=restored), doing="writing monitor rows")
        if roles.can_back_up:
            with workplace.server(roles.source) as source:
                source.run(_primary(settings, roles, logs=logs), doing="writing monitor rows")
    except SqlServerError as error:
        return f"not written: {error}"
    return "written"


def _primary(settings: DatabaseSettings, roles: Roles, *, logs: list[BackupHeader]) -> tsql.Statement:
    last = logs[-1] if logs else None
    return tsql.put_monitor_primary(
        primary_id=_id("primary", roles.source, settings.name),
        server=roles.source,
        database=settings.name,
        backup_threshold=settings.alert_after_minutes.backup,
        last_file=last.files[0] if last else None,
        last_at=_plain(last.finished) if last else None,
        last_at_utc=_plain(last.finished) if last else None,
    )


def _secondary(
    workplace: Workplace,
    settings: DatabaseSettings,
    roles: Roles,
    *,
    logs: list[BackupHeader],
    restored: list[BackupHeader],
) -> tsql.Statement:
    copied, last, now = (logs[-1] if logs else None), (restored[-1] if restored else None), workplace.clock()
    latency = max(0, int((now - last.finished).total_seconds() // 60)) if last else 0
    at = _plain(now)
    return tsql.put_monitor_secondary(
        secondary_id=_id("secondary", roles.target, settings.name),
        server=roles.target,
        database=settings.name,
        primary=(roles.source, settings.name),
        restore_threshold=settings.alert_after_minutes.restore,
        copied=(copied.files[0], _plain(copied.finished), _plain(copied.finished)) if copied else None,
        restored=(last.files[0], at, at, latency) if last else None,
    )


def _plain(at: datetime) -> datetime:
    """UTC without a zone; the local columns hold it as well, since a server's zone is not the monitor's business."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _id(side: str, server: str, database: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"{side}/{server}/{database}")
