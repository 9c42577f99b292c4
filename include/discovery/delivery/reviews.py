"""Read people's edits back from the review sheet and let them win."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.delivery.files import STRATEGIES
from include.discovery.delivery.review_sheet import COLUMNS, DATE_CELL, FIELDS, HEADER_ROW, SHEET

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 64 * 2**20
_MOST_UNPACKED: Final = 1024 * 2**20
_APPLIED: Final = ("owner", "strategy", "wave")
_VISIBLE: Final = COLUMNS[:7]


class ReviewRefusedError(ValueError):
    """A review cannot be taken; every reason is told with its cell."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One edited value: `field` is owner, strategy, wave or comment; `row` is the sheet's own, the first is 1."""

    server_id: str
    field: str
    value: str
    dated: date
    row: int


@dataclass(frozen=True, slots=True)
class Review:
    """The edits of a workbook, ordered by server and field."""

    file: str
    size: int
    sha256: str
    edits: tuple[Edit, ...]


def read_review(path: Path) -> Review:
    """Return the edits of a workbook's review sheet.

    An edit is a cell that differs from what the run wrote there, or an earlier edit that still stands. An emptied
    cell takes
    an earlier edit back. New edits have the day of the sheet's date cell, earlier ones keep theirs.

    :raises ReviewRefusedError: when the file is no such workbook, or with one sentence for each malformed cell.
    """
    content = _bytes(path)
    rows = _sheet(path)
    missing = [name for name in _VISIBLE if name not in rows[HEADER_ROW]] if len(rows) > HEADER_ROW else list(_VISIBLE)
    if missing:
        raise ReviewRefusedError(
            f"{path.name}, sheet {SHEET}, row {HEADER_ROW + 1}: {', '.join(missing)} is missing; "
            "keep the header of the workbook."
        )
    places = {name: rows[HEADER_ROW].index(name) for name in COLUMNS if name in rows[HEADER_ROW]}
    reader = _Reader(path.name, places, _cell(rows, *DATE_CELL))
    for number, row in enumerate(rows[HEADER_ROW + 1 :], start=HEADER_ROW + 2):
        reader.read(number, row)
    if reader.problems:
        raise ReviewRefusedError("\n".join(reader.problems))
    edits = tuple(sorted(reader.edits.values()))
    return Review(file=path.name, size=len(content), sha256=hashlib.sha256(content).hexdigest(), edits=edits)


def earlier_review(out: Path) -> Path | None:
    """Return the workbook of the folder that is about to be replaced, whose edits still stand; None without one."""
    book = out / "workbook.xlsx"
    return book if book.is_file() else None


def apply_review(connection: Any, review: Review) -> int:
    """Write edits into `servers` and `server_values`, and return how many of them found their server.

    The days of the edits become rows of `sources` with format `review`. Edits of servers that this inventory does
    not have
    are kept in `server_values`, not chosen, and told in `quarantine`.
    """
    tables.create(connection, "sources", "quarantine", "servers", "server_values")
    if not review.edits:
        return 0
    days = sorted({edit.dated for edit in review.edits})
    (last,) = connection.execute("SELECT coalesce(max(source_id), 0) FROM sources").fetchone()
    ids = {day: last + number for number, day in enumerate(days, start=1)}
    for day in days:
        count = sum(edit.dated == day for edit in review.edits)
        connection.execute(
            "INSERT INTO sources BY NAME SELECT ? AS source_id, ? AS file, ? AS sheet, 'review' AS format, "
            "'review' AS tool, 'servers' AS fills, ? AS rows_read, 0 AS rows_quarantined, ? AS bytes, ? AS sha256, "
            "CAST(? AS TIMESTAMP) AS exported_at",
            [ids[day], review.file, SHEET, count, review.size, review.sha256, datetime.combine(day, time.min)],
        ).fetchall()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE review_edits "
        "(server_id VARCHAR, field VARCHAR, value VARCHAR, source_id INTEGER, source_row BIGINT, known BOOLEAN)"
    ).fetchall()
    connection.executemany(
        "INSERT INTO review_edits SELECT $1, $2, $3, $4, $5, EXISTS (FROM servers WHERE server_id = $1)",
        [[edit.server_id, edit.field, edit.value, ids[edit.dated], edit.row] for edit in review.edits],
    )
    return _record(connection, review.file)


def _record(connection: Any, file: str) -> int:
    for field in _APPLIED:
        connection.execute(
            f"UPDATE servers SET {field} = e.value FROM review_edits e "  # own names
            f"WHERE e.server_id = servers.server_id AND e.field = '{field}'"
        ).fetchall()
    connection.execute(
        "UPDATE server_values SET chosen = false FROM review_edits e "
        "WHERE e.server_id = server_values.server_id AND e.field = server_values.field"
    ).fetchall()
    connection.execute(
        "INSERT INTO server_values BY NAME "
        "SELECT server_id, field, value, source_id, source_row, known AS chosen FROM review_edits "
        "ORDER BY server_id, field"
    ).fetchall()
    connection.execute(
        "INSERT INTO quarantine BY NAME SELECT source_id, source_row, field, value[:200] AS value, "
        "? || ', sheet review, row ' || source_row || ': no server has the id ' || server_id || "
        "'; the edit is kept for a later run.' AS sentence FROM review_edits WHERE NOT known "
        "ORDER BY source_row, field",
        [file],
    ).fetchall()
    (applied,) = connection.execute("SELECT count(*) FROM review_edits WHERE known").fetchone()
    connection.execute("DROP TABLE review_edits").fetchall()
    return int(applied)


class _Reader:
    """Reads row after row and gathers edits and problems."""

    def __init__(self, file: str, places: dict[str, int], day: Any) -> None:
        self.file, self.places = file, places
        self.day = _day(day)
        self.day_told = False
        self.edits: dict[tuple[str, str], Edit] = {}
        self.problems: list[str] = []

    def read(self, number: int, row: list[Any]) -> None:
        found = {name: _text(row[place]) if place < len(row) else "" for name, place in self.places.items()}
        changed = [name for name in FIELDS if found[name]]
        if not found["server_id"]:
            if changed:
                self._tell(number, "server_id", "is empty, but the row has edits; copy the server's id into it")
            return
        held = self._held(number, found.get("edited", ""))
        for name in changed:
            is_new = found[name] != found.get(f"was_{name}", "")
            if not is_new and name not in held:
                continue
            value = self._value(number, name, found[name])
            dated = self._dated(number, name) if is_new else held[name]
            if value is not None and dated is not None:
                self._keep(Edit(found["server_id"], name, value, dated, number))

    def _keep(self, edit: Edit) -> None:
        earlier = self.edits.get((edit.server_id, edit.field))
        if earlier is not None and earlier.value != edit.value:
            self._tell(
                edit.row,
                edit.field,
                f"says {edit.value!r}, row {earlier.row} says {earlier.value!r} for the same server; keep one",
            )
        self.edits[edit.server_id, edit.field] = edit

    def _value(self, number: int, name: str, value: str) -> str | None:
        if name == "strategy":
            if value.lower() in STRATEGIES:
                return value.lower()
            self._tell(number, name, f"{value!r} is no strategy; take one of {', '.join(STRATEGIES)}")
            return None
        if name == "wave":
            if value.isascii() and value.isdigit() and 1 <= int(value) <= 10_000:
                return str(int(value))
            self._tell(number, name, f"{value!r} is no wave; write a whole number from 1 to 10000")
            return None
        if len(value) > 1_000:
            self._tell(number, name, f"has {len(value)} characters; write at most 1000")
            return None
        return value

    def _dated(self, number: int, name: str) -> date | None:
        if self.day is None and not self.day_told:
            self.day_told = True
            self.problems.append(
                f"{self.file}, sheet {SHEET}, cell B{DATE_CELL[0] + 1}: no day, and "
                f"{self._place(number, name)} is edited; write the day of your review, as 2026-05-31."
            )
        return self.day

    def _held(self, number: int, text: str) -> dict[str, date]:
        found = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            name, _, day = part.partition("=")
            try:
                found[name] = date.fromisoformat(day)
            except ValueError:
                self._tell(number, "edited", f"{part!r} is no field=day; leave the hidden columns as they are")
        return found

    def _tell(self, number: int, name: str, what: str) -> None:
        self.problems.append(f"{self.file}, sheet {SHEET}, cell {self._place(number, name)}: {what}.")

    def _place(self, number: int, name: str) -> str:
        return f"{chr(ord('A') + self.places[name])}{number}"


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ReviewRefusedError(f"{path.name} has more than 64 MiB; give the workbook of an assessment.")
        with zipfile.ZipFile(path) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > _MOST_UNPACKED:
                raise ReviewRefusedError(f"{path.name} unpacks to more than 1 GiB; give the workbook of an assessment.")
        return path.read_bytes()
    except FileNotFoundError:
        raise ReviewRefusedError(f"{path.name} does not exist; give the workbook of an assessment.") from None
    except zipfile.BadZipFile:
        raise ReviewRefusedError(f"{path.name} is no .xlsx workbook; give the workbook of an assessment.") from None


def _sheet(path: Path) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            if SHEET not in book.sheet_names:
                raise ReviewRefusedError(f"{path.name} has no sheet named {SHEET}; give the workbook of an assessment.")
            return [list(row) for row in book.get_sheet_by_name(SHEET).to_python(skip_empty_area=False)]
    except CalamineError as error:
        raise ReviewRefusedError(
            f"{path.name} cannot be read as a workbook ({error}); save it again as .xlsx."
        ) from error


def _cell(rows: list[list[Any]], row: int, column: int) -> Any:
    return rows[row][column] if len(rows) > row and len(rows[row]) > column else None


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        return None
