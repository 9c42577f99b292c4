"""The same type in DuckDB's, Athena's and Hive's words."""

from __future__ import annotations

from include.athena_sql.errors import not_supported
from include.athena_sql.quoting import identifier
from include.athena_sql.types import Type, parse_type

_DUCKDB = {
    "real": "FLOAT",
    "varbinary": "BLOB",
    "ipaddress": "VARCHAR",
    "unknown": "INTEGER",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
}
_HIVE = {"integer": "int", "real": "float", "varbinary": "binary", "varchar": "string"}
_NO_HIVE = ("json", "unknown", "ipaddress", "time", "timestamp with time zone", "interval day to second")


def to_duckdb(kind: Type) -> str:
    """DuckDB's notation of a type; anonymous row fields become ``field0``, ``field1`` ... as Athena prints them."""
    if kind.name == "array":
        return f"{to_duckdb(kind.items[0])}[]"
    if kind.name == "map":
        return f"MAP({to_duckdb(kind.items[0])}, {to_duckdb(kind.items[1])})"
    if kind.name == "row":
        fields = [f"{identifier(field_name(kind, n))} {to_duckdb(item)}" for n, item in enumerate(kind.items)]
        return f"STRUCT({', '.join(fields)})"
    if kind.name == "decimal":
        return f"DECIMAL({kind.numbers[0]}, {kind.numbers[1]})"
    return _DUCKDB.get(kind.name, kind.name.upper())


def field_name(kind: Type, index: int) -> str:
    """The name under which a row's field is kept in DuckDB."""
    return kind.fields[index] or f"field{index}"


def duckdb_type(hive_type: str) -> str:
    """DuckDB's type for a Glue column type such as ``array<struct<kind:string,value:string>>``."""
    return to_duckdb(parse_type(hive_type))


def athena_type(duckdb_type: str) -> str:
    """The type word of Athena's ResultSetMetadata for a DuckDB result column (``array``, ``row``, ``varchar`` ...)."""
    name = parse_type(duckdb_type).name
    return {"real": "float"}.get(name, name)


def hive_type(duckdb_type: str) -> str:
    """The Glue column type for a DuckDB result column, as CTAS registers it.

    Raises AthenaSqlError NOT_SUPPORTED for types that Hive tables cannot hold.
    """
    return to_hive(parse_type(duckdb_type))


def to_hive(kind: Type) -> str:
    """Hive's notation of a type."""
    if kind.name in _NO_HIVE:
        raise not_supported(f"A table column of type {kind}")
    if kind.name == "array":
        return f"array<{to_hive(kind.items[0])}>"
    if kind.name == "map":
        return f"map<{to_hive(kind.items[0])},{to_hive(kind.items[1])}>"
    if kind.name == "row":
        fields = [f"{field_name(kind, n)}:{to_hive(item)}" for n, item in enumerate(kind.items)]
        return f"struct<{','.join(fields)}>"
    if kind.name == "decimal":
        return f"decimal({kind.numbers[0]},{kind.numbers[1]})"
    return _HIVE.get(kind.name, kind.name)
