"""servers.parquet: the canonical inventory, whole, with DuckDB's types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.discovery import tables
from include.discovery.delivery.csv_files import OutputInvalidError

if TYPE_CHECKING:
    from pathlib import Path


def write_servers(connection: Any, folder: Path) -> None:
    """Write servers.parquet, ordered by server_id, and read its shape back.

    :raises OutputInvalidError: when rows or columns are not those of the table, or an id is there twice.
    """
    target = folder / "servers.parquet"
    names = ", ".join(f'"{name}"' for name in tables.columns("servers"))
    literal = "'" + str(target).replace("'", "''") + "'"  # COPY takes its path as a literal only
    query = f"SELECT {names} FROM servers ORDER BY server_id"  # own names
    (rows,) = connection.execute(f"COPY ({query}) TO {literal} (FORMAT parquet, COMPRESSION zstd)").fetchone()
    found = connection.execute(
        "SELECT count(*), count(DISTINCT server_id), count(*) FILTER (os_family IS NULL OR marks IS NULL) "
        "FROM read_parquet(?)",
        [str(target)],
    ).fetchone()
    if found != (rows, rows, 0):
        raise OutputInvalidError(
            f"servers.parquet: {rows} rows were written; {found[0]} with {found[1]} ids can be read back, "
            f"{found[2]} of them without os_family or marks."
        )
