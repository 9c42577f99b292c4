"""Find which format a sheet has, and which of its columns fills what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from include.discovery.sources.headers import plain, without_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.discovery.sources.formats import Column, Format

ROWS_LOOKED_AT: Final = 20
UNREAD_SHEETS: Final = frozenset(
    "vusb vcd vfloppy vsnapshot vtools vsource vrp vcluster vhba vnic vswitch vport dvswitch dvport vsc_vmk vdatastore "
    "vmultipath vlicense vfileinfo vhealth vmetadata".split()
)
"""Sheets of RVTools that tell nothing about machines; an export of it has them all, and that is no fault."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the sheet that serves: its index from 0, header as written, and the unit that its header tells."""

    index: int
    header: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How one column of the table is filled from the sheet.

    :param cells: by preference, or all to be added when the column says so.
    """

    column: Column
    cells: tuple[Cell, ...] = ()
    subtract_from: tuple[Cell, ...] = ()
    percent_of: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A format that fits a sheet.

    :param header_row: index from 0 of the row that holds the headers.
    """

    format: Format
    header_row: int
    headers: tuple[str, ...]
    fillings: Mapping[str, Filling] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    is_refused: bool = False

    @property
    def used(self) -> frozenset[int]:
        """Indexes of the sheet's columns that serve."""
        cells = [cell for one in self.fillings.values() for cell in (*one.cells, *one.subtract_from, *one.percent_of)]
        return frozenset(cell.index for cell in cells)

    @property
    def fits(self) -> bool:
        """Whether all required columns are there and no header speaks against the format."""
        return not self.lacking and not self.is_refused


def match(one: Format, headers: Sequence[str], header_row: int = 0) -> Match:
    """Map a format's columns on headers, whether it fits or not."""
    index = _Index(headers)
    fillings = {column.name: found for column in one.columns if (found := _fill(column, index)) is not None}
    return Match(
        format=one,
        header_row=header_row,
        headers=tuple(headers),
        fillings=fillings,
        lacking=tuple(name for name in one.requires if name not in fillings),
        is_refused=any(plain(header) in index.plain for header in one.refuses),
    )


def best_match(
    formats: Sequence[Format], rows: Sequence[Sequence[str]], *, name: str
) -> tuple[Match | None, Match | None]:
    """Return the match of the format that fits best, and the nearest one when none fits.

    :param rows: the first rows of the sheet.
    :param name: of the sheet or file, in lower case: it settles ties.
    """
    best: tuple[tuple[int, int, int, str], Match] | None = None
    nearest: tuple[tuple[float, int], Match] | None = None
    for number, headers in enumerate(rows[:ROWS_LOOKED_AT]):
        if sum(1 for header in headers if plain(header)) < 2:
            continue
        for one in formats:
            found = match(one, headers, number)
            hint = max((len(word) for word in one.names if word in name), default=0)
            if found.fits:
                key = (len(found.used), hint, -number, one.name)
                best = max(best, (key, found), key=lambda pair: pair[0]) if best else (key, found)
            elif found.used and not found.is_refused:
                near = (1 - len(found.lacking) / max(len(one.requires), 1), len(found.used))
                nearest = max(nearest, (near, found), key=lambda pair: pair[0]) if nearest else (near, found)
    return (best[1] if best else None), (nearest[1] if nearest else None)


class _Index:
    """The headers of a sheet by what they are compared by; of two equal ones the first counts."""

    def __init__(self, headers: Sequence[str]) -> None:
        self.headers = headers
        self.plain: dict[str, int] = {}
        self.bare: dict[str, dict[str, tuple[int, str]]] = {"size": {}, "rate": {}, "percent": {}}
        for number, header in enumerate(headers):
            if not plain(header):
                continue
            self.plain.setdefault(plain(header), number)
            for kind, known in self.bare.items():
                base, unit = without_unit(header, kind)
                known.setdefault(base, (number, unit))

    def find(self, wanted: Sequence[str], kind: str) -> tuple[Cell, ...]:
        """Return the sheet's columns for headers, exact ones first, each once."""
        found: dict[int, Cell] = {}
        for header in wanted:
            number = self.plain.get(plain(header))
            if number is not None:
                unit = without_unit(self.headers[number], kind)[1] if kind == "size" else ""
                found.setdefault(number, Cell(number, self.headers[number], unit))
        if not found and kind in self.bare:
            for header in wanted:
                near = self.bare[kind].get(without_unit(header, kind)[0])
                if near is not None:
                    found.setdefault(near[0], Cell(near[0], self.headers[near[0]], near[1]))
        return tuple(found.values())


def _fill(column: Column, index: _Index) -> Filling | None:
    if column.constant is not None:
        return Filling(column=column)
    cells = index.find(column.wanted, column.kind)
    subtract_from = index.find(column.subtract_from, column.kind)
    percent_of = index.find(column.percent_of, "size")
    is_whole = (
        bool(cells) and bool(subtract_from or not column.subtract_from) and bool(percent_of or not column.percent_of)
    )
    if is_whole:
        return Filling(column=column, cells=cells, subtract_from=subtract_from, percent_of=percent_of)
    return _fill(column.otherwise, index) if column.otherwise else None
