"""Tables as Athena sees them, read from and written to the local Glue Data Catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.glue.models import GlueBackend, glue_backends

from include.standins.aws.athena_errors import QueryFailedError, syntax_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.standins.aws.keeping import Keeping


@dataclass(frozen=True)
class Partition:
    """A registered partition: its values in key order, and where its objects are."""

    values: tuple[str, ...]
    location: str


@dataclass(frozen=True)
class CatalogTable:
    """A Glue table: Hive types by lower-case column name, and how and where its rows are stored."""

    database: str
    name: str
    columns: dict[str, str]
    partition_columns: dict[str, str]
    location: str
    serde: str
    serde_parameters: dict[str, str]
    parameters: dict[str, str]
    raw: Mapping[str, Any]

    @property
    def full_name(self) -> str:
        """The name Athena's messages use."""
        return f"awsdatacatalog.{self.database}.{self.name}"

    @property
    def projected(self) -> bool:
        """Whether partitions come from projection, not from the catalog."""
        return self.parameters.get("projection.enabled", "").lower() == "true"


class Catalog:
    """The Glue Data Catalog of one account and region."""

    def __init__(self, keeping: Keeping, *, account: str, region: str) -> None:
        self._keeping = keeping
        self._account = account
        self._region = region

    @property
    def _glue(self) -> GlueBackend:
        return glue_backends[self._account][self._region]

    def databases(self) -> list[dict[str, Any]]:
        """Every database, by name; "default" exists from the beginning, as in AWS."""
        with self._keeping.locked("glue"):
            found = {database.name: database.as_dict() for database in self._glue.get_databases()}
        found.setdefault("default", {"Name": "default", "Description": None, "Parameters": None})
        return [found[name] for name in sorted(found)]

    def has_database(self, name: str) -> bool:
        """Tell whether a database exists."""
        return name == "default" or name in self._glue.databases

    def table_names(self, database: str) -> list[str]:
        """Names of a database's tables, sorted; raises QueryFailedError when there is no such database."""
        self._require_database(database)
        if database not in self._glue.databases:
            return []
        with self._keeping.locked("glue"):
            return sorted(table.name for table in self._glue.get_tables(database, None))

    def find(self, database: str, name: str) -> CatalogTable | None:
        """Give a table, or None."""
        held = self._glue.databases.get(database)
        found = held.tables.get(name) if held else None
        return _table(database, name, found.as_dict()) if found else None

    def table(self, database: str, name: str) -> CatalogTable:
        """Give a table; raises QueryFailedError TABLE_NOT_FOUND."""
        found = self.find(database, name)
        if found is None:
            raise QueryFailedError(
                "TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist"
            )
        return found

    def partitions(self, table: CatalogTable) -> list[Partition]:
        """Registered partitions, in the order they were added."""
        held = self._glue.get_table(table.database, table.name)
        return [
            Partition(tuple(found.values), found.partition_input.get("StorageDescriptor", {}).get("Location", ""))
            for found in list(held.partitions.values())
        ]

    def add_partitions(self, table: CatalogTable, partitions: Iterable[Partition]) -> list[Partition]:
        """Register partitions and give back those that were new."""
        held = self._glue.get_table(table.database, table.name)
        added = []
        with self._keeping.locked("glue"):
            known = {partition.values for partition in self.partitions(table)}
            for partition in partitions:
                if partition.values in known:
                    continue
                storage = {**table.raw["StorageDescriptor"], "Location": partition.location}
                held.create_partition({"Values": list(partition.values), "StorageDescriptor": storage})
                added.append(partition)
        self._keeping.save("glue")
        return added

    def drop_partition(self, table: CatalogTable, values: tuple[str, ...]) -> None:
        """Forget one registered partition; its objects stay."""
        self._glue.get_table(table.database, table.name).delete_partition(list(values))
        self._keeping.save("glue")

    def create_table(self, database: str, definition: dict[str, Any]) -> None:
        """Create a table from a Glue TableInput; raises QueryFailedError when it exists or the database does not."""
        self._require_database(database)
        if database not in self._glue.databases:
            self._glue.create_database(database, {"Name": database})
        try:
            self._glue.create_table(database, definition["Name"], definition)
        except JsonRESTError as error:
            raise syntax_error(f"line 1:1: Table '{database}.{definition['Name']}' already exists") from error
        self._keeping.save("glue")

    def drop_table(self, table: CatalogTable) -> None:
        """Forget a table; its objects stay."""
        self._glue.delete_table(table.database, table.name)
        self._keeping.save("glue")

    def create_database(self, name: str, definition: dict[str, Any]) -> None:
        """Create a database."""
        self._glue.create_database(name, definition)
        self._keeping.save("glue")

    def drop_database(self, name: str) -> None:
        """Forget a database and its tables."""
        self._glue.delete_database(name)
        self._keeping.save("glue")

    def _require_database(self, name: str) -> None:
        if not self.has_database(name):
            raise QueryFailedError("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{name}' does not exist")


def _table(database: str, name: str, raw: dict[str, Any]) -> CatalogTable:
    storage = raw.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    return CatalogTable(
        database=database,
        name=name,
        columns=_columns(storage.get("Columns")),
        partition_columns=_columns(raw.get("PartitionKeys")),
        location=str(storage.get("Location", "")),
        serde=str(serde.get("SerializationLibrary", "")),
        serde_parameters={key: str(value) for key, value in (serde.get("Parameters") or {}).items()},
        parameters={
            key: str(value)
            for key, value in {**(storage.get("Parameters") or {}), **(raw.get("Parameters") or {})}.items()
        },
        raw=raw,
    )


def _columns(definitions: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {column["Name"].lower(): column.get("Type", "string").lower() for column in definitions or []}
