"""The tables of an assessment as Parquet files, so that one task can leave them to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def save_tables(connection: Any, folder: Path) -> list[str]:
    """Write every table of the connection as `<table>.parquet`; returns the names, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(
        name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    )
    for name in names:
        place = str(folder / f"{name}.parquet").replace("'", "''")
        connection.execute(f"COPY \"{name}\" TO '{place}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
    return names


def load_tables(connection: Any, folder: Path) -> list[str]:
    """Make a table of every Parquet file of a folder; returns the names, sorted."""
    names = sorted(path.stem for path in folder.glob("*.parquet"))
    for name in names:
        place = str(folder / f"{name}.parquet").replace("'", "''")
        connection.execute(f"CREATE TABLE \"{name}\" AS FROM read_parquet('{place}')").fetchall()
    return names
