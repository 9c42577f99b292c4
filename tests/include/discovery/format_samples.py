"""Read the sample exports of one tool and ask what came of them.

A tool's folder is read once; a test sees the part of it that it names, in views that stand before the tables.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from include.discovery.sources.read import read_sources
from include.discovery.sources.settings import ReadingSettings
from include.discovery.tables import RAW

SAMPLES = Path(__file__).parent / "samples"


def read(name: str | Path) -> Any:
    """Return a connection that shows what was read of one file or folder, named below samples/ or by its whole path."""
    if isinstance(name, Path):
        return _read(name)
    tool, _, part = name.partition("/")
    cursor = _read_once(tool).cursor()
    for table, columns in RAW.items():
        chosen = "source_id IN (SELECT source_id FROM memory.main.sources WHERE starts_with(file, $part))"
        where = chosen if "source_id" in columns else "starts_with(file, $part)"
        text = where.replace("$part", f"'{part}'")
        cursor.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM memory.main.{table} WHERE {text}")
    return cursor


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    return list(connection.execute(sql).fetchall())


def formats(connection: Any) -> dict[str, str]:
    """Return the file name of each source and the format it was taken for."""
    return dict(rows(connection, "SELECT split_part(file, '/', -1), format FROM sources ORDER BY ALL"))


def complaints(connection: Any) -> list[tuple[Any, ...]]:
    """Return everything that was refused or set aside."""
    return rows(
        connection, "SELECT file, sentence FROM refusals UNION ALL SELECT field, sentence FROM quarantine ORDER BY ALL"
    )


@lru_cache
def _read_once(tool: str) -> Any:
    return _read(SAMPLES / tool)


def _read(path: Path) -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    read_sources([path], connection, settings=ReadingSettings())
    return connection
