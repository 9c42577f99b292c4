"""Read one column of a backup header from JSON or from a driver: LSNs, times, flags, ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

MAX_LSN_DIGITS: Final = 25
"""LSNs are numeric(25,0)."""
_JSON_DATE: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


class FieldError(ValueError):
    """One field that cannot be read: its name and what is wrong."""

    def __init__(self, field: str, told: str) -> None:
        super().__init__(told)
        self.field = field


def id_key(value: object) -> str:
    """Return a GUID in the one spelling used for comparing: upper case, no braces."""
    return str(value).strip().strip("{}").upper()


def present(entry: dict[str, Any], field: str) -> Any:
    value = entry.get(field)
    if value is None or value == "":
        raise FieldError(field, "is missing: add it.")
    return value


def text(entry: dict[str, Any], field: str) -> str:
    value = present(entry, field)
    if not isinstance(value, str):
        raise FieldError(field, f"is {value!r}: write a text.")
    return value


def optional_text(entry: dict[str, Any], field: str) -> str | None:
    return str(entry[field]) if entry.get(field) else None


def id_of(entry: dict[str, Any], field: str) -> str | None:
    value = entry.get(field)
    return None if value is None or value == "" else id_key(value)


def plain(value: Any) -> Any:
    """Return ids and LSNs as JSON has them; drivers give UUID and Decimal."""
    return int(value) if isinstance(value, Decimal) else value if isinstance(value, str | int) else str(value)


def lsn(entry: dict[str, Any], field: str, *, required: bool = True) -> int:
    value = entry.get(field)
    if (value is None or value == "") and not required:
        return 0
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    if text.isascii() and text.isdigit() and len(text) <= MAX_LSN_DIGITS:
        return int(text)
    present(entry, field)
    raise FieldError(field, f"is {value!r}: write an LSN of up to {MAX_LSN_DIGITS} digits, best in quotes.")


def whole(entry: dict[str, Any], field: str, *, default: int | None) -> Any:
    value = entry.get(field)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise FieldError(field, f"is {value!r}: write a whole number.") from None


def flag(entry: dict[str, Any], field: str) -> bool | None:
    value = entry.get(field)
    if value is None or isinstance(value, bool):
        return value
    if value == "":
        return None
    found = _FLAGS.get(str(value).strip().lower())
    if found is None:
        raise FieldError(field, f"is {value!r}: write true or false.")
    return found


def time(entry: dict[str, Any], field: str) -> datetime:
    value = present(entry, field)
    if isinstance(value, dict):  # Windows PowerShell's ConvertTo-Json wraps dates that a command decorated
        value = value.get("value")
    try:
        return read_time(value)
    except ValueError:
        raise FieldError(field, f"is {value!r}: write a time as 2026-05-31T23:05:00Z.") from None


def read_time(value: object) -> datetime:
    """Read ISO 8601, `/Date(milliseconds)/` or a datetime; without a zone it is UTC.

    :raises ValueError: it is none of them.
    """
    try:
        if isinstance(value, str):
            if value.startswith("/") and (match := _JSON_DATE.fullmatch(value)):
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(match[1]))
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        pass
    raise ValueError(f"{value!r} is no time.")


def files(entry: dict[str, Any]) -> tuple[str, ...]:
    value = entry.get("Files") or []
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
        raise FieldError("Files", f"is {value!r}: write a list of paths.")
    return tuple(files)
