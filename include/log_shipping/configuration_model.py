"""What is shipped, from where to where, and how; `configuration` reads it from the YAML that a person writes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from include.log_shipping.names import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping


class RestoreMode(StrEnum):
    """In what state the secondary waits between two restores."""

    NORECOVERY = "norecovery"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class FilePair:
    """One file under its two names: as SQL Server opens it, and as an Airflow worker does."""

    server_path: str
    worker_path: Path


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder under its two names; backups of a database lie in a subfolder of its own."""

    server: str
    worker: str

    def of(self, database: str) -> Folder:
        """Return the subfolder of a database; BACKUP does not create it, the worker does."""
        name = quoted(database)
        return Folder(server=_joined(self.server, name), worker=str(Path(self.worker) / name))

    def file(self, database: str, name: str) -> FilePair:
        """Return a file in the subfolder of a database.

        :raises ValueError: the name is no plain file name.
        """
        if not name or name in {".", ".."} or re.search(r"[/\\\x00-\x1f]", name):
            raise ValueError(f"{name!r} is no file name: it is empty or holds a separator or a control character.")
        folder = self.of(database)
        return FilePair(_joined(folder.server, name), Path(folder.worker) / name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """One server: its Airflow connection, where it writes backups and where files for its restores are put."""

    name: str
    connection: str
    backup_folder: Folder
    copy_folder: Folder


@dataclass(frozen=True, slots=True)
class AlertThresholds:
    """Ages in minutes from which on somebody is told (14420 for backups, 14421 for restores)."""

    backup: int
    copy: int
    restore: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route53Redirect:
    """Clients follow a CNAME record; `targets` has its value for each server that may be primary."""

    hosted_zone_id: str
    record: str
    ttl: int
    targets: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SsmRedirect:
    """Clients read a parameter of Systems Manager; `values` has its value for each server that may be primary."""

    parameter: str
    values: Mapping[str, str]


Redirect: TypeAlias = Route53Redirect | SsmRedirect


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """How one database is shipped and failed over.

    :ivar data_folder: server name to the folder that the database's files are moved to; empty leaves their paths.
    :ivar jobs: SQL Server Agent jobs that belong to the database and run on its primary only.
    """

    name: str
    primary: str
    secondary: str
    restore_mode: RestoreMode = RestoreMode.NORECOVERY
    backup_every_minutes: int = 5
    alert_after_minutes: AlertThresholds = AlertThresholds(15, 15, 15)
    keep_hours: int = 72
    evict_readers: bool = False
    compression: bool = True
    canary: bool = True
    rpo_minutes: int = 15
    rto_minutes: int = 240
    bridge_with_differential: bool = True
    data_folder: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()
    redirect: Redirect | None = None

    def other(self, server: str) -> str:
        """Return the partner of a server: the secondary of the primary, and the other way round."""
        return self.primary if server == self.secondary else self.secondary


@dataclass(frozen=True, slots=True, kw_only=True)
class LogShippingConfiguration:
    """A checked configuration."""

    servers: Mapping[str, ServerSettings]
    databases: tuple[DatabaseSettings, ...]

    def database(self, name: str) -> DatabaseSettings:
        """Return one database's settings, whatever the case of the name.

        :raises KeyError: it is not configured.
        """
        for settings in self.databases:
            if settings.name.lower() == name.lower():
                return settings
        known = ", ".join(settings.name for settings in self.databases)
        raise KeyError(f"{name} is not in the configuration; it has {known}.")

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON types; `configuration.read_configuration` reads their dump to the same value."""
        return {
            "servers": {name: _without_name(asdict(server)) for name, server in self.servers.items()},
            "databases": [_database_document(settings) for settings in self.databases],
        }


def _joined(folder: str, name: str) -> str:
    """Join with the separator that the folder's own path uses: Windows and UNC paths know the backslash only."""
    separator = "/" if folder.startswith("/") else "\\"
    return folder.rstrip("/\\") + separator + name


def _without_name(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "name"}


def _database_document(settings: DatabaseSettings) -> dict[str, Any]:
    document = asdict(settings) | {"restore_mode": str(settings.restore_mode), "jobs": list(settings.jobs)}
    if settings.redirect is not None:
        kind = "route53" if isinstance(settings.redirect, Route53Redirect) else "ssm"
        document["redirect"] = {"kind": kind, **document["redirect"]}
    return document
