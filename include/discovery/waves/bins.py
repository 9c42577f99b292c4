"""Waves as bins: what each holds, what still fits, and which groups would rather be elsewhere."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from include.discovery.waves.estate import Group

_PASSES: Final = 8
_ROUNDING: Final = 1e-6


@dataclass(slots=True)
class Bins:
    """Groups in bins under a capacity.

    :param servers: capacity of a bin.
    :param storage: GiB of a bin; infinite without a limit.
    """

    groups: Sequence[Group]
    servers: int
    storage: float
    members: list[set[int]] = field(default_factory=list)
    bin_of: dict[int, int] = field(default_factory=dict)
    load: list[int] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)
    stored: list[float] = field(default_factory=list)

    def open(self, numbers: Iterable[int] = ()) -> int:
        """Open a bin with these groups, whether or not they fit; return its number."""
        self.members.append(set())
        self.load.append(0)
        self.stored.append(0.0)
        for number in sorted(numbers):
            self.put(number, len(self.members) - 1)
        return len(self.members) - 1

    def put(self, number: int, place: int) -> None:
        """Put a group into a bin, out of the one it was in."""
        self.take(number)
        self.members[place].add(number)
        self.bin_of[number] = place
        self.load[place] += self.groups[number].servers
        self.stored[place] += self.groups[number].storage

    def take(self, number: int) -> None:
        """Take a group out of its bin, if it is in one."""
        place = self.bin_of.pop(number, None)
        if place is not None:
            self.members[place].discard(number)
            self.load[place] -= self.groups[number].servers
            self.stored[place] -= self.groups[number].storage

    def fits(self, number: int, place: int) -> bool:
        """Tell whether a group fits beside what a bin holds."""
        group = self.groups[number]
        enough = self.load[place] + group.servers <= self.servers
        return enough and self.stored[place] + group.storage <= self.storage + _ROUNDING

    def is_over(self, place: int) -> bool:
        """Tell whether a bin holds more than its capacity."""
        return self.load[place] > self.servers or self.stored[place] > self.storage + _ROUNDING

    def pull(self, number: int) -> dict[int, int]:
        """Return the traffic of a group with each bin."""
        found: dict[int, int] = {}
        for other, count in self.groups[number].peers.items():
            place = self.bin_of.get(other)
            if place is not None:
                found[place] = found.get(place, 0) + count
        return found


def relieve(bins: Bins) -> list[int]:
    """Take groups out of bins that are too full, those that lose least traffic per server first; return them."""
    taken = []
    for place in range(len(bins.members)):
        while bins.is_over(place) and len(loose := bins.members[place] - bins.fixed) > (
            not bins.members[place] & bins.fixed
        ):
            worst = min(loose, key=lambda n: (bins.pull(n).get(place, 0) / bins.groups[n].servers, n))
            bins.take(worst)
            taken.append(worst)
    return taken


def settle(bins: Bins, numbers: Iterable[int], closed: frozenset[int] = frozenset()) -> None:
    """Put groups into the bin they have most traffic with, else the fullest that they fit; else into a new one."""
    for number in sorted(numbers, key=lambda n: (-bins.groups[n].servers, n)):
        pull = bins.pull(number)
        places = [place for place in range(len(bins.members)) if place not in closed and bins.fits(number, place)]
        best = max(places, key=lambda place: (pull.get(place, 0), bins.load[place], -place), default=None)
        bins.put(number, bins.open() if best is None else best)


def improve(bins: Bins) -> None:
    """Move groups to bins where more of their traffic is, while there is room."""
    for _ in range(_PASSES):
        moved = 0
        for number in sorted(bins.bin_of.keys() - bins.fixed):
            pull, here = bins.pull(number), bins.bin_of[number]
            better = [
                p for p, count in pull.items() if p != here and count > pull.get(here, 0) and bins.fits(number, p)
            ]
            if better:
                bins.put(number, max(better, key=lambda p: (pull[p], -p)))
                moved += 1
        if not moved:
            break


def thin_out(bins: Bins, wanted: int) -> None:
    """Empty the lightest bins while more than `wanted` are used and their groups fit elsewhere."""
    # Only loads at the start count for the order: what fills up meanwhile is not emptied for it.
    heap = [
        (bins.load[place], place)
        for place in range(len(bins.members))
        if bins.members[place] and not bins.members[place] & bins.fixed
    ]
    heapq.heapify(heap)
    used = sum(1 for members in bins.members if members)
    while heap and used > wanted:
        _, place = heapq.heappop(heap)
        before = sorted(bins.members[place])
        moves = _rehouse(bins, place, before)
        if moves is None:
            for number in before:
                bins.put(number, place)
            continue
        used -= 1


def _rehouse(bins: Bins, place: int, numbers: list[int]) -> bool | None:
    for number in sorted(numbers, key=lambda n: (-bins.groups[n].servers, n)):
        pull = bins.pull(number)
        places = [p for p in range(len(bins.members)) if p != place and bins.members[p] and bins.fits(number, p)]
        if not places:
            return None
        bins.put(number, max(places, key=lambda p: (pull.get(p, 0), bins.load[p], -p)))
    return True
