"""format(): java.util.Formatter for the conversions that queries use (docs: functions/conversion, format)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_SPEC = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")
_NUMBERS = "dxXofeE"


def java_format(pattern: str, values: list[Any]) -> str:
    """Fill a pattern with values; raises ValueError in `explain_error`'s form for what Java would refuse."""
    used = 0

    def fill(found: re.Match[str]) -> str:
        nonlocal used
        index, flags, width, precision, kind = found.groups()
        if kind == "n":
            return "\n"
        if kind == "%":
            return _padded("%", flags, width)
        position = int(index) - 1 if index else used
        used += 0 if index else 1
        if position >= len(values):
            raise ValueError(
                f"[INVALID_FUNCTION_ARGUMENT] Invalid format string: {pattern} (Format specifier '{found[0]}')"
            )
        return _padded(_converted(values[position], kind, flags, precision, width), flags, width)

    if "%" in _SPEC.sub("", pattern):
        raise ValueError(f"[INVALID_FUNCTION_ARGUMENT] Invalid format string: {pattern} (Conversion = '%')")
    return _SPEC.sub(fill, pattern)


def _padded(text: str, flags: str, width: str | None) -> str:
    size = int(width or 0)
    return text.ljust(size) if "-" in flags else text.rjust(size)


def _converted(value: Any, kind: str, flags: str, precision: str | None, width: str | None) -> str:
    if value is None:
        return "NULL" if kind.isupper() else "null"
    if kind in "sS":
        text = _plain(value)[: int(precision)] if precision else _plain(value)
        return text.upper() if kind == "S" else text
    if kind in "bB":
        return _plain(value) if isinstance(value, bool) else "true"
    if kind not in _NUMBERS or isinstance(value, str | bool | list | dict):
        raise ValueError(f"[INVALID_FUNCTION_ARGUMENT] Invalid format conversion %{kind} for {_plain(value)}")
    return _number(value, kind, flags, precision, width)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any, kind: str, flags: str, precision: str | None, width: str | None) -> str:
    if (kind in "dxXo") != isinstance(value, int):
        raise ValueError(f"[INVALID_FUNCTION_ARGUMENT] Invalid format string: {kind} != {type(value).__name__}")
    if kind in "dxXo":
        digits = format(abs(value) if kind == "d" else value & ((1 << 64) - 1), ("," if "," in flags else "") + kind)
    elif kind == "f":
        rounded = Decimal(value).quantize(Decimal(1).scaleb(-int(precision or 6)), rounding=ROUND_HALF_UP)
        digits = format(abs(rounded), ",f" if "," in flags else "f")
    else:
        digits = format(abs(value), f".{precision or 6}{kind}")
    negative = value < 0 and kind in "dfeE"
    sign = "-" if negative else "+" if "+" in flags else " " if " " in flags else ""
    if "(" in flags and negative:
        return f"({digits})"
    return sign + (digits.rjust(int(width or 0) - len(sign), "0") if "0" in flags else digits)
