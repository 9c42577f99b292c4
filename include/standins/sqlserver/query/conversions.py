"""CAST, CONVERT and the conversions that assignments and operators imply."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query import dates
from include.standins.sqlserver.query.decimals import fit_decimal, overflow
from include.standins.sqlserver.query.types import INT_RANGES, family, refuse_conversion
from include.standins.sqlserver.query.values import Cell, encode, to_python
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE = re.compile(r"\s*([+-]?\d+)\s*$")
_FAMILIES_TO: dict[str, frozenset[str]] = {
    "int": frozenset(("int", "decimal", "float", "string", "binary")),
    "decimal": frozenset(("int", "decimal", "float", "string")),
    "float": frozenset(("int", "decimal", "float", "string")),
    "string": frozenset(("int", "decimal", "float", "string", "binary", "datetime", "date", "time", "guid")),
    "binary": frozenset(("int", "string", "binary", "guid")),
    "datetime": frozenset(("string", "datetime", "date", "time")),
    "date": frozenset(("string", "datetime", "date")),
    "time": frozenset(("string", "datetime", "time")),
    "guid": frozenset(("string", "guid", "binary")),
}


@lru_cache(maxsize=4096)
def converter(source: SqlType, target: SqlType, style: int = 0) -> Callable[[Cell], Cell]:
    """Return the function that converts a cell of one type to another.

    :raises SqlError: at once, 40515 for a pair of types that is not modelled; when called, 245, 8114, 8115, 241 ...
        for a value that cannot be converted.
    """
    if family(target) not in _FAMILIES_TO[family(source)]:
        raise refuse_conversion(source, target)
    convert = _TO[family(target)]

    def converted(cell: Cell) -> Cell:
        if cell is None:
            return None
        try:
            return encode(convert(to_python(cell, source), source, target, style), target)
        except OverflowError:  # beyond 9999-12-31, or an infinite float
            raise overflow(source.name, target.name) from None

    return converted


def _to_int(value: Any, source: SqlType, target: SqlType, style: int) -> int:
    del style
    low, high = INT_RANGES[target.name]
    if isinstance(value, str):
        whole = _whole_number(value, source, target)
    elif isinstance(value, bytes):
        whole = int.from_bytes(value[-8:], "big", signed=len(value) >= 8)
    elif isinstance(value, Decimal) and source.name in {"money", "smallmoney"}:
        whole = int(value.to_integral_value(rounding="ROUND_HALF_UP"))
    else:
        whole = int(value)
    if target.name == "bit":
        return int(bool(value if isinstance(value, float | Decimal) else whole))
    if not low <= whole <= high:
        if isinstance(value, str):
            raise SqlError(
                248 if target.name == "int" else 244,
                f"The conversion of the {source.name} value '{value}' overflowed an {target.name} column.",
            )
        raise overflow("expression", target.name)
    return whole


def _whole_number(text: str, source: SqlType, target: SqlType) -> int:
    if target.name == "bit" and text.strip().lower() in {"true", "false"}:
        return int(text.strip().lower() == "true")
    if not text.strip():
        return 0
    found = _WHOLE.match(text)
    if found is None:
        raise SqlError(
            245, f"Conversion failed when converting the {source.name} value '{text}' to data type {target.name}."
        )
    return int(found[1])


def _to_decimal(value: Any, source: SqlType, target: SqlType, style: int) -> Decimal:
    del style
    precision, scale = target.precision, target.scale
    if target.name == "money":
        precision, scale = 19, 4
    elif target.name == "smallmoney":
        precision, scale = 10, 4
    if isinstance(value, str):
        try:
            number = Decimal(value.strip().replace(",", "") if "money" in target.name else value.strip())
        except InvalidOperation:
            raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.") from None
        if not number.is_finite() or "e" in value.lower():
            raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.")
    else:
        number = Decimal(value) if isinstance(value, int | float) else value
    return fit_decimal(number, precision=precision, scale=scale, source=source.name)


def _to_float(value: Any, source: SqlType, target: SqlType, style: int) -> float:
    del style
    try:
        return float(value or 0)
    except ValueError:
        raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.") from None


def _to_string(value: Any, source: SqlType, target: SqlType, style: int) -> str:
    text = to_text(value, source, style)
    length = target.length
    if length is not None and len(text) > length:
        if family(source) in {"int", "decimal", "float"}:
            if family(source) == "int" and target.name in {"varchar", "char"}:
                return "*"
            raise overflow("expression" if family(source) == "int" else source.name, target.name)
        if family(source) == "guid":
            raise SqlError(8170, "Insufficient result space to convert uniqueidentifier value to char.")
        text = text[:length]
    return text.ljust(length) if length is not None and target.name in {"char", "nchar"} else text


def to_text(value: Any, source: SqlType, style: int = 0) -> str:
    """Write a Python value of a type as T-SQL converts it to a string."""
    write = _WRITE[family(source)]
    return write(value, source, style)


def _datetime_text(value: datetime, source: SqlType, style: int) -> str:
    digits = {"datetime": 3, "smalldatetime": 0}.get(source.name, source.scale)
    return dates.format_datetime(value, style or (121 if source.name == "datetime2" else 0), digits=digits)


def _date_text(value: date, source: SqlType, style: int) -> str:
    del source
    return dates.format_datetime(dates.at_midnight(value), style, digits=0) if style else value.isoformat()


def _time_text(value: time, source: SqlType, style: int) -> str:
    fraction = f".{value.microsecond * 10:07d}"[: source.scale + 1] if source.scale and style != 108 else ""
    return f"{value:%H:%M:%S}{fraction}"


def _float_text(value: float) -> str:
    text = f"{value:.6g}"
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(3)}" if mark else text


def _binary_text(value: bytes, style: int) -> str:
    if style == 1:
        return "0x" + value.hex().upper()
    return value.hex().upper() if style == 2 else value.decode("cp1252", "replace")


def _to_binary(value: Any, source: SqlType, target: SqlType, style: int) -> bytes:
    if isinstance(value, str):
        data = _text_bytes(value, source, style)
    elif isinstance(value, int):
        width = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4}.get(source.name, 8)
        data = value.to_bytes(width, "big", signed=value < 0)
        if target.length is not None and (target.length < width or target.name == "binary"):
            return data[-target.length :].rjust(target.length, b"\0")
    else:
        data = value.bytes_le if isinstance(value, UUID) else bytes(value)
    if target.length is None:
        return data
    data = data[: target.length]
    return data.ljust(target.length, b"\0") if target.name == "binary" else data


def _text_bytes(value: str, source: SqlType, style: int) -> bytes:
    if style in {1, 2}:
        digits = value[2:] if style == 1 else value
        if (style == 1 and value[:2].lower() != "0x") or len(digits) % 2 or not re.fullmatch("[0-9A-Fa-f]*", digits):
            raise SqlError(8114, f"Error converting data type {source.name} to varbinary.")
        return bytes.fromhex(digits)
    return value.encode("utf-16-le") if source.name.startswith("n") else value.encode("cp1252", "replace")


def _to_datetime(value: Any, source: SqlType, target: SqlType, style: int) -> datetime:
    del source
    if isinstance(value, str):
        moment = dates.parse_datetime(value, style)
    elif isinstance(value, time):
        moment = datetime.combine(date(1900, 1, 1), value)
    else:
        moment = value if isinstance(value, datetime) else dates.at_midnight(value)
    if target.name == "datetime":
        if moment.year < 1753:
            raise SqlError(
                242, "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value."
            )
        return dates.to_datetime(moment)
    if target.name == "smalldatetime":
        return dates.to_scale(moment.replace(second=0, microsecond=0), 0)
    return dates.to_scale(moment, target.scale)


def _to_date(value: Any, source: SqlType, target: SqlType, style: int) -> date:
    return _to_datetime(value, source, SqlType("datetime2", scale=7), style).date()


def _to_time(value: Any, source: SqlType, target: SqlType, style: int) -> time:
    return _to_datetime(value, source, SqlType("datetime2", scale=target.scale), style).time()


def _to_guid(value: Any, source: SqlType, target: SqlType, style: int) -> UUID:
    del source, target, style
    if isinstance(value, bytes):
        return UUID(bytes_le=value[:16].ljust(16, b"\0"))
    try:
        return value if isinstance(value, UUID) else UUID(value.strip()[:38].strip("{}"))
    except ValueError:
        raise SqlError(8169, "Conversion failed when converting from a character string to uniqueidentifier.") from None


_WRITE: dict[str, Callable[[Any, SqlType, int], str]] = {
    "int": lambda value, _source, _style: str(int(value)),
    "decimal": lambda value, source, style: f"{value:.2f}" if "money" in source.name and not style else f"{value:f}",
    "float": lambda value, _source, _style: _float_text(value),
    "string": lambda value, _source, _style: str(value),
    "binary": lambda value, _source, style: _binary_text(value, style),
    "datetime": _datetime_text,
    "date": _date_text,
    "time": _time_text,
    "guid": lambda value, _source, _style: str(value).upper(),
}
_TO: dict[str, Callable[[Any, SqlType, SqlType, int], Any]] = {
    "int": _to_int,
    "decimal": _to_decimal,
    "float": _to_float,
    "string": _to_string,
    "binary": _to_binary,
    "datetime": _to_datetime,
    "date": _to_date,
    "time": _to_time,
    "guid": _to_guid,
}


def fits_without_change(source: SqlType, target: SqlType) -> bool:
    """Whether every value of `source` is already a value of `target`, with the same cell."""
    if source == target:
        return True
    kinds = family(source), family(target)
    if kinds == ("int", "int"):
        return INT_RANGES[target.name][0] <= INT_RANGES[source.name][0] and (
            INT_RANGES[source.name][1] <= INT_RANGES[target.name][1] and target.name != "bit"
        )
    if kinds == ("string", "string"):
        return target.name in {"varchar", "nvarchar"} and (
            target.length is None or (source.length is not None and source.length <= target.length)
        )
    if kinds == ("decimal", "decimal") and "money" not in target.name and "money" not in source.name:
        return target.scale >= source.scale and target.precision - target.scale >= source.precision - source.scale
    return (
        kinds == ("binary", "binary")
        and target.name == "varbinary"
        and (target.length is None or (source.length is not None and source.length <= target.length))
    )
