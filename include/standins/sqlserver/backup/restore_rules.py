"""Whether a backup set may be restored onto a database: SQL Server's rules, without touching anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import failures
from include.standins.sqlserver.requests import BackupKind, RestoreRequest
from include.standins.sqlserver.storage.properties import DatabaseProperties, DatabaseState, Fork, RecoveryModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.backup.backup_set import BackupSet

_ROLLS_FORWARD = (DatabaseState.RESTORING, DatabaseState.STANDBY)


def check_overwrite(
    row: DatabaseProperties, found: BackupSet, *, state: DatabaseState, request: RestoreRequest
) -> None:
    """A full restore over an existing database needs REPLACE when something could be lost by it.

    :raises SqlError: 3154 another database, 3159 its tail is not backed up.
    """
    if request.replace:
        return
    if row.family_guid != found.header.family_guid:
        raise failures.other_database(row.name)
    if state not in _ROLLS_FORWARD and row.recovery_model is RecoveryModel.FULL:
        raise failures.tail_not_backed_up(row.name)


def check_differential(row: DatabaseProperties, found: BackupSet, *, state: DatabaseState) -> None:
    """A differential fits a database restored from its base that has not been rolled forward past its end.

    :raises SqlError: 3117, 3136, 4319, 4330.
    """
    if state not in _ROLLS_FORWARD:
        raise failures.not_ready_to_roll_forward()
    if row.differential_base_guid is None or row.differential_base_guid != found.header.differential_base_guid:
        raise failures.wrong_differential_base()
    if row.interrupted_restore not in (None, found.header.guid):
        raise failures.interrupted_restore(row.data_path)
    redo = row.redo_start_lsn
    if redo is None or redo > found.end.last_lsn:
        raise failures.wrong_differential_base()
    if not _on_path(row, found):
        raise failures.other_recovery_path()


def check_log(row: DatabaseProperties, found: BackupSet, *, state: DatabaseState, stop_at: datetime | None) -> None:
    """A log backup fits when FirstLSN <= redo LSN <= LastLSN, on the database's own recovery path.

    The LSNs are looked at before the path, so that a diverged database may answer 4326 where 4330 is the deeper truth.
    A set that ends exactly at the redo LSN fits: restoring the last log again changes nothing.

    :raises SqlError: 3117, 3154, 4319, 4305, 4326, 4330, 4335, 4338.
    """
    if state not in _ROLLS_FORWARD:
        raise failures.not_ready_to_roll_forward()
    if row.family_guid != found.header.family_guid:
        raise failures.other_database(row.name)
    redo = row.redo_start_lsn
    if row.interrupted_restore is not None or redo is None:
        raise failures.interrupted_restore(row.data_path)
    if found.header.first_lsn > redo:
        raise failures.log_too_recent(found.header.first_lsn, redo)
    if found.end.last_lsn < redo:
        raise failures.log_too_early(found.end.last_lsn, redo)
    if not _on_path(row, found):
        raise failures.other_recovery_path()
    if stop_at is not None:
        _check_stop(row, found, stop_at)


def check_kind(found: BackupSet, *, log: bool, path: Path) -> None:
    """RESTORE LOG takes log backups, RESTORE DATABASE the others.

    :raises SqlError: 3135.
    """
    if log != (found.header.kind is BackupKind.LOG):
        statement = {
            BackupKind.LOG: "BACKUP LOG",
            BackupKind.DATABASE: "BACKUP DATABASE",
            BackupKind.DIFFERENTIAL: "BACKUP DATABASE WITH DIFFERENTIAL",
        }[found.header.kind]
        raise failures.wrong_kind(path, statement)


def path_up_to(forks: Sequence[Fork], lsn: int, *, current: str) -> tuple[Fork, ...]:
    """Return the part of a recovery path that leads to an LSN reached inside a backup set.

    A fork that begins exactly there is not entered, unless the database, on fork `current`, already is on it.
    """
    guids = [fork.guid for fork in forks]
    entered = [fork for fork in forks if fork.start_lsn < lsn]
    least = guids.index(current) + 1 if current in guids else 1
    return tuple(forks[: max(len(entered), least)])


def _on_path(row: DatabaseProperties, found: BackupSet) -> bool:
    """Whether the point the database has reached lies on the path that the set continues."""
    forks = found.header.forks
    for number, fork in enumerate(forks):
        if fork.guid == row.recovery_fork:
            ends = forks[number + 1].start_lsn if number + 1 < len(forks) else None
            return ends is None or row.redo_start_lsn is None or row.redo_start_lsn <= ends
    return False


def _check_stop(row: DatabaseProperties, found: BackupSet, stop_at: datetime) -> None:
    if row.redo_time is not None and row.redo_time > stop_at:
        raise failures.rolled_past_stop()
    if found.header.begin_time is not None and found.header.begin_time > stop_at:
        raise failures.stop_before_set()
