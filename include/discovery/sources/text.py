"""Open a delimited text file: its encoding, its delimiter, its first rows, and its rows on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from include.discovery.sources.encodings import UTF_8, Look, look
from include.discovery.sources.headers import plain
from include.discovery.sources.matching import ROWS_LOOKED_AT
from include.discovery.sources.problems import Problem
from include.discovery.sources.records import DELIMITERS, read_lines, read_records
from include.discovery.sources.staging import Stage, stage_csv, stage_records

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from include.discovery.sources.files import Taken
    from include.discovery.sources.matching import Match

LARGE_BYTES: Final = 2_000_000_000
_MOST_TOLD: Final = 10_000


@dataclass(slots=True, kw_only=True)
class TextSheet:
    """A text file seen as one sheet.

    :param head: the first rows.
    :param problems: rows that could not be read; filled by staging.
    """

    taken: Taken
    looked: Look
    delimiter: str
    head: list[list[str]]
    name: str | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def encoding(self) -> str:
        """For people: utf-8, cp1252, utf-16, or both of a mixed file."""
        mixed = any(not one.drops_row for one in self.problems)
        return f"{UTF_8}, cp1252" if mixed else self.looked.encoding

    @property
    def is_clean(self) -> bool:
        """Whether the database may read the file itself."""
        return self.looked.is_clean

    @property
    def is_large(self) -> bool:
        """Whether the file is better read twice than kept."""
        return self.taken.path.stat().st_size > LARGE_BYTES

    def stage(self, connection: Any, found: Match, used: Sequence[int]) -> Stage:
        """Bring the used columns into the database, the fast way where that works."""
        import duckdb

        if self.is_clean:
            try:
                return stage_csv(
                    connection,
                    str(self.taken.path),
                    width=len(found.headers),
                    used=used,
                    delimiter=self.delimiter,
                    header_row=found.header_row,
                    is_large=self.is_large,
                )
            except duckdb.Error:
                self.looked = Look(self.looked.encoding, is_clean=False)
        return self.stage_slowly(connection, found, used)

    def stage_slowly(self, connection: Any, found: Match, used: Sequence[int]) -> Stage:
        """Bring the used columns into the database record by record; bad rows become problems."""
        self.problems.clear()
        self.looked = Look(self.looked.encoding, is_clean=False)
        return stage_records(connection, used, self._records(found))

    def _records(self, found: Match) -> Iterator[tuple[int, Sequence[str | None]]]:
        lines = read_lines(self.taken.path, self.looked.encoding)
        is_mixed = False
        width = len(found.headers)
        for row, fields, problem in read_records(lines, self.delimiter):
            if problem is not None and (problem.drops_row or len(self.problems) < _MOST_TOLD):
                self.problems.append(problem)
            is_mixed = is_mixed or (problem is None and fields is not None and not all(map(str.isascii, fields)))
            if fields is None or row <= found.header_row + 1 or not any(fields):
                continue
            if len(fields) < width or any(fields[width:]):
                self.problems.append(_misshapen(row, fields, width))
                continue
            yield row, fields
        if not is_mixed:
            self.problems[:] = [one for one in self.problems if one.drops_row]


def open_text(taken: Taken, known: Collection[str]) -> TextSheet:
    """Open a text file.

    :param known: all plain headers that any format maps; they tell the delimiter.
    :raises RefusedError: it is no text.
    """
    looked = look(taken.path, taken.shown)
    lines = list(islice(read_lines(taken.path, looked.encoding), ROWS_LOOKED_AT))
    heads = {sign: _head(lines, sign) for sign in DELIMITERS}
    best = max(DELIMITERS, key=lambda sign: (_score(heads[sign], known), -DELIMITERS.index(sign)))
    is_simple = all(line.count('"') % 2 == 0 for line, _ in lines) and all(line.strip() for line, _ in lines)
    return TextSheet(
        taken=taken, looked=Look(looked.encoding, looked.is_clean and is_simple), delimiter=best, head=heads[best]
    )


def _head(lines: list[tuple[str, bool]], delimiter: str) -> list[list[str]]:
    return [fields or [] for _, fields, _ in read_records(lines, delimiter)]


def _score(head: list[list[str]], known: Collection[str]) -> tuple[int, int]:
    hits = max((sum(plain(name) in known for name in row) for row in head), default=0)
    return hits, max((len(row) for row in head), default=0)


def _misshapen(row: int, fields: list[str], width: int) -> Problem:
    sentence = (
        f"Row {row} has {len(fields)} fields and the header {width}; quote fields that hold the delimiter, "
        "and complete the row."
    )
    return Problem(row, " | ".join(fields), sentence)
