"""BACKUP and RESTORE. Paths are those of the server; every statement runs with autocommit in master (3021, 3101)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from include.log_shipping.tsql.quoting import Statement, identifier, joined, listed, literal, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class After(StrEnum):
    """In what state RESTORE leaves the database."""

    NORECOVERY = "norecovery"
    STANDBY = "standby"
    RECOVERY = "recovery"


def back_up_database(
    *,
    database: str,
    path: str | Sequence[str],
    copy_only: bool = False,
    differential: bool = False,
    checksum: bool = True,
    compression: bool = True,
    init: bool = True,
    stats: int = 10,
) -> Statement:
    """Return a full backup, or a differential one.

    :param path: one file, or the stripes of one backup set.
    :param init: False appends a set, and a later RESTORE of FILE = 1 reads the older one: only on purpose.
    :raises ValueError: a differential backup cannot be copy-only.
    """
    if copy_only and differential:
        raise ValueError("a differential backup cannot be copy-only: choose one of both.")
    options = ["COPY_ONLY"] * copy_only + ["DIFFERENTIAL"] * differential
    options += _media_options(checksum=checksum, compression=compression, init=init, stats=stats)
    return joined("BACKUP DATABASE", identifier(database), "TO", _disks(path), "WITH", listed(options))


def back_up_log(
    *,
    database: str,
    path: str | Sequence[str],
    no_recovery: bool = False,
    no_truncate: bool = False,
    checksum: bool = True,
    compression: bool = True,
    init: bool = True,
    stats: int = 10,
) -> Statement:
    """Return a log backup.

    :param no_recovery: take the tail and leave the database RESTORING: the fence before a failover.
    :param no_truncate: the tail of a database whose data files are lost.
    """
    options = ["NORECOVERY"] * no_recovery + ["NO_TRUNCATE"] * no_truncate
    options += _media_options(checksum=checksum, compression=compression, init=init, stats=stats)
    return joined("BACKUP LOG", identifier(database), "TO", _disks(path), "WITH", listed(options))


def restore_database(
    *,
    database: str,
    path: str | Sequence[str],
    after: After | str = After.NORECOVERY,
    standby_file: str | None = None,
    moves: Mapping[str, str] | None = None,
    replace: bool = False,
    file: int = 1,
    stats: int = 10,
) -> Statement:
    """Return the restore of a full or differential backup.

    :param standby_file: the undo file of STANDBY, as the server sees it.
    :param moves: logical file name to the path it is restored to.
    :param replace: overwrite a database whatever it holds: only by a person's decision.
    :param file: position of the set in the file.
    """
    options = _after(after, standby_file=standby_file)
    options += ["MOVE " + literal(name) + " TO " + literal(target) for name, target in (moves or {}).items()]
    options += ["REPLACE"] * replace
    options += _reading_options(file=file, stats=stats)
    return joined("RESTORE DATABASE", identifier(database), "FROM", _disks(path), "WITH", listed(options))


def restore_log(
    *,
    database: str,
    path: str | Sequence[str],
    after: After | str = After.NORECOVERY,
    standby_file: str | None = None,
    stop_at: datetime | None = None,
    file: int = 1,
    stats: int = 10,
) -> Statement:
    """Return the restore of a log backup.

    :param stop_at: restore no commit later than this; the local time of the server that took the backup, no zone.
    """
    options = _after(after, standby_file=standby_file)
    options += [] if stop_at is None else ["STOPAT = " + moment(stop_at)]
    options += _reading_options(file=file, stats=stats)
    return joined("RESTORE LOG", identifier(database), "FROM", _disks(path), "WITH", listed(options))


def recover(database: str) -> Statement:
    """Return what ends restoring: the database opens for writing, on a new recovery fork. There is no way back."""
    return joined("RESTORE DATABASE", identifier(database), "WITH RECOVERY")


def header_only(path: str | Sequence[str]) -> Statement:
    """Return what lists the backup sets of a file, one row each."""
    return joined("RESTORE HEADERONLY FROM", _disks(path))


def file_list_only(path: str | Sequence[str], *, file: int = 1) -> Statement:
    """Return what lists the database files inside a backup set: LogicalName, PhysicalName, Type, ..."""
    return joined("RESTORE FILELISTONLY FROM", _disks(path), "WITH FILE =", number(file))


def verify_only(path: str | Sequence[str], *, file: int = 1) -> Statement:
    """Return what reads a whole backup set and checks its checksums."""
    return joined("RESTORE VERIFYONLY FROM", _disks(path), "WITH FILE =", number(file) + ", CHECKSUM")


def label_only(path: str) -> Statement:
    """Return what reads the media label of one file."""
    return joined("RESTORE LABELONLY FROM", _disks(path))


def _disks(path: str | Sequence[str]) -> str:
    paths = [path] if isinstance(path, str) else list(path)
    if not paths or not all(paths):
        raise ValueError("no file is named: give the path of one file, or of each stripe.")
    return listed(["DISK = " + literal(one) for one in paths])


def _media_options(*, checksum: bool, compression: bool, init: bool, stats: int) -> list[str]:
    return [
        "INIT" if init else "NOINIT",
        "CHECKSUM" if checksum else "NO_CHECKSUM",
        "COMPRESSION" if compression else "NO_COMPRESSION",
        "STATS = " + number(stats),
    ]


def _reading_options(*, file: int, stats: int) -> list[str]:
    return ["FILE = " + number(file), "STATS = " + number(stats)]


def _after(after: After | str, *, standby_file: str | None) -> list[str]:
    state = After(after)
    if (state is After.STANDBY) != (standby_file is not None):
        raise ValueError("STANDBY needs an undo file, and nothing else takes one: give standby_file with STANDBY only.")
    return [state.upper() if standby_file is None else "STANDBY = " + literal(standby_file)]
