"""Which machine a row of another table means: `server_refs`, and what names nobody."""

from __future__ import annotations

from typing import Any, Final

from include.discovery import tables
from include.discovery.inventory.keys import canonical_uuid
from include.discovery.inventory.rows import short

_TABLES: Final = (
    "raw_servers",
    "raw_disks",
    "raw_interfaces",
    "raw_utilisation",
    "raw_processes",
    "raw_software",
    "raw_databases",
)
_LISTS: Final = (("raw_shares", "client_refs"), ("raw_applications", "server_refs"))

# Where a reference may be looked up, the nearest first: its own source, its file, its tool, ids of any tool, full
# names, names, addresses. The first place that knows it decides; a place that knows two machines by it decides nothing.
_KNOWN: Final = f"""
CREATE OR REPLACE TEMP TABLE inv_known AS
SELECT DISTINCT place, scope, key, machine FROM (
    SELECT 1 AS place, source_id::VARCHAR AS scope, ref AS key, machine FROM inv_rows
    UNION ALL SELECT 2, file, ref, machine FROM inv_rows JOIN inv_sources USING (source_id)
    UNION ALL SELECT 3, tool, ref, machine FROM inv_rows
    UNION ALL SELECT 4, '', lower(own_id), machine FROM inv_rows
    UNION ALL SELECT 4, '', lower(external_id), machine FROM inv_rows
    UNION ALL SELECT 4, '', {canonical_uuid("lower(smbios_id)")}, machine FROM inv_rows
    UNION ALL SELECT 4, '', lower(moref || '@' || vcenter_id), machine FROM inv_rows
    UNION ALL SELECT 4, '', lower(server_id), machine FROM inv_servers
    UNION ALL SELECT 5, '', lower(fqdn), machine FROM inv_rows
    UNION ALL SELECT 5, '', lower(hostname), machine FROM inv_rows
    UNION ALL SELECT 6, '', lower(vm_name), machine FROM inv_rows
    UNION ALL SELECT 6, '', {short("hostname")}, machine FROM inv_rows
    UNION ALL SELECT 7, '', unnest(ip_addresses), machine FROM inv_rows)
WHERE key IS NOT NULL AND key <> ''
"""

_RESOLVED: Final = f"""
CREATE OR REPLACE TEMP TABLE inv_resolved AS
WITH own AS (
    SELECT source_id, ref, min(machine) AS machine FROM inv_rows GROUP BY ALL HAVING min(machine) = max(machine)),
looked AS (
    SELECT a.source_id, a.ref, a.source_row, p.place, CASE p.place WHEN 1 THEN a.source_id::VARCHAR WHEN 2 THEN s.file
            WHEN 3 THEN s.tool ELSE '' END AS scope,
        CASE p.place WHEN 4 THEN {canonical_uuid("a.ref")} WHEN 6 THEN {short("a.ref")} ELSE a.ref END AS key
    FROM inv_asked a ANTI JOIN own USING (source_id, ref) JOIN inv_sources s USING (source_id) CROSS JOIN range(1, 8)
        p(place)),
found AS (
    SELECT source_id, ref, place, count(DISTINCT machine) AS machines, min(machine) AS machine
    FROM looked JOIN inv_known USING (place, scope, key) GROUP BY ALL)
SELECT a.source_id, a.ref, a.source_row, a.fills, machines, CASE WHEN machines = 1 THEN machine END AS machine
FROM inv_asked a LEFT JOIN (
    SELECT source_id, ref, 1 AS machines, machine FROM own UNION ALL
    SELECT source_id, ref, arg_min(machines, place), arg_min(machine, place) FROM found GROUP BY ALL)
    USING (source_id, ref)
"""


def resolve_references(connection: Any) -> None:
    """Fill `server_refs`, and set references that name no machine or several aside in `quarantine`."""
    tables.create(connection, "server_refs", "quarantine", *_TABLES, *(name for name, _ in _LISTS))
    asked = (
        [
            f"SELECT source_id, lower(ref) AS ref, min(source_row) AS source_row, '{name}' AS fills FROM {name} "
            "WHERE ref IS NOT NULL GROUP BY ALL"
            for name in _TABLES
        ]
        + [
            f"SELECT source_id, lower(ref), min(source_row), '{name}' FROM (SELECT source_id, source_row, "
            f"unnest({column}) AS ref "
            f"FROM {name}) WHERE ref IS NOT NULL GROUP BY ALL"
            for name, column in _LISTS
        ]
        + [
            f"SELECT source_id, lower({column}), min(source_row), 'raw_connections' FROM raw_connections "
            f"WHERE {column} IS NOT NULL GROUP BY ALL"
            for column in ("source_ref", "destination_ref")
        ]
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE inv_asked AS SELECT source_id, ref, min(source_row) AS source_row, min(fills) "
        "AS fills "
        f"FROM ({' UNION ALL '.join(asked)}) GROUP BY ALL"
    ).fetchall()
    connection.execute(_KNOWN).fetchall()
    connection.execute(_RESOLVED).fetchall()
    connection.execute(
        "INSERT INTO server_refs BY NAME SELECT source_id, ref, server_id FROM inv_resolved JOIN inv_servers USING "
        "(machine) "
        "ORDER BY source_id, ref"
    ).fetchall()
    connection.execute(
        "INSERT INTO quarantine BY NAME SELECT source_id, source_row, 'ref' AS field, left(ref, 200) AS value, "
        "CASE WHEN machines IS NULL THEN 'The name ' || ref || ' is in no inventory; its rows of ' || fills[5:] || ' "
        "are left out. "
        "Add the inventory that has it.' ELSE 'The name ' || ref || ' means ' || machines || ' machines; its rows of "
        "' || "
        "fills[5:] || ' are left out. Use an id instead.' END AS sentence "
        "FROM inv_resolved WHERE machine IS NULL AND fills NOT IN ('raw_servers', 'raw_connections') ORDER BY "
        "source_id, ref"
    ).fetchall()
