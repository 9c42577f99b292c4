"""Lead clients over and back: what shall be is written first, then the name is changed, read again, and noted.

`cut_over/switch.json` has every move, in order, with who wanted it. A worker that is killed anywhere leaves either the
name as it was or a move without its end, and the next try finds out which by reading the name.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.client_name.names import NameContestedError, called, point_name, read_name, same_name
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources.file_systems import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.fsx_migration.client_name.names import Said
    from include.fsx_migration.workplace import Workplace

SWITCH: Final = "switch.json"
OUTCOME: Final = "outcome.json"
_TRIES: Final = 20


class State(StrEnum):
    """Where clients are, in `cut_over/outcome.json`; `fsx_migration_clean_up` asks for one of the last two."""

    SWITCHING = "switching"
    DONE = "done"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of the name; `done` is None until it was read back."""

    to: str
    before: str
    run: str
    why: str
    intended: datetime
    done: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        times = {"intended": self.intended.isoformat(), "done": self.done.isoformat() if self.done else None}
        return {**asdict(self), **times}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Move:
        """Read what `to_dict` wrote."""
        done = document["done"]
        times = {"intended": datetime.fromisoformat(document["intended"])}
        return cls(**{**document, **times, "done": datetime.fromisoformat(done) if done else None})


def new_value(place: Workplace) -> str:
    """Return what the name says after the cut-over: the definition's value, else the file system's DNS name."""
    return place.migration.cut_over.new_value or describe(place).dns_name


def moves(place: Workplace) -> tuple[Move, ...]:
    """Return every move of the name, in order."""
    found = place.store.find_json(place.places.cut_over(SWITCH)) or {"moves": []}
    return tuple(Move.from_dict(document) for document in found["moves"])


def require_clients_on_source(place: Workplace) -> None:
    """Let nothing write to the target by DataSync while clients do: it would undo and delete their work.

    :raises RefusedError: clients were led over, or may have been.
    """
    outcome = place.store.find_json(place.places.cut_over(OUTCOME)) or {}
    if outcome.get("state", State.ROLLED_BACK) == State.ROLLED_BACK:
        return
    said, old = read_name(place).value, place.migration.cut_over.old_value
    if not same_name(said, old):
        raise RefusedError(
            f"{called(place.migration.cut_over.name)} leads clients of {place.migration.name} to {said}: a pass would "
            "overwrite and delete what they write there. Run fsx_migration_roll_back first, if you mean it."
        )


def lead_clients(
    place: Workplace, *, to: str, expect: str, run: str, why: str, pause: Callable[[float], None] = time.sleep
) -> Move:
    """Make the name say `to`; it may say so already.

    :param expect: what it has to say otherwise: somebody's own change is never overwritten.
    :param run: `<dag id>/<run id>`.
    :raises NameContestedError: the name says something else, or says it after the change; nothing is undone.
    """
    said = require_known(place, to, expect)
    needed = not same_name(said.value, to)
    intended = Move(to=to, before=said.value, run=run, why=why, intended=place.now())
    move = _intend(place, intended, needed=needed)
    if needed:
        point_name(place, said=said, to=to, pause=pause)
    found = read_name(place).value
    if not same_name(found, to):
        raise NameContestedError(
            f"{called(place.migration.cut_over.name)} was set to {to} and says {found}: somebody else changes it too."
        )
    return _note_done(place, move)


def require_known(place: Workplace, *values: str) -> Said:
    """Return what the name says, when it is one of these values.

    :raises NameContestedError: it says something else.
    """
    said = read_name(place)
    if any(same_name(said.value, value) for value in values):
        return said
    raise NameContestedError(
        f"{called(place.migration.cut_over.name)} says {said.value}, which is none of {', '.join(values)}: somebody "
        "else changed it. Agree with them what it shall say, then clear this task."
    )


def _intend(place: Workplace, move: Move, *, needed: bool) -> Move:
    """Write a move before it is made; what a killed or repeated task wrote before is taken up."""

    def edit(known: tuple[Move, ...]) -> tuple[Move, ...]:
        last = known[-1] if known else None
        repeated = last is not None and (last.to, last.run) == (move.to, move.run)
        if last is not None and repeated and (last.done is None or not needed):
            return known
        return (*known, move)

    return _change(place, edit)[-1]


def _note_done(place: Workplace, move: Move) -> Move:
    at = place.now()

    def edit(known: tuple[Move, ...]) -> tuple[Move, ...]:
        last = known[-1]
        return (*known[:-1], replace(last, done=last.done or at)) if last.to == move.to else known

    return _change(place, edit)[-1]


def _change(place: Workplace, edit: Callable[[tuple[Move, ...]], tuple[Move, ...]]) -> tuple[Move, ...]:
    key = place.places.cut_over(SWITCH)
    for _ in range(_TRIES):
        found = place.store.find_versioned_json(key)
        before = tuple(Move.from_dict(document) for document in found[0]["moves"]) if found else ()
        after = edit(before)
        if after == before:
            return before
        document = {"name": called(place.migration.cut_over.name), "moves": [move.to_dict() for move in after]}
        kept = place.store.put_if_unchanged(key, document, etag=found[1]) if found else None
        if kept if found else place.store.put_if_absent(key, document):
            return after
    raise RuntimeError(f"{key} was changed by others {_TRIES} times in a row: see who else runs this migration.")
