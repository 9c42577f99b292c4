"""Sizes, counts and durations as people read them."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size(count: float) -> str:
    """Return bytes in the largest binary unit that leaves at least one of it, as `11.4 TiB`."""
    value, unit = float(count), 0
    while abs(value) >= 1023.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.3g} {_UNITS[unit]}"


def count(number: float) -> str:
    """Return a count with separators, as `10,000,000`."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, as `9 d 7 h`."""
    if seconds == float("inf"):
        return "for ever"
    steps = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    rounded = round(seconds)
    for place, (name, length) in enumerate(steps):
        if rounded >= length or name == "s":
            whole, rest = divmod(rounded, length)
            if name == "s" or place + 1 == len(steps):
                return f"{whole} s"
            below_name, below = steps[place + 1]
            part = round(rest / below)
            if part == length // below:
                whole, part = whole + 1, 0
            return f"{whole} {name} {part} {below_name}" if part else f"{whole} {name}"
    return "0 s"
