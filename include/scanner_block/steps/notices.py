"""What people and CloudWatch are told of a run: the summary, trouble, and metrics."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Protocol

from include.notify.messages import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

GROUP: Final = "scanner_block"
RUNBOOK: Final = "docs/runbooks/scanner_block_update.md"
_SUBJECT_LIMIT: Final = 100  # Amazon SNS API reference, Publish: Subject; ASCII
_LINE_LIMIT: Final = 500  # characters of a line that tells something from outside
_WORST, _MOST_LINES = 5, 10


class Blocked(Protocol):
    """A block, as `blocks.Block`."""

    @property
    def client(self) -> str: ...
    @property
    def max_per_minute(self) -> int: ...
    @property
    def until(self) -> datetime: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...


class Released(Protocol):
    """A client that came off, as `states.Release`."""

    @property
    def client(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNews:
    """What a run did.

    :param run: `<dag id>/<run id>`.
    :param added: new blocks, worst first.
    :param removed: clients that came off, with their reasons.
    :param blocked: addresses in the sets now, by version (4, 6).
    :param left_out: offenders that no set had room for.
    :param by_hand: addresses that somebody put into a set or took out, as sentences; only those not told before.
    :param set_aside: logs or lines of this run that were not used, as sentences.
    """

    run: str
    at: datetime
    added: Sequence[Blocked] = ()
    removed: Sequence[Released] = ()
    blocked: Mapping[int, int]
    left_out: int = 0
    by_hand: Sequence[str] = ()
    set_aside: Sequence[str] = ()


def update_message(news: RunNews) -> Message | None:
    """Return the summary of a run, or None when there is nothing new to tell; a retried run gives the same message."""
    if not (news.added or news.removed or news.by_hand or news.set_aside):
        return None
    v4, v6 = news.blocked.get(4, 0), news.blocked.get(6, 0)
    counts = f"{len(news.added):,} added, {len(news.removed):,} removed, {v4 + v6:,} blocked"
    lines = [
        f"{counts} ({v4:,} IPv4, {v6:,} IPv6) at {_time(news.at)}.",
        *_listed("Worst of the new ones:", [_told(block) for block in news.added[:_WORST]]),
        *_listed("Removed:", [f"{count:,} {reason}" for reason, count in _reasons(news.removed)]),
        *([f"Left out, the sets are full: {news.left_out:,}; name more sets in ip_sets."] if news.left_out else []),
        *_listed("Changed by hand in the sets:", news.by_hand),
        *_listed("Not used of the logs:", news.set_aside),
        f"Runbook: {RUNBOOK}",
        f"Run: {news.run}",
    ]
    return Message(
        subject=_subject(f"Scanner block: {counts}"),
        body="\n".join(_line(line) for line in lines),
        dedup_id=_digest("update", news.run),
        group=GROUP,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What keeps a run from its work.

    :param cause: a short name, as "approved list", "settings", "gate scanner_block_change".
    :param what: one sentence: what is wrong.
    :param where: the object or line it is about.
    :param to_do: one sentence: what a person has to do.
    :param meanwhile: one sentence: what happens until then.
    """

    cause: str
    what: str
    where: str
    to_do: str
    since: datetime
    meanwhile: str = "Until then nobody is blocked or unblocked."


def trouble_message(trouble: Trouble, *, run: str, at: datetime) -> Message:
    """Return what a person is told; the same cause has the same `dedup_id` within an hour of UTC.

    SNS forgets an id after 5 minutes (FIFO topics) or at once: to tell it once an hour, keep the ids that were sent.
    """
    lines = [
        trouble.what,
        "",
        f"Where: {trouble.where}",
        f"Since: {_time(trouble.since)}",
        f"To do: {trouble.to_do}",
        trouble.meanwhile,
        f"Runbook: {RUNBOOK}",
        f"Run: {run}",
    ]
    return Message(
        subject=_subject(f"Scanner block in trouble: {trouble.cause}"),
        body="\n".join(_line(line) for line in lines),
        dedup_id=_digest("trouble", trouble.cause, f"{at.astimezone(UTC):%Y-%m-%dT%H}"),
        group=GROUP,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """What a run read of one source."""

    objects: int
    lines: int
    unreadable: int
    bytes_scanned: int


def metric_data(
    *, at: datetime, blocked: Mapping[int, int], added: int, removed: int, readings: Mapping[str, SourceReading]
) -> list[dict[str, Any]]:
    """Return CloudWatch's MetricData: Blocked by AddressVersion, Added, Removed, and what was read by Source.

    :param blocked: addresses in the sets by version (4, 6).
    :param readings: by name of the source.
    """
    found = [
        _metric("Blocked", blocked.get(version, 0), at=at, AddressVersion=f"IPv{version}") for version in (4, 6)
    ] + [_metric("Added", added, at=at), _metric("Removed", removed, at=at)]
    for source, reading in sorted(readings.items()):
        found += [
            _metric("ObjectsRead", reading.objects, at=at, Source=source),
            _metric("LinesRead", reading.lines, at=at, Source=source),
            _metric("UnreadableLines", reading.unreadable, at=at, Source=source),
            _metric("BytesScanned", reading.bytes_scanned, at=at, unit="Bytes", Source=source),
        ]
    return found


def _metric(name: str, value: int, *, at: datetime, unit: str = "Count", **dimensions: str) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Timestamp": at,
        "Value": float(value),
        "Unit": unit,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
    }


def _told(block: Blocked) -> str:
    reasons = ", ".join(block.reasons)
    return f"{block.client}: {block.max_per_minute:,} a minute ({reasons}), until {_time(block.until)}"


def _reasons(removed: Sequence[Released]) -> list[tuple[str, int]]:
    counts = Counter(release.reason for release in removed)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _listed(head: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"- and {len(lines) - _MOST_LINES:,} more"] if len(lines) > _MOST_LINES else []
    return [head, *(f"- {line}" for line in lines[:_MOST_LINES]), *more]


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _line(text: str) -> str:
    """Return one printable line: what comes from logs must not look like lines of ours."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= _LINE_LIMIT else plain[: _LINE_LIMIT - 1] + "…"


def _subject(text: str) -> str:
    return _line(f"[Landfall] {text}").encode("ascii", "replace").decode()[:_SUBJECT_LIMIT]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
