"""Divide groups among waves so that little traffic crosses: METIS, then repair of its balance, then local moves.

METIS (Karypis and Kumar 1998) balances parts on average and overfills some; capacity is a hard limit here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from include.discovery.waves.bins import Bins, improve, relieve, settle, thin_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.discovery.waves.estate import Group

SLACK: Final = 1.04
"""Waves against the minimum that a division may use: a little room keeps much traffic inside."""


def minimum_waves(groups: Sequence[Group], servers: int, storage: float) -> int:
    """Return how many waves the sums need at least, each group above the capacity one of its own."""
    small = [g for g in groups if g.servers <= servers and g.storage <= storage]
    needed = math.ceil(sum(g.servers for g in small) / servers)
    if storage < math.inf:
        needed = max(needed, math.ceil(sum(g.storage for g in small) / storage))
    return needed + len(groups) - len(small)


def divide(
    groups: Sequence[Group], chosen: Sequence[int], *, servers: int, storage: float, begun: Sequence[Sequence[int]] = ()
) -> Bins:
    """Return bins with the chosen groups (none of which is above the capacity).

    :param begun: groups that stay together, each list in a bin of its own (the first bins) that may be filled up.
    """
    bins = Bins(groups, servers, storage)
    for members in begun:
        bins.open(members)
        bins.fixed |= set(members)
    if not chosen:
        return bins
    least = minimum_waves([groups[n] for n in chosen], servers, storage)
    parts = max(1, math.ceil(least * 1.02))
    for members in _metis(groups, chosen, parts):
        bins.open(members)
    settle(bins, relieve(bins))
    improve(bins)
    thin_out(bins, math.ceil(least * SLACK))
    improve(bins)
    return bins


def _metis(groups: Sequence[Group], chosen: Sequence[int], parts: int) -> list[list[int]]:
    import numpy as np
    import pymetis

    if parts == 1:
        return [list(chosen)]
    place = {number: at for at, number in enumerate(chosen)}
    starts, ends, weights = [0], [], []
    for number in chosen:
        for other, count in sorted(groups[number].peers.items()):
            if other in place:
                ends.append(place[other])
                weights.append(min(count, 2**24))
        starts.append(len(ends))
    options = pymetis.Options(seed=1, ufactor=30)
    _, found = pymetis.part_graph(
        parts,
        xadj=np.array(starts),
        adjncy=np.array(ends, dtype=np.int64),
        vweights=np.array([groups[n].servers for n in chosen]),
        eweights=np.array(weights, dtype=np.int64),
        options=options,
    )
    members: list[list[int]] = [[] for _ in range(parts)]
    for number, part in zip(chosen, found, strict=True):
        members[part].append(number)
    return [one for one in members if one]
