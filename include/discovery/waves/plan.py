"""Plan waves: which group moves when, why, and how good the plan is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.discovery import tables
from include.discovery.waves.calendar import wave_days
from include.discovery.waves.estate import read_groups
from include.discovery.waves.partition import minimum_waves
from include.discovery.waves.stages import make_plan
from include.discovery.waves.window import improve_window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from include.discovery.waves.estate import Group
    from include.discovery.waves.settings import WaveSettings
    from include.discovery.waves.stages import Plan
    from include.discovery.waves.window import Improved


@dataclass(frozen=True, slots=True)
class _Row:
    group: Group
    wave: int
    servers: int
    storage: float
    reason: str
    is_oversized: bool


def plan_waves(connection: Any, *, settings: WaveSettings, at: date) -> None:
    """Fill `waves` and `wave_quality` from `groups`, `servers`, `edges` and `priorities`.

    :param at: day of the assessment; wave 1 starts `lead_days` later unless the settings name its day.
    :raises PlanRefusedError: precedence goes in a circle or against pins.
    """
    tables.create(connection, "priorities", "waves", "wave_quality")
    groups = read_groups(connection, settings)
    plan = make_plan(groups, settings)
    window = _improve_next(plan, settings)
    pieces = _pieces(connection, plan, settings)
    rows = _rows(plan, pieces, settings)
    days = wave_days(max((row.wave for row in rows), default=0), settings=settings, at=at)
    _write_waves(connection, rows, days)
    _write_quality(connection, plan, window, rows=rows, settings=settings)


def _improve_next(plan: Plan, settings: WaveSettings) -> Improved | None:
    """Let CP-SAT improve the first waves that are neither hubs', small, nor oversized."""
    usual = sorted((p for p in plan.wave_of if p not in plan.why), key=lambda p: plan.wave_of[p])[
        : settings.window_waves
    ]
    return improve_window(plan.bins, usual, plan.ordered | plan.bins.fixed, settings) if usual else None


def _pieces(connection: Any, plan: Plan, settings: WaveSettings) -> dict[int, list[int]]:
    """Return the sizes of the parts of each group above the capacity that moves alone and may be split."""
    sizes: dict[int, list[int]] = {}
    if not settings.split_oversized:
        return sizes
    room = settings.servers_per_wave
    for number in sorted(plan.oversized):
        name = plan.bins.groups[number].name
        if plan.bins.groups[number].pin is not None or plan.bins.groups[number].servers <= room:
            continue
        found = connection.execute(
            "SELECT count(*) FROM groups WHERE application_group = ? GROUP BY tier ORDER BY tier", [name]
        ).fetchall()
        sizes[number] = _chunks([count for (count,) in found], room)
    return sizes


def _chunks(tiers: Sequence[int], room: int) -> list[int]:
    """Cut tiers, in their order, into parts of at most `room`; a tier is cut only when it alone is larger."""
    parts: list[int] = []
    for size in tiers:
        left = size
        if parts and parts[-1] + left <= room:
            parts[-1] += left
            continue
        while left > 0:
            parts.append(min(left, room))
            left -= room
    return parts


def _rows(plan: Plan, pieces: dict[int, list[int]], settings: WaveSettings) -> list[_Row]:
    """Return the rows in the order of waves and names; a split group pushes the waves behind it back."""
    rows, extra = [], 0
    pinned = {wave for place, wave in plan.wave_of.items() if plan.bins.members[place] & plan.bins.fixed}
    for place in sorted((p for p in plan.wave_of if plan.bins.members[p]), key=lambda p: plan.wave_of[p]):
        wave = plan.wave_of[place]
        wave += 0 if wave in pinned else extra
        for number in sorted(plan.bins.members[place]):
            group, parts = plan.bins.groups[number], pieces.get(number, [])
            why = _reason(plan, number, place, settings)
            if len(parts) < 2 or len(plan.bins.members[place]) > 1:
                rows.append(_Row(group, wave, group.servers, group.storage, why, number in plan.oversized))
                continue
            for at, part in enumerate(parts):
                share = round(group.storage * part / group.servers, 3)
                told = f"{why} Part {at + 1} of {len(parts)}, in the order of tiers."
                rows.append(_Row(group, wave + at, part, share, told, is_oversized=False))
            extra += len(parts) - 1
    return rows


def _reason(plan: Plan, number: int, place: int, settings: WaveSettings) -> str:
    group = plan.bins.groups[number]
    if group.pin is not None:
        return f"Pinned to wave {group.pin}."
    if number in plan.oversized:
        return (
            f"{group.servers} servers and {group.storage:,.0f} GiB are above one wave's "
            f"{settings.servers_per_wave} servers "
            "or its storage; it moves alone."
        )
    if number in plan.ordered:
        return "Placed by precedence: after the groups it needs, before those that need it."
    if place in plan.why and plan.why[place] != "is pinned":
        return f"The wave {plan.why[place]}."
    total = sum(group.peers.values())
    near = plan.bins.pull(number).get(place, 0)
    if not total:
        return "It talks with no other group; it fills a wave that had room."
    return f"{near / total:.0%} of its traffic with other groups stays in this wave."


def _write_waves(connection: Any, rows: Sequence[_Row], days: Sequence[tuple[date, date, str]]) -> None:
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: (row.wave, row.group.name))
    values: list[tuple[Any, ...]] = []
    for row in ordered:
        starts, ends, waited = days[row.wave - 1]
        reason = f"{row.reason} It waits for: {waited}." if waited else row.reason
        sizes = (row.servers, row.storage, row.is_oversized, row.group.pin is not None)
        values.append((row.group.name, row.wave, starts, ends, *sizes, reason))
    import pyarrow as pa

    columns = tables.columns("waves")
    connection.register(
        "planned_waves", pa.table(dict(zip(columns, map(list, zip(*values, strict=True)), strict=True)))
    )
    connection.execute("INSERT INTO waves BY NAME FROM planned_waves").fetchall()
    connection.unregister("planned_waves")


def _write_quality(
    connection: Any, plan: Plan, window: Improved | None, *, rows: Sequence[_Row], settings: WaveSettings
) -> None:
    groups, bins = plan.bins.groups, plan.bins
    storage = settings.storage_gib_per_wave or math.inf
    total = sum(sum(group.peers.values()) for group in groups) / 2
    inside = sum(bins.pull(n).get(place, 0) for n, place in bins.bin_of.items()) / 2
    load: dict[int, tuple[int, float]] = {}
    for row in rows:
        had = load.get(row.wave, (0, 0.0))
        load[row.wave] = (had[0] + row.servers, had[1] + row.storage)
    flagged = {row.wave for row in rows if row.is_oversized}
    over = [
        w
        for w, (n, gib) in load.items()
        if (n > settings.servers_per_wave or gib > storage + 1e-3) and w not in flagged
    ]
    lines: list[tuple[str, float | None, str]] = [
        ("waves", len(load), "Waves that hold something."),
        ("minimum_waves", minimum_waves(groups, settings.servers_per_wave, storage), "What the sums need at least."),
        ("cut_share", 1 - inside / total if total else 0.0, "Share of the traffic between groups that crosses waves."),
        ("over_capacity", len(over), "Waves over capacity without an oversized group; only pins can cause them."),
        ("oversized_groups", len(plan.oversized), "Groups above the capacity of a wave."),
    ]
    if window is not None:
        lines.append(
            ("window_cut", window.after, f"Connections between the next waves; {window.before} before CP-SAT.")
        )
        lines.append(("bound", window.bound, "No plan of these groups in the next waves can have fewer, CP-SAT shows."))
    if plan.unknown:
        lines.append(
            ("unknown_precedence", len(plan.unknown), "No group has these names: " + ", ".join(plan.unknown) + ".")
        )
    for line in lines:
        connection.execute("INSERT INTO wave_quality VALUES (?, ?, ?)", list(line)).fetchall()
