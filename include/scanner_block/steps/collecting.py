"""What a run counted: Athena's rows where it could read the objects, our own reading where it could not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.counts import LogCounts, UnreadableLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.object_store import ObjectStore
    from include.scanner_block.lake.objects import LogObject
    from include.scanner_block.lake.plans import Plan
    from include.scanner_block.policy_model import LogSource, Policy, Rules

MOST_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Objects of one source that one query counts, and the folder (parts of a key) it fills."""

    name: str
    source: LogSource
    objects: tuple[LogObject, ...]
    folder: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a run read of one source.

    :param hours: those that were counted in (`YYYY-MM-DD-HH`). :param size: bytes of the objects as stored.
    :param read_here: keys of objects that Athena could not read, or not rightly.
    """

    objects: int
    size: int
    lines: int
    unreadable: int
    clients: int
    hours: tuple[str, ...]
    read_here: tuple[str, ...] = ()
    examples: tuple[UnreadableLine, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return a JSON document."""
        lists = {"hours": list(self.hours), "read_here": list(self.read_here)}
        return asdict(self) | lists | {"examples": [asdict(example) for example in self.examples]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Tally:
        """Read what `to_document` wrote."""
        examples = tuple(UnreadableLine(**example) for example in document["examples"])
        lists = {name: tuple(document[name]) for name in ("hours", "read_here")}
        return cls(**{**document, **lists, "examples": examples})

    @property
    def unreadable_share(self) -> float:
        """Unreadable lines as a share of all."""
        return self.unreadable / self.lines if self.lines else 0.0


def batches(plan: Plan, policy: Policy) -> list[Batch]:
    """Split a plan's objects by source into what one query takes; the same plan gives the same batches."""
    from include.scanner_block.athena.queries import OBJECTS_PER_QUERY

    found = []
    for source in policy.sources:
        objects = [one for one in plan.new.objects if one.source == source.name]
        for number, start in enumerate(range(0, len(objects), OBJECTS_PER_QUERY)):
            folder = ("news", f"version={plan.version}", f"source={source.name}", f"part={number}")
            chosen = tuple(objects[start : start + OBJECTS_PER_QUERY])
            found.append(Batch(name=f"count_{source.name}_{number}", source=source, objects=chosen, folder=folder))
    return found


def collect(
    store: ObjectStore, plan: Plan, policy: Policy, *, failed: Iterable[str], region_client: Any = None
) -> dict[str, Tally]:
    """Write the counts of a run by hour, and return what was read of each source.

    Run again it writes the same objects over themselves.

    :param failed: names of the batches whose query failed: their objects are read here, one after the other.
    :param region_client: a boto3 S3 client for the sources' buckets; None takes the store's.
    """
    from include.scanner_block.logs.counting import merge_counts

    client, lost = region_client or store.client, set(failed)
    parts: dict[str, list[LogCounts]] = {}
    read_here: dict[str, list[str]] = {}
    for batch in batches(plan, policy):
        counts, here = _counted(store, client, batch, rules=policy.rules, is_lost=batch.name in lost)
        parts.setdefault(batch.source.name, []).extend(counts)
        read_here.setdefault(batch.source.name, []).extend(here)
    tallies = {}
    for source, counts in parts.items():
        merged = merge_counts(counts)
        objects = [one for one in plan.new.objects if one.source == source]
        tallies[source] = _kept(store, plan, source, merged, objects=objects, read_here=read_here[source])
    store.put_json(_key(store, plan.version), {name: tally.to_document() for name, tally in tallies.items()})
    return tallies


def load_tallies(store: ObjectStore, version: str) -> dict[str, Tally]:
    """Return what a version read; nothing where it did not get that far."""
    document = store.find_json(_key(store, version)) or {}
    return {name: Tally.from_document(tally) for name, tally in document.items()}


def _counted(
    store: ObjectStore, client: Any, batch: Batch, *, rules: Rules, is_lost: bool
) -> tuple[list[LogCounts], list[str]]:
    from include.scanner_block.athena.news import read_news

    if is_lost:
        here: Sequence[LogObject] = batch.objects
        counts: list[LogCounts] = []
    else:
        news = read_news(store, *batch.folder, "", rules=rules)
        counts = list(news.by_object.values())
        here = [one for one in batch.objects if one.uri in news.again]
    counts += [_read(client, one, batch.source, rules) for one in here]
    return counts, [one.key for one in here]


def _read(client: Any, found: LogObject, source: LogSource, rules: Rules) -> LogCounts:
    from include.scanner_block.logs.counting import count_stream

    body = client.get_object(Bucket=found.bucket, Key=found.key)["Body"]
    return count_stream(body, log_format=source.log_format, rules=rules, place=found.uri)


def _kept(
    store: ObjectStore,
    plan: Plan,
    source: str,
    counts: LogCounts,
    *,
    objects: Sequence[LogObject],
    read_here: Sequence[str],
) -> Tally:
    from include.scanner_block.lake.counts_store import write_counts

    return Tally(
        objects=len(objects),
        size=sum(one.size for one in objects),
        lines=counts.lines,
        unreadable=counts.unreadable,
        clients=counts.clients,
        hours=tuple(write_counts(store, source=source, version=plan.version, counts=counts.table)),
        read_here=tuple(read_here),
        examples=counts.examples[:MOST_EXAMPLES],
    )


def _key(store: ObjectStore, version: str) -> str:
    return store.key("tallies", f"{version}.json")
