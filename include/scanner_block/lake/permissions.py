"""Mass changes: one question at a time, its answer kept, and what an answer lets the next runs do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.blocking.decision import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.object_store import ObjectStore

PERMITTED_FOR: Final = timedelta(hours=1)
"""An approval is meant for the clients it named, in the situation it was given in."""
ASKED_FOR: Final = timedelta(hours=4)
"""How long a question may stay open before another run asks again; the time the approval task waits."""


def ask(store: ObjectStore, *, version: str, clients: Sequence[str], at: datetime) -> bool:
    """Enter the question of a version; False when another one is open. Asking again for the same version is allowed."""
    key = store.key("mass_change", "question.json")
    found = store.find_versioned_json(key)
    document = {"version": version, "clients": sorted(clients), "asked_at": at.isoformat(), "answer": None}
    if found is None:
        return store.put_if_absent(key, document)
    standing, etag = found
    if standing["version"] == version:
        return True
    if _is_open(standing, at=at):
        return False
    return store.put_if_unchanged(key, document, etag=etag)


def record_answer(store: ObjectStore, *, version: str, answer: Mapping[str, Any]) -> None:
    """Keep the answer (`approved`, `by`, `at`; `by` is None when nobody answered in time) to the question of a version.

    An answer to a question that another one has replaced is kept for the record, and lets nobody do anything.
    """
    store.put_json(store.key("audit", "mass_change", f"{version}.json"), dict(answer))
    key = store.key("mass_change", "question.json")
    found = store.find_versioned_json(key)
    if found is None or found[0]["version"] != version:
        return
    standing, etag = found
    if standing["answer"] is None:
        store.put_if_unchanged(key, {**standing, "answer": dict(answer)}, etag=etag)


def standing(store: ObjectStore, *, at: datetime) -> Permission:
    """Return what people's last answer means at a time."""
    document = store.find_json(store.key("mass_change", "question.json"))
    if document is None:
        return Permission()
    answer = document["answer"]
    if answer is None:
        return Permission(is_asked=_is_open(document, at=at))
    if not answer["at"]:  # nobody answered: the next run asks again
        return Permission()
    answered = datetime.fromisoformat(answer["at"])
    if not answer["approved"]:
        return Permission(refused=tuple((client, answered) for client in document["clients"]))
    return Permission(clients=frozenset(document["clients"]) if at < answered + PERMITTED_FOR else frozenset())


def _is_open(document: Mapping[str, Any], *, at: datetime) -> bool:
    return document["answer"] is None and at < datetime.fromisoformat(document["asked_at"]) + ASKED_FOR
