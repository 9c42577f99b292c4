"""BACKUP and RESTORE as values: what the parser found, what the engine does."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class BackupKind(StrEnum):
    """As RESTORE HEADERONLY names them in BackupTypeDescription."""

    DATABASE = "Database"
    DIFFERENTIAL = "Database Differential"
    LOG = "Transaction Log"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRequest:
    """BACKUP DATABASE or BACKUP LOG.

    :param devices: file paths of the DISK devices; more than one is a striped set.
    :param init: overwrite the media (INIT or FORMAT); otherwise the set is appended.
    :param no_recovery: WITH NORECOVERY: the tail is taken and the database goes to RESTORING.
    :param standby: WITH STANDBY = file: the tail is taken and the database becomes a readable standby.
    :param stats: report progress every so many percent; None says nothing.
    """

    kind: BackupKind
    database: str
    devices: tuple[str, ...]
    init: bool = False
    checksum: bool = False
    compression: bool = False
    copy_only: bool = False
    no_recovery: bool = False
    standby: str | None = None
    no_truncate: bool = False
    name: str | None = None
    description: str | None = None
    stats: int | None = None


class AfterRestore(StrEnum):
    """What a restore leaves behind."""

    RECOVERY = "RECOVERY"
    NORECOVERY = "NORECOVERY"
    STANDBY = "STANDBY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """RESTORE DATABASE or RESTORE LOG; without devices, RESTORE DATABASE x WITH RECOVERY (or STANDBY).

    :param position: FILE = n of the media, counted from 1.
    :param moves: logical file name to path.
    :param stop_at: commits up to and including this time (naive, the server's local time, which is UTC here).
    """

    log: bool
    database: str
    devices: tuple[str, ...] = ()
    after: AfterRestore = AfterRestore.RECOVERY
    standby_file: str | None = None
    position: int = 1
    moves: Mapping[str, str] = field(default_factory=dict)
    stop_at: datetime | None = None
    replace: bool = False
    checksum: bool = False
    stats: int | None = None


class MediaQuestion(StrEnum):
    """RESTORE ... that only reads."""

    HEADERONLY = "HEADERONLY"
    FILELISTONLY = "FILELISTONLY"
    VERIFYONLY = "VERIFYONLY"
    LABELONLY = "LABELONLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequest:
    """RESTORE HEADERONLY and its kin."""

    question: MediaQuestion
    devices: tuple[str, ...]
    position: int | None = None
    checksum: bool = False
