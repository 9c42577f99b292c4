"""Backup headers as SQL Server writes them: what a backup set holds, and between which LSNs on which recovery fork."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping import header_fields as fields
from include.log_shipping.header_fields import FieldError, id_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class BackupType(StrEnum):
    """The kinds of backup that log shipping restores."""

    DATABASE = "Database"
    DIFFERENTIAL = "Differential"
    LOG = "Log"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the source wrote what a report gives back: the set's id, LSNs as text or number, the finish time."""

    id: Any
    last_lsn: Any
    finished: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupHeader:
    """One backup set. LSNs are whole numbers, times are UTC, forks are upper case without braces.

    :ivar key: the set's GUID in one spelling, for comparing.
    :ivar first_fork: recovery fork at the first LSN; None when the source does not tell.
    :ivar recovery_fork: recovery fork at the last LSN; differs from `first_fork` when the log crosses a recovery.
    :ivar fork_point_lsn: where it crosses.
    :ivar files: the stripes of the set.
    """

    key: str
    database: str
    server: str
    availability_group: str | None
    type: BackupType
    first_lsn: int
    last_lsn: int
    checkpoint_lsn: int
    database_backup_lsn: int
    started: datetime
    finished: datetime
    position: int = 1
    is_copy_only: bool = False
    first_fork: str | None = None
    recovery_fork: str | None = None
    fork_point_lsn: int | None = None
    files: tuple[str, ...] = ()
    differential_base_guid: str | None = None
    has_checksums: bool | None = None
    is_compressed: bool | None = None
    is_damaged: bool | None = None
    size_bytes: int | None = None
    given: Spelling = Spelling(None, None, None)

    @property
    def is_empty_log(self) -> bool:
        """Whether nothing happened since the log backup before."""
        return self.type is BackupType.LOG and self.first_lsn == self.last_lsn

    def __str__(self) -> str:
        return f"{self.type} backup {self.given.id}"


class HeadersError(ValueError):
    """Headers that cannot be read; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


_TYPES: Final[Mapping[str, BackupType]] = {
    "database": BackupType.DATABASE,
    "full": BackupType.DATABASE,
    "1": BackupType.DATABASE,
    "differential": BackupType.DIFFERENTIAL,
    "database differential": BackupType.DIFFERENTIAL,
    "5": BackupType.DIFFERENTIAL,
    "log": BackupType.LOG,
    "transaction log": BackupType.LOG,
    "2": BackupType.LOG,
}


def read_headers(document: object) -> list[BackupHeader]:
    """Read `{"backups": [...]}` with the columns of RESTORE HEADERONLY; entries of one set become one header.

    LSNs are text or whole numbers of up to 25 digits, times ISO 8601 or `/Date(milliseconds)/`; a time without a
    zone is taken as UTC. Other keys are ignored.

    :raises HeadersError: with a sentence for each field that cannot be used, as `backups[3].FirstLSN is ...`.
    """
    entries = document.get("backups") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise HeadersError(['The document is no object with a list "backups": write {"backups": [...]}.'])
    problems: list[str] = []
    headers: list[BackupHeader] = []
    for number, entry in enumerate(entries):
        try:
            headers.append(_header(entry))
        except FieldError as error:
            problems.append(f"backups[{number}]{error.field and '.' + error.field} {error}")
    if problems:
        raise HeadersError(problems)
    return merged(headers)


def from_headeronly(
    rows: Iterable[Mapping[str, Any]], *, file: str, utc_offset: timedelta = timedelta(0)
) -> list[BackupHeader]:
    """Read the rows of RESTORE HEADERONLY of one file.

    :param utc_offset: local time of the server that took the backup minus UTC; its headers are in local time.
    :raises HeadersError: a row is no full, differential or log backup, or a field cannot be used.
    """
    headers: list[BackupHeader] = []
    for row in rows:
        try:
            header = _header({**row, "Files": [file]})
        except FieldError as error:
            raise HeadersError([f"{file}: {error.field} {error}"]) from None
        headers.append(replace(header, started=header.started - utc_offset, finished=header.finished - utc_offset))
    return headers


def merged(headers: Iterable[BackupHeader]) -> list[BackupHeader]:
    """Join headers of one backup set (stripes, or one file listed twice) to one, in the order of the first.

    :raises HeadersError: two sets of one GUID differ in their LSNs.
    """
    sets: dict[str, BackupHeader] = {}
    for header in headers:
        known = sets.setdefault(header.key, header)
        if known is header:
            continue
        if (known.first_lsn, known.last_lsn, known.type) != (header.first_lsn, header.last_lsn, header.type):
            told = f"Backup set {header.given.id} stands twice with different types or LSNs: remove the wrong one."
            raise HeadersError([told])
        files = tuple(dict.fromkeys(known.files + header.files))
        sets[header.key] = replace(known, files=files)
    return list(sets.values())


def _header(entry: object) -> BackupHeader:
    if not isinstance(entry, dict):
        raise FieldError("", "is no object: write one object for each backup.")
    kind = _type(entry)
    last_lsn, finished = entry.get("LastLSN"), entry.get("BackupFinishDate")
    first_fork, recovery_fork = fields.id_of(entry, "FirstRecoveryForkID"), fields.id_of(entry, "RecoveryForkID")
    header = BackupHeader(
        key=id_key(fields.present(entry, "BackupSetGUID")),
        database=fields.text(entry, "DatabaseName"),
        server=str(entry.get("ServerName") or ""),
        availability_group=fields.optional_text(entry, "AvailabilityGroup"),
        type=kind,
        first_lsn=fields.lsn(entry, "FirstLSN"),
        last_lsn=fields.lsn(entry, "LastLSN"),
        checkpoint_lsn=fields.lsn(entry, "CheckpointLSN", required=kind is BackupType.DATABASE),
        database_backup_lsn=fields.lsn(entry, "DatabaseBackupLSN", required=kind is BackupType.DIFFERENTIAL),
        started=fields.time(entry, "BackupStartDate"),
        finished=fields.time(entry, "BackupFinishDate"),
        position=fields.whole(entry, "Position", default=1),
        is_copy_only=bool(fields.flag(entry, "IsCopyOnly")),
        first_fork=first_fork,
        recovery_fork=recovery_fork or first_fork,
        fork_point_lsn=fields.lsn(entry, "ForkPointLSN", required=False) or None,
        files=fields.files(entry),
        differential_base_guid=fields.id_of(entry, "DifferentialBaseGUID"),
        has_checksums=fields.flag(entry, "HasBackupChecksums"),
        is_compressed=fields.flag(entry, "Compressed"),
        is_damaged=fields.flag(entry, "IsDamaged"),
        size_bytes=fields.whole(entry, "BackupSize", default=None),
        given=Spelling(fields.plain(entry["BackupSetGUID"]), fields.plain(last_lsn), finished),
    )
    if header.first_lsn > header.last_lsn:
        raise FieldError("FirstLSN", f"is {header.first_lsn}, after LastLSN {header.last_lsn}: correct one of them.")
    return header


def _type(entry: dict[str, Any]) -> BackupType:
    value = fields.present(entry, "BackupType")
    found = _TYPES.get(str(value).strip().lower())
    if found is None:
        raise FieldError("BackupType", f"is {value!r}: write Database, Differential or Log.")
    return found
