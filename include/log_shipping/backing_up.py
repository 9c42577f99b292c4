"""Heartbeat and log backup on the server that writes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.log_shipping import tsql
from include.log_shipping.failures import Reaction, SqlServerError
from include.log_shipping.names import DIFFERENTIAL, FULL, LOG, backup_file_name

if TYPE_CHECKING:
    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration_model import DatabaseSettings, FilePair
    from include.log_shipping.fleet import Workplace

SIMPLE = 4208
NO_FULL_YET = 4214


class BackupRefusedError(RuntimeError):
    """The log cannot be backed up; the sentence says what to do."""

    is_final = True


@dataclass(frozen=True, slots=True)
class TakenBackup:
    """A backup that was taken: its file's name, and the last heartbeat before it (None without a canary)."""

    name: str
    beat: int | None = None


def take_log_backup(workplace: Workplace, settings: DatabaseSettings, *, server: SqlServer) -> TakenBackup:
    """Write a heartbeat and back the log up to a new file of the server's backup folder.

    :raises BackupRefusedError: SIMPLE recovery, no full backup yet, no space or no rights.
    """
    beat = write_heartbeat(server, settings.name) if settings.canary else None
    name, pair = new_file(workplace, settings, server=server.name, kind=LOG)
    statement = tsql.back_up_log(database=settings.name, path=pair.server_path, compression=settings.compression)
    try:
        server.run(statement, doing=f"BACKUP LOG {settings.name}")
    except SqlServerError as error:
        raise _explained(error, settings.name) from error
    return TakenBackup(name, beat)


def take_database_backup(
    workplace: Workplace, settings: DatabaseSettings, *, server: SqlServer, differential: bool = False
) -> TakenBackup:
    """Take a full or differential backup to a new file of the server's backup folder."""
    kind = DIFFERENTIAL if differential else FULL
    name, pair = new_file(workplace, settings, server=server.name, kind=kind)
    statement = tsql.back_up_database(
        database=settings.name, path=pair.server_path, differential=differential, compression=settings.compression
    )
    try:
        server.run(statement, doing=f"BACKUP DATABASE {settings.name}")
    except SqlServerError as error:
        raise _explained(error, settings.name) from error
    return TakenBackup(name)


def write_heartbeat(server: SqlServer, database: str) -> int | None:
    """Write one row into the canary table, which is created where it is missing; return its number."""
    server.run(tsql.create_canary(database), doing=f"creating the canary table of {database}")
    row = server.one(tsql.beat_canary(database), doing=f"the heartbeat of {database}")
    return None if row is None or row["last_beat"] is None else int(row["last_beat"])


def new_file(workplace: Workplace, settings: DatabaseSettings, *, server: str, kind: str) -> tuple[str, FilePair]:
    """Name a backup file of a server that nobody used before, and make its folder."""
    name = backup_file_name(
        database=settings.name, server=server, at=workplace.clock(), short_id=uuid.uuid4().hex[:8], kind=kind
    )
    pair = workplace.settings(server).backup_folder.file(settings.name, name)
    pair.worker_path.parent.mkdir(parents=True, exist_ok=True)
    return name, pair


def _explained(error: SqlServerError, database: str) -> Exception:
    advice = {
        SIMPLE: "its recovery model is SIMPLE; set it to FULL and run log_shipping_configure with reseed.",
        NO_FULL_YET: "there is no full backup to build on; run log_shipping_configure.",
    }.get(error.number)
    if advice is None and error.reaction is Reaction.DISK_FULL:
        advice = "the share is full; free space, the log is kept until then."
    if advice is None and error.reaction is Reaction.UNREACHABLE_FILE:
        advice = "check that the server reaches its backup_folder and may write there."
    if advice is None:
        return error
    return BackupRefusedError(f"{database} on {error.server} cannot be backed up: {advice} ({error.text})")
