"""Dates and times: text in SQLite that sorts as time does, read and written in T-SQL's styles."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from include.standins.sqlserver.errors import SqlError, not_modelled

BASE = datetime.combine(date(1900, 1, 1), time())
"""The day of a time without a date; T-SQL's times carry no zone."""
_TIME = r"(?P<h>\d{1,2}):(?P<mi>\d{1,2})(?::(?P<s>\d{1,2})(?:[.:](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
_ZONE = r"(?P<zone>Z|[+-]\d\d:\d\d)?"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DATES = (
    r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
    r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
    r"(?P<name>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2}),?\s+(?P<y>\d{4})",
    r"(?P<d>\d{1,2})\s+(?P<name>[A-Za-z]{3,9})\.?,?\s+(?P<y>\d{4})",
)
_MONTH_FIRST = r"(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4})"
_DAY_FIRST = r"(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4})"
_DAY_FIRST_STYLES = frozenset((103, 104, 105))


def _patterns(*dates: str) -> tuple[re.Pattern[str], ...]:
    return (*tuple(re.compile(rf"{each}(?:(?:\s+|T){_TIME}{_ZONE})?$") for each in dates), re.compile(rf"{_TIME}$"))


_BY_MONTH = _patterns(*_DATES, _MONTH_FIRST)
_BY_DAY = _patterns(*_DATES, _DAY_FIRST)


def parse_datetime(text: str, style: int = 0) -> datetime:
    """Read a date, a time (of 1900-01-01) or both.

    Digits beyond microseconds are cut off; an offset is refused.

    :raises SqlError: 241 when it is neither, 242 when there is no such day.
    """
    stripped = text.strip()
    if not stripped:
        return BASE
    for pattern in _BY_DAY if style in _DAY_FIRST_STYLES else _BY_MONTH:
        found = pattern.match(stripped)
        if found is not None:
            return _assemble(found.groupdict())
    raise _unreadable()


def _unreadable() -> SqlError:
    return SqlError(241, "Conversion failed when converting date and/or time from character string.")


def _assemble(parts: dict[str, str | None]) -> datetime:
    if parts.get("zone") not in {None, "Z"}:
        raise not_modelled("A time with an offset")
    month = parts.get("m")
    if parts.get("name"):
        name = str(parts["name"])[:3].lower()
        if name not in _MONTHS:
            raise _unreadable()
        month = str(_MONTHS.index(name) + 1)
    try:
        day = date(int(parts.get("y") or 1900), int(month or 1), int(parts.get("d") or 1))
    except ValueError:
        raise SqlError(
            242, "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value."
        ) from None
    return at_midnight(day) + _time_of_day(parts)


def _time_of_day(parts: dict[str, str | None]) -> timedelta:
    hour, minute, second = (int(parts.get(key) or 0) for key in ("h", "mi", "s"))
    half = parts.get("half")
    if half:
        if not 1 <= hour <= 12:
            raise _unreadable()
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise SqlError(
            242, "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value."
        )
    micro = int((parts.get("f") or "0").ljust(6, "0")[:6])
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)


def at_midnight(day: date) -> datetime:
    """The first moment of a day."""
    return datetime.combine(day, time())


def to_datetime(value: datetime) -> datetime:
    """Round to datetime's ticks of 1/300 s (.000, .003, .007)."""
    ticks = round(value.microsecond * 300 / 1_000_000)
    millisecond = (ticks * 10 + 1) // 3
    return value.replace(microsecond=0) + timedelta(milliseconds=millisecond)


def to_scale(value: datetime, scale: int) -> datetime:
    """Round to so many digits of a second."""
    if scale >= 6:
        return value
    unit = int(10 ** (6 - scale))
    return value.replace(microsecond=0) + timedelta(microseconds=(value.microsecond + unit // 2) // unit * unit)


def encode_datetime(value: datetime) -> str:
    """Sortable text of a datetime, with seven digits after the second."""
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d} {encode_time(value.time())}"


def encode_time(value: time) -> str:
    """Sortable text of a time."""
    return f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}.{value.microsecond:06d}0"


def decode_datetime(text: str) -> datetime:
    """The inverse of `encode_datetime`."""
    return datetime.fromisoformat(text[:26])


def decode_time(text: str) -> time:
    """The inverse of `encode_time`."""
    return time.fromisoformat(text[:15])


def _clock(value: datetime) -> str:
    hour = value.hour % 12 or 12
    return f"{hour:2d}:{value.minute:02d}{'AM' if value.hour < 12 else 'PM'}"


def _fraction(value: datetime, digits: int) -> str:
    return f".{value.microsecond * 10:07d}"[: digits + 1] if digits else ""


def format_datetime(value: datetime, style: int, *, digits: int) -> str:
    """Write a time in one of CONVERT's styles; `digits` of the second are those of the source's type.

    :raises SqlError: 40515 for a style that is not modelled.
    """
    day, month, year = f"{value.day:02d}", f"{value.month:02d}", f"{value.year:04d}"
    name = _MONTHS[value.month - 1].capitalize()
    clock = f"{value:%H:%M:%S}"
    forms = {
        0: f"{name} {value.day:2d} {year} {_clock(value)}",
        101: f"{month}/{day}/{year}",
        102: f"{year}.{month}.{day}",
        103: f"{day}/{month}/{year}",
        104: f"{day}.{month}.{year}",
        105: f"{day}-{month}-{year}",
        106: f"{day} {name} {year}",
        107: f"{name} {day}, {year}",
        108: clock,
        110: f"{month}-{day}-{year}",
        111: f"{year}/{month}/{day}",
        112: f"{year}{month}{day}",
        120: f"{year}-{month}-{day} {clock}",
        121: f"{year}-{month}-{day} {clock}{_fraction(value, digits)}",
        126: f"{year}-{month}-{day}T{clock}{_iso_fraction(value, digits)}",
        23: f"{year}-{month}-{day}",
    }
    same = {100: 0, 8: 108, 24: 108, 20: 120, 21: 121, 25: 121}
    form = forms.get(same.get(style, style))
    if form is None:
        raise not_modelled(f"Style {style} of CONVERT for dates")
    return form


def _iso_fraction(value: datetime, digits: int) -> str:
    """Style 126 leaves out the fraction of a datetime that has none, but keeps a datetime2's digits."""
    return "" if digits == 3 and not value.microsecond else _fraction(value, digits)
