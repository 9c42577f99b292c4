"""Log backups that somebody else took: they hold a part of the log that no file of ours has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.log_shipping.header_fields import id_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from include.log_shipping.headers import BackupHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignLogBackup:
    """Who took which part of the log, when (the server's local time), and where to."""

    id: str
    first_lsn: int
    last_lsn: int
    finished: datetime
    user: str
    server: str
    device: str

    def __str__(self) -> str:
        kept = "and threw it away" if self.device.upper() in {"NUL", "NUL:"} else "outside our folder"
        return (
            f"{self.user} backed up the log from LSN {self.first_lsn} to LSN {self.last_lsn} on {self.server} at "
            f"{self.finished:%Y-%m-%d %H:%M:%S} to {self.device} {kept}: this breaks the chain of our log backups; "
            "stop that job, or bring its file."
        )


def foreign_log_backups(
    headers: Iterable[BackupHeader], msdb_rows: Iterable[Mapping[str, Any]], our_folder: str
) -> list[ForeignLogBackup]:
    """Return the log backups in msdb that are neither among the headers nor in our folder, in the order of msdb.

    Copy-only backups do not move the chain and are left out.

    :param msdb_rows: rows of `tsql.msdb_backups`.
    :param our_folder: the folder with our log backups as the server sees it; its subfolders count as ours.
    """
    ours = {header.key for header in headers}
    found: dict[str, ForeignLogBackup] = {}
    for row in msdb_rows:
        key = id_key(row["backup_set_uuid"])
        device = str(row["physical_device_name"] or "")
        if row["type"] != "L" or row["is_copy_only"] or key in ours or _is_inside(device, our_folder):
            continue
        found[key] = ForeignLogBackup(
            id=str(row["backup_set_uuid"]),
            first_lsn=int(row["first_lsn"]),
            last_lsn=int(row["last_lsn"]),
            finished=row["backup_finish_date"],
            user=str(row["user_name"]),
            server=str(row["server_name"]),
            device=device,
        )
    return list(found.values())


def _is_inside(device: str, folder: str) -> bool:
    """Compare paths as Windows does: whatever the case, either slash."""
    plain = device.replace("\\", "/").lower()
    return plain.startswith(folder.replace("\\", "/").lower().rstrip("/") + "/")
