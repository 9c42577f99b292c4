"""Parquet footers, read once per object: which columns a file has and how many compressed bytes each takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from include.standins.aws.athena_errors import QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from include.standins.aws.object_store import StoredObject

MAGIC = b"PAR1"
_FAMILIES = {
    "string": ("string", "char", "varchar", "json"),
    "integer": ("tinyint", "smallint", "int", "integer", "bigint"),
    "floating": ("float", "double", "real"),
    "boolean": ("boolean",),
    "timestamp": ("timestamp",),
    "date": ("date",),
    "decimal": ("decimal",),
    "binary": ("binary", "varbinary"),
    "list": ("array",),
    "struct": ("struct",),
    "map": ("map",),
}
# What Trino's Parquet reader turns into another family without complaint.
_COERCED = {
    ("integer", "decimal"),
    ("integer", "floating"),
    ("binary", "string"),
    ("string", "binary"),
    ("list", "map"),
}


@dataclass(frozen=True)
class Footer:
    """Compressed bytes and kind of value by lower-case top-level column."""

    bytes_of: Mapping[str, int]
    family_of: Mapping[str, str]
    rows: int

    def scanned(self, columns: Iterable[str]) -> int:
        """Sum the bytes of the columns read; one that the file lacks costs nothing."""
        return sum(self.bytes_of.get(column, 0) for column in columns)


def footer(stored: StoredObject) -> Footer:
    """Read an object's footer; raises QueryFailedError HIVE_BAD_DATA when it is no Parquet file."""
    try:
        return _read(stored.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise QueryFailedError("HIVE_BAD_DATA", f"Not valid Parquet file: {stored.uri}: {error}") from error


@lru_cache(maxsize=50_000)  # body files never change, so a path is as good as an etag
def _read(path: Path) -> Footer:
    with pq.ParquetFile(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
    sizes: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            column = row_group.column(index)
            name = column.path_in_schema.split(".")[0].lower()
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    families = {field.name.lower(): _family(field.type) for field in schema}
    return Footer(sizes, families, metadata.num_rows)


def _family(kind: pa.DataType) -> str:
    checks = (
        (pa.types.is_string, "string"), (pa.types.is_large_string, "string"), (pa.types.is_dictionary, "string"),
        (pa.types.is_boolean, "boolean"), (pa.types.is_integer, "integer"), (pa.types.is_floating, "floating"),
        (pa.types.is_timestamp, "timestamp"), (pa.types.is_date, "date"), (pa.types.is_decimal, "decimal"),
        (pa.types.is_binary, "binary"), (pa.types.is_large_binary, "binary"), (pa.types.is_list, "list"),
        (pa.types.is_large_list, "list"), (pa.types.is_map, "map"), (pa.types.is_struct, "struct"),
    )  # fmt: skip
    return next((family for check, family in checks if check(kind)), "other")


def check_types(stored: StoredObject, declared: Mapping[str, str]) -> None:
    """Refuse a file whose column holds another kind of value than the table declares, as Athena does."""
    for name, hive_type in declared.items():
        found = footer(stored).family_of.get(name)
        wanted = _declared_family(hive_type)
        if found and found != wanted and (found, wanted) not in _COERCED:
            raise QueryFailedError(
                "HIVE_BAD_DATA",
                f"Field {name}'s type {found.upper()} in parquet file {stored.uri} is incompatible with type "
                f"{hive_type} defined in table schema",
            )


def _declared_family(hive_type: str) -> str:
    base = hive_type.partition("<")[0].partition("(")[0].strip()
    return next((family for family, names in _FAMILIES.items() if base in names), "other")
