"""Columns of a delivered file: where each comes from, how it is written and what must be true of what was written.

One rule for cells of every CSV file, see docs/discovery/outputs.md: text that a spreadsheet would take for a formula
gets
an apostrophe in front (OWASP, "CSV Injection"); numbers have at most six decimals, no exponent and no trailing zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width forms of the first four, which some spreadsheets take for them."""
_STARTS: Final = "(" + ", ".join(f"chr({ord(sign)})" for sign in FORMULA_STARTS) + ")"
_FORMULA: Final = "(({0} < 'A' OR {0} >= chr(65280)) AND left({0}, 1) IN " + _STARTS + ")"
"""Every such sign sorts before `A` or after U+FF00; most cells do not, and a comparison is cheaper than cutting."""


EMPTY: Final = "NULL"
"""Value of a column that other tools want and nobody here knows."""


class Kind(StrEnum):
    """How a value is written and read back."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"


_DECIMAL: Final = "rtrim(rtrim(CAST(CAST({{0}} AS DECIMAL({0}, 6)) AS VARCHAR), '0'), '.')"
_WRITTEN: Final = {
    Kind.TEXT: "CASE WHEN " + _FORMULA + " THEN '''' || {0} ELSE nullif({0}, '') END",
    Kind.NUMBER: "CASE WHEN abs({0}) < 1e11 THEN "
    + _DECIMAL.format("18")
    + " WHEN isfinite({0}) THEN "
    + _DECIMAL.format("30")
    + " END",
    Kind.INTEGER: "CAST({0} AS VARCHAR)",
    Kind.MONEY: "CAST(CAST({0} AS DECIMAL(18, 2)) AS VARCHAR)",
    Kind.BOOLEAN: "CAST({0} AS VARCHAR)",
    Kind.DATE: "strftime({0}, '%Y-%m-%d')",
    Kind.TIME: "strftime({0}, '%Y-%m-%dT%H:%M:%SZ')",
}
_READ_AS: Final = {
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.MONEY: "DECIMAL(18, 2)",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIME: "TIMESTAMP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a delivered file.

    :param value: SQL over the file's `rows`; empty: the column of that name.
    :param private: kind of name it holds (server, address, person, ...), for the anonymised export; empty: none.
    """

    name: str
    kind: Kind = Kind.TEXT
    value: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    private: str = ""

    @property
    def source(self) -> str:
        """The SQL of the value as it is in the tables."""
        return self.value or f'"{self.name}"'

    @property
    def written(self) -> str:
        """The SQL of the cell's text, over rows that have the column."""
        return EMPTY if self.source == EMPTY else _WRITTEN[self.kind].format(f'"{self.name}"')

    @property
    def faults(self) -> list[tuple[str, str]]:
        """(SQL condition that no cell may meet, what it means) over a file read back as text."""
        cell, found = f'"{self.name}"', []
        if self.source == EMPTY:
            return [(f"{cell} IS NOT NULL", "is not empty")]
        if self.required:
            found.append((f"{cell} IS NULL", "is empty"))
        if self.choices:
            found.append(
                (f"{cell} NOT IN ({', '.join(_quoted(one) for one in self.choices)})", "is none of its choices")
            )
        if self.kind is Kind.TEXT:
            found.append((_FORMULA.format(cell), "begins like a formula"))
        else:
            found.append(
                (f"{cell} IS NOT NULL AND TRY_CAST({cell} AS {_READ_AS[self.kind]}) IS NULL", f"is no {self.kind}")
            )
        if self.minimum is not None:
            found.append((f"TRY_CAST({cell} AS DOUBLE) < {self.minimum}", f"is below {self.minimum:g}"))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A delivered CSV file.

    :param path: below the folder of the assessment.
    :param rows: SQL after FROM.
    :param key: columns whose values are unique together; empty: rows may repeat.
    :param order: SQL of the order; the key when empty. All columns follow, so that no order is left to chance.
    """

    path: str
    title: str
    rows: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    order: str = ""

    @property
    def query(self) -> str:
        """SELECT of the cells as text, in order."""
        # the typed rows are sorted and written as text afterwards: half the time of sorting the texts
        typed = ", ".join(f'{column.source} AS "{column.name}"' for column in self.columns if column.source != EMPTY)
        order = [self.order or ", ".join(self._source(name) for name in self.key)]
        if not self.key:
            order += [f'"{column.name}"' for column in self.columns if column.source != EMPTY]
        sorted_rows = f"SELECT {typed} FROM {self.rows} ORDER BY {', '.join(part for part in order if part)}"  # own SQL
        cells = ", ".join(f'{column.written} AS "{column.name}"' for column in self.columns)
        return f"SELECT {cells} FROM ({sorted_rows})"  # own SQL

    @property
    def names(self) -> list[str]:
        """The header."""
        return [column.name for column in self.columns]

    def _source(self, name: str) -> str:
        return next(column.source for column in self.columns if column.name == name)


def text(
    name: str, value: str = "", *, required: bool = False, private: str = "", choices: tuple[str, ...] = ()
) -> Column:
    """Return a column of text."""
    return Column(name=name, value=value, required=required, private=private, choices=choices)


def number(
    name: str, value: str = "", *, kind: Kind = Kind.NUMBER, required: bool = False, minimum: float | None = None
) -> Column:
    """Return a column of numbers, dates or truth values."""
    return Column(name=name, value=value, kind=kind, required=required, minimum=minimum)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
