"""CREATE EXTERNAL TABLE, read into a Glue TableInput, and written back from one.

Source: Athena user guide, "CREATE TABLE" and "Supported SerDe libraries".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.athena_lexer import Reader
from include.standins.aws.athena_write import PARQUET_SERDE, TEXT_SERDE, FileFormat

if TYPE_CHECKING:
    from include.standins.aws.athena_catalog import CatalogTable

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3][0-7]{2}|.)", re.DOTALL)
_NAMED_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_SHORT_FORMATS = {"PARQUET": PARQUET_SERDE, "TEXTFILE": TEXT_SERDE}


def create_external_table(reader: Reader, *, name: str) -> dict[str, Any]:
    """Read what follows the table's name; raises QueryFailedError for clauses that are not modelled."""
    columns = _columns(reader)
    comment = reader.string() if reader.take("COMMENT") else None
    keys = _columns(reader) if reader.take("PARTITIONED", "BY") else []
    storage = _storage(reader)
    if not reader.take("LOCATION"):
        raise reader.mismatch("'LOCATION'")
    storage |= {"Columns": columns, "Location": _unescaped(reader.string())}
    parameters = {"EXTERNAL": "TRUE", "classification": _classification(storage)}
    if reader.take("TBLPROPERTIES"):
        parameters |= _properties(reader)
    reader.end()
    table = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": storage,
        "PartitionKeys": keys,
        "Parameters": parameters,
    }
    return {**table, "Description": comment} if comment else table


def _classification(storage: dict[str, Any]) -> str:
    library = storage["SerdeInfo"]["SerializationLibrary"].lower()
    return next((word for word in ("parquet", "json") if word in library), "csv")


def _columns(reader: Reader) -> list[dict[str, str]]:
    reader.expect("(")
    columns = []
    while not reader.take(")"):
        columns.append(_column(Reader(reader.until_comma())))
        if not reader.take(",") and reader.peek().text != ")":
            raise reader.mismatch("')'")
    return columns


def _column(reader: Reader) -> dict[str, str]:
    name, start = reader.name(), reader.peek().start
    while reader.peek().kind != "end" and reader.peek().upper != "COMMENT":
        reader.next()
    kind = re.sub(r"\s+", "", reader.sql[start : reader.peek().start]).lower()
    if not kind:
        raise reader.mismatch("<type>")
    column = {"Name": name, "Type": kind}
    return {**column, "Comment": reader.string()} if reader.take("COMMENT") else column


def _storage(reader: Reader) -> dict[str, Any]:
    """Read ROW FORMAT and STORED AS; without either a table is text."""
    serde: dict[str, Any] | None = None
    if reader.take("ROW", "FORMAT"):
        serde = _serde(reader) if reader.take("SERDE") else _delimited(reader)
    storage = FileFormat("TEXTFILE", "none").storage()
    if reader.take("STORED", "AS"):
        storage = _stored_as(reader)
    return {**storage, "SerdeInfo": serde} if serde else storage


def _stored_as(reader: Reader) -> dict[str, Any]:
    if reader.take("INPUTFORMAT"):
        reads = reader.string()
        reader.expect("OUTPUTFORMAT")
        serde = PARQUET_SERDE if "parquet" in reads.lower() else TEXT_SERDE
        return {"InputFormat": reads, "OutputFormat": reader.string(), "SerdeInfo": serde}
    name = reader.next().upper
    if name not in _SHORT_FORMATS:
        raise QueryFailedError("NOT_SUPPORTED", f"STORED AS {name} is not modelled by the local Athena")
    return FileFormat(name, "none").storage()


def _serde(reader: Reader) -> dict[str, Any]:
    library = reader.string()
    properties = _properties(reader) if reader.take("WITH", "SERDEPROPERTIES") else {}
    return {"SerializationLibrary": library, "Parameters": properties}


def _delimited(reader: Reader) -> dict[str, Any]:
    reader.expect("DELIMITED")
    parameters = {"field.delim": "\x01", "serialization.format": "\x01"}
    while True:
        if reader.take("FIELDS", "TERMINATED", "BY"):
            delimiter = _unescaped(reader.string())
            parameters |= {"field.delim": delimiter, "serialization.format": delimiter}
        elif reader.take("ESCAPED", "BY"):
            parameters["escape.delim"] = _unescaped(reader.string())
        elif reader.take("COLLECTION", "ITEMS", "TERMINATED", "BY"):
            parameters["collection.delim"] = _unescaped(reader.string())
        elif reader.take("MAP", "KEYS", "TERMINATED", "BY"):
            parameters["mapkey.delim"] = _unescaped(reader.string())
        elif reader.take("LINES", "TERMINATED", "BY"):
            parameters["line.delim"] = _unescaped(reader.string())
        elif reader.take("NULL", "DEFINED", "AS"):
            parameters["serialization.null.format"] = _unescaped(reader.string())
        else:
            return {**TEXT_SERDE, "Parameters": parameters}


def _properties(reader: Reader) -> dict[str, str]:
    reader.expect("(")
    properties = {}
    while not reader.take(")"):
        name = _unescaped(reader.string())
        reader.expect("=")
        properties[name] = _unescaped(reader.string())
        if not reader.take(",") and reader.peek().text != ")":
            raise reader.mismatch("')'")
    return properties


def _unescaped(text: str) -> str:
    r"""Resolve Hive's backslashes: \t, \n, octal \001, \u0001; before any other character it vanishes."""

    def resolve(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        if len(escape) == 3:
            return chr(int(escape, 8))
        return _NAMED_ESCAPES.get(escape, escape)

    return _ESCAPE.sub(resolve, text)


def read_partition(reader: Reader, table: CatalogTable) -> tuple[str, ...]:
    """Read (key = literal, ...) and give the values in the table's key order."""
    inside = Reader(reader.parenthesised())
    given: dict[str, str] = {}
    while inside.peek().kind != "end":
        name = inside.name()
        inside.expect("=")
        given[name] = inside.next().value
        inside.take(",")
    if set(given) != set(table.partition_columns):
        raise QueryFailedError("FAILED", f"SemanticException Partition spec {given} does not match {table.name}'s keys")
    return tuple(given[name] for name in table.partition_columns)


def table_ddl(table: CatalogTable) -> str:
    """Write the statement that would make the table again."""
    lines = [f"CREATE EXTERNAL TABLE `{table.database}.{table.name}`("]
    lines += _column_lines(table.columns)
    if table.partition_columns:
        lines.append("PARTITIONED BY ( ")
        lines += _column_lines(table.partition_columns)
    storage = table.raw["StorageDescriptor"]
    lines += ["ROW FORMAT SERDE ", f"  '{table.serde}' "]
    if table.serde_parameters:
        lines.append("WITH SERDEPROPERTIES ( ")
        lines += _property_lines(table.serde_parameters)
    lines += ["STORED AS INPUTFORMAT ", f"  '{storage.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{storage.get('OutputFormat', '')}'", "LOCATION", f"  '{table.location}'"]
    lines.append("TBLPROPERTIES (")
    return "\n".join([*lines, *_property_lines(table.parameters)])


def _column_lines(columns: dict[str, str]) -> list[str]:
    written = [f"  `{name}` {kind}" for name, kind in columns.items()]
    return [*(f"{line}, " for line in written[:-1]), f"{written[-1]})"]


def _property_lines(properties: dict[str, str]) -> list[str]:
    written = [f"  '{name}'='{_escaped(value)}'" for name, value in properties.items()]
    return [*(f"{line}, " for line in written[:-1]), f"{written[-1]})"] if written else [")"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\u0027").replace("\t", "\\t").replace("\x01", "\\u0001")
