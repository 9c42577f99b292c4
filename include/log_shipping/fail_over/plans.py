"""What a run of fail over or fail back is to do: written once by its first task, followed by all others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.outcomes import RunRecords

PLAN, REFUSAL = "plan.json", "refusal.json"


class Mode(StrEnum):
    """Why the databases move, which decides what is asked for and what may be missing."""

    DRILL = "drill"
    PLANNED = "planned"
    DISASTER = "disaster"
    REVERSE = "reverse"
    RESEED = "reseed"

    @property
    def needs_source(self) -> bool:
        """Whether the current primary must answer; without it only a disaster goes on, and a drill from files."""
        return self in {Mode.PLANNED, Mode.REVERSE, Mode.RESEED}

    @property
    def is_fail_back(self) -> bool:
        """Whether the databases return to the server that the configuration calls their primary."""
        return self in {Mode.REVERSE, Mode.RESEED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One database on its way: it is fenced on `source` and recovered on `target` (names of the configuration).

    :ivar copy: the name of the scratch copy that a drill restores beside the target; empty otherwise.
    """

    database: str
    source: str
    target: str
    copy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOverPlan:
    """The orders of a run.

    :ivar asked_at: when the run was triggered (aware): RTO counts from here, and no loss is counted behind it.
    :ivar rollback_backup: take a full backup after activity stopped and before the tail.
    :ivar refused: databases that were asked for and cannot move, with the sentence why.
    """

    mode: Mode
    reason: str
    asked_by: str | None
    asked_at: datetime
    moves: tuple[Move, ...]
    rollback_backup: bool = False
    refused: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return asdict(self) | {
            "mode": self.mode.value,
            "asked_at": self.asked_at.isoformat(),
            "moves": [asdict(move) for move in self.moves],
            "refused": dict(self.refused),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> FailOverPlan:
        """Read what `to_dict` wrote."""
        fields = dict(document)
        fields["mode"] = Mode(fields["mode"])
        fields["asked_at"] = datetime.fromisoformat(fields["asked_at"])
        fields["moves"] = tuple(Move(**move) for move in fields["moves"])
        return cls(**fields)


def write_plan(records: RunRecords, plan: FailOverPlan) -> str:
    """Write the plan of a run, over the one of an earlier try, and return its URI."""
    return records.store.put_json(records.key(PLAN), plan.to_dict())


def write_refusal(records: RunRecords, sentence: str) -> None:
    """Keep why a run may not go on, for its report."""
    records.store.put_json(records.key(REFUSAL), {"sentence": sentence})


def find_refusal(records: RunRecords) -> str | None:
    """Return why the run may not go on, None when nothing was refused."""
    found = records.store.find_json(records.key(REFUSAL))
    return None if found is None else str(found["sentence"])


def find_plan(records: RunRecords) -> FailOverPlan | None:
    """Return the plan of a run, None before its first task wrote it."""
    found = records.store.find_json(records.key(PLAN))
    return None if found is None else FailOverPlan.from_dict(found)


def load_plan(records: RunRecords) -> FailOverPlan:
    """Return the plan of a run; raises LookupError before its first task wrote it."""
    plan = find_plan(records)
    if plan is None:
        raise LookupError(f"{records.uri}{PLAN} does not exist: the first task of the run has to write it.")
    return plan
