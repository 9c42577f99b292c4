"""The configuration of log shipping: its values, and its reader, which names every mistake by line and path at once."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

from include.log_shipping.configuration_model import (
    AlertThresholds,
    DatabaseSettings,
    FilePair,
    Folder,
    LogShippingConfiguration,
    Redirect,
    RestoreMode,
    Route53Redirect,
    ServerSettings,
    SsmRedirect,
)
from include.log_shipping.names import LONGEST_NAME, quoted
from include.yaml_lines import Mapping, ProblemsError, open_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingOf

__all__ = [
    "AlertThresholds", "ConfigurationError", "DatabaseSettings", "FilePair", "Folder", "LogShippingConfiguration",
    "Redirect", "RestoreMode", "Route53Redirect", "ServerSettings", "SsmRedirect", "read_configuration",
]  # fmt: skip

MAX_DATABASE_NAME: Final = 128
"""Characters of a SQL Server identifier."""
_SYSTEM: Final = frozenset({"master", "model", "msdb", "tempdb"})
_SERVER_PATH: Final = re.compile(r"(?:[A-Za-z]:\\|\\\\[^\\/]+\\[^\\/]+|/).*")
_ALERT_FACTOR: Final = 3
"""Microsoft's advice for log shipping thresholds: at least three times the frequency of the job."""


class ConfigurationError(ProblemsError):
    """The configuration cannot be used; `problems` has one entry for each thing to correct."""


def read_configuration(text: str) -> LogShippingConfiguration:
    """Read and check the YAML (or JSON) text of a configuration; at most 1 MiB, no aliases.

    :raises ConfigurationError: with a line, a path and a sentence for everything that is wrong.
    """
    try:
        root = open_mapping(text)
    except ProblemsError as error:
        raise ConfigurationError(error.problems) from None
    servers = _servers(root)
    defaults = root.mapping("defaults")
    if defaults is not None:
        defaults.refuse_other_keys([name.name for name in fields(DatabaseSettings) if name.name != "name"])
    databases = _databases(root, defaults=defaults, servers=servers)
    root.refuse_other_keys()
    if root.problems:
        raise ConfigurationError(root.problems)
    return LogShippingConfiguration(servers=servers, databases=tuple(databases))


def _servers(root: Mapping) -> dict[str, ServerSettings]:
    servers: dict[str, ServerSettings] = {}
    section = root.mapping("servers", required=True)
    for name in section.names() if section is not None else ():
        if section is None or (entry := section.mapping(name, required=True)) is None:
            continue
        server = ServerSettings(
            name=name,
            connection=entry.text("connection", example="mssql_primary") or "",
            backup_folder=_folder(entry, "backup_folder"),
            copy_folder=_folder(entry, "copy_folder"),
        )
        entry.refuse_other_keys()
        if name.lower() in {known.lower() for known in servers}:
            section.problem(name, "this server stands twice; keep one.")
        servers[name] = server
    if section is not None:
        _refuse_shared_folders(section, servers)
    return servers


def _folder(entry: Mapping, key: str) -> Folder:
    section = entry.mapping(key, required=True)
    if section is None:
        return Folder("", "")
    server = section.text("server", example=r"'\\fsx\backups'") or ""
    if server and (not _SERVER_PATH.fullmatch(server) or ".." in re.split(r"[/\\]", server)):
        section.problem("server", rf"{server!r} is no absolute path; write for example '\\fsx\backups', or D:\Backups.")
    worker = section.text("worker", example="/mnt/backups") or ""
    if worker and (not worker.startswith("/") or ".." in worker.split("/")):
        section.problem("worker", f"{worker!r} is no absolute path; write for example /mnt/backups.")
    section.refuse_other_keys()
    return Folder(server=server, worker=worker)


def _refuse_shared_folders(section: Mapping, servers: dict[str, ServerSettings]) -> None:
    seen: dict[str, str] = {}
    for name, server in servers.items():
        for kind, folder in (("backup_folder", server.backup_folder), ("copy_folder", server.copy_folder)):
            place, here = str(Path(folder.worker)), f"{name}.{kind}"
            if folder.worker and place in seen:
                told = f"{kind}.worker is the folder of {seen[place]}; give each server and purpose its own."
                section.problem(name, told)
            seen.setdefault(place, here)


def _databases(
    root: Mapping, *, defaults: Mapping | None, servers: MappingOf[str, ServerSettings]
) -> list[DatabaseSettings]:
    databases: list[DatabaseSettings] = []
    lines: dict[str, int] = {}
    for entry in root.mappings("databases"):
        name = _database_name(entry)
        if name is not None and name.lower() in lines:
            entry.problem("name", f"{name} stands already in line {lines[name.lower()]}; keep one.")
        elif name is not None:
            lines[name.lower()] = entry.line("name")
        entry.fallback = defaults
        databases.append(_database(entry, name=name or "", servers=servers))
    return databases


def _database_name(entry: Mapping) -> str | None:
    name = entry.text("name", example="Sales")
    if name is None:
        return None
    if name.lower() in _SYSTEM:
        entry.problem("name", f"{name} is a system database; SQL Server does not ship it.")
    elif len(name) > MAX_DATABASE_NAME or len(quoted(name)) > LONGEST_NAME or name != name.strip():
        entry.problem("name", f"{name!r} is too long for a file name, or begins or ends with a blank.")
    return name


def _database(entry: Mapping, *, name: str, servers: MappingOf[str, ServerSettings]) -> DatabaseSettings:
    primary, secondary = (_known_server(entry, key, servers) for key in ("primary", "secondary"))
    if primary and primary == secondary:
        entry.problem("secondary", f"{secondary} is the primary as well; name the other server.")
    every = _whole(entry, "backup_every_minutes", default=5, low=1, high=1440)
    settings = DatabaseSettings(
        name=name,
        primary=primary,
        secondary=secondary,
        restore_mode=RestoreMode(entry.choice("restore_mode", list(RestoreMode)) or RestoreMode.NORECOVERY),
        backup_every_minutes=every,
        alert_after_minutes=_alerts(entry, every=every),
        keep_hours=_whole(entry, "keep_hours", default=72, low=1, high=24 * 366),
        evict_readers=_flag(entry, "evict_readers", default=False),
        compression=_flag(entry, "compression", default=True),
        canary=_flag(entry, "canary", default=True),
        # the recovery targets of AWS's guidance for log shipping, where the configuration names none
        rpo_minutes=_whole(entry, "rpo_minutes", default=15, low=1, high=10080),
        rto_minutes=_whole(entry, "rto_minutes", default=240, low=1, high=10080),
        bridge_with_differential=_flag(entry, "bridge_with_differential", default=True),
        data_folder=_per_server(entry, "data_folder", servers=servers),
        jobs=entry.texts("jobs"),
        redirect=_redirect(entry, partners=(primary, secondary), servers=servers),
    )
    entry.refuse_other_keys()
    return settings


def _known_server(entry: Mapping, key: str, servers: MappingOf[str, ServerSettings]) -> str:
    name = entry.text(key, example="SQLFCI01")
    if name is not None and name not in servers:
        entry.problem(key, f"{name} is not under servers; write one of {', '.join(servers) or 'those you add there'}.")
        return ""
    return name or ""


def _alerts(entry: Mapping, *, every: int) -> AlertThresholds:
    minutes = dict.fromkeys(("backup", "copy", "restore"), _ALERT_FACTOR * every)
    section = entry.mapping("alert_after_minutes")
    if section is not None:
        for key, default in minutes.items():
            minutes[key] = _whole(section, key, default=default, low=1, high=10080)
            if minutes[key] < every:
                section.problem(
                    key, f"{minutes[key]} is less than backup_every_minutes ({every}): it would always alert."
                )
        section.refuse_other_keys()
    return AlertThresholds(**minutes)


def _redirect(entry: Mapping, *, partners: tuple[str, str], servers: MappingOf[str, ServerSettings]) -> Redirect | None:
    section = entry.mapping("redirect")
    kind = section.choice("kind", ("route53", "ssm"), required=True) if section is not None else None
    if section is None or kind is None:
        return None
    key = "targets" if kind == "route53" else "values"
    places = _per_server(section, key, servers=servers)
    missing = [name for name in partners if name and name not in places]
    if missing:
        section.problem(key if key in section else None, f"{key} has no value for {' and '.join(missing)}; add it.")
    redirect: Redirect
    if kind == "route53":
        redirect = Route53Redirect(
            hosted_zone_id=section.text("hosted_zone_id", example="Z0123456789ABCDEFGHIJ") or "",
            record=section.text("record", example="sales.db.example.com") or "",
            ttl=_whole(section, "ttl", default=30, low=0, high=86400),
            targets=places,
        )
    else:
        redirect = SsmRedirect(parameter=section.text("parameter", example="/db/sales/host") or "", values=places)
    section.refuse_other_keys()
    return redirect


def _per_server(entry: Mapping, key: str, *, servers: MappingOf[str, ServerSettings]) -> dict[str, str]:
    section = entry.mapping(key)
    if section is None:
        return {}
    for name in section.names():
        if name not in servers:
            section.problem(name, f"{name} is not under servers; write one of {', '.join(servers)}.")
    return {name: value for name in section.names() if (value := section.text(name, example="a text")) is not None}


def _whole(entry: Mapping, key: str, *, default: int, low: int, high: int) -> int:
    value = entry.whole(key, low=low, high=high)
    return default if value is None else value


def _flag(entry: Mapping, key: str, *, default: bool) -> bool:
    value = entry.flag(key)
    return default if value is None else value
