"""Write down what could not be read: refusals of files and sheets, and single values and rows set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

VALUE_LENGTH = 200


class RefusedError(ValueError):
    """A file or sheet cannot be read; the message is the sentence for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about one row that a reader met before any column was looked at.

    :param drops_row: the row is not read; else it is read and this is told.
    """

    row: int
    value: str
    sentence: str
    drops_row: bool = True


def refuse(connection: Any, file: str, sentence: str, sheet: str | None = None) -> None:
    """Add a refusal."""
    connection.execute("INSERT INTO refusals VALUES (?, ?, NULL, ?)", [file, sheet, sentence]).fetchall()


def tell(connection: Any, source_id: int, problems: Sequence[Problem], *, most: int) -> None:
    """Add row problems to `quarantine`, the first ones by name and the rest as one count."""
    rows = [[source_id, one.row, one.value[:VALUE_LENGTH], one.sentence] for one in problems[:most]]
    if len(problems) > most:
        rows.append(
            [source_id, problems[most].row, None, f"{len(problems) - most} more rows have problems like these."]
        )
    if rows:
        connection.executemany("INSERT INTO quarantine VALUES (?, ?, NULL, ?, ?)", rows)
