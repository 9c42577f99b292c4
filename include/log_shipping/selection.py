"""Which backups a restore takes: the choice that dbatools' Select-DbaBackupInformation makes.

Source of the rules: dataplat/dbatools, public/Select-DbaBackupInformation.ps1 and its tests. The newest full backup
that ended by the time; the newest differential on it that ended by the time; the logs that reach behind these, begin
before the time and are not empty; and the first log that ends at the time or later. Server and availability group play
no part, copy-only backups are taken like others, and `DatabaseBackupLSN` of a log is not asked: a log that was taken
during the full backup names the full backup before (dbatools #7515).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.log_shipping.headers import BackupHeader, BackupType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from include.log_shipping.chain import Position


def select_full(headers: Iterable[BackupHeader], *, to: datetime | None) -> BackupHeader | None:
    """Return the full backup with the highest LastLSN that finished by the time."""
    return _newest(headers, BackupType.DATABASE, to=to)


def select_differential(
    headers: Iterable[BackupHeader], *, full: BackupHeader, to: datetime | None
) -> BackupHeader | None:
    """Return the newest differential on a full backup that finished by the time."""
    based = (header for header in headers if header.database_backup_lsn == full.checkpoint_lsn)
    return _newest(based, BackupType.DIFFERENTIAL, to=to)


def select_logs(headers: Iterable[BackupHeader], *, anchor: Position, to: datetime | None) -> list[BackupHeader]:
    """Return the logs to apply from an anchor on, in the order of their LSNs.

    :param anchor: LSN where the logs must go on, and the fork they must begin on; a fork that is not known fits any.
    """
    logs = sorted(
        (
            header
            for header in headers
            if header.type is BackupType.LOG
            and header.last_lsn >= anchor.lsn
            and (anchor.fork is None or header.first_fork is None or header.first_fork == anchor.fork)
        ),
        key=_log_order,
    )
    if to is None:
        return [log for log in logs if not log.is_empty_log]
    last = next((log for log in logs if log.finished >= to), None)
    return [log for log in logs if log is last or (log.started < to and not log.is_empty_log)]


def _newest(headers: Iterable[BackupHeader], kind: BackupType, *, to: datetime | None) -> BackupHeader | None:
    chosen = [header for header in headers if header.type is kind and (to is None or header.finished <= to)]
    return max(chosen, key=lambda header: (header.last_lsn, header.finished), default=None)


def _log_order(header: BackupHeader) -> tuple[int, int, datetime]:
    return header.last_lsn, header.first_lsn, header.started


def database_names(headers: Sequence[BackupHeader]) -> list[str]:
    """Return the databases that the headers belong to; names that differ in case only are one database."""
    return list({header.database.lower(): header.database for header in headers}.values())
