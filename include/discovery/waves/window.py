"""Improve the next few waves with CP-SAT: it starts from the plan, stays within capacity, and tells its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.discovery.waves.bins import Bins
    from include.discovery.waves.settings import WaveSettings


@dataclass(frozen=True, slots=True)
class Improved:
    """Traffic between the waves of the window before and after, and the least that CP-SAT could not rule out."""

    before: int
    after: int
    bound: float


def improve_window(bins: Bins, places: Sequence[int], fixed: set[int], settings: WaveSettings) -> Improved | None:
    """Rearrange the groups of these bins (but not the fixed ones); None when there is nothing to rearrange."""
    from ortools.sat.python import cp_model

    numbers = sorted(n for place in places for n in bins.members[place])
    pairs = [
        (a, b, count) for a in numbers for b, count in sorted(bins.groups[a].peers.items())
        if a < b and bins.bin_of.get(b) in places
    ]  # fmt: skip
    before = sum(count for a, b, count in pairs if bins.bin_of[a] != bins.bin_of[b])
    if len(places) < 2 or not before:
        return None
    model = cp_model.CpModel()
    put = {(n, p): model.new_bool_var(f"{n}_{p}") for n in numbers for p in places}
    for n in numbers:
        model.add_exactly_one(put[n, p] for p in places)
        for p in places:
            model.add_hint(put[n, p], int(bins.bin_of[n] == p))
            if n in fixed:
                model.add(put[n, p] == int(bins.bin_of[n] == p))
    _limit(model, put, bins, places=places, numbers=numbers)
    cuts = [_cut(model, put, a, b, places) for a, b, _ in pairs]
    model.minimize(sum(count * cut for (_, _, count), cut in zip(pairs, cuts, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # several would race, and the answer with them
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = settings.window_effort
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) or solver.objective_value >= before:
        return Improved(before, before, max(0.0, solver.best_objective_bound))
    for n in numbers:
        place = next(p for p in places if solver.value(put[n, p]))
        if place != bins.bin_of[n]:
            bins.put(n, place)
    return Improved(before, round(solver.objective_value), max(0.0, solver.best_objective_bound))


def _limit(
    model: Any, put: dict[tuple[int, int], Any], bins: Bins, *, places: Sequence[int], numbers: Sequence[int]
) -> None:
    for p in places:
        room = max(bins.servers, bins.load[p])  # a pinned wave may be over already; it gets no fuller
        model.add(sum(bins.groups[n].servers * put[n, p] for n in numbers) <= room)
        if bins.storage < math.inf:
            kept = math.floor(max(bins.storage, bins.stored[p]))
            model.add(
                sum(math.ceil(bins.groups[n].storage) * put[n, p] for n in numbers) <= max(kept, _rounded(bins, p))
            )


def _rounded(bins: Bins, place: int) -> int:
    """Return what the bin holds with each group rounded up, so that the plan it starts from stays a valid one."""
    total = sum(math.ceil(bins.groups[n].storage) for n in bins.members[place])
    return total if bins.is_over(place) else 0


def _cut(model: Any, put: dict[tuple[int, int], Any], a: int, b: int, places: Sequence[int]) -> Any:
    cut = model.new_bool_var(f"cut_{a}_{b}")
    for p in places:
        model.add(put[a, p] - put[b, p] <= cut)
    return cut
