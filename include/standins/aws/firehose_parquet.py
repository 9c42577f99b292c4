"""Record-format conversion: JSON records into one Parquet file by a Glue table's columns.

Source: Firehose developer guide, "Convert input data format". A field that the table lacks is dropped, a missing one is
NULL, names match without case; a record that is no JSON object, or holds a value its column cannot, is set aside.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_SCALARS = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
    "binary": pa.binary(),
}
_SIGNED_SIZES = {pa.int8(): 7, pa.int16(): 15, pa.int32(): 31, pa.int64(): 63}
MALFORMED, WRONG_TYPE = "DataFormatConversion.MalformedData", "DataFormatConversion.InvalidSchema"


class RecordError(Exception):
    """A record that cannot be converted: Firehose's error code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Failed:
    """A record set aside."""

    index: int
    code: str
    message: str


def arrow_schema(columns: Sequence[tuple[str, str]]) -> pa.Schema:
    """Give the Arrow schema of (name, Hive type) columns; raises ValueError for a type that is not modelled."""
    return pa.schema([pa.field(name.lower(), arrow_type(kind)) for name, kind in columns])


def arrow_type(hive_type: str) -> pa.DataType:
    """Give the Arrow type of a Hive type, nested ones included."""
    kind = re.sub(r"\s+", "", hive_type.lower())
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind.startswith(("varchar(", "char(")):
        return pa.string()
    if match := re.fullmatch(r"decimal(?:\((\d+)(?:,(\d+))?\))?", kind):
        return pa.decimal128(int(match[1] or 10), int(match[2] or 0))
    inner = kind.partition("<")[2].removesuffix(">")
    if kind.startswith("array<"):
        return pa.list_(arrow_type(inner))
    if kind.startswith("map<"):
        key, value = _split(inner)
        return pa.map_(arrow_type(key), arrow_type(value))
    if kind.startswith("struct<"):
        pairs = (part.partition(":") for part in _split(inner))
        return pa.struct([pa.field(name, arrow_type(rest)) for name, _, rest in pairs])
    raise ValueError(f"The column type {hive_type} is not modelled by the local Firehose.")


def _split(text: str) -> list[str]:
    """Split at commas outside of <> and ()."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def convert(records: Iterable[bytes], *, schema: pa.Schema, path: Path) -> list[Failed]:
    """Write the good records to a Snappy Parquet file and give the others; no file when none is good."""
    rows: list[dict[str, Any]] = []
    failed: list[Failed] = []
    for index, record in enumerate(records):
        try:
            rows.extend(_row(document, schema) for document in _documents(record))
        except RecordError as error:
            failed.append(Failed(index, error.code, str(error)))
    if rows:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="snappy")
    return failed


def _documents(record: bytes) -> list[dict[str, Any]]:
    """Read one or more JSON objects, written one after the other."""
    decoder, documents = json.JSONDecoder(), []
    try:
        text = record.decode("utf-8").strip()
        while text:
            document, end = decoder.raw_decode(text)
            documents.append(document)
            text = text[end:].lstrip()
    except ValueError as error:
        raise RecordError(MALFORMED, f"The data is malformed JSON: {error}") from error
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise RecordError(MALFORMED, "The data is not a JSON object")
    return documents


def _row(document: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    given = {str(name).lower(): value for name, value in document.items()}
    return {field.name: _value(given.get(field.name), field.type, field.name) for field in schema}


def _value(value: Any, kind: pa.DataType, where: str) -> Any:
    if value is None:
        return None
    try:
        return _converted(value, kind, where)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise RecordError(WRONG_TYPE, f"The value of {where} does not fit its type {kind}: {value!r:.80}") from error


def _converted(value: Any, kind: pa.DataType, where: str) -> Any:
    if pa.types.is_nested(kind):
        return _nested(value, kind, where)
    for check, convert_value in _CONVERTERS:
        if check(kind):
            return convert_value(value, kind)
    return _moment(value, is_date=pa.types.is_date(kind))


def _nested(value: Any, kind: pa.DataType, where: str) -> Any:
    if pa.types.is_list(kind):
        if not isinstance(value, list):
            raise TypeError("not a list")
        return [_value(item, kind.value_type, f"{where}[]") for item in value]
    if not isinstance(value, dict):
        raise TypeError("not an object")
    if pa.types.is_map(kind):
        return [(str(name), _value(item, kind.item_type, f"{where}{{}}")) for name, item in value.items()]
    given = {str(name).lower(): item for name, item in value.items()}
    return {field.name: _value(given.get(field.name), field.type, f"{where}.{field.name}") for field in kind}


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise ValueError("not a boolean")


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError("a boolean is no number")
    return value


def _integer(value: Any, kind: pa.DataType) -> int:
    bits = _SIGNED_SIZES[kind]
    number = int(_not_boolean(value))
    if number != float(value) and not isinstance(value, int | str):
        raise ValueError("not a whole number")
    if not -(1 << bits) <= number < 1 << bits:
        raise OverflowError("too large")
    return number


def _moment(value: Any, *, is_date: bool) -> date | datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        from_epoch = datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, tz=UTC)
        return from_epoch.date() if is_date else from_epoch.replace(tzinfo=None)
    if is_date:
        return date.fromisoformat(str(value))
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


_CONVERTERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any, pa.DataType], Any]], ...] = (
    (pa.types.is_string, lambda value, _: value if isinstance(value, str) else json.dumps(value)),
    (pa.types.is_boolean, lambda value, _: _boolean(value)),
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, lambda value, _: float(_not_boolean(value))),
    (pa.types.is_decimal, lambda value, _: Decimal(str(_not_boolean(value)))),
    (pa.types.is_binary, lambda value, _: str(value).encode()),
)
