"""Incidents: opened once, told once, closed with an end message; a value that flaps stays one incident.

The state of all incidents is one document, written on condition, so two monitors cannot both open one. A message is
published before its sending is noted: killed in between, it is published again with the same `dedup_id`, which a FIFO
topic drops by itself (within five minutes, the SNS documentation says) and any other receiver can.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.notify.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.notify.messages import Publisher
    from include.object_store import ObjectStore

CALM: Final = timedelta(minutes=5)
"""An incident ends after its cause was gone for so long; coming back earlier is the same incident."""
DOUBT: Final = timedelta(minutes=2)
"""A passing doubt, as a server that does not answer, opens an incident only when it lasts."""
RUNBOOK: Final = "docs/runbooks/log_shipping_monitor.md"


class IncidentsBusyError(RuntimeError):
    """Another monitor wrote the incidents at the same time; nothing was opened or told, the task may run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something wrong with a database now.

    :param kind: what it is about, as "backup"; one incident per database and kind.
    :param sentence: what a person reads.
    :param first_look: what to look at first.
    :param lasting: whether it counts at once; else only when it is still there after `DOUBT`.
    """

    database: str
    kind: str
    sentence: str
    first_look: str
    lasting: bool = True

    @property
    def name(self) -> str:
        """The key of its incident."""
        return f"{self.kind} of {self.database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident; times are ISO text with a zone.

    :ivar number: counts incidents of this name, so that a message's `dedup_id` is never used for another.
    :ivar opened: when it was opened; empty while it is only a doubt.
    :ivar quiet_since: since when the cause is gone; empty while it is there.
    :ivar told: whether the opening message went out.
    :ivar ended: when it ended; the end message is owed until it is removed.
    """

    name: str
    database: str
    kind: str
    number: int
    since: str
    sentence: str
    first_look: str
    opened: str = ""
    quiet_since: str = ""
    told: bool = False
    ended: str = ""


def settle(
    store: ObjectStore, troubles: Iterable[Trouble], *, unseen: Iterable[str] = (), at: datetime, publish: Publisher
) -> list[Message]:
    """Bring the incidents up to date with what is wrong now, publish what is owed, and return what was published.

    :param unseen: databases that could not be judged this time; their incidents neither end nor begin.
    :raises IncidentsBusyError: another monitor was faster.
    """
    known, etag = _load(store)
    wanted = advance(known, troubles, unseen=frozenset(unseen), at=at)
    etag = _save(store, wanted, over=known, etag=etag)
    sent = []
    for incident in list(wanted["open"].values()):
        message = message_owed(incident)
        if message is None:
            continue
        publish(message)
        sent.append(message)
        before, wanted = wanted, _noted(wanted, incident)
        if incident.ended:
            store.put_json(_closed_key(store, incident), asdict(incident))
        etag = _save(store, wanted, over=before, etag=etag)
    return sent


def open_incidents(store: ObjectStore) -> list[Incident]:
    """Return the incidents that are open now."""
    return [incident for incident in _load(store)[0]["open"].values() if incident.opened and not incident.ended]


def advance(
    known: Mapping[str, Any], troubles: Iterable[Trouble], *, at: datetime, unseen: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the incidents after a look at `at`: `{"open": {name: Incident}, "numbers": {name: last number}}`.

    A trouble opens one (a doubt only when it lasts `DOUBT`), its absence for `CALM` ends it. A clock that went back
    ends nothing.
    """
    now = at.astimezone(UTC).isoformat()
    present = {trouble.name: trouble for trouble in troubles}
    numbers, result = dict(known["numbers"]), {}
    for name, incident in known["open"].items():
        if incident.ended:
            result[name] = incident
        elif name in present:
            result[name] = _still_there(incident, present[name], now=now)
        elif incident.database in unseen:
            result[name] = incident
        elif calmer := _gone(incident, now=now):
            result[name] = calmer
    for name, trouble in present.items():
        if name not in result:
            numbers[name] = numbers.get(name, 0) + 1
            result[name] = _begun(trouble, number=numbers[name], now=now)
    return {"open": result, "numbers": numbers}


def message_owed(incident: Incident) -> Message | None:
    """Return the message that an incident owes, None when everything about it was told."""
    if incident.ended:
        return (
            _message(incident, "ended", f"It lasted from {incident.since} to {incident.ended}.")
            if (incident.told)
            else None
        )
    if incident.opened and not incident.told:
        return _message(incident, "opened", f"First look: {incident.first_look}")
    return None


def _begun(trouble: Trouble, *, number: int, now: str) -> Incident:
    return Incident(
        name=trouble.name,
        database=trouble.database,
        kind=trouble.kind,
        number=number,
        since=now,
        sentence=trouble.sentence,
        first_look=trouble.first_look,
        opened=now if trouble.lasting else "",
    )


def _still_there(incident: Incident, trouble: Trouble, *, now: str) -> Incident:
    lasted = _passed(incident.since, now) >= DOUBT
    opened = incident.opened or (now if trouble.lasting or lasted else "")
    return replace(incident, opened=opened, quiet_since="", sentence=trouble.sentence, first_look=trouble.first_look)


def _gone(incident: Incident, *, now: str) -> Incident | None:
    """A doubt that was never opened is forgotten; an incident ends when it was quiet long enough."""
    if not incident.opened:
        return None
    if not incident.quiet_since:
        return replace(incident, quiet_since=now)
    if _passed(incident.quiet_since, now) < CALM:
        return incident
    return replace(incident, ended=incident.quiet_since)


def _noted(incidents: Mapping[str, Any], incident: Incident) -> dict[str, Any]:
    still = dict(incidents["open"])
    if incident.ended:
        del still[incident.name]
    else:
        still[incident.name] = replace(incident, told=True)
    return {"open": still, "numbers": incidents["numbers"]}


def _message(incident: Incident, event: str, more: str) -> Message:
    subject = f"Log shipping: {incident.name} {event}"
    lines = [
        incident.sentence if event == "opened" else f"Over: {incident.sentence}",
        f"Database: {incident.database}. Since: {incident.since} (UTC). {more}",
        f"Runbook: {RUNBOOK}",
    ]
    return Message(
        subject=subject.encode("ascii", "replace").decode()[:100],  # SNS takes ASCII subjects of up to 100 characters
        body="\n".join(lines),
        dedup_id=f"{_digest(incident.name)}-{incident.number}-{event}",
        group=_digest(incident.name),
    )


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _passed(start: str, now: str) -> timedelta:
    return datetime.fromisoformat(now) - datetime.fromisoformat(start)


def _load(store: ObjectStore) -> tuple[dict[str, Any], str | None]:
    found = store.find_versioned_json(_key(store))
    if found is None:
        return {"open": {}, "numbers": {}}, None
    document, etag = found
    opened = {name: Incident(**fields) for name, fields in document["open"].items()}
    return {"open": opened, "numbers": document["numbers"]}, etag


def _save(store: ObjectStore, wanted: dict[str, Any], *, over: Mapping[str, Any], etag: str | None) -> str | None:
    if wanted == over:
        return etag
    opened = {name: asdict(incident) for name, incident in wanted["open"].items()}
    document = {"open": opened, "numbers": wanted["numbers"]}
    key = _key(store)
    done = store.put_if_absent(key, document) if etag is None else store.put_if_unchanged(key, document, etag=etag)
    if not done:
        raise IncidentsBusyError("Another log_shipping_monitor wrote the incidents just now; the next run goes on.")
    found = store.find_versioned_json(key)
    return found[1] if found else None


def _key(store: ObjectStore) -> str:
    return store.key("incidents", "state.json")


def _closed_key(store: ObjectStore, incident: Incident) -> str:
    return store.key("incidents", "closed", incident.ended[:10], f"{_digest(incident.name)}-{incident.number}.json")
