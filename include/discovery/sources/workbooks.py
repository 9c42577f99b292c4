"""Open a workbook by its cached values; macros and formulas never run."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from include.discovery.sources.matching import ROWS_LOOKED_AT
from include.discovery.sources.problems import Problem, RefusedError
from include.discovery.sources.staging import Stage, stage_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from include.discovery.sources.files import Taken
    from include.discovery.sources.matching import Match
    from include.discovery.sources.settings import ReadingSettings

_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_CELL: Final = re.compile(rb'<c\b[^>]*?\br="([A-Z]+)(\d+)"[^>]*?(?:/>|>(.*?)</c>)', re.DOTALL)
_VALUE: Final = re.compile(rb"<v>[^<]|<is>|<v [^>]*>[^<]")


@dataclass(slots=True, kw_only=True)
class WorkbookSheet:
    """One sheet of a workbook."""

    taken: Taken
    name: str
    sheet: Any
    number: int
    head: list[list[str]]
    encoding: str | None = None
    delimiter: str | None = None
    is_clean: bool = False
    is_large: bool = False
    problems: list[Problem] = field(default_factory=list)

    def stage(self, connection: Any, found: Match, used: Sequence[int]) -> Stage:
        """Bring the used columns into the database."""
        self.problems[:] = list(_uncalculated(self.taken.path, self.number, used, found))
        return stage_records(connection, used, self._records(found, used))

    stage_slowly = stage

    def _records(self, found: Match, used: Sequence[int]) -> Iterator[tuple[int, Sequence[str | None]]]:
        merged = _merged(self.sheet)
        wanted = frozenset(used)
        held: dict[int, tuple[int, str | None]] = {}
        for row, cells in enumerate(_rows(self.sheet), start=1):
            if row <= found.header_row + 1:
                continue
            fields = [_text(cell) if index in wanted else None for index, cell in enumerate(cells)]
            for index, last in merged.get(row, ()):
                held[index] = (last, fields[index] if index < len(fields) else None)
            for index, (last, value) in held.items():
                if row <= last and index < len(fields) and fields[index] is None:
                    fields[index] = value
            if any(fields):
                yield row, fields


def open_workbook(taken: Taken, settings: ReadingSettings) -> Iterator[WorkbookSheet | RefusedError]:
    """Yield its sheets that hold anything, or the refusal of one.

    :raises RefusedError: the file is protected by a password, damaged, or no workbook.
    """
    import python_calamine as calamine

    if _is_encrypted(taken.path):
        raise RefusedError(f"{taken.shown} is protected by a password; save it without one.")
    try:
        book = calamine.CalamineWorkbook.from_path(taken.path)
    except calamine.PasswordError as error:
        raise RefusedError(f"{taken.shown} is protected by a password; save it without one.") from error
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError) as error:
        raise RefusedError(f"{taken.shown} cannot be read as a workbook ({error}); save it again as .xlsx.") from error
    with book:
        for number, name in enumerate(book.sheet_names, start=1):
            try:
                sheet = book.get_sheet_by_name(name)
            except (calamine.CalamineError, calamine.XmlError) as error:
                yield RefusedError(f"Sheet {name} of {taken.shown} cannot be read ({error}); save the workbook again.")
                continue
            bottom, right = sheet.end or (-1, -1)
            cells = (bottom + 1) * (right + 1)
            if cells > settings.largest_sheet_cells:
                yield RefusedError(
                    f"Sheet {name} of {taken.shown} spans {cells:,} cells, more than "
                    f"{settings.largest_sheet_cells:,}; delete empty rows and columns at its end, or save it as CSV."
                )
            elif cells:
                head = [[_text(cell) or "" for cell in row] for row in islice(_rows(sheet), ROWS_LOOKED_AT)]
                yield WorkbookSheet(taken=taken, name=name, sheet=sheet, number=number, head=head)


def _rows(sheet: Any) -> Iterator[list[Any]]:
    """Yield rows as the workbook numbers them: from row 1 and column A."""
    top, left = sheet.start or (0, 0)
    for _ in range(top):
        yield []
    for row in sheet.to_python(skip_empty_area=True):
        yield [None] * left + row


def _merged(sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """Return for each first row of a cell merged downwards: its column from 0, and its last row."""
    found: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if bottom > top and left == right:
            found.setdefault(top + 1, []).append((left, bottom + 1))
    return found


def _text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    return str(cell.total_seconds()) if isinstance(cell, timedelta) else str(cell)


def _is_encrypted(path: Path) -> bool:
    with path.open("rb") as stream:
        if not stream.read(4).startswith(b"\xd0\xcf\x11\xe0"):
            return False
        stream.seek(0)
        return _ENCRYPTED in stream.read(1 << 22)


def _uncalculated(path: Path, number: int, used: Sequence[int], found: Match) -> Iterator[Problem]:
    """Yield a problem for each formula that no program has calculated, in the columns used."""
    member = f"xl/worksheets/sheet{number}.xml"
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        if member not in archive.namelist():
            return
        content = archive.read(member)
    if b"<f" not in content:
        return
    for letters, row, body in _CELL.findall(content):
        if b"<f" in body and not _VALUE.search(body) and _index(letters) in used and int(row) > found.header_row + 1:
            cell = f"{letters.decode()}{row.decode()}"
            sentence = f"Cell {cell} holds a formula without a value; open and save the workbook once, or paste values."
            yield Problem(int(row), cell, sentence, drops_row=False)


def _index(letters: bytes) -> int:
    total = 0
    for letter in letters:
        total = total * 26 + letter - 64
    return total - 1
