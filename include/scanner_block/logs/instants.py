"""Times of day and days as logs write them, to Unix seconds; one text at a time."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK: Final = re.compile(rb"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])")
_ISO: Final = re.compile(rb"([^T]{10})T([^.Z]{8})(?:\.[0-9]+)?Z")


@lru_cache(maxsize=4096)
def midnight(text: bytes) -> int | None:
    """Return the beginning of a day `YYYY-MM-DD`, or None where the calendar has no such day."""
    parts = _DAY.fullmatch(text)
    if parts is None:
        return None
    try:
        return (date(int(parts[1]), int(parts[2]), int(parts[3])).toordinal() - _EPOCH) * 86_400
    except ValueError:
        return None


def second_of_day(text: bytes) -> int | None:
    """Return the second of `HH:MM:SS`, or None."""
    parts = _CLOCK.fullmatch(text)
    return None if parts is None else int(parts[1]) * 3_600 + int(parts[2]) * 60 + int(parts[3])


def instant(day: bytes, clock: bytes) -> int | None:
    """Return a day and a time of day as Unix seconds, or None."""
    begin, second = midnight(day), second_of_day(clock)
    return None if begin is None or second is None else begin + second


def iso_instant(text: bytes) -> int | None:
    """Return `2026-11-24T05:06:07.123456Z` (any fraction, or none) as whole Unix seconds, or None."""
    parts = _ISO.fullmatch(text)
    return None if parts is None else instant(parts[1], parts[2])
