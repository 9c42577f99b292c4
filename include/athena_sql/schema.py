"""Tables as the Glue Data Catalog describes them, and what a translated query reads of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_COLUMN = "$path"


@dataclass(frozen=True)
class TableSchema:
    """Columns and partition columns by name, in order, in Hive's type notation; ``"$path"`` is implied."""

    columns: Mapping[str, str]
    partition_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableRead:
    """What a query reads of one table.

    `columns` are the columns that the result needs (``"$path"`` among them when named), sorted. `pushed` is DuckDB SQL
    over the partition columns and ``"$path"`` that is true for every row the query can use; None means all rows.
    """

    database: str
    table: str
    columns: tuple[str, ...]
    pushed: str | None


@dataclass(frozen=True)
class Translation:
    """An Athena query as DuckDB runs it.

    `duckdb_sql` names each table as the view ``"database"."table"``, whose columns are the table's, its partition
    columns' and, where `tables` lists it, ``"$path"``. `columns` are the output names, `types` the output types in
    Trino's notation (what ResultSetMetadata should say). A timestamp with time zone in a zone other than UTC and an
    interval arrive as the text that Athena prints.
    """

    duckdb_sql: str
    tables: tuple[TableRead, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...]
