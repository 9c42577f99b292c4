"""Text that becomes part of a statement: identifiers, string literals, numbers and times, each in one form only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

MAX_IDENTIFIER: Final = 128
"""UTF-16 units of a sysname."""
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One batch. Without parameters the text is sent as it is; with them `%` begins a place holder of pymssql."""

    text: str
    parameters: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.text


def identifier(name: str) -> str:
    """Return a delimited identifier: `[name]`, a closing bracket doubled.

    :raises ValueError: it is empty, longer than 128 UTF-16 units, or holds control characters or half characters.
    """
    if not name or _UNSAFE.search(name) or len(name.encode("utf-16-le")) > 2 * MAX_IDENTIFIER:
        raise ValueError(f"{name!r} is no name: give 1 to {MAX_IDENTIFIER} characters without control characters.")
    return "[" + name.replace("]", "]]") + "]"


def literal(text: str) -> str:
    """Return a Unicode string literal: `N'text'`, a quote doubled.

    :raises ValueError: it holds control characters or half characters.
    """
    if _UNSAFE.search(text):
        raise ValueError(f"{text!r} holds control characters: remove them.")
    return "N'" + text.replace("'", "''") + "'"


def number(value: int) -> str:
    """Return a whole number; bool is refused, since True would become 1 unseen."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number.")
    return str(value)


def bit(value: bool) -> str:
    """Return 1 or 0."""
    return "1" if value else "0"


def moment(at: datetime) -> str:
    """Return a time as a literal of datetime2, in the one form that no language setting reads otherwise.

    :param at: without a zone: the server's local time, or UTC, as the place it goes to wants.
    :raises ValueError: it has a zone, which SQL Server's datetime would drop.
    """
    if at.tzinfo is not None:
        raise ValueError(f"{at.isoformat()} has a zone: convert it to the time of the server and drop the zone.")
    return literal(at.isoformat(timespec="milliseconds"))


def guid(value: UUID | str) -> str:
    """Return a uniqueidentifier as a literal."""
    return literal(str(value))


def optional(value: str | None) -> str:
    """Return a string literal, or NULL."""
    return "NULL" if value is None else literal(value)


def optional_moment(at: datetime | None) -> str:
    """Return a literal of a time, or NULL."""
    return "NULL" if at is None else moment(at)


def joined(*parts: str) -> Statement:
    """Join fixed fragments and quoted parts with blanks to one statement."""
    return Statement(" ".join(part for part in parts if part))


def inside(database: str, *parts: str) -> Statement:
    """Return a batch that runs in a database and leaves the connection in master.

    A connection whose current database is the one being restored would block its own RESTORE (3101).
    """
    return Statement("".join(["USE ", identifier(database), "; ", " ".join(parts), "; USE [master];"]))


def listed(parts: Sequence[str]) -> str:
    """Join parts with commas."""
    return ", ".join(parts)
