"""When a transfer ends, as an interval that holds its end nine times of ten.

A file costs its bytes plus a share that does not depend on its size; the share is fitted to the progress so far, so
that a folder of small files is not taken for a slow network. The less is left, the more recent progress counts. The
interval widens with what is still to come, with how much the rate has moved so far, and with what nobody has seen yet:
time under a limit says nothing about the rate without it. The bandwidth calendar caps the future, window by window.

The constants are tuned on simulated transfers and scored on others: see `benchmarks/fsx_eta.py`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from include.fsx_migration.planning.bandwidth import limit_at, seconds_to_move

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from include.fsx_migration.definition_model import Bandwidth

MIB: Final = 1 << 20
LEAST_SPANS: Final = 5
"""Spans between samples, and three of them with progress, before anything is said."""
_BLOCKS: Final = 120
_COSTS: Final[tuple[float, ...]] = tuple(MIB * math.ldexp(1, power) for power in range(-6, 7))
_PRIOR_OCTAVES: Final = 2.0
_GROUPS: Final = 24
"""Coarse, so that noise between two samples does not decide."""
_NOISE: Final = 0.01
_AT_LIMIT: Final = 0.9
_LONGEST: Final = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class Sample:
    """How much was moved until a moment (aware); counts of bytes and files only grow."""

    at: datetime
    bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class Eta:
    """When it ends: in nine of ten transfers between `low` and `high`; `high` None is an open end."""

    low: datetime
    likely: datetime
    high: datetime | None


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the estimate is made of; deviations are those of the logarithm of the rate.

    :ivar memory: a span counts 1/e at this multiple of the time that is left, within `longest` of what has passed.
    :ivar longest: see `memory`, a share of what has passed.
    :ivar floor: the deviation that is never known better.
    :ivar unseen: of shifts that may come although none came yet.
    :ivar seen: the share of the variance so far that is to be expected again.
    :ivar reach: the power by which both shrink while less is left than has passed.
    :ivar cost: how much a cost per file that fits worse than the best one still counts; 1 is its likelihood.
    :ivar hidden: added towards faster when the limit alone was seen.
    :ivar early: how many deviations the interval reaches towards sooner.
    :ivar late: and towards later.
    """

    memory: float = 0.78
    longest: float = 1.5
    floor: float = 0.07
    unseen: float = 0.255
    seen: float = 0.53
    reach: float = 0.39
    cost: float = 0.72
    hidden: float = 0.39
    early: float = 1.6
    late: float = 1.9


@dataclass(frozen=True, slots=True)
class _Span:
    seconds: float
    bytes: float
    files: float
    age: float
    at_limit: bool

    def work(self, cost: float) -> float:
        return self.bytes + cost * self.files


TUNING: Final = Tuning()


def estimate_end(
    samples: Sequence[Sample],
    *,
    remaining_bytes: int,
    remaining_files: int,
    bandwidth: Bandwidth,
    now: datetime,
    tuning: Tuning = TUNING,
) -> Eta | None:
    """Return when what remains will be moved, or None as long as too little was seen to say.

    :param samples: progress so far in the order of time, of all executions together.
    :param now: aware; at or after the last sample.
    """
    if remaining_bytes <= 0 and remaining_files <= 0:
        return Eta(now, now, now)
    spans = _spans(samples, bandwidth=bandwidth, now=now)
    if len(spans) < LEAST_SPANS or sum(1 for span in spans if span.bytes or span.files) < 3:
        return None
    elapsed = sum(span.seconds for span in spans)
    free = [span for span in spans if not span.at_limit]
    used = free if len(free) >= LEAST_SPANS else spans
    fits = _fits(used, remaining_bytes, remaining_files, tuning)
    if not fits:
        return None
    ahead = _ahead(used, fits, elapsed, elapsed * tuning.longest)
    for _ in range(2):  # the memory follows the horizon, which follows from the rate
        ahead = _ahead(
            used, fits, elapsed, max(0.02 * elapsed, min(tuning.longest * elapsed, tuning.memory * ahead.seconds))
        )
    left = _Remaining(remaining_bytes, remaining_files, ahead.cost, bandwidth, now)
    rate = left.work / ahead.seconds
    likely = left.seconds(rate)
    spread = math.sqrt(ahead.variance + _variance_ahead(used, ahead.cost, likely / elapsed, tuning))
    towards_fast = tuning.early * spread + (tuning.hidden if _mostly_hidden(spans, free) else 0.0)
    low = min(left.seconds(rate * math.exp(towards_fast)), likely * math.exp(-tuning.early * tuning.floor))
    high = max(left.seconds(rate * math.exp(-tuning.late * spread)), likely * math.exp(tuning.late * tuning.floor))
    return Eta(_after(now, low) or now + _LONGEST, _after(now, likely) or now + _LONGEST, _after(now, high))


@dataclass(frozen=True, slots=True)
class _Remaining:
    bytes: int
    files: int
    cost: float
    bandwidth: Bandwidth
    now: datetime

    @property
    def work(self) -> float:
        return self.bytes + self.cost * self.files

    def seconds(self, rate: float) -> float:
        """Return how long it takes at a rate of work; the calendar caps the bytes in it."""
        if self.bytes <= 0:
            return self.work / rate
        share = self.bytes / self.work
        return seconds_to_move(self.bandwidth, start=self.now, size_bytes=self.bytes, rate_bytes_s=rate * share)


def _after(now: datetime, seconds: float) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds < _LONGEST.total_seconds() else None


def _spans(samples: Sequence[Sample], *, bandwidth: Bandwidth, now: datetime) -> list[_Span]:
    """Return what happened between samples, at most `_BLOCKS` spans of about equal length, the oldest first."""
    chosen = _thinned(samples)
    if chosen and now > chosen[-1].at:
        chosen.append(Sample(now, chosen[-1].bytes, chosen[-1].files))
    spans = []
    for before, after in pairwise(chosen):
        seconds = (after.at - before.at).total_seconds()
        if seconds <= 0:
            continue
        moved = max(0, after.bytes - before.bytes)
        middle = before.at + (after.at - before.at) / 2
        limit = limit_at(bandwidth, middle)
        spans.append(
            _Span(
                seconds=seconds,
                bytes=moved,
                files=max(0, after.files - before.files),
                age=(now - middle).total_seconds(),
                at_limit=limit is not None and moved >= _AT_LIMIT * limit * seconds,
            )
        )
    return spans


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    if len(samples) <= _BLOCKS:
        return list(samples)
    start, end = samples[0].at, samples[-1].at
    times = [sample.at for sample in samples]
    wanted = [start + (end - start) * step / _BLOCKS for step in range(_BLOCKS + 1)]
    places = sorted({min(bisect_left(times, moment), len(samples) - 1) for moment in wanted})
    return [samples[place] for place in places]


@dataclass(frozen=True, slots=True)
class _Fit:
    """A cost per file, its weight among all, and the work that is left by it."""

    cost: float
    weight: float
    work: float


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The time left without a calendar: by all fits, how far they are apart (variance of its logarithm), the best."""

    seconds: float
    variance: float
    cost: float


def _fits(spans: Sequence[_Span], size: int, files: int, tuning: Tuning) -> list[_Fit]:
    """Weigh costs per file by how steady each makes the rate so far; near 1 MiB where nothing tells."""
    groups = _groups(spans, _GROUPS)
    found = []
    for cost in _COSTS:
        rates = [math.log(rate) for group in groups if (rate := _rate(group, cost, math.inf)) > 0]
        if len(rates) < 3:
            return []
        away = math.log2(cost / MIB) / _PRIOR_OCTAVES
        found.append((cost, -tuning.cost * len(rates) / 2 * math.log(_variance(rates) + _NOISE) - away * away / 2))
    best = max(weight for _, weight in found)
    weights = [math.exp(weight - best) for _, weight in found]
    return [
        _Fit(cost, weight / sum(weights), size + cost * files) for (cost, _), weight in zip(found, weights, strict=True)
    ]


def _ahead(spans: Sequence[_Span], fits: Sequence[_Fit], elapsed: float, memory: float) -> _Ahead:
    times = [math.log(fit.work / max(_rate(spans, fit.cost, memory), fit.work / (1e9 * elapsed))) for fit in fits]
    mean = sum(fit.weight * at for fit, at in zip(fits, times, strict=True))
    variance = sum(fit.weight * (at - mean) ** 2 for fit, at in zip(fits, times, strict=True))
    return _Ahead(math.exp(mean), variance, max(fits, key=lambda fit: fit.weight).cost)


def _groups(spans: Sequence[_Span], count: int) -> list[list[_Span]]:
    total, run = sum(span.seconds for span in spans), 0.0
    groups: list[list[_Span]] = [[] for _ in range(count)]
    for span in spans:
        groups[min(count - 1, int(count * run / total))].append(span)
        run += span.seconds
    return [group for group in groups if group]


def _rate(spans: Sequence[_Span], cost: float, memory: float) -> float:
    """Return work by time, in bytes/s, each span weighted by its age."""
    weights = [math.exp(-span.age / memory) for span in spans]
    seconds = sum(weight * span.seconds for weight, span in zip(weights, spans, strict=True))
    work = sum(weight * span.work(cost) for weight, span in zip(weights, spans, strict=True))
    return work / seconds if seconds > 0 else 0.0


def _variance_ahead(spans: Sequence[_Span], cost: float, horizon: float, tuning: Tuning) -> float:
    """Return the variance of the logarithm of the mean rate over what is to come.

    :param horizon: what is to come by what was.
    """
    rates = [_rate(group, cost, math.inf) for group in _groups(spans, 10)]
    least = sum(rates) / len(rates) / 20
    seen = _variance([math.log(max(rate, least)) for rate in rates])
    reach = math.pow(min(1.0, horizon), tuning.reach)
    return tuning.floor**2 + (tuning.unseen**2 + tuning.seen * seen) * reach


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)


def _mostly_hidden(spans: Sequence[_Span], free: Sequence[_Span]) -> bool:
    return sum(span.seconds for span in free) < 0.1 * sum(span.seconds for span in spans)
