"""Put the waves together: shared services, small first waves, the bulk, and what pins and precedence ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from include.discovery.waves.order import PlanRefusedError, read_precedence
from include.discovery.waves.partition import divide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from include.discovery.waves.bins import Bins
    from include.discovery.waves.estate import Group
    from include.discovery.waves.settings import WaveSettings


_ANY_WAVE: Final = 1_000_000


@dataclass(slots=True)
class Plan:
    """Bins with their wave numbers; `why` says by bin what it is for."""

    bins: Bins
    wave_of: dict[int, int] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    oversized: set[int] = field(default_factory=set)
    ordered: set[int] = field(default_factory=set)
    """Groups with precedence: their waves are not to change."""
    unknown: list[str] = field(default_factory=list)


def make_plan(groups: Sequence[Group], settings: WaveSettings) -> Plan:
    """Return a plan that holds every group once.

    :raises PlanRefusedError: precedence goes in a circle or against pins.
    """
    needs, ordered, unknown = read_precedence(groups, settings)
    storage = settings.storage_gib_per_wave or math.inf
    free = [g for g in groups if g.pin is None and g.number not in set(ordered)]
    hubs = [g for g in free if g.is_hub and settings.hubs_first]
    rest = [g for g in free if not (g.is_hub and settings.hubs_first)]
    big = {g.number for g in groups if g.servers > settings.servers_per_wave or g.storage > storage}
    early_hubs = _packed(hubs, settings.servers_per_wave, storage)
    pilots = _pilots([g for g in rest if g.number not in big], settings)
    piloted = {n for one in pilots for n in one}
    pins = _pins(groups)
    begun = [pins[wave] for wave in sorted(pins)]
    chosen = [g.number for g in rest if g.number not in piloted | big]
    bins = divide(groups, chosen, servers=settings.servers_per_wave, storage=storage, begun=begun)
    plan = Plan(bins, oversized=big, unknown=unknown)
    plan.wave_of = dict(enumerate(sorted(pins)))
    plan.why = dict.fromkeys(plan.wave_of, "is pinned")
    bulk = [place for place in range(len(begun), len(bins.members)) if bins.members[place]]
    alone = [bins.open([g.number]) for g in rest if g.number in big]
    first = [bins.open(one) for one in early_hubs]
    small = [bins.open(one) for one in pilots]
    plan.why |= dict.fromkeys(first, "holds the shared services, which others need")
    plan.why |= dict.fromkeys(small, "is a small first wave of the best ranked groups")
    plan.why |= dict.fromkeys(alone, "holds one group above the capacity")
    later = sorted([*bulk, *alone], key=lambda place: (_mean_rank(plan, place), min(bins.members[place])))
    _number(plan, [*first, *small, *later])
    _place_ordered(plan, ordered, needs, closed=set(first + small + alone))
    plan.ordered = set(ordered)
    return plan


def _packed(groups: Iterable[Group], servers: int, storage: float) -> list[list[int]]:
    """Return the groups first-fit decreasing; one above the capacity is alone."""
    found: list[tuple[list[int], int, float]] = []
    for group in sorted(groups, key=lambda g: (-g.servers, g.number)):
        for at, (numbers, load, stored) in enumerate(found):
            if load + group.servers <= servers and stored + group.storage <= storage:
                found[at] = ([*numbers, group.number], load + group.servers, stored + group.storage)
                break
        else:
            found.append(([group.number], group.servers, group.storage))
    return [numbers for numbers, _, _ in found]


def _pilots(groups: Sequence[Group], settings: WaveSettings) -> list[list[int]]:
    """Return small first waves, filled in the order of rank."""
    left = sorted((g for g in groups if g.servers <= settings.pilot_servers), key=lambda g: (g.rank, g.number))
    waves: list[list[int]] = []
    for _ in range(min(settings.pilot_waves, len(left))):
        room, taken = settings.pilot_servers, list[int]()
        for group in left[:200]:
            if group.servers <= room:
                room -= group.servers
                taken.append(group.number)
        left = [g for g in left if g.number not in set(taken)]
        if taken:
            waves.append(taken)
    return waves


def _pins(groups: Sequence[Group]) -> dict[int, list[int]]:
    pins: dict[int, list[int]] = {}
    for group in groups:
        if group.pin is not None:
            pins.setdefault(group.pin, []).append(group.number)
    return pins


def _mean_rank(plan: Plan, place: int) -> float:
    members, groups = plan.bins.members[place], plan.bins.groups
    return sum(groups[n].rank for n in members) / len(members)


def _number(plan: Plan, places: Sequence[int]) -> None:
    """Give the next free wave numbers to bins, in order; those of pins are taken."""
    taken, wave = set(plan.wave_of.values()), 0
    for place in places:
        wave += 1
        while wave in taken:
            wave += 1
        plan.wave_of[place] = wave


def _place_ordered(plan: Plan, ordered: Sequence[int], needs: dict[int, set[int]], *, closed: set[int]) -> None:
    """Put groups with precedence after those they need and before the pinned ones that need them."""
    groups = plan.bins.groups
    latest = _latest(groups, ordered, needs)
    for number in ordered:
        befores = sorted(needs.get(number, ()))
        low = max((plan.wave_of[plan.bins.bin_of[n]] for n in befores), default=0)
        pin = groups[number].pin
        if pin is not None:
            if pin <= low:
                raise _against(groups, number, max(befores, key=lambda n: plan.wave_of[plan.bins.bin_of[n]]), pin)
            continue
        _place(plan, number, range(low + 1, latest[number]), closed)


def _place(plan: Plan, number: int, allowed: range, closed: set[int]) -> None:
    bins, group = plan.bins, plan.bins.groups[number]
    if group.is_hub:
        closed = closed - {p for p, why in plan.why.items() if why.startswith("holds the shared")}
    pull = bins.pull(number)
    fitting = [p for p, wave in plan.wave_of.items() if wave in allowed and bins.fits(number, p)]
    # Bounded by a pin (chains are short): rather a small first wave with room than no plan.
    best = max(
        (p for p in fitting if p not in closed),
        key=lambda p: (pull.get(p, 0), -plan.wave_of[p]),
        default=min(fitting, key=lambda p: -plan.wave_of[p], default=None) if allowed.stop < _ANY_WAVE // 2 else None,
    )
    if best is None:
        used = set(plan.wave_of.values())
        wave = max([*used, allowed.start - 1]) + 1
        if wave not in allowed:
            wave = next((w for w in allowed if w not in used), 0)
        if not wave:
            raise PlanRefusedError(
                f"{group.name} ({group.servers} servers) must move in waves {allowed.start} to {allowed.stop - 1} by "
                "waves.precedence and pins, but none has room; pin its successor to a later wave."
            )
        best = bins.open()
        plan.wave_of[best] = wave
        plan.why[best] = "was opened for precedence"
    bins.put(number, best)


def _latest(groups: Sequence[Group], ordered: Sequence[int], needs: dict[int, set[int]]) -> dict[int, int]:
    """Return by group the wave that it must be before (one after its last wave)."""
    latest = dict.fromkeys(ordered, 10**6)
    for number in reversed(ordered):
        pin = groups[number].pin
        bound = pin if pin is not None else latest[number] - 1
        for before in needs.get(number, ()):
            latest[before] = min(latest[before], bound)
    return latest


def _against(groups: Sequence[Group], number: int, before: int, pin: int) -> Any:
    return PlanRefusedError(
        f"{groups[number].name} is pinned to wave {pin}, but waves.precedence wants "
        f"{groups[before].name} before it, which "
        "moves in that wave or later; change the pin or the pair."
    )
