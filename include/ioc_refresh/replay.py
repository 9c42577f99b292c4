"""Back-test of queries and rules on a labelled mail history, replayed in time order.

At a refresh only mails that were received at least the label delay before may teach; a mail is hit when one of its keys
is in the table, unexpired, as of its arrival. The first share of the time span warms up, the rest is judged.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.history import LabelledMail
from include.ioc_refresh.keys import IocKey
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.rehearsal import RefreshChanges, Rehearsal, TableKey
from include.ioc_refresh.verdicts import Evidence

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """`warmup` is a share of the time span, 0 to below 1; refreshes fall on the first mail's time + n x `every`."""

    warmup: float = 0.7
    label_delay: timedelta = timedelta(hours=24)
    every: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup is {self.warmup}: give the share of the history that only teaches, 0 to below 1.")
        if self.every <= timedelta(0) or self.label_delay < timedelta(0):
            raise ValueError("every must be longer than nothing, and label-delay not negative.")


@dataclass(slots=True)
class _Tally:
    hits: list[tuple[LabelledMail, tuple[IocKey, ...]]] = field(default_factory=list)
    malicious: int = 0
    benign: int = 0
    sizes: list[int] = field(default_factory=list)
    changes: list[RefreshChanges] = field(default_factory=list)
    popular: set[TableKey] = field(default_factory=set)


def replay(
    mails: Sequence[LabelledMail],
    popularity: Popularity,
    settings: ReplaySettings,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Replay mails (in time order, at least one) and return the score as a JSON document, rates unrounded."""
    rehearsal, tally = Rehearsal(popularity), _Tally()
    first, last = mails[0].received_at, mails[-1].received_at
    split = first + (last - first) * settings.warmup
    taught = asked = 0
    for mail in mails:
        if mail.received_at >= split:
            break
        asked += 1
    total = len(mails) - asked
    for as_of in _refresh_times(first, last, split, settings.every):
        while asked < len(mails) and mails[asked].received_at < as_of:
            _judge(mails[asked], rehearsal, tally)
            asked += 1
        start = taught
        while taught < len(mails) and mails[taught].received_at + settings.label_delay <= as_of:
            taught += 1
        changes = rehearsal.refresh(_evidence(mails[start:taught], settings.label_delay), as_of=as_of)
        if as_of >= split:
            _record(rehearsal, tally, changes)
        progress(total - (len(mails) - asked), total)
    for mail in mails[asked:]:
        _judge(mail, rehearsal, tally)
    progress(total, total)
    _record_popular(rehearsal, tally, popularity)
    return _score(rehearsal, tally)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share after Wilson (1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, Z_95**2
    centre = share + square / (2 * trials)
    margin = Z_95 * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    scale = 1 + square / trials
    return (centre - margin) / scale, (centre + margin) / scale


def _refresh_times(first: datetime, last: datetime, split: datetime, every: timedelta) -> Iterator[datetime]:
    """Yield refreshes from the last one at or before the split on: what came before is contained in its state."""
    count = max(1, (split - first) // every)
    while (as_of := first + count * every) <= last:
        yield as_of
        count += 1


def _evidence(mails: Sequence[LabelledMail], delay: timedelta) -> list[Evidence]:
    return [
        Evidence(mail.mail_id, mail.verdict, mail.received_at + delay, mail.received_at, mail.teaches)
        for mail in mails
        if mail.verdict is not None
    ]


def _judge(mail: LabelledMail, rehearsal: Rehearsal, tally: _Tally) -> None:
    if mail.verdict is None:
        return
    if mail.verdict == "malicious":
        tally.malicious += 1
    else:
        tally.benign += 1
    arrival = mail.received_at.replace(tzinfo=None)
    found = tuple(
        key
        for key in mail.asks
        if (live := rehearsal.table.get((key.kind, key.value))) is not None and live.expires_at > arrival
    )
    if found:
        tally.hits.append((mail, found))


def _record(rehearsal: Rehearsal, tally: _Tally, changes: RefreshChanges) -> None:
    tally.sizes.append(len(rehearsal.table))
    tally.changes.append(changes)
    tally.popular.update(rehearsal.table)


def _record_popular(rehearsal: Rehearsal, tally: _Tally, popularity: Popularity) -> None:
    """Keep of all indicators that ever stood in the table those at a popular host."""
    tally.popular.update(rehearsal.table)
    domain_kinds = {Kind.LINK_DOMAIN, Kind.SENDER_DOMAIN, Kind.EXACT_URL}
    tally.popular = {
        (kind, value)
        for kind, value in tally.popular
        if kind in domain_kinds and popularity.covers(value.partition("/")[0])
    }


def _score(rehearsal: Rehearsal, tally: _Tally) -> dict[str, Any]:
    hit_malicious = [found for mail, found in tally.hits if mail.verdict == "malicious"]
    return {
        "test_malicious": tally.malicious,
        "test_benign": tally.benign,
        "recall": len(hit_malicious) / tally.malicious if tally.malicious else 0.0,
        "recall_ci95": list(wilson(len(hit_malicious), tally.malicious)),
        "benign_hits": len(tally.hits) - len(hit_malicious),
        "popular_iocs": len(tally.popular),
        "table_items_mean": _mean(tally.sizes),
        "table_items_max": max(tally.sizes, default=0),
        "writes_per_refresh_mean": _mean([change.added + change.renewed for change in tally.changes]),
        "deletes_per_refresh_mean": _mean([change.removed for change in tally.changes]),
        "refreshes": len(tally.sizes),
        "kinds": _by_kind(hit_malicious, rehearsal),
        "hits": sorted(mail.mail_id for mail, _ in tally.hits),
        "indicators": [{"kind": str(kind), "value": value} for kind, value in sorted(rehearsal.table)],
    }


def _by_kind(hits: Sequence[tuple[IocKey, ...]], rehearsal: Rehearsal) -> dict[str, dict[str, int]]:
    """Count for each kind the malicious mails it hits, those that only it hits, and its items at the end."""
    kinds_hit = [{key.kind for key in found} for found in hits]
    any_hit = Counter(kind for kinds in kinds_hit for kind in kinds)
    alone = Counter(next(iter(kinds)) for kinds in kinds_hit if len(kinds) == 1)
    items = Counter(kind for kind, _ in rehearsal.table)
    return {str(kind): {"hits": any_hit[kind], "only": alone[kind], "items": items[kind]} for kind in Kind}


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0
