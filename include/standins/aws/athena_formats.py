"""SerDes as DuckDB reads: each gives the SELECT that yields a table's data columns from a list of files.

Every SELECT also yields `__file`, the position of the row's file in the list. A format that is not modelled is
refused with NOT_SUPPORTED. Source: Athena user guide, "Choose a SerDe for your data".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from include.standins.aws.athena_catalog import CatalogTable
from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.object_store import StoredObject
from include.standins.aws.parquet_footers import check_types, footer
from include.standins.aws.sql_text import call, identifier, literal, literals, struct

if TYPE_CHECKING:
    from pathlib import Path

FILE_INDEX = "__file"
_LINE_LIMIT = str(16 * 1024 * 1024)
_INTEGERS = ("tinyint", "smallint", "int", "integer", "bigint")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\001": "\x01", "\\u0001": "\x01", "": "\x01"}
TypeOf = Callable[[str], str]
Reader = Callable[[CatalogTable, Sequence[StoredObject], TypeOf], str]


def reader_for(table: CatalogTable) -> Reader:
    """Pick the reader by the table's SerDe; raises QueryFailedError NOT_SUPPORTED."""
    library = table.serde.lower()
    for name, reader in _READERS.items():
        if name in library:
            return reader
    raise QueryFailedError("NOT_SUPPORTED", f"The SerDe {table.serde or '(none)'} is not modelled by the local Athena")


def is_parquet(table: CatalogTable) -> bool:
    """Whether columns are stored apart, so that unread ones are not scanned."""
    return "parquet" in table.serde.lower()


def compression_of(stored: StoredObject) -> str:
    """Give DuckDB's word for a text object's compression, by its name as Hive does."""
    for ending, word in ((".gz", "gzip"), (".zst", "zstd")):
        if stored.uri.lower().endswith(ending):
            return word
    if stored.uri.lower().endswith((".bz2", ".snappy", ".lz4", ".deflate")):
        raise QueryFailedError("NOT_SUPPORTED", f"The compression of {stored.uri} is not modelled by the local Athena")
    return "none"


def no_rows(table: CatalogTable, type_of: TypeOf) -> str:
    """SELECT with the table's columns and no row."""
    columns = {**table.columns, **table.partition_columns, "$path": "string"}
    return "SELECT " + ", ".join(_null(name, kind, type_of) for name, kind in columns.items()) + " WHERE false"


def _null(name: str, hive_type: str, type_of: TypeOf) -> str:
    return f"CAST(NULL AS {type_of(hive_type)}) AS {identifier(name)}"


def _select(columns: Sequence[str], source: str) -> str:
    return f"SELECT {', '.join([*columns, f'file_index AS {FILE_INDEX}'])} FROM {source}"


def _parquet(table: CatalogTable, files: Sequence[StoredObject], type_of: TypeOf) -> str:
    found = [set(footer(stored).bytes_of) for stored in files]
    for stored in files:
        check_types(stored, table.columns)
    present = set().union(*found)
    same = "true" if any(names != present for names in found) else "false"
    source = call("read_parquet", _paths(files), union_by_name=same, hive_partitioning="false")
    columns = [
        f"CAST({identifier(name)} AS {type_of(kind)}) AS {identifier(name)}"
        if name in present
        else _null(name, kind, type_of)
        for name, kind in table.columns.items()
    ]
    return _select(columns, source)


def _json(table: CatalogTable, files: Sequence[StoredObject], type_of: TypeOf) -> str:
    settings = {**table.parameters, **table.serde_parameters}
    lenient = settings.get("ignore.malformed.json", "false").lower() == "true"
    looks = [_json_look(stored.path, compression_of(stored)) for stored in files]
    written = _one_spelling({key for look in looks for key in look.keys}, table=table)
    nested = {
        name for name, kind in table.columns.items() if "struct<" in kind and any(look.capitals for look in looks)
    }
    spelled = {name: settings.get(f"mapping.{name}") or written.get(name, name) for name in table.columns}
    types = {spelled[name]: "JSON" if name in nested else type_of(kind) for name, kind in table.columns.items()}
    source = call(
        "read_json",
        _paths(files),
        format=literal("newline_delimited"),
        columns=struct(types),
        ignore_errors=str(lenient).lower(),
        compression=literal(compression_of(files[0])),
        maximum_object_size=_LINE_LIMIT,
        hive_partitioning="false",
    )
    columns = []
    for name, kind in table.columns.items():
        value = _lowered_json(spelled[name], type_of(kind)) if name in nested else identifier(spelled[name])
        columns.append(f"{value} AS {identifier(name)}")
    return _select(columns, source)


def _lowered_json(column: str, duckdb_type: str) -> str:
    return f"from_json(lower_json_keys({identifier(column)}), {literal(json.dumps(duckdb_type))})"


def _one_spelling(keys: set[str], *, table: CatalogTable) -> dict[str, str]:
    written: dict[str, str] = {}
    for key in sorted(keys):
        if written.setdefault(key.lower(), key) != key:
            raise QueryFailedError("NOT_SUPPORTED", f"JSON key {key} is written in different cases in {table.name}")
    return written


def lower_json_keys(document: str | None) -> str | None:
    """Lower the case of every key in a JSON document, as Hive's JSON SerDes do."""
    return None if document is None else json.dumps(_lowered(json.loads(document)))


def _lowered(value: object) -> object:
    if isinstance(value, dict):
        return {str(key).lower(): _lowered(item) for key, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


class _JsonLook(NamedTuple):
    keys: frozenset[str]
    capitals: bool


@lru_cache(maxsize=50_000)  # body files never change, so a path is as good as an etag
def _json_look(path: Path, compression: str) -> _JsonLook:
    """Find how the top-level keys are written, and whether any key anywhere has a capital."""
    source = call(
        "read_json_objects",
        literals([str(path)]),
        format=literal("newline_delimited"),
        ignore_errors="true",
        compression=literal(compression),
        maximum_object_size=_LINE_LIMIT,
    )
    capital = literal('"[^"]*[A-Z][^"]*"\\s*:')
    with duckdb.connect() as connection:
        keys = connection.execute(f"SELECT DISTINCT unnest(json_keys(json)) FROM {source}").fetchall()
        row = connection.execute(
            f"SELECT bool_or(regexp_matches(CAST(json AS VARCHAR), {capital})) FROM {source}"
        ).fetchone()
    return _JsonLook(frozenset(key for (key,) in keys), bool(row and row[0]))


def _delimited(table: CatalogTable, files: Sequence[StoredObject], type_of: TypeOf) -> str:
    settings = {**table.parameters, **table.serde_parameters}
    delimiter = settings.get("field.delim") or settings.get("serialization.format", "")
    null = settings.get("serialization.null.format", "\\N")
    if "escape.delim" in settings or any("<" in kind for kind in table.columns.values()):
        raise QueryFailedError("NOT_SUPPORTED", f"Escapes and nested types in text of {table.name} are not modelled")
    source = _text(table, files, delimiter=_ESCAPES.get(delimiter, delimiter), quote="", null=null)
    return _select([_lenient(name, kind, type_of) for name, kind in table.columns.items()], source)


def _open_csv(table: CatalogTable, files: Sequence[StoredObject], type_of: TypeOf) -> str:
    settings = table.serde_parameters
    quote = settings.get("quoteChar", '"').removeprefix("\\")
    source = _text(
        table,
        files,
        delimiter=_ESCAPES.get(settings.get("separatorChar", ","), settings.get("separatorChar", ",")),
        quote=quote,
        escape=settings.get("escapeChar", quote),  # a doubled quote is one quote
        null="\x00",
    )
    columns = []
    for name, kind in table.columns.items():
        if kind not in ("string", "varchar", "boolean", "double", "float", *_INTEGERS):
            raise QueryFailedError("NOT_SUPPORTED", f"Type {kind} in OpenCSVSerDe table {table.name} is not modelled")
        columns.append(f"CAST({identifier(name)} AS {type_of(kind)}) AS {identifier(name)}")
    return _select(columns, source)


def is_regex(table: CatalogTable) -> bool:
    """Whether the table's lines are read whole and cut by a pattern: its rows are `regex_rows`."""
    return "regexserde" in table.serde.lower()


def regex_rows(table: CatalogTable, lines: str, type_of: TypeOf) -> str:
    """Give the SELECT over `lines`, a relation of `line` and `file_index`; a line that does not match is NULL.

    The whole line must match, and a dot matches any character, as in Trino's RegexDeserializer.
    """
    pattern = table.serde_parameters.get("input.regex", "")
    names = list(table.columns)
    if pattern == "(.*)" and list(table.columns.values()) == ["string"]:
        return _select([f"line AS {identifier(names[0])}"], lines)
    full = literal(f"(?s)^(?:{pattern})$")
    groups = f"regexp_extract(line, {full}, {literals([f'g{index}' for index in range(len(names))])})"
    matched = f"CASE WHEN regexp_matches(line, {full}) THEN {groups} END"
    inner = f"(SELECT {matched} AS g, file_index FROM {lines})"
    columns = [
        _lenient(name, kind, type_of, source=f"g.g{index}") for index, (name, kind) in enumerate(table.columns.items())
    ]
    return _select(columns, inner)


def _text(
    table: CatalogTable,
    files: Sequence[StoredObject],
    *,
    delimiter: str,
    quote: str,
    null: str,
    escape: str = "",
) -> str:
    return call(
        "read_csv",
        _paths(files),
        delim=literal(delimiter),
        quote=literal(quote),
        escape=literal(escape),
        header="false",
        auto_detect="false",
        strict_mode="false",
        null_padding="true",
        nullstr=literal(null),
        skip=str(int(table.parameters.get("skip.header.line.count", "0"))),
        compression=literal(compression_of(files[0])),
        max_line_size=_LINE_LIMIT,
        columns=struct(dict.fromkeys(table.columns, "VARCHAR")),
        hive_partitioning="false",
    )


def _lenient(name: str, hive_type: str, type_of: TypeOf, *, source: str | None = None) -> str:
    """Convert as LazySimpleSerDe does: what does not parse is NULL."""
    column = source or identifier(name)
    if hive_type in ("string", "varchar") or hive_type.startswith(("varchar(", "char(")):
        return f"{column} AS {identifier(name)}"
    if hive_type in _INTEGERS:
        guarded = f"CASE WHEN regexp_full_match({column}, '[+-]?[0-9]+') THEN {column} END"
    elif hive_type == "boolean":
        guarded = f"CASE WHEN lower({column}) IN ('true', 'false') THEN {column} END"
    else:
        guarded = column
    return f"TRY_CAST({guarded} AS {type_of(hive_type)}) AS {identifier(name)}"


def _paths(files: Sequence[StoredObject]) -> str:
    return literals([str(stored.path) for stored in files])


_READERS: dict[str, Reader] = {
    "parquet": _parquet,
    "json": _json,
    "opencsv": _open_csv,
    "lazysimple": _delimited,
}
