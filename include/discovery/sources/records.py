"""Read delimited text record by record, where the fast reader gave up: nothing stops at a bad row."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from include.discovery.sources.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST_LINES: Final = 100
_MEETING: Final = re.compile(r'[^\s,;|"]"[^\s,;|"]|(?:^|[,;|\t])"(?:[^"]|"")*"[^\s,;|"]')
_TEXT: Final = "surrogateescape"
DELIMITERS: Final = (",", ";", "\t", "|")


def read_lines(path: Path, encoding: str) -> Iterator[tuple[str, bool]]:
    """Yield each line with its ending, and whether it was Windows-1252; line by line, for a file may mix encodings."""
    shown = "utf-8-sig" if encoding in ("utf-8", "cp1252") else encoding
    errors = _TEXT if shown == "utf-8-sig" else "replace"
    with path.open(encoding=shown, errors=errors, newline=None) as stream:
        for line in stream:
            if line.isascii() or errors != _TEXT or not _has_escapes(line):
                yield line, False
            else:
                yield line.encode("utf-8", _TEXT).decode("cp1252", "replace"), True


def read_records(
    lines: Iterable[tuple[str, bool]], delimiter: str
) -> Iterator[tuple[int, list[str] | None, Problem | None]]:
    """Yield (row number from 1, fields or None, problem or None); a record may span lines inside quotes."""
    pending: list[tuple[str, bool]] = []
    source = iter(lines)
    row = 0
    while True:
        line = pending.pop(0) if pending else next(source, None)
        if line is None:
            return
        row += 1
        text, record = line[0], line
        if "\0" in text:
            yield row, None, Problem(row, text.strip(), f"Row {row} holds NUL bytes; export it again.")
            continue
        if text.count('"') % 2:
            whole, taken = _close_quote(text, pending, source)
            if whole is None:
                pending = taken
                sentence = f"Row {row} opens a quote that nothing closes; close it or double the quotes inside."
                yield row, None, Problem(row, text.strip(), sentence)
                continue
            pending, text = taken, whole
        yield row, split(text, delimiter), _told(row, record)


def split(text: str, delimiter: str) -> list[str]:
    """Return the fields of one record."""
    body = text.rstrip("\r\n")
    if '"' not in body:
        return body.split(delimiter)
    try:
        return next(csv.reader([body], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return body.split(delimiter)


def _close_quote(
    text: str, pending: list[tuple[str, bool]], source: Iterator[tuple[str, bool]]
) -> tuple[str | None, list[tuple[str, bool]]]:
    """Return the whole record and the lines left over; None and all lines when the quote stays open."""
    taken: list[tuple[str, bool]] = []
    quotes = text.count('"')
    while len(taken) < MOST_LINES:
        line = pending.pop(0) if pending else next(source, None)
        if line is None:
            break
        taken.append(line)
        quotes += line[0].count('"')
        if quotes % 2 == 0:
            whole = text + "".join(part for part, _ in taken)
            return (whole, pending) if _is_well_quoted(whole) else (None, taken + pending)
    return None, taken + pending


def _is_well_quoted(record: str) -> bool:
    """Whether its quotes stand around whole fields; else two open quotes have met over several rows."""
    return not _MEETING.search(record)


def _told(row: int, line: tuple[str, bool]) -> Problem | None:
    if not line[1]:
        return None
    sentence = f"Row {row} is not UTF-8 as the rest is; it was read as Windows-1252, so check its letters."
    return Problem(row, line[0].strip(), sentence, drops_row=False)


def _has_escapes(line: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in line)
