"""The chain of commits: the lake is the only memory between runs.

A run reads what the last commit left and writes a version of its own. Nothing it writes is read by anybody before its
entry `scanner/journal/<sequence>.json` exists, so a run may die at any line and start again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.object_store import ObjectStore


_ENTRY: Final = re.compile(r"/\d{8}\.json$")


class JournalTakenError(RuntimeError):
    """Two runs tried to commit the same sequence; the message says who was first."""

    is_final = True


class CommitMissingError(LookupError):
    """The journal has no commit of this sequence."""

    is_final = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One entry of the journal.

    :param as_of: the run's time (aware); of the next run everything counts from here.
    :param kind: what committed it: "update", "release" or "roll_back".
    :param ledger: the version whose ledger is valid; an earlier one where nothing was read, None before the first.
    :param facts: what the run has to tell (counts of clients, objects, bytes, ...); plain JSON.
    """

    sequence: int
    version: str
    run_id: str
    as_of: datetime
    kind: str = "update"
    previous_version: str | None = None
    ledger: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {
            "sequence": self.sequence,
            "version": self.version,
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "kind": self.kind,
            "previous_version": self.previous_version,
            "ledger": self.ledger,
            "facts": dict(self.facts),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Commit:
        """Read what `to_document` wrote."""
        return cls(**{**document, "as_of": datetime.fromisoformat(document["as_of"])})


def last_commit(store: ObjectStore) -> Commit | None:
    """Return the newest commit, None before the first run.

    A hint, written after each commit, spares listing the years before it; a hint that leads nowhere is ignored.
    """
    hint = int((store.find_json(_hint_key(store)) or {}).get("sequence", 0))
    behind = _commit_key(store, hint - 1) if hint > 1 else ""
    keys = _commit_keys(store, after=behind) or _commit_keys(store, after="")
    return Commit.from_document(store.get_json(keys[-1])) if keys else None


def load_commit(store: ObjectStore, sequence: int) -> Commit:
    """Return the commit of a sequence.

    :raises CommitMissingError: there is none.
    """
    document = store.find_json(_commit_key(store, sequence))
    if document is None:
        raise CommitMissingError(
            f"There is no run {sequence} in {store.uri('journal/')}; name one that is listed there."
        )
    return Commit.from_document(document)


def open_version(run_id: str, last: Commit | None) -> tuple[int, str]:
    """Return the sequence and the version of the run that follows a commit.

    A run that is asked again before its commit gets the same version; the run's name in it keeps two rivals apart.
    """
    sequence = last.sequence + 1 if last else 1
    return sequence, f"{sequence:08d}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"


def commit(store: ObjectStore, entry: Commit) -> Commit:
    """Make a run the last one and return its entry; committing the same version twice returns the first entry.

    Everything the entry relies on (its state, its ledger, its counts) must have been written before.

    :raises JournalTakenError: another run holds the sequence.
    """
    key = _commit_key(store, entry.sequence)
    if not store.put_if_absent(key, entry.to_document()):
        winner = Commit.from_document(store.get_json(key))
        if winner.version != entry.version:
            raise JournalTakenError(
                f"Sequence {entry.sequence} was committed by run {winner.run_id!r}; "
                f"nothing of run {entry.run_id!r} counts. Trigger a new run: it starts from that commit."
            )
        entry = winner
    store.put_json(_hint_key(store), {"sequence": entry.sequence})
    return entry


def _commit_keys(store: ObjectStore, *, after: str) -> list[str]:
    return [key for key in store.list_keys("journal", "", after=after) if _ENTRY.search(key)]


def _commit_key(store: ObjectStore, sequence: int) -> str:
    return store.key("journal", f"{sequence:08d}.json")


def _hint_key(store: ObjectStore) -> str:
    return store.key("last-commit-hint.json")
