"""MySQL's and Joda's date patterns as DuckDB's strftime patterns."""

from __future__ import annotations

import re

from include.athena_sql.errors import AthenaSqlError

_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_REFUSED = "DUuVwX"
_JODA = {
    "y": "%Y", "yyyy": "%Y", "YYYY": "%Y", "Y": "%Y", "yy": "%y", "YY": "%y", "xxxx": "%G", "M": "%-m", "MM": "%m",
    "MMM": "%b", "MMMM": "%B", "d": "%-d", "dd": "%d", "DDD": "%j", "D": "%-j", "H": "%-H", "HH": "%H", "h": "%-I",
    "hh": "%I", "m": "%-M", "mm": "%M", "s": "%-S", "ss": "%S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "E": "%a",
    "EEE": "%a", "EEEE": "%A", "e": "%u",
}  # fmt: skip
_ZONES = ("Z", "ZZ", "ZZZ", "z")


def mysql_pattern(pattern: str) -> str:
    """The pattern of date_format and date_parse (docs: functions/datetime, "MySQL date functions")."""

    def one(found: re.Match[str]) -> str:
        letter = found[1]
        if letter in _REFUSED:
            raise AthenaSqlError("INVALID_FUNCTION_ARGUMENT", f"%{letter} not supported in date format string")
        return _MYSQL.get(letter, letter)

    return re.sub(r"%(.)", one, pattern)


def joda_pattern(pattern: str, *, zone: dict[str, str]) -> tuple[str, bool]:
    """The pattern of format_datetime and parse_datetime, and whether it names a zone.

    `zone` gives what stands for Z, ZZ and ZZZ.
    """
    parts, zoned = [], False
    for found in re.finditer(
        r"'((?:[^']|'')*)'|(?P<run>(?P<letter>[A-Za-z])(?P=letter)*)|(?P<other>.)", pattern, re.DOTALL
    ):
        run = found["run"]
        if run is None:
            literal = found["other"] if found["other"] is not None else (found[1].replace("''", "'") or "'")
            parts.append(_escaped(literal))
        elif run in _ZONES and run in zone:
            zoned = True
            parts.append(zone[run])
        elif run in _JODA:
            parts.append(_JODA[run])
        else:
            raise AthenaSqlError("NOT_SUPPORTED", f"The date pattern letters {run} are not modelled by this engine")
    return "".join(parts), zoned


def _escaped(literal: str) -> str:
    return literal.replace("%", "%%")
