"""What a run is about to write into the WAF sets, kept before it writes: addresses that a killed run wrote are ours.

`scanner/intents/<sequence>-<attempt>.json`. Without them a set that was changed by a run that never committed would
look as if people had edited it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The CIDRs that a run meant each set to hold; `as_of` is its time (aware)."""

    sequence: int
    run_id: str
    as_of: datetime
    sets: Mapping[str, frozenset[str]]

    def to_document(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {
            "sequence": self.sequence,
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "sets": {name: sorted(cidrs) for name, cidrs in self.sets.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Intent:
        """Read what `to_document` wrote."""
        return cls(
            sequence=document["sequence"],
            run_id=document["run_id"],
            as_of=datetime.fromisoformat(document["as_of"]),
            sets={name: frozenset(cidrs) for name, cidrs in document["sets"].items()},
        )


def keep_intent(store: ObjectStore, intent: Intent) -> str:
    """Write an intent as the next attempt of its sequence and return its key; the same one again is kept once."""
    attempt, document = 1, intent.to_document()
    while not store.put_if_absent(key := store.key("intents", f"{intent.sequence:08d}-{attempt:04d}.json"), document):
        if store.find_json(key) == document:
            return key
        attempt += 1
    return key


def intents_since(store: ObjectStore, sequence: int) -> tuple[Intent, ...]:
    """Return the intents of a sequence and later ones, oldest first: give that of the newest commit.

    An intent of the committed sequence itself may be a rival's that wrote its sets and then lost.
    """
    keys = store.list_keys("intents", "", after=store.key("intents", f"{sequence:08d}"))
    return tuple(Intent.from_document(store.get_json(key)) for key in keys)
