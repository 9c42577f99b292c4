"""Outcome records: what a step did for one database, kept in the object store and judged at the end of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from include.log_shipping.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.object_store import ObjectStore


class Status(StrEnum):
    """How a step ended for a database."""

    DONE = "done"
    WAITING = "waiting"
    """Nothing is wrong with it here: another run holds it, or it waits for a server that is out of reach."""
    QUARANTINED = "quarantined"
    """A gate set it aside; the others went on."""
    FAILED = "failed"

    @property
    def is_bad(self) -> bool:
        """Whether the run must say so."""
        return self in {Status.FAILED, Status.QUARANTINED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one step did for one database. Times are aware; `evidence` is JSON types, LSNs in it are text."""

    database: str
    step: str
    status: Status
    reason: str = ""
    started: datetime
    finished: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        times = {"started": self.started.isoformat(), "finished": self.finished.isoformat()}
        return asdict(self) | times | {"status": self.status.value, "evidence": dict(self.evidence)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Outcome:
        """Read what `to_dict` wrote."""
        times = {name: datetime.fromisoformat(document[name]) for name in ("started", "finished")}
        return cls(**{**document, **times, "status": Status(document["status"])})


@dataclass(frozen=True, slots=True)
class RunRecords:
    """The outcome records of one DAG run: `runs/<dag id>/<run id>/<step>/<database>.json`."""

    store: ObjectStore
    dag_id: str
    run_id: str

    @property
    def owner(self) -> str:
        """The run as an owner of leases."""
        return f"{self.dag_id}/{self.run_id}"

    def key(self, *parts: str) -> str:
        """Return the key of an object of this run."""
        return self.store.key("runs", self.dag_id, quoted(self.run_id), *parts)

    @property
    def uri(self) -> str:
        """Return the URI of the run's folder."""
        return f"s3://{self.store.bucket}/{self.key('')}"

    def put(self, outcome: Outcome) -> str:
        """Write a record, over the one of an earlier try, and return its URI."""
        return self.store.put_json(self.key(outcome.step, f"{quoted(outcome.database)}.json"), outcome.to_dict())

    def find(self, step: str, database: str) -> Outcome | None:
        """Return the record of a step for a database, None when the step did not get that far."""
        found = self.store.find_json(self.key(step, f"{quoted(database)}.json"))
        return None if found is None else Outcome.from_dict(found)

    def read(self, step: str) -> dict[str, Outcome]:
        """Return the records of a step by database name."""
        prefix = self.key(step, "")
        keys = self.store.list_keys(*prefix.removeprefix(f"{self.store.root}/").split("/"))
        found = [Outcome.from_dict(self.store.get_json(key)) for key in keys]
        return {outcome.database: outcome for outcome in found}


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many records there are of each status, with zeros."""
    found = Counter(outcome.status for outcome in outcomes)
    return {status.value: found[status] for status in Status}


def complaint(outcomes: Iterable[Outcome]) -> str | None:
    """Return one sentence per database that went wrong, or None when none did."""
    bad = [outcome for outcome in outcomes if outcome.status.is_bad]
    if not bad:
        return None
    names = {outcome.database for outcome in bad}
    sentences = " ".join(f"[{outcome.database}, {outcome.step}] {outcome.reason}" for outcome in bad)
    return f"{len(names)} database(s) need a person: {sentences}"
