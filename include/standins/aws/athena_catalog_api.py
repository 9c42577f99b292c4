"""Athena's view of the data catalog: databases and tables as its API lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.athena_catalog import Catalog, CatalogTable

Parameters = dict[str, Any]
CATALOG = "AwsDataCatalog"


class CatalogApi:
    """Answers Athena's catalog calls."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def get_data_catalog(self, parameters: Parameters) -> Parameters:
        """GetDataCatalog: there is one."""
        _require_catalog(parameters["Name"])
        return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": {}}}

    def list_data_catalogs(self, _parameters: Parameters) -> Parameters:
        """ListDataCatalogs."""
        return {"DataCatalogsSummary": [{"CatalogName": CATALOG, "Type": "GLUE"}]}

    def list_databases(self, parameters: Parameters) -> Parameters:
        """ListDatabases."""
        _require_catalog(parameters["CatalogName"])
        return paged("DatabaseList", [_database(found) for found in self._catalog().databases()], parameters)

    def get_database(self, parameters: Parameters) -> Parameters:
        """GetDatabase."""
        _require_catalog(parameters["CatalogName"])
        wanted = parameters["DatabaseName"].lower()
        for found in self._catalog().databases():
            if found["Name"] == wanted:
                return {"Database": _database(found)}
        raise AwsError("MetadataException", f"Database {wanted} not found.")

    def list_tables(self, parameters: Parameters) -> Parameters:
        """ListTableMetadata."""
        _require_catalog(parameters["CatalogName"])
        database = parameters["DatabaseName"].lower()
        try:
            names = self._catalog().table_names(database)
        except QueryFailedError as error:
            raise AwsError("MetadataException", str(error)) from error
        found = [self._catalog().find(database, name) for name in names]
        return paged("TableMetadataList", [_metadata(table) for table in found if table], parameters)

    def get_table(self, parameters: Parameters) -> Parameters:
        """GetTableMetadata."""
        _require_catalog(parameters["CatalogName"])
        found = self._catalog().find(parameters["DatabaseName"].lower(), parameters["TableName"].lower())
        if found is None:
            raise AwsError("MetadataException", f"Table {parameters['TableName']} not found.")
        return {"TableMetadata": _metadata(found)}


def _require_catalog(name: str) -> None:
    if name.lower() != CATALOG.lower():
        raise AwsError("InvalidRequestException", f"The data catalog {name} is not modelled; only {CATALOG} is.")


def paged(key: str, values: list[Any], parameters: Parameters, *, default: int = 50) -> Parameters:
    """Give one page of a list under `key`; the token is the position in it."""
    start = int(parameters.get("NextToken") or 0)
    end = start + int(parameters.get("MaxResults") or default)
    page: Parameters = {key: values[start:end]}
    return {**page, "NextToken": str(end)} if end < len(values) else page


def _database(found: dict[str, Any]) -> Parameters:
    kept = {key: found.get(key) for key in ("Name", "Description", "Parameters")}
    return {key: value for key, value in kept.items() if value}


def _metadata(table: CatalogTable) -> Parameters:
    def listed(columns: dict[str, str]) -> list[dict[str, str]]:
        return [{"Name": name, "Type": kind} for name, kind in columns.items()]

    return {
        "Name": table.name,
        "TableType": table.raw.get("TableType", "EXTERNAL_TABLE"),
        "Columns": listed(table.columns),
        "PartitionKeys": listed(table.partition_columns),
        "Parameters": {**table.parameters, "location": table.location, "serde.serialization.lib": table.serde},
    }


CATALOG_OPERATIONS: dict[str, Callable[[CatalogApi, Parameters], Parameters]] = {
    "GetDataCatalog": CatalogApi.get_data_catalog,
    "ListDataCatalogs": CatalogApi.list_data_catalogs,
    "ListDatabases": CatalogApi.list_databases,
    "GetDatabase": CatalogApi.get_database,
    "ListTableMetadata": CatalogApi.list_tables,
    "GetTableMetadata": CatalogApi.get_table,
}
