"""A backup set's own description: what its header says at the start, and what its trailer adds at the end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from include.standins.sqlserver.requests import BackupKind
from include.standins.sqlserver.storage.properties import Fork


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUpFile:
    """A file of the database when the backup began."""

    file_id: int
    type: str  # D rows, L log
    logical_name: str
    physical_name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHeader:
    """Known when the backup begins. Times are naive UTC.

    :param forks: the recovery path up to the end of the backup, oldest first.
    :param begin_time: a log backup holds commits from this time on: when the log backup before it ended.
    """

    guid: str
    kind: BackupKind
    name: str | None
    description: str | None
    user: str
    server: str
    database: str
    database_guid: str
    family_guid: str
    created: datetime
    started: datetime
    begin_time: datetime | None
    recovery_model: str
    first_lsn: int
    checkpoint_lsn: int
    database_backup_lsn: int | None
    differential_base_lsn: int | None
    differential_base_guid: str | None
    forks: tuple[Fork, ...]
    is_copy_only: bool
    has_checksums: bool
    is_compressed: bool
    is_read_only: bool
    is_single_user: bool
    is_damaged: bool
    begins_log_chain: bool
    is_tail: bool
    files: tuple[BackedUpFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEnd:
    """Known when the backup ends.

    :param last_commit_time: of the newest commit in the set; None for one without commits.
    :param end_time: the set holds every commit up to this time.
    :param frames: data and log frames of the set, over all devices.
    :param data_pages: pages of the data file in the set, of 4 KB.
    """

    last_lsn: int
    finished: datetime
    last_commit_time: datetime | None
    end_time: datetime
    frames: int
    data_pages: int
    log_bytes: int
    backup_bytes: int
    compressed_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSet:
    """A complete set on media."""

    position: int
    header: SetHeader
    end: SetEnd

    @property
    def first_fork(self) -> str:
        """The fork in effect at the first LSN; at a fork's own first LSN, the fork before it."""
        before = [fork for fork in self.header.forks if fork.start_lsn < self.header.first_lsn]
        return (before[-1] if before else self.header.forks[0]).guid

    @property
    def last_fork(self) -> str:
        """The fork in effect at the last LSN."""
        return self.header.forks[-1].guid

    @property
    def fork_point_lsn(self) -> int | None:
        """Where the last fork began, when it did so within this set."""
        return self.header.forks[-1].start_lsn if self.first_fork != self.last_fork else None


def to_bytes(part: SetHeader | SetEnd) -> bytes:
    """Write a header or trailer down."""
    return json.dumps(asdict(part), default=lambda moment: moment.isoformat()).encode()


def header_from_bytes(data: bytes) -> SetHeader:
    """Read a header that `to_bytes` wrote."""
    values = _with_times(json.loads(data), "created", "started", "begin_time")
    values["kind"] = BackupKind(values["kind"])
    values["forks"] = tuple(Fork(**fork) for fork in values["forks"])
    values["files"] = tuple(BackedUpFile(**file) for file in values["files"])
    return SetHeader(**values)


def end_from_bytes(data: bytes) -> SetEnd:
    """Read a trailer that `to_bytes` wrote."""
    return SetEnd(**_with_times(json.loads(data), "finished", "last_commit_time", "end_time"))


def _with_times(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        values[key] = datetime.fromisoformat(values[key]) if values[key] else None
    return values
