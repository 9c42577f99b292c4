"""A primary that writes backup headers, and a restore that follows SQL Server's rules on its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from include.log_shipping.headers import BackupHeader, BackupType, read_headers

START = datetime(2026, 5, 31, 8, 0, tzinfo=UTC)


def at(minutes: float) -> str:
    """Return a time some minutes after 08:00, as the headers have it."""
    return (START + timedelta(minutes=minutes)).isoformat()


def moment(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def entry(guid: str, kind: str, first: int, last: int, *, started: float, **columns: Any) -> dict[str, Any]:
    """Return one backup as the command's input has it; it lasts a minute unless `ended` says otherwise."""
    ended = columns.pop("ended", started + 1)
    return {
        "BackupSetGUID": guid,
        "DatabaseName": "Sales",
        "ServerName": "SQLFCI01",
        "BackupType": kind,
        "FirstLSN": str(first),
        "LastLSN": str(last),
        "CheckpointLSN": str(first) if kind == "Database" else "0",
        "DatabaseBackupLSN": "0",
        "BackupStartDate": at(started),
        "BackupFinishDate": at(ended),
        "Position": 1,
        "IsCopyOnly": False,
        "FirstRecoveryForkID": "fork-a",
        "Files": [f"/backups/{guid}"],
    } | columns


def headers(*entries: dict[str, Any]) -> list[BackupHeader]:
    return read_headers({"backups": list(entries)})


def header(guid: str, kind: str, first: int, last: int, *, started: float = 0, **columns: Any) -> BackupHeader:
    return headers(entry(guid, kind, first, last, started=started, **columns))[0]


def guids(chosen: Any) -> list[Any]:
    return [one.given.id for one in chosen]


def document(*entries: dict[str, Any]) -> str:
    return json.dumps({"backups": list(entries)})


@dataclass
class Primary:
    """Writes a history: every action takes a minute and moves the log."""

    lsn: int = 1000
    fork: str = "FORK-0"
    log_from: int | None = None
    log_fork: str = "FORK-0"
    fork_point: int | None = None
    base: int = 0
    minute: float = 0
    entries: list[dict[str, Any]] = field(default_factory=list)

    def commit(self, size: int) -> None:
        self.minute += 1
        self.lsn += size

    def full(self, *, copy_only: bool = False, during: int = 0) -> dict[str, Any]:
        first = self.lsn
        self.lsn += 10 + during
        made = self._add("Database", first, self.lsn, CheckpointLSN=first, IsCopyOnly=copy_only)
        if not copy_only:
            self.base = first
            self.log_from = first if self.log_from is None else self.log_from
        return made

    def differential(self) -> dict[str, Any] | None:
        if not self.base:
            return None
        first = self.lsn
        self.lsn += 5
        return self._add("Differential", first, self.lsn)

    def log(self, *, copy_only: bool = False) -> dict[str, Any] | None:
        if self.log_from is None:
            return None
        point = {"ForkPointLSN": self.fork_point} if self.fork_point is not None else {}
        made = self._add(
            "Log", self.log_from, self.lsn, IsCopyOnly=copy_only, FirstRecoveryForkID=self.log_fork, **point
        )
        if not copy_only:
            self.log_from, self.log_fork, self.fork_point = self.lsn, self.fork, None
        return made

    def fail_over(self) -> None:
        """Recover elsewhere after a log backup: a new fork begins here and the log chain goes on."""
        if self.log_from is None:
            return
        self.log()
        self.fork = f"FORK-{int(self.fork[5:]) + 1}"
        self.fork_point = self.lsn
        self.commit(7)

    def _add(self, kind: str, first: int, last: int, **columns: Any) -> dict[str, Any]:
        self.minute += 2
        forks = {"FirstRecoveryForkID": self.fork, "RecoveryForkID": self.fork, "DatabaseBackupLSN": str(self.base)}
        made = entry(f"set-{len(self.entries)}", kind, first, last, started=self.minute - 1, **(forks | columns))
        self.entries.append(made)
        return made


class RefusedError(Exception):
    """SQL Server's number."""


@dataclass
class Restoring:
    """A database that is restored, by the documented rules; it shares no code with the planner."""

    redo: int | None = None
    fork: str | None = None
    full: BackupHeader | None = None

    def restore(self, backup: BackupHeader) -> None:
        if backup.type is BackupType.DATABASE:
            self.full = backup
        elif self.redo is None:
            raise RefusedError(3118)
        elif backup.type is BackupType.DIFFERENTIAL:
            assert self.full is not None
            if backup.database_backup_lsn != self.full.checkpoint_lsn or backup.last_lsn < self.redo:
                raise RefusedError(3136)
        else:
            self._check_log(backup)
        self.redo, self.fork = backup.last_lsn, backup.recovery_fork

    def _check_log(self, log: BackupHeader) -> None:
        assert self.redo is not None
        crosses = log.first_fork != log.recovery_fork
        behind = crosses and log.fork_point_lsn is not None and self.redo > log.fork_point_lsn
        if self.fork != log.first_fork or behind:
            past = log.fork_point_lsn is not None and self.redo >= log.fork_point_lsn
            if not (crosses and past and self.fork == log.recovery_fork):
                raise RefusedError(4330)
        if log.first_lsn > self.redo:
            raise RefusedError(4305)
        if log.last_lsn < self.redo:
            raise RefusedError(4326)
