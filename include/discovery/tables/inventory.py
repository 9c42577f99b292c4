"""What the rows mean: machines, their parts, who talks with whom."""

from __future__ import annotations

from typing import Final

from include.discovery.tables.columns import FACTS, ROW, SERVER, STATISTICS
from include.discovery.tables.raw import RAW

INVENTORY: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "server_refs": {
        "source_id": ("INTEGER", "always"),
        "ref": ("VARCHAR", "always"),
        **SERVER,
    },
    "servers": {  # one row for each machine, also marked ones; ordered by server_id
        **SERVER,
        **FACTS,
        "os_family": ("VARCHAR", "always: windows, linux, aix, solaris, hpux, ibm_i, zos, other, unknown"),
        "os_product": ("VARCHAR", "normalised, as windows server 2016, rhel 7; NULL when unknown"),
        "in_scope": ("BOOLEAN", "always: live, no template; powered-off machines are in scope"),
        "marks": (
            "VARCHAR[]",
            "always, may be empty: powered_off, template, retired, without_guest_os, os_disagreement, ...",
        ),
        "source_ids": ("INTEGER[]", "always"),
        **STATISTICS,
    },
    "server_values": {  # where every value of `servers` comes from, the losing ones too
        **SERVER,
        "field": ("VARCHAR", "always"),
        "value": ("VARCHAR", "always: as text"),
        **ROW,
        "chosen": ("BOOLEAN", "always"),
    },
    "conflicts": {
        **SERVER,
        "field": ("VARCHAR", "always"),
        "chosen_value": ("VARCHAR", "always"),
        "other_value": ("VARCHAR", "always"),
        "chosen_source": ("VARCHAR", "always: file, sheet, row, as 'vinfo.csv row 12'"),
        "other_source": ("VARCHAR", "always"),
        "rule": ("VARCHAR", "always: why the chosen one won"),
    },
    "disks": {**SERVER, **{k: v for k, v in RAW["raw_disks"].items() if k != "ref"}},
    "interfaces": {**SERVER, **{k: v for k, v in RAW["raw_interfaces"].items() if k != "ref"}},
    "processes": {**SERVER, "name": ("VARCHAR", "always"), "path": ("VARCHAR", ""), "command": ("VARCHAR", "")},
    "software": {
        **SERVER,
        "name": ("VARCHAR", "always"),
        "version": ("VARCHAR", ""),
        "vendor": ("VARCHAR", ""),
    },
    "databases": {
        "database_id": ("VARCHAR", "always; the source's own, else '<server_id>/<instance>/<name>'"),
        "server_id": ("VARCHAR", ""),
        **{k: v for k, v in RAW["raw_databases"].items() if k not in ("database_id", "ref")},
        "engine_family": (
            "VARCHAR",
            "always: sqlserver, oracle, mysql, mariadb, postgresql, db2, sybase, mongodb, ...",
        ),
        "engine_version": ("VARCHAR", "normalised, as 2016, 19c, 8.0"),
        "engine_edition": ("VARCHAR", "normalised: enterprise, standard, web, express, developer, community"),
    },
    "shares": {**RAW["raw_shares"], "server_ids": ("VARCHAR[]", "always: known clients")},
    "applications": {  # by name, from sources; not the groups found by traffic
        "application": ("VARCHAR", "always"),
        **{
            k: v
            for k, v in RAW["raw_applications"].items()
            if k not in ("source_id", "source_row", "name", "server_refs")
        },
        "server_ids": ("VARCHAR[]", "always"),
    },
    "connections": {  # aggregated: one row for each (client, server, port, protocol)
        "source_server_id": ("VARCHAR", "NULL: not in the inventory"),
        "destination_server_id": ("VARCHAR", ""),
        "source_ip": ("VARCHAR", ""),
        "destination_ip": ("VARCHAR", ""),
        "destination_port": ("INTEGER", ""),
        "protocol": ("VARCHAR", ""),
        "count": ("BIGINT", "always"),
        "first_seen": ("TIMESTAMP", ""),
        "last_seen": ("TIMESTAMP", ""),
    },
    "unknown_addresses": {
        "address": ("VARCHAR", "always"),
        "scope": ("VARCHAR", "always: private, public, link_local, multicast, loopback"),
        "connections": ("BIGINT", "always"),
        "peers": ("INTEGER", "always: known servers it talks with"),
        "ports": ("VARCHAR", "the ten busiest, as 443/tcp"),
        "first_seen": ("TIMESTAMP", ""),
        "last_seen": ("TIMESTAMP", ""),
    },
}
