"""The functions that compiled SQL calls, by name."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query import aggregates
from include.standins.sqlserver.query import functions_dates as dates
from include.standins.sqlserver.query import functions_numbers as numbers
from include.standins.sqlserver.query import functions_system as system
from include.standins.sqlserver.query import functions_text as texts
from include.standins.sqlserver.query.collation import like, like_pattern
from include.standins.sqlserver.query.converters import convert
from include.standins.sqlserver.query.decimals import (
    decimal_arithmetic,
    decode_decimal,
    divide_by_zero,
    encode_decimal,
    overflow,
)
from include.standins.sqlserver.query.types import INT_RANGES

if TYPE_CHECKING:
    from collections.abc import Callable

_GUID_BYTES_BY_WEIGHT = (10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3)


def _within(name: str) -> Callable[[Any], int | None]:
    low, high = INT_RANGES[name]

    def check(value: Any) -> int | None:
        if value is None:
            return None
        # SQLite turns a whole-number result beyond 64 bits into a float.
        if isinstance(value, float) or not low <= value <= high:
            raise overflow("expression", name)
        return int(value)

    return check


def _difference(name: str) -> Callable[[Any], int | None]:
    low, high = INT_RANGES[name]

    def check(value: int | None) -> int | None:
        if value is not None and not low <= value <= high:
            raise SqlError(
                535,
                "The datediff function resulted in an overflow. The number of dateparts separating "
                "two date/time instances "
                "is too large. Try to use datediff with a less precise datepart.",
            )
        return value

    return check


def _whole_divide(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if right == 0:
        raise divide_by_zero()
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _whole_modulo(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if right == 0:
        raise divide_by_zero()
    return (
        int(math.copysign(abs(left) % abs(right), left))
        if abs(left) < 2**53
        else abs(left) % abs(right) * (1 if left >= 0 else -1)
    )


def _float_divide(left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    if right == 0:
        raise divide_by_zero()
    return _float(left / right)


def _float(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise overflow("expression", "float")
    return value


def _negate(cell: str | None) -> str | None:
    return None if cell is None else encode_decimal(-decode_decimal(cell))


def _try_convert(number: int, cell: Any) -> Any:
    try:
        return convert(number, cell)
    except SqlError as error:
        if error.number == 40515:
            raise
        return None


def _fit(value: Any, length: int, pads: int, table: str, column: str) -> Any:
    """Check a string's or binary's length for its column; trailing spaces beyond it do not count."""
    if value is None:
        return None
    if len(value) > length:
        blank = " " if isinstance(value, str) else b"\0"
        if isinstance(value, bytes) or value.rstrip(blank)[length:]:
            shown = value[:length] if isinstance(value, str) else ""
            raise SqlError(
                2628,
                f"String or binary data would be truncated in table '{table}', column '{column}'. "
                f"Truncated value: '{shown}'.",
            )
        value = value[:length]
    if pads:
        return value.ljust(length) if isinstance(value, str) else value.ljust(length, b"\0")
    return value


def _not_null(value: Any, column: str) -> Any:
    if value is None:
        raise SqlError(515, column)
    return value


def _row_count(value: int | None) -> int:
    if value is None or value < 0:
        raise SqlError(
            1060, "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer."
        )
    return value


def _guid_key(cell: str | None) -> bytes | None:
    """Bytes that sort as SQL Server sorts uniqueidentifiers: the last six bytes weigh most."""
    if cell is None:
        return None
    data = uuid.UUID(cell).bytes_le
    return bytes(data[place] for place in _GUID_BYTES_BY_WEIGHT)


def _from_guid_key(key: bytes | None) -> str | None:
    if key is None:
        return None
    data = bytearray(16)
    for place, byte in zip(_GUID_BYTES_BY_WEIGHT, key, strict=True):
        data[place] = byte
    return str(uuid.UUID(bytes_le=bytes(data))).upper()


def _patindex(pattern: str | None, text: str | None) -> int | None:
    if pattern is None or text is None:
        return None
    if not pattern.startswith("%"):
        return int(like(text, pattern) or 0)
    for start in range(len(text) + 1):
        if like_pattern(pattern[1:], None).fullmatch(text, start):
            return start + 1
    return 0


def _upper(text: str) -> str:
    """Change the case of each character for itself: SQL Server's UPPER leaves what has no single capital, as ß."""
    return "".join(capital if len(capital := character.upper()) == 1 else character for character in text)


def _lower(text: str) -> str:
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)


def _of_text(function: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else function(text)


PURE: dict[str, Callable[..., Any]] = {
    **{f"ts_{name}": _within(name) for name in INT_RANGES},
    **{f"ts_{name}_difference": _difference(name) for name in ("int", "bigint")},
    "ts_whole_divide": _whole_divide,
    "ts_whole_modulo": _whole_modulo,
    "ts_float_divide": _float_divide,
    "ts_float": _float,
    "ts_negate": _negate,
    "ts_decimal": decimal_arithmetic,
    "ts_decimal_abs": numbers.decimal_abs,
    "ts_decimal_floor": numbers.decimal_floor,
    "ts_decimal_ceiling": numbers.decimal_ceiling,
    "ts_decimal_round": numbers.decimal_round,
    "ts_float_round": numbers.float_round,
    "ts_float_floor": lambda value: None if value is None else float(math.floor(value)),
    "ts_float_ceiling": lambda value: None if value is None else float(math.ceil(value)),
    "ts_sqrt": numbers.square_root,
    "ts_power": numbers.power,
    "ts_whole_power": numbers.whole_power,
    "ts_convert": convert,
    "ts_try_convert": _try_convert,
    "ts_fit": _fit,
    "ts_not_null": _not_null,
    "ts_row_count": _row_count,
    "ts_guid_key": _guid_key,
    "ts_from_guid_key": _from_guid_key,
    "ts_like": like,
    "ts_upper": _of_text(_upper),
    "ts_lower": _of_text(_lower),
    "ts_reverse": _of_text(lambda text: text[::-1]),
    "ts_char": lambda code: None if code is None or not 0 <= code <= 255 else bytes([code]).decode("cp1252", "replace"),
    "ts_nchar": lambda code: None if code is None or not 0 <= code <= 65535 else chr(code),
    "ts_substring": texts.substring,
    "ts_left": texts.left,
    "ts_right": texts.right,
    "ts_replace": texts.replace,
    "ts_charindex": texts.charindex,
    "ts_patindex": _patindex,
    "ts_replicate": texts.replicate,
    "ts_str": texts.str_function,
    "ts_dateadd": dates.dateadd,
    "ts_datediff": dates.datediff,
    "ts_datepart": dates.datepart,
    "ts_eomonth": dates.eomonth,
    "ts_datename": dates.datename,
    "ts_checksum": system.checksum,
    "ts_hashbytes": system.hash_bytes,
}
"""Functions of their arguments alone."""

AGGREGATES: dict[str, tuple[int, type]] = {
    "ts_whole_sum": (1, aggregates.WholeSum),
    "ts_whole_average": (1, aggregates.WholeAverage),
    "ts_checksum_agg": (1, aggregates.ChecksumAgg),
    "ts_string_agg": (4, aggregates.StringAgg),
    "ts_only": (1, aggregates.Only),
    **{
        f"ts_decimal_{word}_{scale}": (1, type(f"{base.__name__}{scale}", (base,), {"scale": scale}))
        for scale in range(39)
        for word, base in (("sum", aggregates.DecimalSum), ("avg", aggregates.DecimalAverage))
    },
}
"""Aggregates with their number of arguments."""
