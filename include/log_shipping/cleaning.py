"""Delete old backup files on both sides, never one that the secondary still needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from include.log_shipping.header_book import HeaderBook, backup_files
from include.log_shipping.retention import deletable

if TYPE_CHECKING:
    from include.log_shipping.configuration_model import DatabaseSettings, Folder
    from include.log_shipping.fleet import Workplace


def delete_old_files(
    workplace: Workplace,
    settings: DatabaseSettings,
    *,
    source: str,
    target: str,
    book: HeaderBook,
    redo_lsn: int | None,
    fork: str | None,
) -> dict[str, list[str]]:
    """Delete what is older than `keep_hours` and behind the secondary; return the names by folder.

    A file whose header nobody read is never deleted, nor the newest full and differential backup. A share that cannot
    be reached keeps its files.
    """
    folders = {"source": workplace.settings(source).backup_folder, "target": workplace.settings(target).copy_folder}
    keep, now = timedelta(hours=settings.keep_hours), workplace.clock()
    return {
        side: _delete(folder, settings.name, book=book, keep_for=keep, now=now, redo_lsn=redo_lsn, fork=fork)
        for side, folder in folders.items()
    }


def _delete(
    folder: Folder,
    database: str,
    *,
    book: HeaderBook,
    keep_for: timedelta,
    now: datetime,
    redo_lsn: int | None,
    fork: str | None,
) -> list[str]:
    present = backup_files(folder, database)
    headers = [
        header
        for header in book.headers()
        if header.files[0] in present
        and book.knows(header.files[0], size=present[header.files[0]][0], mtime_ns=present[header.files[0]][1])
    ]
    going = deletable(headers, keep_for=keep_for, now=now, redo_lsn=redo_lsn, fork=fork, keep_chain=False)
    for header in going:
        Path(folder.file(database, header.files[0]).worker_path).unlink(missing_ok=True)
    return [header.files[0] for header in going]
