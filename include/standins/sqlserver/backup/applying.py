"""Moving a backup set's pages and log records into a database's files, in an order that a crash cannot harm.

A full or differential restore marks the database as interrupted, overwrites pages, and takes the mark off when it is
done; a crash leaves the mark, and the same restore again ends in the same pages. A log restore first copies the
records into the database's own log; the saved redo LSN decides whether they count.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import failures, frames
from include.standins.sqlserver.backup.frames import FrameKind
from include.standins.sqlserver.storage import data_file, durable, pages, records
from include.standins.sqlserver.storage.log import LogFile
from include.standins.sqlserver.storage.log_scan import DamagedLogError
from include.standins.sqlserver.storage.pages import PageMap
from include.standins.sqlserver.storage.properties import DatabaseState, RecoveryModel, UserAccess

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.backup.backup_set import BackupSet, SetHeader
    from include.standins.sqlserver.backup.media import MediaSet
    from include.standins.sqlserver.storage.database import Database
    from include.standins.sqlserver.storage.faults import Faults
    from include.standins.sqlserver.storage.records import RecordHeader


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a log restore came; `stopped` when STOPAT kept records out."""

    lsn: int
    commit_time: datetime | None
    stopped: bool


def begin_overwrite(database: Database, *, files: Mapping[int, str], header: SetHeader) -> None:
    """Give up what the database holds: from here on only a whole restore brings it back."""
    old = (database.data_path, database.log_path)
    database.abandon()
    database.update(
        state=DatabaseState.RESTORING,
        interrupted_restore=header.guid,
        family_guid=header.family_guid,
        data_path=files[1],
        log_path=files[2],
        redo_start_lsn=None,
        pending_tail=None,
    )
    durable.remove(*(path for path in old if str(path) not in files.values()))


def begin_roll_forward(database: Database, *, set_guid: str) -> None:
    """Mark a restoring or standby database before pages are overwritten."""
    database.update(state=DatabaseState.RESTORING, interrupted_restore=set_guid)


def full(database: Database, media: MediaSet, *, faults: Faults) -> Generator[int, None, PageMap]:
    """Write data file and log anew; yield the bytes of each frame; return the pages changed since the checkpoint."""
    path = database.data_path
    durable.remove(path, *data_file.side_files(path))
    changed = PageMap()
    yield from _write_pages(path, media, changed=changed, faults=faults)
    _empty_log(database, media.set)
    return changed


def differential(database: Database, media: MediaSet, *, faults: Faults) -> Generator[int, None, PageMap]:
    """Write the changed pages; yield the bytes of each frame; return all pages changed since the base."""
    durable.remove(*data_file.side_files(database.data_path))
    changed = PageMap(database.properties.changed_pages)
    yield from _write_pages(database.data_path, media, changed=changed, faults=faults, every_page=True)
    _empty_log(database, media.set)
    return changed


def after_full(found: BackupSet, changed: PageMap) -> dict[str, object]:
    """Return the properties of a database that was restored from a full backup."""
    header, end = found.header, found.end
    base = not header.is_copy_only
    return {
        "interrupted_restore": None,
        "recovery_model": RecoveryModel(header.recovery_model),
        "user_access": UserAccess.MULTI_USER,
        "is_read_only": header.is_read_only,
        "family_guid": header.family_guid,
        "database_guid": header.database_guid,
        "forks": header.forks,
        "checkpoint_lsn": end.last_lsn,
        "redo_start_lsn": end.last_lsn,
        "redo_time": end.last_commit_time,
        "last_commit_time": end.last_commit_time,
        "last_log_backup_lsn": None,
        "last_log_backup_time": None,
        "database_backup_lsn": header.checkpoint_lsn,
        "differential_base_lsn": header.checkpoint_lsn if base else None,
        "differential_base_guid": header.guid if base else None,
        "differential_base_time": header.started if base else None,
        "data_logical_name": header.files[0].logical_name,
        "log_logical_name": header.files[1].logical_name,
        "changed_pages": changed.packed(),
    }


def copy_log(
    database: Database, media: MediaSet, *, stop_at: datetime | None, faults: Faults
) -> Generator[int, None, Reached]:
    """Copy a log backup's records into the database's own log, durably; yield the bytes of each frame."""
    redo = database.properties.redo_start_lsn or 0
    log = LogFile.open(database.log_path)
    try:
        log.cut_from(redo)
        commit_time: datetime | None = None
        for kind, payload, size in media.stream():
            if kind is FrameKind.LOG:
                run, stopped = _wanted(payload, redo=redo, stop_at=stop_at)
                _append(log, run, faults=faults, path=database.log_path)
                commit_time = run[-1][0].commit_time if run else commit_time
                if stopped:
                    log.sync(log.end_lsn)
                    return Reached(log.end_lsn, commit_time, stopped=True)
            yield size
        if log.end_lsn != media.set.end.last_lsn:
            raise failures.damaged_set()
        log.sync(log.end_lsn)
        return Reached(log.end_lsn, commit_time, stopped=False)
    finally:
        log.close()


def _wanted(payload: bytes, *, redo: int, stop_at: datetime | None) -> tuple[list[tuple[RecordHeader, bytes]], bool]:
    """Return the records from the redo LSN to the first commit after `stop_at`, and whether there was one."""
    run: list[tuple[RecordHeader, bytes]] = []
    for header, record in frames.unpack_records(payload):
        if header.lsn < redo:
            continue
        if stop_at is not None and header.commit_time > stop_at:
            return run, True
        run.append((header, record))
    return run, False


def _append(log: LogFile, run: list[tuple[RecordHeader, bytes]], *, faults: Faults, path: Path) -> None:
    try:
        log.append_records(iter(run), faults=lambda _size: faults.check_space(path))
    except DamagedLogError as error:
        raise failures.damaged_set() from error
    except OSError as error:
        raise failures.write_failed(path, error) from error


def _write_pages(
    path: Path, media: MediaSet, *, changed: PageMap, faults: Faults, every_page: bool = False
) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise failures.cannot_open_device(path, error) from error
    try:
        for kind, payload, size in media.stream():
            faults.check_space(path)
            if kind is FrameKind.DATA:
                images = list(frames.unpack_pages(payload))
                pages.write_pages(descriptor, images, database_pages=0)
                if every_page:
                    changed.add(number for number, _ in images)
            else:
                _replay(descriptor, payload, changed=changed)
            yield size
        os.fsync(descriptor)
        faults.reach("restore.before_save")
    except OSError as error:
        raise failures.write_failed(path, error) from error
    finally:
        os.close(descriptor)
    durable.sync_directory(path.parent)


def _replay(descriptor: int, payload: bytes, *, changed: PageMap) -> None:
    for header, record in frames.unpack_records(payload):
        pages.write_pages(descriptor, records.pages(record, header), database_pages=header.database_pages)
        changed.add(records.page_numbers(record, header))


def _empty_log(database: Database, found: BackupSet) -> None:
    LogFile.create(database.log_path, start_lsn=found.end.last_lsn).close()
