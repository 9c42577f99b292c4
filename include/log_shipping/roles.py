"""Who ships to whom now: decided by what both servers say, never by what was true at the last run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Mapping


class Situation(StrEnum):
    """What both states together mean."""

    SHIPPING = "shipping"
    """One side writes, the other takes logs."""
    SOURCE_UNREACHABLE = "source unreachable"
    """The side that takes logs answers, the other does not: what is copied can be restored, a failover can begin."""
    TARGET_UNREACHABLE = "target unreachable"
    """The side that writes answers, the other does not: backups go on, files wait."""
    NOT_SEEDED = "not seeded"
    """One side writes and the other has no such database."""
    SPLIT_BRAIN = "split brain"
    """Both sides write."""
    NOBODY_WRITES = "nobody writes"
    """Both sides take logs: a failover or failback stands between fence and recovery."""
    UNUSABLE = "unusable"
    """A side is in no state that shipping knows, as SUSPECT or read-only."""
    BOTH_UNREACHABLE = "both unreachable"
    MISSING = "missing"
    """Neither side has the database, or the only side that answers has not."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A server that did not answer, and why."""

    reason: str


Seen: TypeAlias = DatabaseState | Unreachable | None
"""What was seen of a database on a server; None: the server answers and has no such database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The direction of shipping for one database.

    :ivar source: name of the server that writes, or that wrote before it was lost.
    :ivar target: name of the server that takes logs, or should.
    :ivar is_reversed: whether that is the opposite of the configuration: a failover has happened.
    :ivar sentence: what was seen, for a person.
    """

    situation: Situation
    source: str
    target: str
    is_reversed: bool
    sentence: str

    @property
    def can_restore(self) -> bool:
        """Whether the target takes logs now."""
        return self.situation in {Situation.SHIPPING, Situation.SOURCE_UNREACHABLE}

    @property
    def can_back_up(self) -> bool:
        """Whether the source's log can be backed up now."""
        return self.situation in {Situation.SHIPPING, Situation.TARGET_UNREACHABLE, Situation.NOT_SEEDED}


def decide_roles(database: str, *, primary: str, secondary: str, seen: Mapping[str, Seen]) -> Roles:
    """Return who ships to whom for a database whose configured direction is `primary` to `secondary`.

    :param seen: what each of the two servers says, by server name.
    """
    first, second = seen[primary], seen[secondary]
    reverse = _writes(second) or (_takes_logs(first) and not _takes_logs(second) and not _writes(second))
    if _writes(first) and _writes(second):
        reverse = False
    source, target = (secondary, primary) if reverse else (primary, secondary)
    situation = _situation(seen[source], seen[target])
    told = f"{database} is {_told(first)} on {primary} and {_told(second)} on {secondary}"
    return Roles(
        situation=situation,
        source=source,
        target=target,
        is_reversed=reverse,
        sentence=f"{told}: {_MEANINGS[situation].format(source=source, target=target)}",
    )


_MEANINGS: Mapping[Situation, str] = {
    Situation.SHIPPING: "logs go from {source} to {target}.",
    Situation.SOURCE_UNREACHABLE: "{target} restores what is copied; nothing new comes from {source}.",
    Situation.TARGET_UNREACHABLE: "{source} is backed up and the files wait for {target}.",
    Situation.NOT_SEEDED: "run log_shipping_configure to seed {target}.",
    Situation.SPLIT_BRAIN: "both take writes, so nothing is shipped; a person decides which one is right, fences the "
    "other, and runs log_shipping_fail_back.",
    Situation.NOBODY_WRITES: "a failover or failback stopped before recovery; go on with that run, or recover the "
    "side that is to write.",
    Situation.UNUSABLE: "mend the side that is in neither of the two states, then run again.",
    Situation.BOTH_UNREACHABLE: "neither server answers.",
    Situation.MISSING: "check the name in the configuration.",
}


def _situation(source: Seen, target: Seen) -> Situation:
    """Judge the pair; `source` is the side that writes, where there is one."""
    if isinstance(source, Unreachable):
        return _situation_without_a_source(target)
    if source is None:
        return Situation.MISSING
    if source.is_writable:
        return _situation_beside_a_writer(target)
    return Situation.NOBODY_WRITES if source.takes_logs and _takes_logs(target) else Situation.UNUSABLE


def _situation_without_a_source(target: Seen) -> Situation:
    if isinstance(target, Unreachable):
        return Situation.BOTH_UNREACHABLE
    if target is None:
        return Situation.MISSING
    return Situation.SOURCE_UNREACHABLE if target.takes_logs else Situation.UNUSABLE


def _situation_beside_a_writer(target: Seen) -> Situation:
    if isinstance(target, Unreachable):
        return Situation.TARGET_UNREACHABLE
    if target is None:
        return Situation.NOT_SEEDED
    if target.is_writable:
        return Situation.SPLIT_BRAIN
    return Situation.SHIPPING if target.takes_logs else Situation.UNUSABLE


def _writes(seen: Seen) -> bool:
    return isinstance(seen, DatabaseState) and seen.is_writable


def _takes_logs(seen: Seen) -> bool:
    return isinstance(seen, DatabaseState) and seen.takes_logs


def _told(seen: Seen) -> str:
    if isinstance(seen, Unreachable):
        return f"out of reach ({seen.reason})"
    return "not there" if seen is None else seen.describe()
