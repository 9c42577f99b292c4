"""From the tables a query reads to DuckDB views over exactly the objects it must read, and the bytes they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.athena_formats import (
    FILE_INDEX,
    compression_of,
    is_parquet,
    is_regex,
    no_rows,
    reader_for,
    regex_rows,
)
from include.standins.aws.athena_injected import require_equality
from include.standins.aws.athena_lines import line_batches
from include.standins.aws.athena_projection import projection
from include.standins.aws.object_store import Listing, NoSuchBucketError, ObjectStore, StoredObject, split_uri
from include.standins.aws.parquet_footers import footer
from include.standins.aws.sql_text import identifier

if TYPE_CHECKING:
    from datetime import datetime

    from include.athena_sql import TableRead
    from include.standins.aws.athena_catalog import Catalog, CatalogTable

PATH = "$path"
Values = Mapping[str, str | None]


@dataclass(frozen=True)
class ScannedFile:
    """An object of a table and the partition values its rows get."""

    stored: StoredObject
    values: Values


@dataclass
class Scan:
    """Makes the views of one query in its DuckDB connection."""

    connection: duckdb.DuckDBPyConnection
    catalog: Catalog
    store: ObjectStore
    now: datetime
    scanned_bytes: int = 0
    held: list[ScannedFile] = field(default_factory=list)
    _listings: dict[str, Listing] = field(default_factory=dict)

    def add(self, read: TableRead) -> None:
        """Make the view "database"."table" for one table of the query."""
        table = self.catalog.table(read.database, read.table)
        files = self.prune(table, self.files(table, read.pushed), read.pushed)
        self.held.extend(files)
        self.scanned_bytes += scanned(table, files, read.columns)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(read.database)}")
        name = f"{identifier(read.database)}.{identifier(read.table)}"
        self.connection.execute(f"CREATE VIEW {name} AS {self._rows(table, files, read.columns)}")

    def files(self, table: CatalogTable, pushed: str | None) -> list[ScannedFile]:
        """List a table's objects with their partition values, before any predicate but projection's own."""
        try:
            if not table.partition_columns:
                return [ScannedFile(stored, {}) for stored in self._under(_folder(table.location))]
            if table.projected:
                return self._projected(table, pushed)
            return self._registered(table)
        except NoSuchBucketError as error:
            raise QueryFailedError(
                "PERMISSION_DENIED", f"The bucket {error} of {table.full_name} does not exist"
            ) from error

    def _under(self, uri: str) -> list[StoredObject]:
        bucket, prefix = split_uri(uri)
        if bucket not in self._listings:
            self._listings[bucket] = self.store.listing(bucket)
        return self._listings[bucket].under(prefix)

    def _projected(self, table: CatalogTable, pushed: str | None) -> list[ScannedFile]:
        rule = projection(table, now=self.now)
        for column in sorted(rule.injected):
            require_equality(pushed, column=column, table=table.full_name)
        found = ((stored, rule.values(stored.uri)) for stored in self._under(rule.prefix))
        return [ScannedFile(stored, values) for stored, values in found if values is not None]

    def _registered(self, table: CatalogTable) -> list[ScannedFile]:
        return [
            ScannedFile(stored, dict(zip(table.partition_columns, map(_null_or, partition.values), strict=True)))
            for partition in self.catalog.partitions(table)
            for stored in self._under(_folder(partition.location))
        ]

    def prune(self, table: CatalogTable, files: list[ScannedFile], pushed: str | None) -> list[ScannedFile]:
        """Keep the files for which the pushed predicate may hold; DuckDB itself evaluates it."""
        if pushed is None or not files:
            return files
        candidates = self._partition_table(table, files)
        self.connection.register("__candidates", candidates)
        try:
            typed = f"SELECT {self._typed(table)} FROM __candidates"
            keep = self.connection.execute(f"SELECT {FILE_INDEX} FROM ({typed}) WHERE {pushed}").fetchall()
        except duckdb.ConversionException as error:
            raise QueryFailedError("HIVE_INVALID_PARTITION_VALUE", str(error).splitlines()[0]) from error
        finally:
            self.connection.unregister("__candidates")
        return [files[index] for (index,) in sorted(keep)]

    def _partition_table(self, table: CatalogTable, files: Sequence[ScannedFile]) -> pa.Table:
        columns: dict[str, pa.Array] = {FILE_INDEX: pa.array(range(len(files)), pa.int64())}
        columns[PATH] = pa.array([file.stored.uri for file in files], pa.string())
        for name in table.partition_columns:
            columns[name] = pa.array([file.values.get(name) for file in files], pa.string())
        return pa.table(columns)

    def _typed(self, table: CatalogTable) -> str:
        casts = [
            f"CAST({identifier(name)} AS {duck_type(kind)}) AS {identifier(name)}"
            for name, kind in table.partition_columns.items()
        ]
        return ", ".join([FILE_INDEX, identifier(PATH), *casts])

    def _rows(self, table: CatalogTable, files: list[ScannedFile], columns: Sequence[str]) -> str:
        if not files:
            return no_rows(table, duck_type)
        return " UNION ALL ".join(self._group(table, group, columns) for group in _by_compression(table, files))

    def _group(self, table: CatalogTable, files: list[ScannedFile], columns: Sequence[str]) -> str:
        data = self._data(table, [file.stored for file in files])
        names = [f"d.{identifier(name)}" for name in table.columns]
        wanted = [*table.partition_columns, PATH]
        if not set(wanted) & set(columns):
            nulls = [
                f"CAST(NULL AS {duck_type(table.partition_columns.get(n, 'string'))}) AS {identifier(n)}"
                for n in wanted
            ]
            return f"SELECT {', '.join([*names, *nulls])} FROM ({data}) AS d"
        parts = f"__parts_{len(self.held)}_{len(self._listings)}_{id(files)}"
        self.connection.register(f"{parts}_arrow", self._partition_table(table, files))
        self.connection.execute(f"CREATE TEMP TABLE {parts} AS SELECT {self._typed(table)} FROM {parts}_arrow")
        self.connection.unregister(f"{parts}_arrow")
        values = [f"p.{identifier(name)}" for name in wanted]
        return f"SELECT {', '.join([*names, *values])} FROM ({data}) AS d JOIN {parts} AS p USING ({FILE_INDEX})"

    def _data(self, table: CatalogTable, files: list[StoredObject]) -> str:
        if not is_regex(table):
            return reader_for(table)(table, files, duck_type)
        name = f"__lines_{len(self.held)}_{id(files)}"
        self.connection.execute(f"CREATE TEMP TABLE {name} (line VARCHAR, file_index BIGINT)")
        skip = int(table.parameters.get("skip.header.line.count", "0"))
        for batch in line_batches(files, compression=compression_of(files[0]), skip=skip):
            self.connection.register("__batch", batch)
            self.connection.execute(f"INSERT INTO {name} SELECT * FROM __batch")
            self.connection.unregister("__batch")
        return regex_rows(table, name, duck_type)


def scanned(table: CatalogTable, files: Sequence[ScannedFile], columns: Sequence[str]) -> int:
    """Count what Athena would bill: read columns' compressed bytes in Parquet, whole objects in text."""
    if not is_parquet(table):
        return sum(file.stored.size for file in files)
    wanted = set(table.columns) & set(columns)
    return sum(footer(file.stored).scanned(wanted) for file in files)


def duck_type(hive_type: str) -> str:
    """Give DuckDB's type for a Hive type."""
    from include.athena_sql import duckdb_type  # late: the dialect is loaded by the first query, not at start-up

    return duckdb_type(hive_type)


def _by_compression(table: CatalogTable, files: Sequence[ScannedFile]) -> list[list[ScannedFile]]:
    if is_parquet(table):
        return [list(files)]
    groups: defaultdict[str, list[ScannedFile]] = defaultdict(list)
    for file in files:
        groups[compression_of(file.stored)].append(file)
    return list(groups.values())


def _folder(location: str) -> str:
    return location.rstrip("/") + "/"


def _null_or(value: str) -> str | None:
    return None if value == "__HIVE_DEFAULT_PARTITION__" else value
