"""Rows of sources in, the canonical inventory out: the second step of an assessment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.discovery import tables
from include.discovery.inventory.applications import fill_applications, relate_applications
from include.discovery.inventory.choosing import choose_values
from include.discovery.inventory.databases import fill_databases
from include.discovery.inventory.keys import collect_keys
from include.discovery.inventory.machines import fill_servers, tell_shared
from include.discovery.inventory.merging import merge_rows
from include.discovery.inventory.naming import name_machines
from include.discovery.inventory.operating_systems import keep_names
from include.discovery.inventory.parts import fill_parts
from include.discovery.inventory.references import resolve_references
from include.discovery.inventory.rows import order_rows
from include.discovery.inventory.traffic import fill_connections

if TYPE_CHECKING:
    from include.discovery.inventory.settings import InventorySettings


def build_inventory(connection: Any, *, settings: InventorySettings) -> None:
    """Fill the INVENTORY tables of tables.py from the RAW ones; the docs say how (docs/discovery/inventory.md).

    The answer does not depend on the order of rows, and on the order of sources only where nothing else decides.
    Inventory tables that exist are made anew.
    """
    for name in tables.INVENTORY:
        connection.execute(f'DROP TABLE IF EXISTS "{name}"').fetchall()
    tables.create(connection, *tables.RAW, *tables.INVENTORY)
    order_rows(connection, settings=settings)
    collect_keys(connection, settings=settings)
    merge_rows(connection, settings=settings)
    name_machines(connection)
    keep_names(connection)
    choose_values(connection, settings=settings)
    resolve_references(connection)
    fill_parts(connection)
    relate_applications(connection)
    fill_servers(connection)
    tell_shared(connection, settings=settings)
    fill_applications(connection)
    fill_databases(connection)
    _drop_own(connection, but=("inv_servers", "inv_resolved"))  # millions of connections need the memory
    fill_connections(connection)
    _drop_own(connection)


def _drop_own(connection: Any, *, but: tuple[str, ...] = ()) -> None:
    own = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE temporary AND starts_with(table_name, 'inv_') ORDER BY 1"
    ).fetchall()
    for (name,) in own:
        if name not in but:
            connection.execute(f'DROP TABLE "{name}"').fetchall()
