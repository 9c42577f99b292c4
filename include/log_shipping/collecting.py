"""Bring the backup files that a secondary needs into its copy folder, and learn their headers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.log_shipping import tsql
from include.log_shipping.copying import copy_file, remove_leftovers
from include.log_shipping.header_book import HeaderBook, backup_files, read_page
from include.log_shipping.headers import BackupType, from_headeronly
from include.log_shipping.names import LOG, parse_file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration_model import DatabaseSettings
    from include.log_shipping.fleet import Workplace


@dataclass(slots=True)
class Collected:
    """What was copied: file name to size and SHA-256, and what killed copies had left behind."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)


def copy_needed(
    workplace: Workplace,
    settings: DatabaseSettings,
    *,
    source: str,
    target: str,
    book: HeaderBook,
    redo_lsn: int | None,
    also: frozenset[str] = frozenset(),
    check: Callable[[], None] = lambda: None,
) -> Collected:
    """Copy every log backup of the source that the target may still need and does not have.

    A log whose header the book knows is needed when it ends behind the target's redo LSN; one that nobody read yet is
    copied to be read. Bases and differentials are copied when `also` names them.

    :param check: called before each copy; raises when the lease of the database was lost.
    :raises CopyError: with what to do; files copied before it stay.
    """
    origin, goal = workplace.settings(source).backup_folder, workplace.settings(target).copy_folder
    there = backup_files(origin, settings.name)
    collected = Collected()
    folder = goal.file(settings.name, "x").worker_path.parent
    folder.mkdir(parents=True, exist_ok=True)
    collected.leftovers = remove_leftovers(folder, prefix="")
    for name, stat in there.items():
        if name in also or _is_needed(book, name, stat=stat, redo_lsn=redo_lsn):
            check()
            here = goal.file(settings.name, name).worker_path
            copied = copy_file(origin.file(settings.name, name).worker_path, here)
            if copied.copied:
                collected.files[name] = {"bytes": copied.size, "sha256": copied.sha256}
    return collected


def read_headers_of_copies(
    workplace: Workplace, settings: DatabaseSettings, *, server: SqlServer, book: HeaderBook
) -> None:
    """Let the secondary's server read the headers of files in its copy folder that the book does not know yet."""
    folder = workplace.settings(server.name).copy_folder
    new = {
        name: stat
        for name, stat in backup_files(folder, settings.name).items()
        if not book.knows(name, size=stat[0], mtime_ns=stat[1])
    }
    if not new:
        return
    row = server.one(tsql.server_facts(), doing="reading the server's clock")
    offset = int(row["offset_seconds"]) if row else 0
    for name, stat in new.items():
        book.pages[name] = read_page(server, folder, settings.name, name=name, stat=stat, offset_seconds=offset)


def forget_deleted(workplace: Workplace, settings: DatabaseSettings, *, book: HeaderBook) -> None:
    """Drop the pages of files that are in none of the four folders of the two servers."""
    pair = [workplace.settings(name) for name in (settings.primary, settings.secondary)]
    folders = [folder for server in pair for folder in (server.backup_folder, server.copy_folder)]
    present = {name for folder in folders for name in backup_files(folder, settings.name)}
    for name in set(book.pages) - present:
        del book.pages[name]


def _is_needed(book: HeaderBook, name: str, *, stat: tuple[int, int], redo_lsn: int | None) -> bool:
    parsed = parse_file_name(name)
    if parsed is None or parsed.kind != LOG:
        return False
    if not book.knows(name, size=stat[0], mtime_ns=stat[1]):
        return True
    rows: tuple[Mapping[str, Any], ...] = book.pages[name].rows
    if not rows or redo_lsn is None:
        return bool(rows)
    headers = from_headeronly(rows, file=name)
    return any(header.type is BackupType.LOG and header.last_lsn > redo_lsn for header in headers)
