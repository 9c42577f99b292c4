"""Opening an instance's databases, tail backups that a crash interrupted included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup.media import MediaFile
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.storage.catalog import Catalog, InUse

if TYPE_CHECKING:
    from include.standins.sqlserver.storage.msdb import CellFormat
    from include.standins.sqlserver.storage.properties import DatabaseProperties


def open_catalog(
    root: Path,
    *,
    server_name: str,
    in_use: InUse = lambda _name, _owner: [],
    cells: CellFormat | None = None,
) -> Catalog:
    """Open and recover every database under `root`.

    A BACKUP LOG WITH NORECOVERY (or STANDBY) that a crash interrupted is settled by its media: with a complete set the
    database is RESTORING, as if the statement had ended; otherwise it is ONLINE, as if it had never begun.
    """
    catalog = Catalog(root, server_name=server_name, in_use=in_use, cells=cells)
    catalog.open(tail_is_complete=_tail_is_complete)
    return catalog


def _tail_is_complete(properties: DatabaseProperties) -> bool:
    tail = properties.pending_tail
    return tail is not None and all(_holds(Path(device), tail.set_guid) for device in tail.devices)


def _holds(path: Path, set_guid: str) -> bool:
    try:
        file = MediaFile(path)
    except SqlError:
        return False
    try:
        return any(placed.complete is not None and placed.header.guid == set_guid for placed in file.sets())
    except SqlError:
        return False
    finally:
        file.close()
