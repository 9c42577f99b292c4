"""Tell two plans apart: which groups changed waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Moved:
    """A group whose waves differ; an empty tuple says that the plan does not have it."""

    application_group: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    reason: str


def read_plan(connection: Any) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return (waves, reason) by group of the table `waves`."""
    rows = connection.execute(
        "SELECT application_group, list(wave ORDER BY wave), first(reason ORDER BY wave) FROM waves "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {name: (tuple(waves), reason) for name, waves, reason in rows}


def compare(
    before: Mapping[str, tuple[tuple[int, ...], str]], after: Mapping[str, tuple[tuple[int, ...], str]]
) -> list[Moved]:
    """Return the groups that moved, came or went, by name, with the new plan's reason."""
    nothing: tuple[tuple[int, ...], str] = ((), "")
    moved = []
    for name in sorted(before.keys() | after.keys()):
        was, (now, reason) = before.get(name, nothing)[0], after.get(name, nothing)
        if was != now:
            told = reason if was and now else "The group is new." if now else "The group is gone."
            moved.append(Moved(name, was, now, told))
    return moved
