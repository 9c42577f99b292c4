"""Find the cheapest instance type that satisfies every need, for many servers at once.

Needs are turned into ranks among the types' figures, so servers with the same ranks have the same answer and are
looked up once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.discovery.sizing.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from include.discovery.catalogue.model import InstanceType

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

NONE: Final = -1
_ROWS_AT_ONCE: Final = 8192


@dataclass(frozen=True, slots=True)
class Fit:
    """Per row of needs: places in the list of types, NONE where nothing fits, and the binding need (place in NEEDS)."""

    type: Integers
    runner_up: Integers
    binding: Integers


@dataclass(frozen=True, slots=True)
class TypeSet:
    """Types that may be chosen, cheapest first by `order_usd`."""

    places: Integers
    """of the types in the catalogue's list"""
    capacity: Floats
    """shape (NEEDS, types)"""
    families: Integers
    order_usd: Floats


def type_set(types: Sequence[InstanceType], allowed: Sequence[int], *, vcpu_hour_usd: float, burst: bool) -> TypeSet:
    """Order the allowed types by price with the licence that goes by vCPU, then by name."""
    import numpy as np

    price = {place: types[place].hourly_usd + vcpu_hour_usd * types[place].vcpu for place in allowed}
    ordered = sorted(allowed, key=lambda place: (price[place], types[place].name))
    chosen = [types[place] for place in ordered]
    capacity = [
        [kind.vcpu for kind in chosen],
        [kind.vcpu * kind.cpu_baseline_share for kind in chosen],
        [kind.memory_mib for kind in chosen],
        [kind.network_gbit_peak if burst else kind.network_gbit_baseline for kind in chosen],
        [kind.ebs_mb_s_max if burst else kind.ebs_mb_s_baseline for kind in chosen],
        [kind.ebs_iops_max if burst else kind.ebs_iops_baseline for kind in chosen],
    ]
    names = sorted({kind.family for kind in chosen})
    return TypeSet(
        places=np.array(ordered, dtype=np.int64),
        capacity=np.array(capacity, dtype=np.float64).reshape(len(NEEDS), len(ordered)),
        families=np.array([names.index(kind.family) for kind in chosen], dtype=np.int64),
        order_usd=np.array([price[place] for place in ordered]),
    )


def fit(needs: Floats, types: TypeSet) -> Fit:
    """Fit rows of needs, shape (NEEDS, rows), without NaN."""
    import numpy as np

    rows = needs.shape[1]
    if not rows or not len(types.places):
        return Fit(*(np.full(rows, NONE, dtype=np.int64) for _ in range(3)))
    steps = [np.unique(capacity) for capacity in types.capacity]
    ranks = np.stack([np.searchsorted(step, need - 1e-9) for step, need in zip(steps, needs, strict=True)])
    code = np.ravel_multi_index(tuple(ranks), tuple(len(step) + 1 for step in steps))
    distinct, first, where = np.unique(code, return_index=True, return_inverse=True)
    ours = ranks[:, first]
    found = [
        _fit_distinct(ours[:, at : at + _ROWS_AT_ONCE], steps, types) for at in range(0, len(distinct), _ROWS_AT_ONCE)
    ]
    best, runner_up, binding = (np.concatenate(part)[where] for part in zip(*found, strict=True))
    return Fit(best, runner_up, binding)


def _fit_distinct(ranks: Integers, steps: list[Floats], types: TypeSet) -> tuple[Integers, Integers, Integers]:
    import numpy as np

    held = [np.searchsorted(step, capacity) for step, capacity in zip(steps, types.capacity, strict=True)]
    fits = np.ones((ranks.shape[1], len(types.places)), dtype=bool)
    for need in range(len(NEEDS)):
        fits &= held[need] >= ranks[need][:, None]
    any_fits = np.logical_or.reduce(fits, axis=1)
    best = fits.argmax(axis=1)
    other = fits & (types.families != types.families[best][:, None])
    runner_up = np.where(other.any(axis=1), types.places[other.argmax(axis=1)], NONE)
    binding = _binding(ranks, held, np.where(any_fits, best - 1, len(types.places) - 1), any_fits)
    return np.where(any_fits, types.places[best], NONE), np.where(any_fits, runner_up, NONE), binding


def _binding(ranks: Integers, held: list[Integers], cheaper: Integers, any_fits: NDArray[np.bool_]) -> Integers:
    """The need that excludes the next cheaper type: of several the one missed by most steps, then the first.

    Nothing fits: the need that most types miss.
    """
    import numpy as np

    lacking = np.stack([ranks[need] - held[need][np.maximum(cheaper, 0)] for need in range(len(NEEDS))])
    binding = np.where(lacking.max(axis=0) > 0, lacking.argmax(axis=0), NONE)
    binding = np.where(cheaper < 0, NONE, binding)
    misses = np.stack([(held[need] < ranks[need][:, None]).mean(axis=1) for need in range(len(NEEDS))])
    return np.where(any_fits, binding, misses.argmax(axis=0))
