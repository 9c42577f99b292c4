"""Which refresh comes next and what is new for it: the commit log in S3 is the only memory between runs.

A refresh reads the version that the last committed refresh wrote and writes a version of its own. Nothing it writes is
read by anybody before its entry `refreshes/<sequence>.json` exists, so a run may die at any line and start again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from include.ioc_refresh.lake import Lake

NO_VERSION = "none"
WATCHED = ("mails", "verdicts", "dead-letter")
WATCH = timedelta(hours=48)
"""How long an hourly prefix is still searched for new objects. Firehose names the prefix by arrival and delivers within
its buffer time (15 minutes at most) and its retries (24 hours), so an older prefix is complete."""


class RefreshConflictError(RuntimeError):
    """Two refreshes tried to commit the same sequence; the message says who was first."""

    is_final = True


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """What one refresh reads and writes; `as_of` is UTC, object lists are keys of the bucket."""

    sequence: int
    run_id: str
    as_of: datetime
    previous_version: str
    mail_objects: tuple[str, ...]
    verdict_objects: tuple[str, ...]
    dead_letters: tuple[str, ...] = ()
    pending: int = 0
    new_day: bool = True
    watched: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Name of everything this refresh writes; the run id in it keeps two rivals apart."""
        return f"{self.sequence:08d}-{hashlib.sha256(self.run_id.encode()).hexdigest()[:8]}"

    @property
    def nothing_new(self) -> bool:
        """Whether the result cannot differ from the last one: no object, no open verdict, no new day for ageing.

        Dead letters alone change nothing; the next refresh that runs counts them.
        """
        return not (self.mail_objects or self.verdict_objects or self.pending or self.new_day)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RefreshPlan":
        """Read what `to_dict` wrote."""
        values = dict(document)
        for name in ("mail_objects", "verdict_objects", "dead_letters"):
            values[name] = tuple(values[name])
        values["watched"] = {name: tuple(keys) for name, keys in values["watched"].items()}
        return cls(**{**values, "as_of": datetime.fromisoformat(values["as_of"])})


def last_commit(lake: Lake) -> dict[str, Any] | None:
    """Return the newest entry of the commit log, or None before the first refresh.

    A hint, written after each commit, spares listing the years before it; a hint that leads nowhere is ignored.
    """
    try:
        hint = int(lake.get_json(_hint_key(lake))["sequence"])
    except lake.client.exceptions.NoSuchKey:
        hint = 0
    keys = list(lake.list_keys("refreshes/", after=commit_key(lake, hint - 1))) or list(lake.list_keys("refreshes/"))
    return dict(lake.get_json(keys[-1])) if keys else None


def plan_refresh(lake: Lake, *, run_id: str, as_of: datetime, backfill_days: int = 30) -> RefreshPlan:
    """Plan the next refresh: objects that arrived since the last commit, or in `backfill_days` for the first one.

    A run that is asked again (cleared, retried) before its commit gets the same version; after its commit it is
    planned as the next refresh, which finds nothing new.
    """
    last = last_commit(lake)
    start = as_of - timedelta(days=backfill_days)
    if last:
        start = min(datetime.fromisoformat(last["as_of"]), as_of) - WATCH
    found = {name: tuple(_objects_since(lake, name, start)) for name in WATCHED}
    seen = {name: set((last or {}).get("watched", {}).get(name, ())) for name in WATCHED}
    new = {name: tuple(key for key in found[name] if key not in seen[name]) for name in WATCHED}
    return RefreshPlan(
        sequence=last["sequence"] + 1 if last else 1,
        run_id=run_id,
        as_of=as_of,
        previous_version=last["version"] if last else NO_VERSION,
        mail_objects=new["mails"],
        verdict_objects=new["verdicts"],
        dead_letters=new["dead-letter"],
        pending=int(last["pending"]) if last else 0,
        new_day=last is None or as_of.date() > datetime.fromisoformat(last["as_of"]).date(),
        watched={name: _still_watched(keys, as_of) for name, keys in found.items()},
    )


def commit_refresh(lake: Lake, plan: RefreshPlan, **facts: Any) -> dict[str, Any]:
    """Make a refresh the last one; `facts` (pending, counts, cost, ...) go into its entry.

    Committing the same run twice is allowed; raises RefreshConflictError when another run holds the sequence.
    """
    entry = {
        "pending": 0,
        **facts,
        "sequence": plan.sequence,
        "version": plan.version,
        "run_id": plan.run_id,
        "as_of": plan.as_of.isoformat(),
        "previous_version": plan.previous_version,
        "watched": plan.watched,
    }
    key = commit_key(lake, plan.sequence)
    if not lake.put_if_absent(key, entry):
        winner = lake.get_json(key)
        if winner["version"] != plan.version:
            raise RefreshConflictError(
                f"Refresh {plan.sequence} was committed by run {winner['run_id']!r}; "
                f"nothing of run {plan.run_id!r} counts. Trigger a new run: it starts from that refresh."
            )
        entry = dict(winner)
    lake.put_json(_hint_key(lake), {"sequence": plan.sequence})
    return entry


def commit_key(lake: Lake, sequence: int) -> str:
    """Return the object key of a refresh's entry in the commit log."""
    return lake.settings.key("refreshes", f"{sequence:08d}.json")


def _hint_key(lake: Lake) -> str:
    return lake.settings.key("last-refresh-hint.json")


def hour_of(key: str) -> str:
    """Return the partition value `yyyy-MM-dd-HH` of an object key, or '' when it has none."""
    return key.partition("/dt=")[2].partition("/")[0]


def hours_of(keys: Iterable[str]) -> list[str]:
    """Return the distinct partition values of object keys, sorted."""
    return sorted({hour_of(key) for key in keys})


def _objects_since(lake: Lake, name: str, start: datetime) -> Iterable[str]:
    """List from the first hour on: keys sort by arrival hour, so older ones are never listed."""
    return lake.list_keys(name, "dt=", after=lake.settings.key(name, f"dt={start:%Y-%m-%d-%H}"))


def _still_watched(keys: Iterable[str], as_of: datetime) -> tuple[str, ...]:
    oldest = f"{as_of - WATCH - timedelta(hours=1):%Y-%m-%d-%H}"
    return tuple(key for key in keys if hour_of(key) >= oldest)
