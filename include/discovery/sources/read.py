"""Read what tools deliver into the raw tables: every file, sheet and row is read, or told why not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from include.discovery.sources.connections import fill_connections, fill_fast
from include.discovery.sources.files import Taken, list_files, take
from include.discovery.sources.filling import NUMBERS, fill, make_plan, read_habits, with_numbers
from include.discovery.sources.formats import Format, load_formats
from include.discovery.sources.headers import plain
from include.discovery.sources.macros import cell_language
from include.discovery.sources.matching import UNREAD_SHEETS, Match, best_match, match
from include.discovery.sources.problems import RefusedError, refuse, tell
from include.discovery.sources.staging import TABLE, Stage
from include.discovery.sources.text import TextSheet, open_text
from include.discovery.sources.workbooks import WorkbookSheet, open_workbook
from include.discovery.tables import RAW, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from include.discovery.sources.casting import Reading
    from include.discovery.sources.settings import ReadingSettings

    Announce = Callable[[int, int, str], None]
    Sheet = TextSheet | WorkbookSheet

_NOTHING_TOLD: Final = "It is a file of another tool, or its header row is not within the first 20 rows."


def read_sources(
    paths: Sequence[Path], connection: Any, *, settings: ReadingSettings, announce: Announce | None = None
) -> None:
    """Read files and folders into the RAW tables of include/discovery/tables.py.

    :param paths: CSV files (also in .zip or .gz), workbooks, or folders of them.
    :param announce: told (files done, files in all, name) before each file.
    :raises FormatError: a format file of the settings does not keep to its schema.
    """
    create(connection, *RAW)
    formats = load_formats([Path(one) for one in settings.formats])
    reader = _Reader(connection, formats, settings)
    files: list[tuple[Path, str]] = []
    for path in paths:
        try:
            files += list_files(Path(path))
        except RefusedError as error:
            refuse(connection, Path(path).name, str(error))
    with cell_language(connection, settings):
        for done, (file, shown) in enumerate(files):
            if announce is not None:
                announce(done, len(files), shown)
            reader.read_file(file, shown)
    if announce is not None:
        announce(len(files), len(files), "read")


class _Reader:
    """Reads one file after the other into one connection; sources are numbered as they come."""

    def __init__(self, connection: Any, formats: Sequence[Format], settings: ReadingSettings) -> None:
        self.connection = connection
        self.formats = {one.name: one for one in formats}
        self.candidates = [one for one in formats if not self._is_companion(one, formats)]
        self.settings = settings
        self.known = {plain(header) for one in formats for column in one.columns for header in column.wanted}
        self.last_source = int(connection.execute("SELECT coalesce(max(source_id), 0) FROM sources").fetchone()[0])

    def read_file(self, file: Path, shown: str) -> None:
        """Read a file, or every member of an archive; what cannot be read is told and the rest goes on."""
        with tempfile.TemporaryDirectory(prefix="landfall-") as folder:
            try:
                for taken in take(file, shown, Path(folder), self.settings):
                    self._read_taken(_with_plain_name(taken, Path(folder)))
            except RefusedError as error:
                refuse(self.connection, shown, str(error))

    def _read_taken(self, taken: Taken) -> None:
        try:
            sheets = list(self._open(taken))
        except RefusedError as error:
            refuse(self.connection, taken.shown, str(error))
            return
        read_any = [self._read_sheet(sheet) for sheet in sheets]
        if sheets and not any(read_any) and taken.is_workbook:
            refuse(self.connection, taken.shown, f"No sheet of {taken.shown} has a format that is known; see above.")

    def _open(self, taken: Taken) -> Iterator[Sheet]:
        if not taken.is_workbook:
            yield open_text(taken, self.known)
            return
        for found in open_workbook(taken, self.settings):
            if isinstance(found, RefusedError):
                refuse(self.connection, taken.shown, str(found))
            else:
                yield found

    def _read_sheet(self, sheet: Sheet) -> bool:
        name = (sheet.name or Path(sheet.taken.shown).name).lower()
        found, nearest = best_match(self.candidates, sheet.head, name=name)
        if found is None:
            if name not in UNREAD_SHEETS:
                self._refuse_sheet(sheet, nearest)
            return False
        self._fill(sheet, found)
        for other in found.format.also:
            also = match(self.formats[other], found.headers, found.header_row)
            if also.fits:
                self._fill(sheet, also, is_companion=True)
        for table in (TABLE, NUMBERS):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}").fetchall()
        return True

    def _fill(self, sheet: Sheet, found: Match, *, is_companion: bool = False) -> None:
        self.last_source += 1
        source_id = self.last_source
        read, set_aside = self._fill_table(source_id, sheet, found)
        if not is_companion:
            tell(self.connection, source_id, sheet.problems, most=self.settings.told_per_column)
            self._tell_ignored(source_id, found)
        dropped = sum(one.drops_row for one in sheet.problems)
        taken = sheet.taken
        row = [source_id, taken.shown, sheet.name, found.format.name, found.format.tool, found.format.fills, read]
        row += [set_aside + dropped, taken.bytes, taken.sha256, sheet.encoding, sheet.delimiter, None]
        self.connection.execute(f"INSERT INTO sources VALUES ({', '.join('?' * len(row))})", row).fetchall()

    def _fill_table(self, source_id: int, sheet: Sheet, found: Match) -> tuple[int, int]:
        """Fill, the fast way where the sheet allows it; a large file that turns out bad is read again by record."""
        import duckdb

        used = sorted(found.used)
        if isinstance(sheet, TextSheet) and found.format.fills == "raw_connections":
            read = fill_fast(self.connection, source_id, sheet, found, _plain_habits())
            if read is not None:
                return read, 0
        stage = sheet.stage(self.connection, found, used)
        try:
            return self._fill_staged(source_id, found, stage)
        except duckdb.InvalidInputException:
            if not stage.parameters:
                raise
            self.connection.execute("DELETE FROM quarantine WHERE source_id = ?", [source_id]).fetchall()
            return self._fill_staged(source_id, found, sheet.stage_slowly(self.connection, found, used))

    def _fill_staged(self, source_id: int, found: Match, stage: Stage) -> tuple[int, int]:
        reading = read_habits(self.connection, found, stage, self.settings)
        plan = make_plan(found, reading)
        how = fill_connections if plan.table == "raw_connections" else fill
        whole = with_numbers(self.connection, stage, found, reading)
        return how(self.connection, source_id, plan, whole, settings=self.settings)

    def _tell_ignored(self, source_id: int, found: Match) -> None:
        used = set(found.used)
        for other in found.format.also:
            used |= match(self.formats[other], found.headers).used
        ignored = [
            [source_id, name.strip()] for index, name in enumerate(found.headers) if index not in used and plain(name)
        ]
        if ignored:
            self.connection.executemany("INSERT INTO ignored_columns VALUES (?, ?)", ignored)

    def _refuse_sheet(self, sheet: Sheet, nearest: Match | None) -> None:
        where = f"sheet {sheet.name} of {sheet.taken.shown}" if sheet.name else sheet.taken.shown
        if nearest is None:
            sentence = f"No format fits {where}: no known header was found. {_NOTHING_TOLD}"
        else:
            wanted = {column.name: column.wanted for column in nearest.format.columns}
            lacking = ", ".join(f"{name} ({' or '.join(wanted[name][:3]) or 'no header'})" for name in nearest.lacking)
            sentence = (
                f"No format fits {where}: {nearest.format.label} is nearest, but lacks {lacking}; add that column, or "
                "name its header in a format file of your own (reading.formats)."
            )
        refuse(self.connection, sheet.taken.shown, sentence, sheet.name)

    @staticmethod
    def _is_companion(one: Format, formats: Sequence[Format]) -> bool:
        return any(one.name in other.also for other in formats)


def _with_plain_name(taken: Taken, folder: Path) -> Taken:
    """Give a path that the database would take for a pattern another name."""
    from dataclasses import replace

    if not set(str(taken.path)) & set("*?[]"):
        return taken
    link = folder / f"plain{taken.path.suffix}"
    link.unlink(missing_ok=True)
    link.symlink_to(taken.path.resolve())
    return replace(taken, path=link)


def _plain_habits() -> Reading:
    from include.discovery.sources.casting import Reading as Habits

    return Habits(has_decimal_comma=False, day_first=frozenset(), odd=frozenset())
