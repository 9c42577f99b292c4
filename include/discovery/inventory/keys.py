"""The keys by which rows are known to be one machine, the strongest first.

`inv_keys` (level, key, row_no): what each row carries. A key of a weaker level joins only what no stronger one
    separates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.inventory.rows import short

if TYPE_CHECKING:
    from include.discovery.inventory.settings import InventorySettings

LEVELS: Final = (
    "smbios_id",
    "moref",
    "external_id",
    "server_id",
    "ref",
    "mac_addresses",
    "fqdn",
    "hostname",
    "vm_name",
)
NAME_LEVELS: Final = frozenset({"fqdn", "hostname", "vm_name"})
"""Levels whose key joins only what has it once in each source."""
IDENTITIES: Final = ("smbios_id", "moref", "external_id", "server_id", "ref")
"""Keys of which a machine has one: two different ones of the same tool are two machines."""

_EMPTY_UUIDS: Final = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")


def canonical_uuid(column: str) -> str:
    """Return SQL for a SMBIOS id in one byte order: the lesser of it and of it with the first three groups swapped.

    SMBIOS stores the first three groups little-endian (DMTF DSP0134, 7.2.1), and tools print them in either order.
    """
    pieces = ((7, 2), (5, 2), (3, 2), (1, 2), (9, 1), (12, 2), (10, 2), (14, 1), (17, 2), (15, 2))
    swapped = " || ".join(f"substr({column}, {begin}, {size})" for begin, size in pieces) + f" || substr({column}, 19)"
    return f"(CASE WHEN length({column}) = 36 THEN least({column}, {swapped}) ELSE {column} END)"


def collect_keys(connection: Any, *, settings: InventorySettings) -> None:
    """Create `inv_keys` from `inv_rows` and `raw_interfaces`."""
    named = " UNION ALL ".join(f"({query})" for query in _queries())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE inv_keys AS SELECT DISTINCT level, key, row_no FROM ({named}) "
        "WHERE key IS NOT NULL AND key <> ''",
        {"macs": list(settings.shared_macs), "nameless": list(settings.nameless), "empty": list(_EMPTY_UUIDS)},
    ).fetchall()


def _queries() -> tuple[str, ...]:
    smbios = canonical_uuid("lower(smbios_id)")
    mac = "NOT list_bool_or(list_transform($macs::VARCHAR[], lambda one: starts_with(mac, one)))"
    named = f"lower(vm_name), lower(hostname), lower(fqdn), {short('vm_name')}, {short('hostname')}"
    usable = "NOT list_contains($nameless::VARCHAR[], {0}) AND NOT regexp_matches({0}, '^[0-9.]+$|:')"
    full = "lower(trim(CASE WHEN fqdn LIKE '%.%' THEN fqdn WHEN hostname LIKE '%.%' THEN hostname ELSE '' END))"
    return (
        (
            f"SELECT 0 AS level, {smbios} AS key, row_no FROM inv_rows WHERE lower(smbios_id) NOT IN (SELECT "
            f"unnest($empty::VARCHAR[]))"
        ),
        "SELECT 1, lower(vcenter_id || '|' || moref), row_no FROM inv_rows",
        (
            "SELECT 2, CASE WHEN length(external_id) < 12 THEN tool || '|' ELSE '' END || lower(external_id), row_no "
            "FROM "
            "inv_rows"
        ),
        "SELECT 3, lower(own_id), row_no FROM inv_rows",
        f"SELECT 4, tool || '|' || ref, row_no FROM inv_rows WHERE ref NOT IN ({_coalesced(named)})",
        f"SELECT 5, mac, row_no FROM (SELECT unnest(mac_addresses) AS mac, row_no FROM inv_rows) WHERE {mac}",
        (
            "SELECT 5, mac_address, r.row_no FROM raw_interfaces i JOIN inv_sources s USING (source_id) "
            "JOIN (SELECT tool, ref, min(row_no) AS row_no FROM inv_rows GROUP BY ALL HAVING count(DISTINCT "
            "source_id) = "
            "count(*)) r "
            f"ON r.tool = s.tool AND r.ref = i.ref WHERE {mac.replace('mac, one', 'mac_address, one')}"
        ),
        (
            f"SELECT 6, key, row_no FROM (SELECT {full} AS key, row_no FROM inv_rows) "
            "WHERE NOT regexp_matches(key, '^[0-9.]+$|:|^localhost')"
        ),
        (
            f"SELECT 7, key, row_no FROM (SELECT {short('hostname')} AS key, row_no FROM inv_rows) WHERE "
            f"{usable.format('key')}"
        ),
        (
            f"SELECT 8, key, row_no FROM (SELECT {short('vm_name')} AS key, row_no FROM inv_rows UNION ALL "
            f"SELECT {short('hostname')}, row_no FROM inv_rows) WHERE {usable.format('key')}"
        ),
    )


def _coalesced(expressions: str) -> str:
    import re

    parts = re.split(r", (?=lower|\()", expressions)
    return ", ".join(f"coalesce({one}, '')" for one in parts)
