"""What the instance remembers about one database."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

_TIMES = ("create_date", "redo_time", "last_commit_time", "last_log_backup_time", "differential_base_time")


class DatabaseState(StrEnum):
    """sys.databases.state_desc, but for STANDBY, which SQL Server shows as ONLINE with is_in_standby = 1."""

    ONLINE = "ONLINE"
    RESTORING = "RESTORING"
    STANDBY = "STANDBY"
    RECOVERING = "RECOVERING"
    RECOVERY_PENDING = "RECOVERY_PENDING"
    SUSPECT = "SUSPECT"
    OFFLINE = "OFFLINE"


class RecoveryModel(StrEnum):
    """BULK_LOGGED is not modelled."""

    FULL = "FULL"
    SIMPLE = "SIMPLE"


class UserAccess(StrEnum):
    """sys.databases.user_access_desc."""

    MULTI_USER = "MULTI_USER"
    RESTRICTED_USER = "RESTRICTED_USER"
    SINGLE_USER = "SINGLE_USER"


@dataclass(frozen=True, slots=True)
class Fork:
    """One stretch of a recovery path: the recovery fork and the LSN at which it began."""

    guid: str
    start_lsn: int


@dataclass(frozen=True, slots=True)
class PendingTail:
    """A tail backup under way: if its set turns out complete the database is RESTORING, otherwise it never happened."""

    devices: tuple[str, ...]
    set_guid: str
    end_lsn: int
    state: DatabaseState
    standby_file: str | None = None


@dataclass(slots=True, kw_only=True)
class DatabaseProperties:
    """The row of one database; LSNs are integers of up to 25 digits, times are naive UTC.

    :param forks: the recovery path, oldest first; the last one is the current fork.
    :param checkpoint_lsn: the data file holds every commit before it.
    :param redo_start_lsn: where the next log restore goes on; None while ONLINE.
    :param redo_time: commit time of the last restored commit.
    :param last_commit_time: as of the last checkpoint.
    :param last_log_backup_time: the last log backup holds every commit up to this time.
    :param last_log_backup_lsn: where the next log backup begins; None without a log chain.
    :param database_backup_lsn: CheckpointLSN of the last full backup that was not copy-only.
    :param interrupted_restore: GUID of the backup set whose restore began to overwrite pages and did not end.
    """

    name: str
    id: int
    data_path: str
    log_path: str
    state: DatabaseState
    recovery_model: RecoveryModel = RecoveryModel.FULL
    user_access: UserAccess = UserAccess.MULTI_USER
    is_read_only: bool = False
    create_date: datetime
    family_guid: str
    database_guid: str
    forks: tuple[Fork, ...]
    checkpoint_lsn: int
    redo_start_lsn: int | None = None
    redo_time: datetime | None = None
    last_commit_time: datetime | None = None
    last_log_backup_lsn: int | None = None
    last_log_backup_time: datetime | None = None
    database_backup_lsn: int | None = None
    differential_base_lsn: int | None = None
    differential_base_guid: str | None = None
    differential_base_time: datetime | None = None
    standby_file: str | None = None
    interrupted_restore: str | None = None
    pending_tail: PendingTail | None = None
    data_logical_name: str = ""
    log_logical_name: str = ""
    changed_pages: bytes = field(default=b"", repr=False)

    @property
    def is_in_standby(self) -> bool:
        """sys.databases.is_in_standby."""
        return self.state is DatabaseState.STANDBY

    @property
    def recovery_fork(self) -> str:
        """The current recovery fork (recovery_fork_guid)."""
        return self.forks[-1].guid

    @property
    def first_recovery_fork(self) -> str:
        """The fork before the current one (first_recovery_fork_guid), or the current one when there was none."""
        return self.forks[-2].guid if len(self.forks) > 1 else self.forks[-1].guid

    @property
    def fork_point_lsn(self) -> int | None:
        """Where the current fork began; None for a database that was never recovered from a restore."""
        return self.forks[-1].start_lsn if len(self.forks) > 1 else None

    @property
    def redo_start_fork(self) -> str | None:
        """sys.master_files.redo_start_fork_guid; None while nothing can be restored onto it."""
        return self.recovery_fork if self.redo_start_lsn is not None else None


def to_json(properties: DatabaseProperties) -> str:
    """Write the row down, without the changed-page map, which is kept as bytes beside it."""
    values = asdict(properties)
    del values["changed_pages"]
    return json.dumps(values, default=lambda moment: moment.isoformat())


def from_json(text: str, *, changed_pages: bytes) -> DatabaseProperties:
    """Read a row that `to_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    values["state"] = DatabaseState(values["state"])
    values["recovery_model"] = RecoveryModel(values["recovery_model"])
    values["user_access"] = UserAccess(values["user_access"])
    values["forks"] = tuple(Fork(**fork) for fork in values["forks"])
    for key in _TIMES:
        values[key] = datetime.fromisoformat(values[key]) if values[key] else None
    if tail := values["pending_tail"]:
        values["pending_tail"] = PendingTail(
            devices=tuple(tail["devices"]),
            set_guid=tail["set_guid"],
            end_lsn=tail["end_lsn"],
            state=DatabaseState(tail["state"]),
            standby_file=tail["standby_file"],
        )
    return DatabaseProperties(**values, changed_pages=changed_pages)
