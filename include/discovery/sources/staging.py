"""Bring the used columns of a sheet into the database as text: `row`, and `c0`, `c1`, ... by their place."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TABLE: Final = "discovery_stage"
_BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A relation to select from, and the parameters that its text needs.

    :param rows: how many, where that is known.
    """

    relation: str
    parameters: tuple[str, ...] = ()


def stage_records(connection: Any, used: Sequence[int], records: Iterable[tuple[int, Sequence[str | None]]]) -> Stage:
    """Store records in a temporary table; a record shorter than its header ends in NULLs."""
    import pyarrow as pa

    columns = ", ".join(["row BIGINT", *(f"c{index} VARCHAR" for index in used)])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} ({columns})").fetchall()
    schema = pa.schema([("row", pa.int64()), *((f"c{index}", pa.string()) for index in used)])
    source = iter(records)
    while batch := list(islice(source, _BATCH)):
        arrays = [pa.array([row for row, _ in batch], pa.int64())]
        arrays += [pa.array([_field(fields, index) for _, fields in batch], pa.string()) for index in used]
        connection.register("discovery_batch", pa.table(arrays, schema=schema))
        connection.execute(f"INSERT INTO {TABLE} SELECT * FROM discovery_batch").fetchall()
        connection.unregister("discovery_batch")
    return Stage(_clean_table(connection, used))


def stage_csv(
    connection: Any, path: str, *, width: int, used: Sequence[int], delimiter: str, header_row: int, is_large: bool
) -> Stage:
    """Let the database read a clean UTF-8 CSV file: small ones once into a table, large ones at each use.

    :raises duckdb.Error: a record has another number of fields, or a quote stays open.
    """
    plain = Stage(csv_relation(width=width, delimiter=delimiter, header_row=header_row), (path,))
    if is_large:
        return Stage(f"(SELECT row, {_cleaned(used)} FROM {plain.relation})", plain.parameters)
    sql = f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT row, {_cleaned(used)} FROM {plain.relation}"
    connection.execute(sql, list(plain.parameters)).fetchall()
    return Stage(TABLE)


def csv_relation(*, width: int, delimiter: str, header_row: int, types: dict[int, str] | None = None) -> str:
    """Return the relation of a CSV file; its path is a parameter."""
    kinds = types or {}
    columns = ", ".join(f"'c{index}': '{kinds.get(index, 'VARCHAR')}'" for index in range(width))
    sign = "\\t" if delimiter == "\t" else delimiter
    text = f"E'{sign}'"
    return (
        f"(SELECT row_number() OVER () + {header_row + 1} AS row, * FROM read_csv(?, auto_detect = false, "
        f"header = true, skip = {header_row}, delim = {text}, quote = '\"', escape = '\"', strict_mode = true, "
        f"columns = {{{columns}}}))"
    )


def _clean_table(connection: Any, used: Sequence[int]) -> str:
    sql = f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT row, {_cleaned(used)} FROM {TABLE}"
    connection.execute(sql).fetchall()
    return TABLE


def _cleaned(used: Sequence[int]) -> str:
    return ", ".join(f"discovery_text(c{index}) AS c{index}" for index in used)


def _field(fields: Sequence[str | None], index: int) -> str | None:
    return fields[index] if index < len(fields) else None
