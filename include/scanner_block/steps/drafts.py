"""A decision as it is kept before anything is written: what the sets shall hold, and what the commit will carry on."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.object_store import to_json
from include.scanner_block.blocking.decision import Known, Outcome
from include.scanner_block.blocking.ip_sets import ByHand as HandState
from include.scanner_block.blocking.state_documents import state_from_document, state_to_document
from include.scanner_block.lake.carried import ByHand, Carried, EngineAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.object_store import ObjectStore
    from include.scanner_block.blocking.blocks import Block
    from include.scanner_block.lake.count_files import CountFiles
    from include.scanner_block.lake.intents import Intent
    from include.scanner_block.policy_model import Rules

ENGINE_KEPT: Final = timedelta(days=1)
"""How long the answer of the name service is believed."""
MOST_TOLD: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a run is about to do.

    :param kind: "update", "release" or "roll_back".
    :param seen: by set, what WAF held when it was decided. :param wanted: by set, what it shall hold.
    :param carried: what the next run goes on with, once this one is committed.
    :param told: what people read: counts, the worst clients, reasons; plain JSON.
    :param counts_in: whether the new logs are in it; without, the next run reads them again.
    """

    version: str
    sequence: int
    run_id: str
    as_of: datetime
    kind: str
    seen: Mapping[str, tuple[str, ...]]
    wanted: Mapping[str, tuple[str, ...]]
    carried: Carried
    told: Mapping[str, Any] = field(default_factory=dict)
    counts_in: bool = True

    @property
    def changes_sets(self) -> bool:
        """Whether a set has to be written."""
        return any(set(self.wanted[name]) != set(self.seen.get(name, ())) for name in self.wanted)

    def to_document(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {
            "version": self.version,
            "sequence": self.sequence,
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "kind": self.kind,
            "seen": {name: list(cidrs) for name, cidrs in self.seen.items()},
            "wanted": {name: list(cidrs) for name, cidrs in self.wanted.items()},
            "carried": self.carried.to_document(),
            "told": dict(self.told),
            "counts_in": self.counts_in,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Draft:
        """Read what `to_document` wrote."""
        read: dict[str, Any] = {
            part: {name: tuple(held) for name, held in document[part].items()} for part in ("seen", "wanted")
        }
        read["as_of"] = datetime.fromisoformat(document["as_of"])
        read["carried"] = Carried.from_document(document["carried"])
        return cls(**{**document, **read})


def save_draft(store: ObjectStore, draft: Draft) -> str:
    """Write a draft over an earlier one of the same version and return its URI."""
    body = gzip.compress(to_json(draft.to_document()), compresslevel=2, mtime=0)
    return store.put_bytes(_key(store, draft.version), body, content_type="application/gzip")


def load_draft(store: ObjectStore, version: str) -> Draft:
    """Return the draft of a version; raises the client's NoSuchKey when it decided nothing."""
    return Draft.from_document(json.loads(gzip.decompress(store.get_bytes(_key(store, version)))))


def known_of(
    carried: Carried,
    *,
    rules: Rules,
    intents: Sequence[Intent],
    actual: Mapping[str, frozenset[str]],
    now: datetime,
) -> Known:
    """Return what a decision starts from."""
    engines = (client for client, answer in carried.engines.items() if answer.engine and now - answer.at < ENGINE_KEPT)
    return Known(
        states={name: state_from_document(document, rules=rules) for name, document in carried.sources.items()},
        pardons=carried.pardons,
        written={name: frozenset(cidrs) for name, cidrs in carried.sets.items()},
        intents=tuple(intent.sets for intent in intents),
        by_hand=HandState(
            added={name: frozenset(cidrs) for name, cidrs in carried.by_hand.added.items()},
            removed=carried.by_hand.removed,
        ),
        actual=actual,
        engines=frozenset(engines),
    )


def carried_of(outcome: Outcome, before: Carried, *, count_files: CountFiles, now: datetime) -> Carried:
    """Return what the next run goes on with; what was taken out by hand is remembered as long as its pardon matters."""
    by_hand = outcome.edits.by_hand
    answers = {client: EngineAnswer(engine="confirmed", at=now) for client in sorted(outcome.engines)}
    return Carried(
        sources={name: state_to_document(state) for name, state in sorted(outcome.states.items())},
        pardons=dict(sorted(outcome.pardons.items())),
        sets=outcome.plan.ours,
        by_hand=ByHand(
            added={name: tuple(sorted(held)) for name, held in sorted(by_hand.added.items())},
            removed={cidr: at for cidr, at in sorted(by_hand.removed.items()) if cidr in outcome.pardons},
        ),
        engines={client: before.engines.get(client, answer) for client, answer in answers.items()},
        count_files=count_files,
    )


def told_of(outcome: Outcome, *, now: datetime) -> dict[str, Any]:
    """Return what people are told of an outcome; lists are cut at 200, counts are whole."""
    ends = [block.until for block in outcome.blocks]
    return {
        "added": len(outcome.plan.added),
        "removed": len(outcome.plan.removed),
        "blocked": {
            name: sum(":" in cidr if name == "IPv6" else ":" not in cidr for cidr in _all(outcome.plan.wanted))
            for name in ("IPv4", "IPv6")
        },
        "held_back": len(outcome.held_back),
        "left_out": len(outcome.plan.left_out),
        "share": round(outcome.share, 4),
        "client_share": round(outcome.client_share, 4),
        "next_due": min(ends).isoformat() if ends else None,
        "new_blocks": [block_document(block) for block in outcome.added[:MOST_TOLD]],
        "waiting_blocks": [block_document(block) for block in outcome.held_back[:MOST_TOLD]],
        "released": [{"client": one.client, "reason": one.reason} for one in outcome.removed[:MOST_TOLD]],
        "put_in_by_hand": list(outcome.edits.added),
        "taken_out_by_hand": list(outcome.edits.removed),
        "approved_but_put_in": list(outcome.edits.taken_off),
        "search_engines": sorted(outcome.engines),
        "as_of": now.isoformat(),
    }


def block_document(block: Block) -> dict[str, Any]:
    """Return a block as JSON types."""
    return {
        "client": block.client,
        "max_per_minute": block.max_per_minute,
        "last_offence": block.updated_at.isoformat(),
        "until": block.until.isoformat(),
        "reasons": list(block.reasons),
    }


def _all(sets: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [cidr for held in sets.values() for cidr in held]


def _key(store: ObjectStore, version: str) -> str:
    return store.key("drafts", f"{version}.json.gz")
