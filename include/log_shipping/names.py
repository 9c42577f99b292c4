"""Names of backup files and of objects that belong to one database; any database name fits into each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

LOG, FULL, DIFFERENTIAL = "trn", "bak", "dif"
LONGEST_NAME: Final = 180
"""Bytes of a quoted database name inside a file name; 255 is the limit of the file systems behind a share."""
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_FILE_NAME: Final = re.compile(
    r"(?P<database>.+)_(?P<at>\d{8}T\d{6}Z)_(?P<server>[^_]+)_(?P<id>[0-9a-f]{8})\.(?P<kind>trn|bak|dif)"
)


@dataclass(frozen=True, slots=True)
class BackupFileName:
    """What the name of one of our backup files says; a hint for listings, never the truth about its content."""

    database: str
    server: str
    at: datetime
    kind: str


def quoted(name: str) -> str:
    """Return a name as one part of a path or an object key: letters, digits and `.-~` stay, the rest is %XX."""
    return quote(name, safe="").replace("_", "%5F")


def legible(run_id: str) -> str:
    """Return a run's id as one part of an object key that a person reads and a browser opens as it is.

    Ids that differ in odd characters only become the same; Airflow's own differ in their times.
    """
    return re.sub(r"[^A-Za-z0-9._-]", "-", run_id)


def backup_file_name(*, database: str, server: str, at: datetime, short_id: str, kind: str = LOG) -> str:
    """Return the unique name of a backup file: `<database>_<UTC time>_<server>_<id>.<trn|bak|dif>`.

    :param short_id: eight hexadecimal digits that differ for every backup.
    :raises ValueError: the name of the database does not fit into a file name.
    """
    part = quoted(database)
    if len(part) > LONGEST_NAME:
        raise ValueError(f"{database}: the name takes {len(part)} bytes in a file name, {LONGEST_NAME} are possible.")
    return f"{part}_{at.astimezone(UTC):{_STAMP}}_{quoted(server)}_{short_id}.{kind}"


def file_prefix(database: str) -> str:
    """Return how the names of all backup files of a database begin; no other database's files begin so."""
    return f"{quoted(database)}_"


def parse_file_name(name: str) -> BackupFileName | None:
    """Read a name that `backup_file_name` gave; None for any other name."""
    match = _FILE_NAME.fullmatch(name)
    if match is None:
        return None
    try:
        at = datetime.strptime(match["at"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BackupFileName(unquote(match["database"]), unquote(match["server"]), at, match["kind"])
