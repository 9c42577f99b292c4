"""Where a restored database's files go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import failures
from include.standins.sqlserver.backup.media import device_path
from include.standins.sqlserver.storage import durable

if TYPE_CHECKING:
    from include.standins.sqlserver.backup.backup_set import BackupSet
    from include.standins.sqlserver.requests import RestoreRequest
    from include.standins.sqlserver.storage.catalog import Catalog
    from include.standins.sqlserver.storage.database import Database

_UNDO_TEXT = (
    "Undo file of a standby database of the local SQL Server. Its log backups hold committed transactions only, so "
    "there is nothing to undo.\n"
)


def place(catalog: Catalog, request: RestoreRequest, *, found: BackupSet, existing: Database | None) -> dict[int, str]:
    """Return a path by file id: MOVE's, or the existing database's own, or the same file name in our data directory.

    Two local servers share one machine, so a file never goes back to another server's directory unless MOVE says so.

    :raises SqlError: 3234 MOVE names no file, 1834 a file is another database's, 5133 there is no such directory.
    """
    logical_names = {file.logical_name.casefold() for file in found.header.files}
    moves = {logical.casefold(): target for logical, target in request.moves.items()}
    for logical in request.moves:
        if logical.casefold() not in logical_names:
            raise failures.unknown_logical_file(logical, found.header.database)
    own = {1: str(existing.data_path), 2: str(existing.log_path)} if existing is not None else {}
    placed: dict[int, str] = {}
    for file in found.header.files:
        base_name = re.split(r"[\\/]", file.physical_name)[-1]
        default = own.get(file.file_id, str(catalog.data_directory / base_name))
        path = Path(moves.get(file.logical_name.casefold(), default))
        _check_free(catalog, path, logical=file.logical_name, existing=existing)
        placed[file.file_id] = str(path)
    return placed


def write_undo_file(catalog: Catalog, device: str) -> Path:
    """Write the undo file that STANDBY names.

    :raises SqlError: 3201 it cannot be written.
    """
    path = device_path(catalog, device)
    try:
        path.write_text(_UNDO_TEXT)
        durable.sync_file(path)
    except OSError as error:
        raise failures.cannot_open_device(path, error) from error
    return path


def _check_free(catalog: Catalog, path: Path, *, logical: str, existing: Database | None) -> None:
    if not path.is_absolute() or not path.parent.is_dir():
        raise failures.no_directory_for(path, logical)
    owner = catalog.owner_of_file(path)
    if owner is not None and owner is not existing:
        raise failures.file_belongs_to(path, owner.name, logical)
