"""Dates and times as SQL Server keeps them. [MS-TDS] 2.2.5.5.1.8.

`time(n)` counts units of 10**-n seconds in 3, 4 or 5 bytes, `date` counts days from 0001-01-01 in 3, `datetime`
counts days from 1900-01-01 and 1/300 seconds. Python keeps microseconds: a seventh digit is zero when written and
dropped when read.
"""

from __future__ import annotations

import datetime as dt
import struct

from include.standins.sqlserver.errors import SqlError

_DAY_MICROSECONDS = 86_400_000_000
_DAY_TICKS = 86_400 * 300
_FIRST_DATETIME_ORDINAL = dt.date(1753, 1, 1).toordinal()
_LAST_ORDINAL = dt.date.max.toordinal()
_ORDINAL_1900 = dt.date(1900, 1, 1).toordinal()
_DATETIME = struct.Struct("<iI")
_SMALL_DATETIME = struct.Struct("<HH")
_MINUTE = dt.timedelta(minutes=1)


def time_bytes(scale: int) -> int:
    """Bytes of a time of that scale (0 to 7)."""
    return 3 if scale < 3 else 4 if scale < 5 else 5


def encode_date(value: dt.date) -> bytes:
    """`date`, 3 bytes."""
    return (value.toordinal() - 1).to_bytes(3, "little")


def encode_time(value: dt.time, scale: int) -> bytes:
    """`time(scale)`, rounded half up; what rounds up to midnight is midnight."""
    units, _ = _units(value, scale)
    return units.to_bytes(time_bytes(scale), "little")


def encode_datetime2(value: dt.datetime, scale: int) -> bytes:
    """`datetime2(scale)`, rounded half up, into the next day if need be."""
    units, next_day = _units(value.time(), scale)
    days = value.toordinal() - 1 + next_day
    if days >= _LAST_ORDINAL:
        raise out_of_range("datetime2")
    return units.to_bytes(time_bytes(scale), "little") + days.to_bytes(3, "little")


def encode_datetimeoffset(value: dt.datetime, scale: int) -> bytes:
    """`datetimeoffset(scale)`: the moment in UTC and the offset in minutes; a naive value is UTC."""
    offset = value.utcoffset() or dt.timedelta(0)
    try:
        moment = value.replace(tzinfo=None) - offset
    except OverflowError:
        raise out_of_range("datetimeoffset") from None
    return encode_datetime2(moment, scale) + struct.pack("<h", offset // _MINUTE)


def encode_datetime(value: dt.datetime) -> bytes:
    """`datetime`, rounded to 1/300 second; its years start with 1753."""
    ticks, days = (_microseconds(value.time()) * 300 + 500_000) // 1_000_000, value.toordinal()
    if ticks == _DAY_TICKS:
        ticks, days = 0, days + 1
    if not _FIRST_DATETIME_ORDINAL <= days <= _LAST_ORDINAL:
        raise out_of_range("datetime")
    return _DATETIME.pack(days - _ORDINAL_1900, ticks)


def encode_smalldatetime(value: dt.datetime) -> bytes:
    """`smalldatetime`, rounded to the minute; 1900 to 2079-06-06."""
    minutes, days = (_microseconds(value.time()) + 30_000_000) // 60_000_000, value.toordinal() - _ORDINAL_1900
    if minutes == 1440:
        minutes, days = 0, days + 1
    if not 0 <= days <= 0xFFFF:
        raise out_of_range("smalldatetime")
    return _SMALL_DATETIME.pack(days, minutes)


def decode_date(raw: bytes) -> dt.date:
    """`date` from 3 bytes."""
    return dt.date.fromordinal(int.from_bytes(raw, "little") + 1)


def decode_time(raw: bytes, scale: int) -> dt.time:
    """`time(scale)`."""
    microseconds = int.from_bytes(raw, "little") * 10**7 // 10**scale // 10
    if microseconds >= _DAY_MICROSECONDS:
        raise ValueError("a time past the end of its day")
    return (dt.datetime.fromordinal(1) + dt.timedelta(microseconds=microseconds)).time()


def decode_datetime2(raw: bytes, scale: int) -> dt.datetime:
    """`datetime2(scale)`."""
    return dt.datetime.combine(decode_date(raw[-3:]), decode_time(raw[:-3], scale))


def decode_datetimeoffset(raw: bytes, scale: int) -> dt.datetime:
    """`datetimeoffset(scale)`, as an aware datetime in its own offset."""
    (minutes,) = struct.unpack("<h", raw[-2:])
    moment = decode_datetime2(raw[:-2], scale).replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.timezone(dt.timedelta(minutes=minutes)))


def decode_datetime(raw: bytes) -> dt.datetime:
    """`datetime` from 8 bytes, to the millisecond as SQL Server shows it."""
    days, ticks = _DATETIME.unpack(raw)
    if ticks >= _DAY_TICKS:
        raise ValueError("a time past the end of its day")
    milliseconds = (ticks * 1000 + 150) // 300
    return dt.datetime.fromordinal(_ORDINAL_1900 + days) + dt.timedelta(milliseconds=milliseconds)


def decode_smalldatetime(raw: bytes) -> dt.datetime:
    """`smalldatetime` from 4 bytes."""
    days, minutes = _SMALL_DATETIME.unpack(raw)
    return dt.datetime.fromordinal(_ORDINAL_1900 + days) + dt.timedelta(minutes=minutes)


def out_of_range(type_name: str) -> SqlError:
    """SQL Server's 242."""
    return SqlError(
        242, f"The conversion of a datetime2 data type to a {type_name} data type resulted in an out-of-range value."
    )


def _microseconds(value: dt.time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _units(value: dt.time, scale: int) -> tuple[int, int]:
    """Units of 10**-scale seconds, and 1 when rounding reached the next day."""
    divisor = 10 ** (7 - scale)
    units = (_microseconds(value) * 10 + divisor // 2) // divisor
    next_day, rest = divmod(units, 86_400 * 10**scale)
    return rest, next_day
