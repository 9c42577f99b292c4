"""The rows of all sources in the order in which they are believed, and the names of fields.

`inv_rows`: raw_servers with `row_no` (0, 1, ...; the most believed first), `people_no` (the same for what people know),
`tool`, `exported_at`; its server_id is `own_id` here. The order is: order of tools, newest export, order of sources,
    then the row's content, so that
rows in another order give the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables

if TYPE_CHECKING:
    from include.discovery.inventory.settings import InventorySettings

LISTS: Final = ("ip_addresses", "mac_addresses", "tags")
IDENTITY: Final = ("source_id", "source_row", "ref", "server_id", "smbios_id", "moref", "vcenter_id", "external_id")
FIELDS: Final = tuple(name for name in tables.columns("raw_servers") if name not in (*IDENTITY, *LISTS))
"""Fields of one value each, in the order of the table."""
STATED: Final = tuple(name for name in FIELDS if name.endswith(("_avg", "_max")))
PEOPLE: Final = (
    "environment", "application", "tier", "owner", "business_unit", "criticality", "compliance", "strategy", "wave",
)  # fmt: skip
NAMES: Final = ("hostname", "fqdn", "vm_name", "virtual_host")


def type_of(name: str) -> str:
    """Return the DuckDB type of a field of raw_servers."""
    return tables.RAW["raw_servers"][name][0]


def short(expression: str) -> str:
    """Return SQL for a name as it is compared: lower case, without the domain; an address stays whole."""
    return (
        f"(CASE WHEN regexp_matches({expression}, '^[0-9.]+$|:') THEN lower({expression}) "
        f"ELSE split_part(lower(trim({expression})), '.', 1) END)"
    )


def label(source: str, row: str) -> str:
    """Return SQL for a place as people read it: file, sheet, row."""
    return f"({source}.file || coalesce(' ' || {source}.sheet, '') || ' row ' || {row})"


def order_rows(connection: Any, *, settings: InventorySettings) -> None:
    """Create `inv_sources` (what is believed of each source) and `inv_rows`."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE inv_sources AS
        SELECT source_id, file, sheet, tool, exported_at,
            coalesce(list_position($tools::VARCHAR[], tool), 999)::INTEGER AS tool_order,
            coalesce(list_position($people::VARCHAR[], tool), 999)::INTEGER AS people_order
        FROM sources
        """,
        {"tools": list(settings.tools), "people": list(settings.people_tools)},
    ).fetchall()
    content = ", ".join(f"r.{one}" for one in tables.columns("raw_servers") if one not in ("source_id", "source_row"))
    order = "exported_at DESC NULLS LAST, source_id, content, source_row"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE inv_rows AS
        SELECT (row_number() OVER (ORDER BY tool_order, {order}) - 1)::INTEGER AS row_no,
            (row_number() OVER (ORDER BY people_order, {order}) - 1)::INTEGER AS people_no,
            * EXCLUDE (content) RENAME (server_id AS own_id)
        FROM (SELECT r.*, tool, exported_at, tool_order, people_order,
                hash({content})
                    AS content
              FROM raw_servers r JOIN inv_sources USING (source_id))
        ORDER BY row_no
        """
    ).fetchall()
