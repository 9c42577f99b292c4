"""What one run reads, decided once: the run that is asked again reads the same objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.scanner_block.lake.ledger import Mark
from include.scanner_block.lake.objects import LogObject, NewObjects, Twin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run: its place in the chain of commits, its time (aware), and what it reads."""

    sequence: int
    version: str
    run_id: str
    as_of: datetime
    new: NewObjects

    def to_document(self) -> dict[str, Any]:
        """Return a JSON document."""
        new = self.new
        return {
            "sequence": self.sequence,
            "version": self.version,
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "objects": [_object_document(found) for found in new.objects],
            "skipped": [{**_object_document(twin.found), "same_as": twin.of} for twin in new.twins],
            "changed": list(new.changed),
            "waiting": new.waiting,
            "marks": {name: mark.to_document() for name, mark in new.marks.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Plan:
        """Read what `to_document` wrote."""
        return cls(
            sequence=document["sequence"],
            version=document["version"],
            run_id=document["run_id"],
            as_of=datetime.fromisoformat(document["as_of"]),
            new=NewObjects(
                objects=tuple(_log_object(found) for found in document["objects"]),
                twins=tuple(Twin(_log_object(found), found["same_as"]) for found in document["skipped"]),
                changed=tuple(document["changed"]),
                waiting=document["waiting"],
                marks={name: Mark.from_document(mark) for name, mark in document["marks"].items()},
            ),
        )


def keep_plan(store: ObjectStore, plan: Plan) -> Plan:
    """Write a plan, or return the one that its version already has: a run that starts again goes on with its own."""
    key = _key(store, plan.version)
    if store.put_if_absent(key, plan.to_document()):
        return plan
    return Plan.from_document(store.get_json(key))


def find_plan(store: ObjectStore, version: str) -> Plan | None:
    """Return the plan of a version, None when it has none."""
    document = store.find_json(_key(store, version))
    return None if document is None else Plan.from_document(document)


def _key(store: ObjectStore, version: str) -> str:
    return store.key("plans", f"{version}.json")


def _object_document(found: LogObject) -> dict[str, Any]:
    return {
        "source": found.source,
        "bucket": found.bucket,
        "key": found.key,
        "etag": found.etag,
        "size": found.size,
        "modified": found.modified.isoformat(),
        "at": found.at.isoformat(),
    }


def _log_object(document: Mapping[str, Any]) -> LogObject:
    return LogObject(
        source=document["source"],
        bucket=document["bucket"],
        key=document["key"],
        etag=document["etag"],
        size=document["size"],
        modified=datetime.fromisoformat(document["modified"]),
        at=datetime.fromisoformat(document["at"]),
    )
