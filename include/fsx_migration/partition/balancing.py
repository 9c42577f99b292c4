"""Deal files over parts so that the dearest part costs little more than the mean: pure arithmetic on arrays.

Files that alone matter to the balance are dealt one by one, the dearest first, to the cheapest part (Graham's longest
processing time rule). All others are poured in the order of the listing, so that a part gets runs of neighbours: every
part is filled to the same level, and the line between two parts lies between two small files.

Where a limit of files leaves no such balance, the small files are dealt by cost instead, and neighbours part.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Final

_SMALL: Final = (1 / 200, 1 / 1000, 1 / 4000)
"""A file below this share of the mean part is poured; it moves the line between two parts by at most that share.

The first share that gives a good balance is taken: the fewer files are dealt one by one, the more neighbours stay.
"""
_GOOD: Final = 1.0005
"""How far above the lower bound a balance may be before the next way is tried."""
_SHARED: Final = 32
"""How many of the dearest files a part is assumed to share, at most, for the lower bound."""
_STEPS_AT_MOST: Final = 40_000_000_000
"""Parts times files beyond which dealing by cost would take minutes; the poured balance stays."""

_PIECE: Final = 1 << 20
_HALF: Final = 32
"""Sums of 2^20 halves of 32 bits stay below 2^53, up to which doubles are exact."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What parts hold so far, and how many files each may."""

    loads: Any
    counts: Any
    limit: int

    @property
    def rooms(self) -> Any:
        return self.limit - self.counts


def lower_bound(costs: Any, parts: int, *, max_files: int | None = None) -> float:
    """Return a ratio of the dearest part to the mean that no way of dealing can beat.

    The dearest file lies somewhere, with as many of the cheapest as the limit forces into its part; and of the
    `j * parts + 1` dearest files some part holds `j + 1`.

    :param costs: int64 array of positive costs, one for each file; not empty.
    """
    import numpy as np

    mean = float(costs.sum()) / parts
    bound = max(mean, float(costs.max()))
    if max_files is not None and (forced := len(costs) - (parts - 1) * max_files - 1) > 0:
        bound = max(bound, float(costs.max()) + float(np.partition(costs, forced - 1)[:forced].sum()))
    rounds = min(_SHARED, (len(costs) - 1) // parts)
    if rounds:
        kept = rounds * parts + 1
        dearest = np.sort(np.partition(costs, len(costs) - kept)[len(costs) - kept :])[::-1]
        for shared in range(1, rounds + 1):
            last = shared * parts
            bound = max(bound, float(dearest[last - shared : last + 1].sum()))
    return bound / mean


def deal(costs: Any, parts: int, *, max_files: int | None = None, bound: float | None = None) -> Any:
    """Return the part of each file as an int32 array.

    :param costs: int64 array of positive costs in the order of the listing.
    :param max_files: files of a part at most; `parts * max_files` is at least the number of files.
    :param bound: `lower_bound` of the same, where it is known.
    """
    good = _GOOD * (lower_bound(costs, parts, max_files=max_files) if bound is None else bound)
    ways = [(share, True) for share in _SMALL]
    if max_files is not None and parts * len(costs) <= _STEPS_AT_MOST:
        ways.append((_SMALL[-1], False))
    best, best_ratio = None, 0.0
    for share, pour in ways:
        chosen = _deal(costs, parts, max_files, share=share, pour=pour)
        ratio = _ratio(costs, chosen, parts)
        if best is None or ratio < best_ratio:
            best, best_ratio = chosen, ratio
        if ratio <= good:
            break
    return best


def part_sums(chosen: Any, values: Any, parts: int) -> Any:
    """Return the sum of each part's values as an int64 array, exactly.

    In pieces, since numpy turns all it counts into wider numbers first; in halves, since it adds as doubles.
    """
    import numpy as np

    sums = np.zeros(parts, np.int64)
    for start in range(0, len(chosen), _PIECE):
        homes, some = chosen[start : start + _PIECE], values[start : start + _PIECE].astype(np.int64)
        high = np.bincount(homes, weights=some >> _HALF, minlength=parts).astype(np.int64)
        low = np.bincount(homes, weights=some & ((1 << _HALF) - 1), minlength=parts).astype(np.int64)
        sums += (high << _HALF) + low
    return sums


def _ratio(costs: Any, chosen: Any, parts: int) -> float:
    return float(part_sums(chosen, costs, parts).max()) * parts / float(costs.sum())


def _deal(costs: Any, parts: int, max_files: int | None, *, share: float, pour: bool) -> Any:
    import numpy as np

    chosen = np.full(len(costs), -1, np.int32)
    held = _Parts(np.zeros(parts), np.zeros(parts, np.int64), max_files or len(costs))
    large = np.flatnonzero(costs > costs.sum() / parts * share)
    _deal_large(costs, large[np.argsort(-costs[large], kind="stable")], chosen, held)
    small = chosen < 0
    chosen[small] = _pour(costs[small], held) if pour else _deal_windows(costs[small], held)
    return chosen


def _deal_large(costs: Any, order: Any, chosen: Any, held: _Parts) -> None:
    heap = [(0, part) for part in range(len(held.loads))]
    for place, cost in zip(order.tolist(), costs[order].tolist(), strict=True):
        load, part = heapq.heappop(heap)
        chosen[place] = part
        held.counts[part] += 1
        held.loads[part] = load + cost
        if held.counts[part] < held.limit:
            heapq.heappush(heap, (load + cost, part))


def _pour(costs: Any, held: _Parts) -> Any:
    """Fill the parts up to the level that holds everything; what full parts could not take is poured again."""
    import numpy as np

    chosen = np.empty(len(costs), np.int32)
    start, reach = 0, _reach(costs)
    while start < len(costs):
        open_parts = np.flatnonzero(held.rooms > 0)
        level = _level(held.loads[open_parts], float(reach[-1] - reach[start]))
        wanted = float(reach[start])
        for part in open_parts.tolist():
            wanted += max(0.0, level - float(held.loads[part]))
            stop = _nearest(reach, wanted, start, min(start + int(held.rooms[part]), len(costs)))
            if part == open_parts[-1] and len(costs) - start <= held.rooms[part]:
                stop = len(costs)
            chosen[start:stop] = part
            held.counts[part] += stop - start
            held.loads[part] += float(reach[stop] - reach[start])
            start = stop
    return chosen


def _reach(costs: Any) -> Any:
    """Return what all files before each place cost, one more than there are files."""
    import numpy as np

    reach = np.zeros(len(costs) + 1, np.int64)
    np.cumsum(costs, out=reach[1:])
    return reach


def _nearest(reach: Any, wanted: float, low: int, high: int) -> int:
    """Return the place in `low` to `high` at which the rising `reach` is nearest to `wanted`."""
    import numpy as np

    # a whole number: for a broken one numpy would copy the array first
    stop = int(np.searchsorted(reach, ceil(wanted)))
    if stop == len(reach) or (stop > 0 and wanted - float(reach[stop - 1]) <= float(reach[stop]) - wanted):
        stop -= 1
    return min(max(stop, low), high)


def _deal_windows(costs: Any, held: _Parts) -> Any:
    """Give each part, the fullest first, that run of files in order of cost which fits its count and its load.

    A run of some length costs the more, the later it begins: the beginning is looked up. The rest stays in order.
    """
    import numpy as np

    chosen = np.empty(len(costs), np.int32)
    places = np.argsort(costs, kind="stable")
    costs = costs[places]
    order = np.argsort(-held.loads, kind="stable")
    for turn, part in enumerate(order.tolist()):
        rest = order[turn:]
        reach = _reach(costs)
        wanted = max(0.0, _level(held.loads[rest], float(reach[-1])) - float(held.loads[part]))
        least = max(0, len(costs) - int(held.rooms[rest[1:]].sum()))
        most = min(int(held.rooms[part]), len(costs))
        first, count = _window(reach, wanted, least, most)
        chosen[places[first : first + count]] = part
        held.counts[part] += count
        held.loads[part] += float(reach[first + count] - reach[first])
        keep = np.r_[0:first, first + count : len(costs)]
        costs, places = costs[keep], places[keep]
    return chosen


def _window(reach: Any, wanted: float, least: int, most: int) -> tuple[int, int]:
    """Return where the run begins and how many files it has: `least` to `most`, as near to `wanted` as can be.

    A fair share of the files is aimed at; fewer are taken where even the cheapest cost more, more where the dearest
    cost less.
    """
    import numpy as np

    files, total = len(reach) - 1, float(reach[-1])
    count = min(max(round(files * wanted / total) if total else 0, least), most)
    if float(reach[count]) > wanted:
        count = max(least, int(np.searchsorted(reach, floor(wanted), side="right")) - 1)
    elif total - float(reach[files - count]) < wanted:
        count = min(most, files - int(np.searchsorted(reach, ceil(total - wanted))) + 1, files)
        count = max(count, least)
    sums = reach[count:] - reach[: files + 1 - count]
    return _nearest(sums, wanted, 0, files - count), count


def _level(loads: Any, volume: float) -> float:
    """Return the height to which `volume` fills vessels that already hold `loads`."""
    import numpy as np

    held = np.sort(loads)
    heights = (volume + np.cumsum(held)) / np.arange(1, len(held) + 1)
    fits = np.flatnonzero(heights[:-1] <= held[1:])
    return float(heights[fits[0]] if len(fits) else heights[-1])
