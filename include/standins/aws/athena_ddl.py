"""Catalog statements: run against the local Glue, so that Glue and Athena agree.

Source of the grammar: Athena user guide, "DDL statements". Results are lines of a .txt object.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.standins.aws.athena_catalog import Catalog, CatalogTable, Partition
from include.standins.aws.athena_create import create_external_table, read_partition, table_ddl
from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.athena_results import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.athena_lexer import Reader
    from include.standins.aws.athena_statements import Ddl
    from include.standins.aws.object_store import ObjectStore

_DDL_TASK = "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."


@dataclass(frozen=True)
class DdlResult:
    """Column names and rows of text; most statements have neither."""

    columns: list[Column] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class DdlRunner:
    """Runs one session's catalog statements; `database` is what an unqualified name means."""

    catalog: Catalog
    store: ObjectStore
    database: str

    def run(self, statement: Ddl) -> DdlResult:
        """Run a statement; raises QueryFailedError with Athena's sentence."""
        handler: Callable[[Reader], DdlResult] = getattr(self, _HANDLERS[statement.kind])
        return handler(statement.reader)

    def _table(self, reader: Reader) -> CatalogTable:
        database, name = reader.dotted()
        return self.catalog.table(database or self.database, name)

    def create_table(self, reader: Reader) -> DdlResult:
        """CREATE EXTERNAL TABLE."""
        if_not_exists = reader.take("IF", "NOT", "EXISTS")
        database, name = reader.dotted()
        database = database or self.database
        definition = create_external_table(reader, name=name)
        if self.catalog.find(database, name) is None:
            self.catalog.create_table(database, definition)
        elif not if_not_exists:
            raise QueryFailedError("FAILED", f"{_DDL_TASK} AlreadyExistsException(message:Table {name} already exists)")
        return DdlResult()

    def create_database(self, reader: Reader) -> DdlResult:
        """CREATE DATABASE."""
        if_not_exists = reader.take("IF", "NOT", "EXISTS")
        name = reader.name()
        definition: dict[str, object] = {"Name": name}
        if reader.take("COMMENT"):
            definition["Description"] = reader.string()
        if reader.take("LOCATION"):
            definition["LocationUri"] = reader.string()
        reader.end()
        if not self.catalog.has_database(name):
            self.catalog.create_database(name, definition)
        elif not if_not_exists:
            raise QueryFailedError(
                "FAILED", f"{_DDL_TASK} AlreadyExistsException(message:Database {name} already exists)"
            )
        return DdlResult()

    def drop_database(self, reader: Reader) -> DdlResult:
        """DROP DATABASE; one with tables only with CASCADE."""
        if_exists = reader.take("IF", "EXISTS")
        name = reader.name()
        cascade = reader.take("CASCADE")
        reader.take("RESTRICT")
        reader.end()
        if not self.catalog.has_database(name):
            if if_exists:
                return DdlResult()
            raise QueryFailedError("FAILED", f"SemanticException [Error 10072]: Database does not exist: {name}")
        if self.catalog.table_names(name) and not cascade:
            sentence = f"Database {name} is not empty. One or more tables exist."
            raise QueryFailedError("FAILED", f"{_DDL_TASK} InvalidOperationException(message:{sentence})")
        self.catalog.drop_database(name)
        return DdlResult()

    def drop_table(self, reader: Reader) -> DdlResult:
        """DROP TABLE; the objects stay."""
        if_exists = reader.take("IF", "EXISTS")
        database, name = reader.dotted()
        reader.end()
        found = self.catalog.find(database or self.database, name)
        if found is not None:
            self.catalog.drop_table(found)
        elif not if_exists:
            raise QueryFailedError("FAILED", f"SemanticException [Error 10001]: Table not found {name}")
        return DdlResult()

    def repair(self, reader: Reader) -> DdlResult:
        """MSCK REPAIR TABLE: register the k=v folders found under the table."""
        table = self._table(reader)
        reader.end()
        pattern = "".join(f"{re.escape(name)}=(?P<{name}>[^/]+)/" for name in table.partition_columns)
        base = table.location.rstrip("/") + "/"
        folder = re.compile(re.escape(base) + pattern, re.IGNORECASE)
        found: dict[tuple[str, ...], str] = {}
        for stored in self.store.under(base):
            match = folder.match(stored.uri)
            if match and table.partition_columns:
                found.setdefault(tuple(match[name] for name in table.partition_columns), match[0])
        added = self.catalog.add_partitions(table, [Partition(values, place) for values, place in found.items()])
        return DdlResult(rows=[[f"Repair: Added partition to metastore {table.name}:{_spec(table, p)}"] for p in added])

    def alter_table(self, reader: Reader) -> DdlResult:
        """ALTER TABLE ADD / DROP PARTITION; other changes are refused."""
        table = self._table(reader)
        if reader.take("ADD"):
            if_not_exists = reader.take("IF", "NOT", "EXISTS")
            self._add_partitions(reader, table, if_not_exists=if_not_exists)
        elif reader.take("DROP"):
            if_exists = reader.take("IF", "EXISTS")
            self._drop_partitions(reader, table, if_exists=if_exists)
        else:
            raise QueryFailedError("NOT_SUPPORTED", "ALTER TABLE adds and drops partitions only in the local Athena")
        return DdlResult()

    def _add_partitions(self, reader: Reader, table: CatalogTable, *, if_not_exists: bool) -> None:
        wanted = []
        while reader.take("PARTITION"):
            values = read_partition(reader, table)
            folder = "/".join(f"{name}={value}" for name, value in zip(table.partition_columns, values, strict=True))
            location = reader.string() if reader.take("LOCATION") else f"{table.location.rstrip('/')}/{folder}/"
            wanted.append(Partition(values, location))
        reader.end()
        added = self.catalog.add_partitions(table, wanted)
        if len(added) < len(wanted) and not if_not_exists:
            raise QueryFailedError("FAILED", f"{_DDL_TASK} AlreadyExistsException(message:Partition already exists.)")

    def _drop_partitions(self, reader: Reader, table: CatalogTable, *, if_exists: bool) -> None:
        known = {partition.values for partition in self.catalog.partitions(table)}
        while reader.take("PARTITION"):
            values = read_partition(reader, table)
            reader.take(",")
            if values in known:
                self.catalog.drop_partition(table, values)
            elif not if_exists:
                raise QueryFailedError("FAILED", f"SemanticException [Error 10006]: Partition not found {values}")
        reader.end()

    def show_tables(self, reader: Reader) -> DdlResult:
        """SHOW TABLES [IN database] ['pattern']."""
        database = reader.name() if reader.take("IN") or reader.take("FROM") else self.database
        names = self.catalog.table_names(database)
        return _lines("tab_name", _matching(names, reader))

    def show_databases(self, reader: Reader) -> DdlResult:
        """SHOW DATABASES [LIKE 'pattern']."""
        names = [str(database["Name"]) for database in self.catalog.databases()]
        return _lines("database_name", _matching(names, reader))

    def show_partitions(self, reader: Reader) -> DdlResult:
        """SHOW PARTITIONS: the registered ones; a projected table has none to show."""
        table = self._table(reader)
        reader.end()
        if not table.partition_columns:
            raise QueryFailedError("FAILED", f"{_DDL_TASK} Table {table.name} is not a partitioned table")
        return _lines("partition", [_spec(table, partition) for partition in self.catalog.partitions(table)])

    def show_columns(self, reader: Reader) -> DdlResult:
        """SHOW COLUMNS IN table."""
        if not (reader.take("IN") or reader.take("FROM")):
            raise reader.mismatch("'IN'")
        table = self._table(reader)
        return _lines("field", [*table.columns, *table.partition_columns])

    def show_create_table(self, reader: Reader) -> DdlResult:
        """SHOW CREATE TABLE."""
        table = self._table(reader)
        reader.end()
        return _lines("createtab_stmt", table_ddl(table).split("\n"))

    def show_properties(self, reader: Reader) -> DdlResult:
        """SHOW TBLPROPERTIES."""
        table = self._table(reader)
        columns = [Column("prpt_name", "string"), Column("prpt_value", "string")]
        return DdlResult(columns, [[name, value] for name, value in table.parameters.items()])

    def describe(self, reader: Reader) -> DdlResult:
        """DESCRIBE table: columns, then partition columns again under their heading."""
        if reader.peek().upper in ("EXTENDED", "FORMATTED"):
            raise QueryFailedError(
                "NOT_SUPPORTED", "DESCRIBE EXTENDED and FORMATTED are not modelled by the local Athena"
            )
        table = self._table(reader)
        reader.end()
        keys = [_described(name, kind) for name, kind in table.partition_columns.items()]
        rows = [_described(name, kind) for name, kind in table.columns.items()] + keys
        if keys:
            heading = [["", "", ""], ["# Partition Information", "", ""], ["# col_name", "data_type", "comment"]]
            rows += [*heading, ["", "", ""], *keys]
        return DdlResult([Column(name, "string") for name in ("col_name", "data_type", "comment")], rows)


def _described(name: str, kind: str) -> list[str]:
    return [name.ljust(20), kind.ljust(20), " " * 20]


def _lines(column: str, values: list[str]) -> DdlResult:
    return DdlResult([Column(column, "string")], [[value] for value in values])


def _spec(table: CatalogTable, partition: Partition) -> str:
    return "/".join(f"{name}={value}" for name, value in zip(table.partition_columns, partition.values, strict=True))


def _matching(names: list[str], reader: Reader) -> list[str]:
    """Keep the names a Hive pattern takes: * for anything, | between alternatives."""
    reader.take("LIKE")
    if reader.peek().kind != "string":
        reader.end()
        return names
    parts = reader.string().split("|")
    reader.end()
    pattern = re.compile("|".join(re.escape(part).replace(r"\*", ".*") for part in parts), re.IGNORECASE)
    return [name for name in names if pattern.fullmatch(name)]


_HANDLERS = {
    "CREATE EXTERNAL TABLE": "create_table",
    "CREATE DATABASE": "create_database",
    "CREATE SCHEMA": "create_database",
    "DROP DATABASE": "drop_database",
    "DROP SCHEMA": "drop_database",
    "DROP TABLE": "drop_table",
    "MSCK REPAIR TABLE": "repair",
    "ALTER TABLE": "alter_table",
    "SHOW TABLES": "show_tables",
    "SHOW DATABASES": "show_databases",
    "SHOW SCHEMAS": "show_databases",
    "SHOW PARTITIONS": "show_partitions",
    "SHOW COLUMNS": "show_columns",
    "SHOW CREATE TABLE": "show_create_table",
    "SHOW TBLPROPERTIES": "show_properties",
    "DESCRIBE": "describe",
    "DESC": "describe",
}
