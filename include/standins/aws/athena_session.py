"""One statement, run: queries by DuckDB over the objects in S3, catalog statements against Glue."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from include.athena_sql import (
    AthenaSqlError,
    TableSchema,
    Translation,
    explain_error,
    hive_type,
    substitute_parameters,
    translate_query,
)
from include.standins.aws.athena_catalog import Catalog, CatalogTable, Partition
from include.standins.aws.athena_ddl import DdlRunner
from include.standins.aws.athena_errors import QueryCancelledError, QueryFailedError, syntax_error
from include.standins.aws.athena_results import Column, text_lines, write_csv
from include.standins.aws.athena_scan import Scan
from include.standins.aws.athena_statements import (
    CreateTableAs,
    Ddl,
    Deallocate,
    Execute,
    InsertInto,
    Prepare,
    Query,
    Statement,
    Unload,
    parse_statement,
)
from include.standins.aws.athena_targets import in_table_order, table_input, target_of
from include.standins.aws.athena_task import Outcome, Task
from include.standins.aws.athena_write import RowWriter, Target, Written, file_format, partition_columns
from include.standins.aws.object_store import NoSuchBucketError, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.standins.aws.athena_prepared import PreparedStatements

CSV, TEXT = "text/csv", "text/plain"
CUT_OFF = "Bytes scanned limit was exceeded"


@dataclass
class Session:
    """Runs one task in one DuckDB connection; raises QueryFailedError or QueryCancelledError."""

    connection: duckdb.DuckDBPyConnection
    catalog: Catalog
    store: ObjectStore
    prepared: PreparedStatements
    scratch: Path
    task: Task
    on_scan: Callable[[int], None]
    _scan: Scan | None = None  # holds the objects that the views name until the query has ended

    def run(self) -> Outcome:
        """Run the task's statement and leave its result in S3."""
        with _in_athenas_words(self._with_addresses):
            return self._run(parse_statement(self.task.sql), self.task.parameters)

    def _with_addresses(self, message: str) -> str:
        """Name objects by their addresses where DuckDB names files."""
        for found in self._scan.held if self._scan else []:
            message = message.replace(str(found.stored.path), found.stored.uri)
        return message

    def _run(self, statement: Statement, parameters: list[str]) -> Outcome:
        handlers: dict[type, Callable[[Any, list[str]], Outcome]] = {
            Query: self._select,
            CreateTableAs: self._create_table_as,
            InsertInto: self._insert,
            Unload: self._unload,
            Prepare: self._prepare,
            Execute: self._execute,
            Deallocate: self._deallocate,
            Ddl: self._ddl,
        }
        return handlers[type(statement)](statement, parameters)

    def _translate(self, sql: str, parameters: list[str]) -> Translation:
        """Translate a query and make its views; the bytes it will scan are known then."""
        if parameters:
            sql = substitute_parameters(sql, parameters)
        translation = translate_query(sql, schemas=self._schema, default_database=self.task.database)
        scan = self._scan = Scan(self.connection, self.catalog, self.store, self.task.now)
        for read in translation.tables:
            scan.add(read)
        self.connection.execute(f"EXPLAIN {translation.duckdb_sql}")  # a query that does not bind scans nothing
        limit = self.task.scan_limit
        self.on_scan(scan.scanned_bytes if limit is None else min(scan.scanned_bytes, limit))
        if limit is not None and scan.scanned_bytes > limit:
            raise QueryCancelledError(CUT_OFF)
        return translation

    def _schema(self, database: str | None, name: str) -> TableSchema:
        found = self.catalog.table((database or self.task.database).lower(), name.lower())
        return TableSchema(columns=found.columns, partition_columns=found.partition_columns)

    def _select(self, statement: Query, parameters: list[str]) -> Outcome:
        translation = self._translate(statement.sql, parameters)
        rows = self.connection.execute(translation.duckdb_sql)
        columns = [Column(name, kind) for name, kind in zip(translation.columns, translation.types, strict=True)]
        path = self.scratch / f"{self.task.id}.csv"
        count = write_csv(path, columns, rows)
        output = f"{self.task.output}{self.task.id}.csv"
        self.store.put(output, path, content_type=CSV)
        self._metadata(output, columns)
        return Outcome(output, columns=[[column.name, column.type] for column in columns], output_rows=count)

    def _metadata(self, output: str, columns: list[Column]) -> None:
        lines = [[column.name, column.type] for column in columns]
        self.store.put(f"{output}.metadata", text_lines(lines), content_type="application/octet-stream")

    def _typed(self, translation: Translation) -> dict[str, str]:
        """Give the query's columns with Hive types; they must have names, and different ones."""
        described = self.connection.execute(f"DESCRIBE {translation.duckdb_sql}").fetchall()
        columns: dict[str, str] = {}
        for name, (_, kind, *_rest) in zip(translation.columns, described, strict=True):
            if not name or name.startswith("_col"):
                raise syntax_error(f"line 1:1: Column name not specified at position {len(columns) + 1}")
            if name.lower() in columns:
                raise syntax_error(f"line 1:1: Column name '{name}' specified more than once")
            columns[name.lower()] = hive_type(kind)
        return columns

    def _writer(self) -> RowWriter:
        return RowWriter(self.connection, self.store, self.scratch, self.task.now)

    def _create_table_as(self, statement: CreateTableAs, parameters: list[str]) -> Outcome:
        database, name = statement.table[0] or self.task.database, statement.table[1]
        output = f"{self.task.output}tables/{self.task.id}"
        if self.catalog.find(database, name):
            if statement.if_not_exists:
                return Outcome(output, update_count=0)
            raise syntax_error(f"line 1:1: Destination table 'awsdatacatalog.{database}.{name}' already exists")
        place = str(statement.properties.get("external_location", f"{output}/"))
        self._refuse_filled(place)
        translation = self._translate(statement.query, parameters)
        columns = self._typed(translation)
        form = file_format(statement.properties, compression_key="write_compression")
        target = Target(place, columns, partition_columns(statement.properties, columns), form)
        written = Written([], {}, 0)
        if statement.with_data:
            written = self._writer().write(translation.duckdb_sql, target)
        self.catalog.create_table(database, table_input(name, target))
        self._register(self.catalog.table(database, name), written)
        return self._wrote(output, written)

    def _insert(self, statement: InsertInto, parameters: list[str]) -> Outcome:
        table = self.catalog.table(statement.table[0] or self.task.database, statement.table[1])
        translation = self._translate(statement.query, parameters)
        target = target_of(table)
        query = in_table_order(translation, statement, target)
        written = self._writer().write(query, target)
        if not table.projected:
            self._register(table, written)
        return self._wrote(f"{self.task.output}{self.task.id}", written)

    def _unload(self, statement: Unload, parameters: list[str]) -> Outcome:
        self._refuse_filled(statement.location)
        form = file_format(statement.properties, compression_key="compression")
        translation = self._translate(statement.query, parameters)
        columns = self._typed(translation)
        target = Target(statement.location, columns, partition_columns(statement.properties, columns), form)
        written = self._writer().write(translation.duckdb_sql, target)
        return self._wrote(f"{self.task.output}{self.task.id}.csv", written)

    def _refuse_filled(self, place: str) -> None:
        if self.store.under(place.rstrip("/") + "/", hidden=True):
            raise QueryFailedError("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {place}")

    def _register(self, table: CatalogTable, written: Written) -> None:
        found = [Partition(values, place) for values, place in written.partitions.items()]
        if found:
            self.catalog.add_partitions(table, found)

    def _wrote(self, output: str, written: Written) -> Outcome:
        base = output.removesuffix(".csv")
        manifest = f"{base}-manifest.csv"
        self.store.put(manifest, "".join(f"{uri}\n" for uri in written.uris).encode(), content_type=CSV)
        self.store.put(f"{base}.metadata", b"rows\tbigint\n")
        return Outcome(
            output,
            columns=[["rows", "bigint"]],
            manifest=manifest,
            update_count=written.rows,
            output_rows=written.rows,
        )

    def _prepare(self, statement: Prepare, _parameters: list[str]) -> Outcome:
        self.prepared.put(self.task.workgroup, statement.name, statement.statement)
        return self._lines([], [])

    def _execute(self, statement: Execute, parameters: list[str]) -> Outcome:
        found = self.prepared.get(self.task.workgroup, statement.name)
        if found is None:
            raise QueryFailedError("NOT_FOUND", f"Prepared statement not found: {statement.name}")
        return self._run(parse_statement(found), statement.parameters or parameters)

    def _deallocate(self, statement: Deallocate, _parameters: list[str]) -> Outcome:
        if not self.prepared.delete(self.task.workgroup, statement.name):
            raise QueryFailedError("NOT_FOUND", f"Prepared statement not found: {statement.name}")
        return self._lines([], [])

    def _ddl(self, statement: Ddl, parameters: list[str]) -> Outcome:
        if parameters:
            raise QueryFailedError("NOT_SUPPORTED", f"{statement.kind} takes no execution parameters")
        result = DdlRunner(self.catalog, self.store, self.task.database).run(statement)
        return self._lines(result.columns, result.rows)

    def _lines(self, columns: list[Column], rows: list[list[str]]) -> Outcome:
        output = f"{self.task.output}{self.task.id}.txt"
        self.store.put(output, text_lines(rows), content_type=TEXT)
        self._metadata(output, columns)
        return Outcome(output, columns=[[column.name, column.type] for column in columns], output_rows=len(rows))


@contextmanager
def _in_athenas_words(with_addresses: Callable[[str], str]) -> Iterator[None]:
    """Turn what translation, DuckDB and S3 raise into failures of the query."""
    try:
        yield
    except AthenaSqlError as error:
        raise QueryFailedError(error.code, error.message) from error
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        if "Malformed JSON" in str(error):
            sentence = f"Row is not a valid JSON Object - {with_addresses(str(error).splitlines()[0])}"
            raise QueryFailedError("HIVE_BAD_DATA", sentence) from error
        explained = explain_error(error)
        raise QueryFailedError(explained.code, with_addresses(explained.message)) from error
    except (NoSuchBucketError, ValueError) as error:
        raise QueryFailedError("PERMISSION_DENIED", f"Access denied or no such location: {error}") from error
