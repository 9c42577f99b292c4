"""Queries whose rows become objects: CTAS, INSERT INTO and UNLOAD.

Source of formats and limits: Athena user guide, "CREATE TABLE AS", "INSERT INTO", "UNLOAD"; 100 partitions at a time.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

from include.standins.aws.athena_errors import QueryFailedError, syntax_error
from include.standins.aws.athena_scan import duck_type
from include.standins.aws.sql_text import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from include.standins.aws.object_store import ObjectStore

OPEN_WRITERS = 100
PARQUET_SERDE = {
    "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "Parameters": {"serialization.format": "1"},
}
JSON_SERDE = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {}}
TEXT_SERDE = {
    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "Parameters": {"field.delim": "\x01", "serialization.format": "\x01"},
}
_PARQUET_FORMATS = (
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
)
_TEXT_FORMATS = (
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)
_COMPRESSIONS = {
    "GZIP": "gzip",
    "SNAPPY": "snappy",
    "ZSTD": "zstd",
    "NONE": "uncompressed",
    "UNCOMPRESSED": "uncompressed",
}


@dataclass(frozen=True)
class FileFormat:
    """How rows are written: the format, DuckDB's word for the compression, and the delimiter of text."""

    name: str
    compression: str
    delimiter: str = "\x01"

    @property
    def ending(self) -> str:
        """The end of object names: text shows its compression, Parquet does not need to."""
        if self.name == "PARQUET":
            return ""
        return {"gzip": ".gz", "zstd": ".zst"}.get(self.compression, "")

    def storage(self) -> dict[str, object]:
        """Give the formats and SerDe of a Glue StorageDescriptor."""
        serde = {"PARQUET": PARQUET_SERDE, "JSON": JSON_SERDE, "TEXTFILE": TEXT_SERDE}[self.name]
        if self.name == "TEXTFILE":
            delimiter = {"field.delim": self.delimiter, "serialization.format": self.delimiter}
            serde = {**serde, "Parameters": delimiter}
        reads, writes = _PARQUET_FORMATS if self.name == "PARQUET" else _TEXT_FORMATS
        return {"InputFormat": reads, "OutputFormat": writes, "SerdeInfo": serde}


def file_format(properties: Mapping[str, str | list[str]], *, compression_key: str) -> FileFormat:
    """Read format, compression and field_delimiter; raises QueryFailedError for what is not modelled."""
    name = str(properties.get("format", "PARQUET")).upper()
    if name not in ("PARQUET", "JSON", "TEXTFILE"):
        raise QueryFailedError("NOT_SUPPORTED", f"The format {name} is not modelled by the local Athena")
    given = properties.get(compression_key) or properties.get(f"{name.lower()}_compression") or "GZIP"
    compression = _COMPRESSIONS.get(str(given).upper())
    if compression is None or (name != "PARQUET" and compression == "snappy"):
        raise QueryFailedError("NOT_SUPPORTED", f"The compression {given} is not modelled for {name}")
    return FileFormat(name, compression, str(properties.get("field_delimiter", "\x01")))


@dataclass(frozen=True)
class Written:
    """Objects of one write: their addresses, and the partition values each lies under."""

    uris: list[str]
    partitions: dict[tuple[str, ...], str]
    rows: int


@dataclass(frozen=True)
class Target:
    """Where and how rows are written; `columns` are Hive types by name, the partition columns last."""

    location: str
    columns: dict[str, str]
    partitioned_by: Sequence[str]
    format: FileFormat


@dataclass(frozen=True)
class RowWriter:
    """Writes a query's rows as objects, by way of files in a scratch folder."""

    connection: duckdb.DuckDBPyConnection
    store: ObjectStore
    scratch: Path
    now: datetime

    def write(self, query: str, target: Target) -> Written:
        """Run a DuckDB query, its columns in the target's order, and move the files to the target's location."""
        folder = self.scratch / uuid4().hex
        folder.mkdir(parents=True)
        try:
            rows = self._copy(query, target, folder)
            return self._publish(folder, target, rows)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _copy(self, query: str, target: Target, folder: Path) -> int:
        casts = [
            f"CAST({identifier(name)} AS {duck_type(kind)}) AS {identifier(name)}"
            for name, kind in target.columns.items()
        ]
        names = ", ".join(identifier(name) for name in target.columns)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE __result AS SELECT {', '.join(casts)} FROM ({query}) AS q({names})"
        )
        self._limit_writers(target)
        options = _copy_options(target)
        destination = folder if target.partitioned_by else folder / "data"
        if not self._count():
            return 0
        self.connection.execute(f"COPY __result TO {literal(str(destination))} ({', '.join(options)})")
        return self._count()

    def _count(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM __result").fetchone()
        return int(row[0]) if row else 0

    def _limit_writers(self, target: Target) -> None:
        if not target.partitioned_by:
            return
        keys = ", ".join(identifier(name) for name in target.partitioned_by)
        row = self.connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM __result)").fetchone()
        if row and row[0] > OPEN_WRITERS:
            raise QueryFailedError(
                "HIVE_TOO_MANY_OPEN_PARTITIONS", f"Exceeded limit of {OPEN_WRITERS} open writers for partitions"
            )

    def _publish(self, folder: Path, target: Target, rows: int) -> Written:
        uris: list[str] = []
        partitions: dict[tuple[str, ...], str] = {}
        for path in sorted(found for found in folder.rglob("*") if found.is_file()):
            relative = path.relative_to(folder).parts[:-1]
            place = "".join(f"{part}/" for part in relative)
            base = f"{target.location.rstrip('/')}/{place}"
            uri = f"{base}{self.now:%Y%m%d_%H%M%S}_00000_{uuid4().hex[:5]}_{uuid4()}{target.format.ending}"
            self.store.put(uri, path)
            uris.append(uri)
            if relative:
                partitions[tuple(unquote(part.partition("=")[2]) for part in relative)] = base
        return Written(uris, partitions, rows)


def _copy_options(target: Target) -> list[str]:
    compression = target.format.compression
    if target.format.name == "PARQUET":
        options = ["FORMAT parquet", f"COMPRESSION {compression}"]
    else:
        options = [f"COMPRESSION {'none' if compression == 'uncompressed' else compression}"]
        if target.format.name == "JSON":
            options.append("FORMAT json")
        else:
            quoting = "QUOTE '', ESCAPE '', NULL '\\N'"
            options.append(f"FORMAT csv, HEADER false, DELIMITER {literal(target.format.delimiter)}, {quoting}")
    if target.partitioned_by:
        options.append(f"PARTITION_BY ({', '.join(identifier(name) for name in target.partitioned_by)})")
    return options


def partition_columns(properties: Mapping[str, str | list[str]], columns: Mapping[str, str]) -> list[str]:
    """Read partitioned_by; the columns it names must be the query's last ones, in that order."""
    given = properties.get("partitioned_by", [])
    names = [name.lower() for name in ([given] if isinstance(given, str) else given)]
    missing = [name for name in names if name not in columns]
    if missing:
        raise syntax_error(f"line 1:1: Partition columns {missing} not present in schema")
    if names != list(columns)[len(columns) - len(names) :]:
        raise QueryFailedError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the table properties: "
            f"[{', '.join(names)}]",
        )
    if names and len(names) == len(columns):
        raise QueryFailedError("INVALID_TABLE_PROPERTY", "Table contains only partition columns")
    return names
