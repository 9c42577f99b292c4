"""Whom each of a range of thresholds would have blocked, and how soon: to choose one before it goes live."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from include.scanner_block.study.threshold_progress import progress_of, starts_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from include.scanner_block.addresses import Networks
    from include.scanner_block.counts import LogCounts
    from include.scanner_block.policy_model import LogFormat, Rules
    from include.scanner_block.study.threshold_progress import Progress

    Integers: TypeAlias = NDArray[np.int64]

THRESHOLDS: Final = (5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
PATH_THRESHOLDS: Final = (3, 5, 8, 10, 15, 20, 30, 50, 100)
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one threshold would have done.

    :param clients: how many it would have blocked; `share` of all clients in the logs (0 to 1).
    :param stopped: counted requests of those clients after the moment of detection; `stopped_share` of all counted
        requests of all clients. What they would have been with no delay of logs and no end of the block.
    :param median_seconds: from a client's first counted request to its detection; None where nobody is detected.
    :param examples: some of the clients, the worst first.
    """

    threshold: int
    clients: int
    share: float
    stopped: int
    stopped_share: float
    median_seconds: float | None
    worst_seconds: int | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StableRange:
    """Thresholds (both ends included) that all block the same clients."""

    low: int
    high: int
    clients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One way to detect over a range of thresholds.

    :param name: `count` (requests in one minute) or `paths` (different paths with errors in one calendar minute).
    :param chosen: the threshold of the settings, None where they leave the detector off.
    :param stable: the widest range by ratio in which the result does not change, None where nobody is detected.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    chosen: int | None
    stable: StableRange | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The comparison of thresholds over some logs.

    :param what: what is counted, `errors` or `requests`; `counted` says how many.
    :param clients: different clients of all logs.
    :param spared: approved and own clients with counted requests; they are left out of everything else.
    """

    what: str
    lines: int
    unreadable: int
    clients: int
    counted: int
    spared: int
    detectors: tuple[Detector, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of `landfall scanner threshold`."""
        return asdict(self)


def study_rules(rules: Rules, log_format: LogFormat) -> Rules:
    """Return the rules to count with: by the second, and with paths where that detector exists."""
    paths = None if log_format.counts_every_request else rules.distinct_error_paths or 1
    return replace(rules, sliding_minute=True, distinct_error_paths=paths)


def compare_thresholds(counts: LogCounts, *, rules: Rules, log_format: LogFormat, spared: Networks) -> Study:
    """Compare a range of thresholds, those of the settings and the edges of the stable range among them.

    :param counts: made with `study_rules(rules, log_format)`.
    :param rules: those of the settings: they say which minute counts, calendar or sliding.
    :param spared: approved and own networks.
    """
    rows, left_out = _without(counts.table, spared)
    progress = progress_of(rows, sliding=rules.sliding_minute)
    chosen = rules.threshold(log_format)
    clients = counts.clients
    detectors = [_detector("count", progress, chosen=chosen, range_=THRESHOLDS, clients=clients)]
    if not log_format.counts_every_request:
        paths = rules.distinct_error_paths
        detectors.append(_detector("paths", progress, chosen=paths, range_=PATH_THRESHOLDS, clients=clients))
    return Study(
        what="requests" if log_format.counts_every_request else "errors",
        lines=counts.lines,
        unreadable=counts.unreadable,
        clients=counts.clients,
        counted=_sum(rows),
        spared=left_out,
        detectors=tuple(detectors),
    )


def _without(table: pa.Table, spared: Networks) -> tuple[pa.Table, int]:
    """Return the rows of clients that are not spared, and how many are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name in pc.unique(table.column("client")).to_pylist() if spared.overlap(name)]
    if not names:
        return table, 0
    return table.filter(pc.invert(pc.is_in(table.column("client"), pa.array(names, pa.string())))), len(names)


def _sum(table: pa.Table) -> int:
    import pyarrow.compute as pc

    return pc.sum(table.column("requests")).as_py() or 0


def _detector(name: str, progress: Progress, *, chosen: int | None, range_: tuple[int, ...], clients: int) -> Detector:
    import numpy as np

    running = progress.running if name == "count" else progress.paths
    peaks = np.maximum.reduceat(running, progress.starts) if len(running) else running
    stable = _stable(peaks, least=range_[0])
    edges = () if stable is None else (stable.low, stable.high, stable.high + 1)
    wanted = sorted({*range_, *edges, *(() if chosen is None else (chosen,))})
    outcomes = []
    for threshold in wanted:
        reached = np.flatnonzero(running >= threshold)
        detected = reached[starts_of(progress.client[reached])]
        # requests in the second of detection beyond the threshold came after it; of paths that cannot be said
        beyond = int((running[detected] - threshold).sum()) if name == "count" else 0
        outcomes.append(_outcome(threshold, progress, detected, beyond, peaks=peaks, clients=clients))
    return Detector(name=name, outcomes=tuple(outcomes), chosen=chosen, stable=stable)


def _stable(peaks: Integers, *, least: int) -> StableRange | None:
    """Return the widest range of thresholds, by ratio, without a client whose largest count lies in it."""
    import numpy as np

    levels = [least - 1, *(level for level in np.unique(peaks).tolist() if level >= least)]
    ranges = [StableRange(below + 1, level, int((peaks >= level).sum())) for below, level in itertools.pairwise(levels)]
    return max(ranges, key=lambda one: (one.high / one.low, -one.low), default=None)


def _outcome(
    threshold: int, progress: Progress, detected: Integers, beyond: int, *, peaks: Integers, clients: int
) -> Outcome:
    """Say what a threshold does; `detected` are the rows in which it is first reached, one for each client."""
    import numpy as np

    found = progress.client[detected]
    stopped = int((progress.total[found] - progress.through[detected]).sum()) + beyond
    seconds = progress.at[detected] - progress.at[progress.first[detected]]
    counted = int(progress.total.sum())
    worst = found[np.argsort(-peaks[found], kind="stable")[:_EXAMPLES]]
    return Outcome(
        threshold=threshold,
        clients=len(found),
        share=round(len(found) / clients, 6) if clients else 0.0,
        stopped=stopped,
        stopped_share=round(stopped / counted, 6) if counted else 0.0,
        median_seconds=float(np.median(seconds)) if len(seconds) else None,
        worst_seconds=int(seconds.max()) if len(seconds) else None,
        examples=tuple(progress.names.take(worst.tolist()).to_pylist()) if len(worst) else (),
    )
