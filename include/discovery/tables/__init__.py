"""The tables an assessment works on, each made by one step and read by the later ones.

They live in one DuckDB connection: a step reads tables of the steps before it and creates its own. `raw_` tables hold
what files say, row by row; the others are what Landfall makes of it. Columns are nullable unless the text says
"always".
Units are in the names: MiB and GiB are binary, `_mib`; MB/s are 10^6 bytes a second, `_mb_s`; money is US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from include.discovery.tables.inventory import INVENTORY
from include.discovery.tables.raw import RAW
from include.discovery.tables.results import RESULTS

__all__ = ["INVENTORY", "RAW", "RESULTS", "TABLES", "Table", "columns", "create"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and its columns: name to (DuckDB type, what it holds)."""

    name: str
    columns: dict[str, tuple[str, str]]

    @property
    def ddl(self) -> str:
        """The column list of CREATE TABLE."""
        always = ", ".join(
            f'"{name}" {kind}{" NOT NULL" if text.startswith("always") else ""}'
            for name, (kind, text) in self.columns.items()
        )
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" ({always})'


TABLES: Final = {name: Table(name, columns) for part in (RAW, INVENTORY, RESULTS) for name, columns in part.items()}


def create(connection: Any, *names: str) -> None:
    """Create tables by their names, empty; those that exist stay as they are."""
    for name in names:
        connection.execute(TABLES[name].ddl).fetchall()


def columns(name: str) -> tuple[str, ...]:
    """Return the column names of a table, in order."""
    return tuple(TABLES[name].columns)
