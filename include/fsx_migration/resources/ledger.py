"""What a migration created or adopted: intents first, ARNs after, in the order of creation (`resources.json`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from include.fsx_migration.workplace import Workplace

_TRIES = 20


class Origin(StrEnum):
    """Whose a resource is: only what was created here is ever deleted."""

    INTENDED = "intended"
    CREATED = "created"
    ADOPTED = "adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource of the migration.

    :param generation: counts the resources that had this role (and agent) before and were removed.
    :param arn: empty while it is only intended.
    """

    role: str
    agent: str = ""
    generation: int = 0
    arn: str = ""
    origin: Origin = Origin.INTENDED
    removed: bool = False

    def stands_for(self, role: str, agent: str) -> bool:
        """Whether it is the living entry of a role and agent."""
        return not self.removed and (self.role, self.agent) == (role, agent)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries, in the order in which they were intended, and the document of what is ready for transfers."""

    entries: tuple[Entry, ...] = ()
    ready: Mapping[str, Any] | None = None

    def living(self, role: str, agent: str = "") -> Entry | None:
        """Return the living entry of a role."""
        return next((entry for entry in self.entries if entry.stands_for(role, agent)), None)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {"entries": [asdict(entry) for entry in self.entries], "ready": self.ready}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Ledger:
        """Read what `to_dict` wrote."""
        entries = tuple(Entry(**{**entry, "origin": Origin(entry["origin"])}) for entry in document["entries"])
        return cls(entries, document.get("ready"))


def read_ledger(place: Workplace) -> Ledger:
    """Return the ledger, empty before the first intent."""
    found = place.store.find_json(place.places.resources)
    return Ledger.from_dict(found) if found else Ledger()


def intend(place: Workplace, role: str, agent: str = "") -> Entry:
    """Return the living entry of a role, noted as an intent when there is none."""

    def edit(ledger: Ledger) -> Ledger:
        if ledger.living(role, agent):
            return ledger
        generation = sum(1 for entry in ledger.entries if (entry.role, entry.agent) == (role, agent))
        entry = Entry(role=role, agent=agent, generation=generation)
        return replace(ledger, entries=(*ledger.entries, entry))

    return _living(_change(place, edit), role, agent)


def settle(place: Workplace, entry: Entry, *, arn: str, origin: Origin, over: str = "") -> str:
    """Note the ARN of an intended resource, and return the ARN that counts.

    :param over: the noted ARN that is known to be gone; any other noted one wins over `arn`: of two workers that
        created at once both go on with the resource that was noted first.
    """

    def edit(ledger: Ledger) -> Ledger:
        return replace(ledger, entries=tuple(_settled(known) for known in ledger.entries))

    def _settled(known: Entry) -> Entry:
        if known.stands_for(entry.role, entry.agent) and known.arn in ("", over):
            return replace(known, arn=arn, origin=origin)
        return known

    return _living(_change(place, edit), entry.role, entry.agent).arn


def note_ready(place: Workplace, ready: Mapping[str, Any] | None) -> None:
    """Write what transfers work with; None takes it away."""
    _change(place, lambda ledger: replace(ledger, ready=ready))


def forget(place: Workplace, arns: Collection[str]) -> None:
    """Mark the entries of removed resources; later ones of the same role are new generations."""

    def edit(ledger: Ledger) -> Ledger:
        entries = (replace(entry, removed=True) if entry.arn in arns else entry for entry in ledger.entries)
        return replace(ledger, entries=tuple(entries))

    _change(place, edit)


def _living(ledger: Ledger, role: str, agent: str) -> Entry:
    found = ledger.living(role, agent)
    if found is None:
        raise RuntimeError(f"resources.json lost its entry of {role} {agent} while it was worked with; try again.")
    return found


def _change(place: Workplace, edit: Callable[[Ledger], Ledger]) -> Ledger:
    key = place.places.resources
    for _ in range(_TRIES):
        found = place.store.find_versioned_json(key)
        before = Ledger.from_dict(found[0]) if found else Ledger()
        after = edit(before)
        if after == before:
            return before
        document = after.to_dict()
        done = (
            place.store.put_if_unchanged(key, document, etag=found[1])
            if found
            else place.store.put_if_absent(key, document)
        )
        if done:
            return after
    raise RuntimeError(f"{key} was changed by others {_TRIES} times in a row; see who else runs this migration.")
