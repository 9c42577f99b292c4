"""The Glue tables over what the scanner block writes itself, so that analysts can ask it in Athena.

The tables over the logs are those of `queries.table_input`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.scanner_block.settings import ScannerSettings

COLUMNS: Final[dict[str, dict[str, str]]] = {
    "counts": {
        "at": "bigint",
        "last": "bigint",
        "client": "string",
        "uri": "string",
        "path": "string",
        "requests": "bigint",
    },
    "blocks": {
        "client": "string",
        "source": "string",
        "uri": "string",
        "max_per_minute": "bigint",
        "updated_at": "timestamp",
        "until": "timestamp",
        "reason": "string",
    },
}
PARTITIONS: Final[dict[str, tuple[str, ...]]] = {"counts": ("source", "hour"), "blocks": ("version",)}
RESERVED: Final = frozenset(COLUMNS)
"""Table names that no source's table can have."""


def table_input(name: str, settings: ScannerSettings, *, sources: Sequence[str]) -> dict[str, Any]:
    """Return Glue's TableInput: Parquet, partitions by projection, so no crawler and no ALTER TABLE is ever needed.

    :param sources: the names of the policy's sources; without any, a query has to name its source.
    """
    location = settings.uri(name) + "/"
    parameters = {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "projection.enabled": "true",
        "storage.location.template": location + "/".join(f"{key}=${{{key}}}" for key in PARTITIONS[name]) + "/",
    }
    for key in PARTITIONS[name]:
        parameters.update({f"projection.{key}.{option}": value for option, value in _projection(key, sources).items()})
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in PARTITIONS[name]],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS[name].items()],
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }


def _projection(key: str, sources: Sequence[str]) -> dict[str, str]:
    if key == "hour":
        return {
            "type": "date",
            "format": "yyyy-MM-dd-HH",
            "range": "2024-01-01-00,NOW",
            "interval": "1",
            "interval.unit": "HOURS",
        }
    if key == "source" and sources:
        return {"type": "enum", "values": ",".join(sorted(sources))}
    return {"type": "injected"}
