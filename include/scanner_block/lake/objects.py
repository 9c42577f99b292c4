"""Which log objects are new: listed from where they can still arrive, compared with the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from include.scanner_block.lake.key_times import key_time, listing_start, start_of
from include.scanner_block.lake.ledger import MARGIN, Ledger, LedgerEntry, Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from include.scanner_block.policy_model import LogSource


@dataclass(frozen=True, slots=True, kw_only=True)
class LogObject:
    """A delivered log.

    :param etag: without its quotes. :param size: bytes as stored. :param modified: when it was delivered (UTC).
    :param at: the time in its key (UTC), as exactly as the key says.
    """

    source: str
    bucket: str
    key: str
    etag: str
    size: int
    modified: datetime
    at: datetime

    @property
    def uri(self) -> str:
        """The object's S3 URI: Athena's `"$path"`."""
        return f"s3://{self.bucket}/{self.key}"

    def entry(self, twin: str | None = None) -> LedgerEntry:
        """Return what the ledger keeps of it; `twin` is the key that was read in its place."""
        return LedgerEntry(source=self.source, key=self.key, etag=self.etag, size=self.size, at=self.at, twin=twin)


class Twin(NamedTuple):
    """An object that is not read, and the key of its source that has the same content."""

    found: LogObject
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObjects:
    """What a listing found that the ledger does not know.

    :param objects: to be read now, oldest first (by the time in the key, then source and key).
    :param twins: known under another key by ETag and size: counted once.
    :param changed: those of `objects` whose key was read before, with another content.
    :param waiting: how many new ones are left for the next run.
    :param marks: what the ledger takes over once `objects` are read.
    """

    objects: tuple[LogObject, ...]
    twins: tuple[Twin, ...]
    changed: tuple[str, ...]
    waiting: int
    marks: Mapping[str, Mark]

    def read_into(self, ledger: Ledger, *, as_of: datetime) -> Ledger:
        """Return the ledger as it is when these objects have been read."""
        entries = [found.entry() for found in self.objects] + [twin.found.entry(twin.of) for twin in self.twins]
        return ledger.adding(entries, marks=self.marks, as_of=as_of)


class _Taken(NamedTuple):
    objects: list[LogObject]
    twins: list[Twin]
    waiting: list[LogObject]


def find_new_objects(
    client: Any, *, sources: Sequence[LogSource], ledger: Ledger, now: datetime, late_hours: int, most_objects: int
) -> NewObjects:
    """List the sources' new logs and take the oldest `most_objects` of them.

    Empty objects, folder markers and keys without the time that the source's format puts there (the test file of a load
    balancer) are no logs. An ETag is an object's MD5 unless it was encrypted with a KMS key or uploaded in parts; then
    it only ever equals itself, and a copy is read like a log of its own.

    :param client: a boto3 S3 client that may list the sources' buckets.
    :param now: the run's time (aware).
    :param late_hours: how far before `now` a source is listed; further where an earlier run left objects waiting or
        did not take place, and never behind what the ledger still knows.
    """
    listed = {source: _listed_from(source, ledger, now - timedelta(hours=late_hours)) for source in sources}
    new = [found for source, since in listed.items() for found in _unknown(client, source, since, ledger)]
    taken = _take(sorted(new, key=attrgetter("at", "source", "key", "etag")), ledger, most_objects)
    late = now - timedelta(hours=late_hours)
    return NewObjects(
        objects=tuple(taken.objects),
        twins=tuple(taken.twins),
        changed=tuple(found.key for found in taken.objects if ledger.has_key(found.source, found.key)),
        waiting=len(taken.waiting),
        marks={source.name: _mark(source, since, late, ledger, taken.waiting) for source, since in listed.items()},
    )


def _listed_from(source: LogSource, ledger: Ledger, late: datetime) -> datetime:
    mark = ledger.marks.get(source.name)
    if mark is None:
        return start_of(source, late)
    return max(min(start_of(source, late), mark.next_from), mark.horizon)


def _unknown(client: Any, source: LogSource, since: datetime, ledger: Ledger) -> Iterator[LogObject]:
    """Yield the source's logs from `since` on that the ledger does not know."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=source.bucket, Prefix=source.prefix, StartAfter=listing_start(source, since)
    )
    for page in pages:
        for found in page.get("Contents", ()):
            at, etag = key_time(source, found["Key"]), found["ETag"].strip('"')
            if at is None or not found["Size"] or ledger.has(source.name, found["Key"], etag):
                continue
            yield LogObject(
                source=source.name,
                bucket=source.bucket,
                key=found["Key"],
                etag=etag,
                size=found["Size"],
                modified=found["LastModified"],
                at=at,
            )


def _take(new: Iterable[LogObject], ledger: Ledger, most: int) -> _Taken:
    """Split new objects, oldest first, into those to read, copies of what is or was read, and those that wait."""
    taken, contents = _Taken([], [], []), dict[tuple[str, str, int], str]()
    for found in new:
        content = (found.source, found.etag, found.size)
        twin = contents.get(content) or ledger.twin_of(*content)
        if len(taken.objects) >= most:
            taken.waiting.append(found)
        elif twin is not None:
            taken.twins.append(Twin(found, twin))
        else:
            taken.objects.append(found)
            contents[content] = found.key
    return taken


def _mark(source: LogSource, since: datetime, late: datetime, ledger: Ledger, waiting: Iterable[LogObject]) -> Mark:
    """Return how far a source is read once the taken objects are."""
    before = ledger.marks.get(source.name)
    oldest = min((found.at for found in waiting if found.source == source.name), default=late)
    next_from = max(since, min(start_of(source, late), start_of(source, oldest)))
    return Mark(horizon=max(before.horizon, since - MARGIN) if before else since, next_from=next_from)
