"""What belongs to machines: disks, interfaces, processes, software, shares."""

from __future__ import annotations

from typing import Any, Final

from include.discovery import tables

_SIMPLE: Final = ("disks", "interfaces")
_NAMED: Final = {"processes": ("name", "path", "command"), "software": ("name", "version", "vendor")}


def fill_parts(connection: Any) -> None:
    """Fill disks, interfaces, processes, software and shares of known machines, each ordered by server and source."""
    tables.create(connection, *_SIMPLE, *_NAMED, "shares", *(f"raw_{name}" for name in (*_SIMPLE, *_NAMED, "shares")))
    for name in _SIMPLE:
        columns = ", ".join(f"r.{one}" for one in tables.columns(name) if one != "server_id")
        connection.execute(
            f"INSERT INTO {name} BY NAME SELECT server_id, {columns} FROM raw_{name} r JOIN server_refs f "
            "ON f.source_id = r.source_id AND f.ref = lower(r.ref) ORDER BY server_id, r.source_id, source_row, name"
        ).fetchall()
    for name, columns_of in _NAMED.items():
        columns = ", ".join(f"r.{one}" for one in columns_of)
        connection.execute(
            f"INSERT INTO {name} BY NAME SELECT DISTINCT server_id, {columns} FROM raw_{name} r JOIN server_refs f "
            "ON f.source_id = r.source_id AND f.ref = lower(r.ref) ORDER BY ALL"
        ).fetchall()
    connection.execute(
        """
        INSERT INTO shares BY NAME
        SELECT r.*, coalesce((SELECT list_sort(list(DISTINCT server_id)) FROM server_refs f WHERE f.source_id =
            r.source_id
            AND list_contains(list_transform(r.client_refs, lambda one: lower(one)), f.ref)), []) AS server_ids
        FROM raw_shares r ORDER BY source_id, source_row
        """
    ).fetchall()
