"""Where CTAS and INSERT write: the target of a table, and a query brought into its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.aws.athena_errors import QueryFailedError, syntax_error
from include.standins.aws.athena_scan import duck_type
from include.standins.aws.athena_write import FileFormat, Target, file_format
from include.standins.aws.sql_text import identifier

if TYPE_CHECKING:
    from include.athena_sql import Translation
    from include.standins.aws.athena_catalog import CatalogTable
    from include.standins.aws.athena_statements import InsertInto


def table_input(name: str, target: Target) -> dict[str, Any]:
    """Give the Glue TableInput of a table that CTAS makes."""

    def listed(names: list[str]) -> list[dict[str, str]]:
        return [{"Name": column, "Type": target.columns[column]} for column in names]

    data = [column for column in target.columns if column not in target.partitioned_by]
    storage = {**target.format.storage(), "Columns": listed(data), "Location": target.location}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": storage,
        "PartitionKeys": listed(list(target.partitioned_by)),
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
    }


def target_of(table: CatalogTable) -> Target:
    """Write as the table is read; only formats whose reading is modelled as well."""
    library = table.serde.lower()
    name = next((form for word, form in (("parquet", "PARQUET"), ("openx", "JSON")) if word in library), None)
    hive_style = "".join(f"{column}=${{{column}}}/" for column in table.partition_columns)
    template = table.parameters.get("storage.location.template")
    if name is None:
        raise QueryFailedError("NOT_SUPPORTED", f"INSERT into the SerDe {table.serde} is not modelled")
    if template and template.rstrip("/") + "/" != f"{table.location.rstrip('/')}/{hive_style}":
        raise QueryFailedError(
            "NOT_SUPPORTED", "INSERT into a table with an own storage.location.template is not modelled"
        )
    compression = table.parameters.get("write.compression") or table.parameters.get("parquet.compression") or "SNAPPY"
    properties: dict[str, str | list[str]] = {
        "format": name,
        "compression": compression if name == "PARQUET" else "GZIP",
    }
    form: FileFormat = file_format(properties, compression_key="compression")
    return Target(table.location, {**table.columns, **table.partition_columns}, list(table.partition_columns), form)


def in_table_order(translation: Translation, statement: InsertInto, target: Target) -> str:
    """Bring the query's columns into the table's order; columns not named are NULL."""
    given = statement.columns or list(target.columns)
    if len(given) != len(translation.columns) or not set(given) <= set(target.columns):
        raise syntax_error(
            f"line 1:1: Insert query has mismatched column types: Table: {list(target.columns)}, "
            f"Query: {list(translation.columns)}"
        )
    inner = f"({translation.duckdb_sql}) AS i({', '.join(map(identifier, given))})"
    columns = [
        identifier(name) if name in given else f"CAST(NULL AS {duck_type(kind)}) AS {identifier(name)}"
        for name, kind in target.columns.items()
    ]
    return f"SELECT {', '.join(columns)} FROM {inner}"
