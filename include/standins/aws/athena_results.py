"""Results as Athena leaves them: CSV files in S3, and pages of rows read back from them.

Source of the text forms: Athena user guide, "Work with query results and recent queries"; the forms of nested values
are Trino's, known from practice and never compared with AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

ROWS_AT_ONCE = 10_000
PAGE_LIMIT = 1000
WINDOW = 1 << 20
_CELL = re.compile(rb'(?:"((?:[^"]|"")*)"|[^",\n]*)([,\n])')
_PRECISION = {
    "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "float": 17, "double": 17, "varchar": 2147483647,
    "timestamp": 3, "timestamp with time zone": 3, "time": 3, "varbinary": 1073741824,
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """Name and Athena type of a result column."""

    name: str
    type: str

    def info(self) -> dict[str, Any]:
        """Give the ColumnInfo structure of GetQueryResults."""
        base = re.sub(r"\(.*\)", "", self.type)
        base = {"real": "float"}.get(base, base)
        digits = [int(part) for part in re.findall(r"\d+", self.type)] if base == "decimal" else []
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": base,
            "Precision": digits[0] if digits else _PRECISION.get(base, 0),
            "Scale": digits[1] if len(digits) > 1 else 0,
            "Nullable": "UNKNOWN",
            "CaseSensitive": base == "varchar",
        }


def write_csv(path: Path, columns: Sequence[Column], rows: duckdb.DuckDBPyConnection) -> int:
    """Write a header and every row the connection has ready, in pieces; return the number of rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_line(column.name for column in columns))
        while chunk := rows.fetchmany(ROWS_AT_ONCE):
            file.writelines(_line(map(text, row)) for row in chunk)
            count += len(chunk)
    return count


def _line(cells: Iterable[str | None]) -> str:
    return ",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def text(value: object) -> str | None:
    """Write one value as Athena's CSV does; None is NULL."""
    if value is None or isinstance(value, str):
        return value
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return str(value)


def _inner(value: object) -> str:
    written = text(value)
    return "null" if written is None else written


def _timestamp(value: datetime) -> str:
    zone = ""
    if value.tzinfo is not None:
        value, zone = value.astimezone(UTC), " UTC"
    return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}{zone}"


def _java_double(value: float) -> str:
    """Write a double as Java does: scientific below 0.001 and from 10,000,000 on."""
    if value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = format(Decimal(repr(value)).normalize(), "E").partition("E")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _list(value: Any) -> str:
    return "[" + ", ".join(map(_inner, value)) + "]"


def _mapping(value: Any) -> str:
    return "{" + ", ".join(f"{_inner(name)}={_inner(item)}" for name, item in value.items()) + "}"


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (float, _java_double),
    (datetime, _timestamp),
    (date, date.isoformat),
    (list, _list),
    (tuple, _list),
    (dict, _mapping),
    (bytes, lambda value: value.hex(" ")),
    (Decimal, lambda value: format(value, "f")),
)


def text_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Write the rows of a DDL result: cells by tab, one row a line."""
    return "".join("\t".join(row) + "\n" for row in rows).encode()


@dataclass(frozen=True)
class Page:
    """Rows of a result and where the next page starts, None at the end."""

    rows: list[list[str | None]]
    next_offset: int | None


def read_page(path: Path, *, offset: int, limit: int, is_csv: bool) -> Page:
    """Read up to `limit` rows of a result file from a byte offset."""
    size, window = path.stat().st_size, WINDOW
    while True:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(window)
        found = list(islice(_csv_rows(data) if is_csv else _text_rows(data), limit))
        if len(found) >= limit or offset + len(data) >= size:
            break
        window *= 4  # the page is longer than the window
    end = offset + (found[-1][1] if found else 0)
    return Page([row for row, _ in found], end if found and end < size else None)


def _csv_rows(data: bytes) -> Iterator[tuple[list[str | None], int]]:
    row: list[str | None] = []
    at = 0
    while at < len(data):
        match = _CELL.match(data, at)
        if match is None:
            return
        row.append(None if match[1] is None else match[1].replace(b'""', b'"').decode())
        at = match.end()
        if match[2] == b"\n":
            yield row, at
            row = []


def _text_rows(data: bytes) -> Iterator[tuple[list[str | None], int]]:
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        line, at = data[at:end], end + 1
        yield list(line.decode().split("\t")), at


def result_rows(rows: Iterable[Sequence[str | None]]) -> list[dict[str, Any]]:
    """Give the Rows structure of GetQueryResults; a NULL is a Datum without a value."""
    return [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows]
