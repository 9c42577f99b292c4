"""Planning waves of 150 servers on the easy made estate: what crosses waves, how many waves, and none too full.

Peer: first-fit decreasing of the same groups, which packs tightest and knows no traffic.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.discovery_estate import make_estate
from benchmarks.discovery_groups import load
from include.discovery import tables
from include.discovery.dependencies.map import map_dependencies
from include.discovery.dependencies.settings import DependencySettings
from include.discovery.waves.estate import read_groups
from include.discovery.waves.plan import plan_waves
from include.discovery.waves.settings import WaveSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.discovery.waves.estate import Group

AT = date(2026, 9, 30)


def run() -> Iterator[dict[str, object]]:
    """Yield `waves_over_capacity`, `wave_cut` and `wave_count`."""
    settings = WaveSettings()
    with tempfile.TemporaryDirectory(prefix="landfall-waves-") as folder:
        connection = load(make_estate(Path(folder)))
    map_dependencies(connection, settings=DependencySettings())
    tables.create(connection, "priorities")
    started = time.perf_counter()
    plan_waves(connection, settings=settings, at=AT)
    seconds = time.perf_counter() - started
    quality = dict(connection.execute("SELECT name, value FROM wave_quality").fetchall())
    over, cut, count = first_fit(read_groups(connection, settings), settings.servers_per_wave)
    note = (
        f"planned in {seconds:.1f} s with a wave for hubs and {settings.pilot_waves} small ones; minimum "
        f"{quality['minimum_waves']:.0f} waves, {quality['oversized_groups']:.0f} oversized groups; "
        f"peer: first-fit decreasing"
    )
    for name, ours, peer, unit in (
        ("waves_over_capacity", quality["over_capacity"], over, "waves"),
        ("wave_cut", quality["cut_share"], cut, "share"),
        ("wave_count", quality["waves"], count, "waves"),
    ):
        yield {
            "name": name,
            "ours": ours,
            "peer": peer,
            "ratio": ours / peer if peer else None,
            "unit": unit,
            "note": note,
        }


def first_fit(groups: Sequence[Group], capacity: int) -> tuple[int, float, int]:
    """Return (waves over capacity, share of traffic cut, waves) of first-fit decreasing."""
    loads: list[int] = []
    wave: dict[int, int] = {}
    for group in sorted(groups, key=lambda one: (-one.servers, one.number)):
        place = next((at for at, load in enumerate(loads) if load + group.servers <= capacity), len(loads))
        if place == len(loads):
            loads.append(0)
        loads[place] += group.servers
        wave[group.number] = place
    total = sum(sum(group.peers.values()) for group in groups)
    cut = sum(n for group in groups for other, n in group.peers.items() if wave[group.number] != wave[other])
    return 0, cut / total, len(loads)


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
