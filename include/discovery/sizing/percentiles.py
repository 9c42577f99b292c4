"""Percentiles of samples that last differently long, for many servers at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SHARES: Final = (0.5, 0.9, 0.95, 0.99)
_BLOCK: Final = 1 << 20  # elements of a padded block


@dataclass(frozen=True, slots=True)
class Layout:
    """How the samples of many servers lie in time; one entry for each server, but `weights`: one for each sample."""

    server: Integers
    starts: Integers
    counts: Integers
    weights: Floats
    """seconds that each sample counts"""
    total: Floats
    days: Floats
    coverage: Floats
    is_even: Flags
    """all samples of the server last equally long"""


@dataclass(frozen=True, slots=True)
class Summary:
    """One row for each server of a layout."""

    layout: Layout
    avg: Floats
    percentiles: Floats
    """shape (servers, len(SHARES))"""
    max: Floats


def lay_out(server: Integers, at: Integers, seconds: Floats, *, longest_gap: float) -> Layout:
    """Work out how long each sample counts.

    A sample lasts `seconds`, at most to the next sample; without `seconds` it lasts to the next one, and the last
    sample lasts the usual step, the median of the server's steps. A duration above `longest_gap` and above twice the
    usual step is a gap: it counts as one usual step.

    :param server: numbers, ascending, at least one; within a server `at` (seconds since any moment) ascends.
    :param seconds: NaN where the source does not tell.
    """
    import numpy as np

    starts = np.flatnonzero(np.r_[True, server[1:] != server[:-1]])
    counts = np.diff(np.r_[starts, len(server)])
    weights = _weights(starts, counts, at, seconds, longest_gap)
    total = np.add.reduceat(weights, starts)
    ends = starts + counts - 1
    span = at[ends] - at[starts] + weights[ends]
    return Layout(
        server=server[starts],
        starts=starts,
        counts=counts,
        weights=weights,
        total=total,
        days=span / 86_400,
        coverage=np.minimum(total / span, 1.0),
        is_even=np.minimum.reduceat(weights, starts) == np.maximum.reduceat(weights, starts),
    )


def summarise(layout: Layout, value: Floats) -> Summary:
    """Return average, percentiles and maximum, weighted by duration.

    A percentile is the smallest value that holds for at least that share of the observed time.
    """
    import numpy as np

    sums = np.add.reduceat(layout.weights * value, layout.starts)
    found = np.empty((len(layout.starts), len(SHARES)))
    for rows, block in _blocks(layout.starts, layout.counts, value, layout.is_even):
        found[rows] = _even(block, layout.counts[rows])
    for rows, block, weights in _weighted_blocks(layout, value):
        found[rows] = _uneven(block, weights)
    return Summary(layout, sums / layout.total, found, np.maximum.reduceat(value, layout.starts))


def _weights(starts: Integers, counts: Integers, at: Integers, seconds: Floats, longest_gap: float) -> Floats:
    import numpy as np

    to_next = np.empty(len(at))
    to_next[:-1] = at[1:] - at[:-1]
    to_next[starts + counts - 1] = np.nan  # the last of each server has no next
    duration = np.fmin(seconds, to_next)  # NaN only for a last sample of unknown length
    usual = _medians(starts, counts, duration)
    step = np.repeat(np.where(np.isnan(usual) | (usual <= 0), 1.0, usual), counts)
    is_gap = np.isnan(duration) | ((duration > longest_gap) & (duration > 2 * step))
    weights: Floats = np.where(is_gap, step, duration)
    empty = np.add.reduceat(weights, starts) <= 0
    weights[(starts + counts - 1)[empty]] = 1.0  # all at one moment: the last one stands
    return weights


def _medians(starts: Integers, counts: Integers, values: Floats) -> Floats:
    """Return the lower median of each server's known values, NaN where none is known."""
    import numpy as np

    lowest, highest = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    found = lowest.copy()
    for rows, block in _blocks(starts, counts, values, lowest < highest, fill=np.nan):
        ordered = np.sort(block, axis=1)  # NaN goes last
        known = np.count_nonzero(~np.isnan(block), axis=1)
        found[rows] = ordered[np.arange(len(rows)), (known - 1) // 2]
    return found


def _even(block: Floats, counts: Integers) -> Floats:
    """Rows whose samples last equally long: the k-th of n, k = ceil(share x n)."""
    import numpy as np

    ordered = np.sort(block, axis=1)
    picks = [np.ceil(np.round(share * counts, 9)).astype(np.int64) - 1 for share in SHARES]
    rows = np.arange(len(block))
    return np.stack([ordered[rows, np.clip(pick, 0, counts - 1)] for pick in picks], axis=1)


def _uneven(block: Floats, weights: Floats) -> Floats:
    import numpy as np

    order = np.argsort(block, axis=1)
    ordered = np.take_along_axis(block, order, axis=1)
    reached = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    total = reached[:, -1:]
    rows = np.arange(len(block))
    picks = [np.argmax(reached >= share * total * (1 - 1e-12), axis=1) for share in SHARES]
    return np.stack([ordered[rows, pick] for pick in picks], axis=1)


def _weighted_blocks(layout: Layout, value: Floats) -> Iterator[tuple[Integers, Floats, Floats]]:
    import numpy as np

    uneven = ~layout.is_even
    values = _blocks(layout.starts, layout.counts, value, uneven, fill=np.inf)
    weights = _blocks(layout.starts, layout.counts, layout.weights, uneven, fill=0.0)
    for (rows, block), (_, heavy) in zip(values, weights, strict=True):
        yield rows, block, heavy


def _blocks(
    starts: Integers, counts: Integers, values: Floats, wanted: Flags, *, fill: float = float("inf")
) -> Iterator[tuple[Integers, Floats]]:
    """Yield (places of servers, matrix with a row for each, padded at the end) for servers of similar length."""
    import numpy as np

    if wanted.all() and (counts == counts[0]).all():  # as most exports are: no padding, no copy
        height = max(1, _BLOCK // int(counts[0]))
        for at in range(0, len(counts), height):
            rows = np.arange(at, min(at + height, len(counts)))
            yield rows, values[starts[at] : starts[rows[-1]] + counts[0]].reshape(len(rows), -1)
        return
    places = np.flatnonzero(wanted)
    places = places[np.argsort(counts[places], kind="stable")]
    lengths = counts[places]
    begin = 0
    while begin < len(places):
        end = int(np.searchsorted(lengths, lengths[begin] * 5 // 4 + 1, side="right"))
        end = min(end, begin + max(1, _BLOCK // int(lengths[end - 1])))
        rows = places[begin:end]
        offsets = np.arange(int(lengths[end - 1]))
        inside = offsets < counts[rows][:, None]
        yield rows, np.where(inside, values[np.where(inside, starts[rows][:, None] + offsets, 0)], fill)
        begin = end
