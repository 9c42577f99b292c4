"""What the sample estate's machines do: hourly utilisation and connections, as CSV files."""

from __future__ import annotations

import csv
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from include.cli.demo_estate import Machine

BEGIN: Final = datetime(2026, 10, 19)  # noqa: DTZ001 # UTC by the header's name
DAYS: Final = 21

Row = list[Any]


def write_utilisation(path: Path, machines: Sequence[Machine], rng: random.Random) -> None:
    """Write hourly samples of the running machines, nine in ten of them."""
    rows: list[Row] = []
    for one in machines:
        if one.power != "poweredOn" or one.is_template or one.cmdb_status == "7" or rng.random() < 0.1:
            continue
        base, swing, memory = rng.uniform(2, 30), rng.uniform(2, 45), rng.uniform(20, 80)
        for hour in range(DAYS * 24):
            daily = max(0.0, math.sin((hour % 24 - 6) / 12 * math.pi))
            cpu = min(100.0, base + swing * daily + rng.expovariate(0.4))
            at = (BEGIN + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")
            rows.append([one.name, at, round(cpu), round(min(99.0, memory + 5 * daily))])
    write_csv(path, ["server_id", "timestamp", "cpu_percent", "memory_percent"], rows)


def write_connections(path: Path, machines: Sequence[Machine], unknown: Sequence[str], rng: random.Random) -> None:
    """Write who talks with whom: tiers of one application, a few neighbours, hubs, unknown addresses, local noise."""
    running = [
        one
        for one in machines
        if one.power == "poweredOn" and not one.is_template and (one.in_vcenter or one.is_physical)
    ]
    flows = [*_application_flows(running, rng), *_hub_flows(running)]
    flows += [(rng.choice(running).ip, address, 443, "tcp", 40) for address in unknown for _ in range(3)]
    flows += [(running[0].ip, "224.0.0.251", 5353, "udp", 9), ("127.0.0.1", "127.0.0.1", 8080, "tcp", 30)]
    rows = [
        [source, destination, port, protocol, (BEGIN + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ"), count]
        for source, destination, port, protocol, count in flows
        for day in (0, 10, DAYS)
    ]
    write_csv(path, "source_ip,destination_ip,destination_port,protocol,timestamp,count".split(","), rows)


def _application_flows(running: Sequence[Machine], rng: random.Random) -> Iterable[tuple[str, str, int, str, int]]:
    from include.cli.demo_estate import ENGINES

    tiers: dict[tuple[str, str], list[Machine]] = {}
    for one in running:
        tiers.setdefault((one.application, one.tier), []).append(one)
    names = sorted({application for application, tier in tiers if tier != "hub"})
    for place, name in enumerate(names):
        web, app, databases = (tiers.get((name, tier), []) for tier in ("web", "app", "db"))
        for one in web:
            yield from ((one.ip, other.ip, 8443, "tcp", rng.randrange(100, 900)) for other in app)
        for one in app:
            yield from (
                (one.ip, other.ip, ENGINES[other.engine][3], "tcp", rng.randrange(200, 2000)) for other in databases
            )
        for neighbour in (names[(place + 7) % len(names)],) if place % 3 == 0 else ():
            other = tiers.get((neighbour, "app"), [])
            if app and other:
                yield (app[0].ip, other[0].ip, 443, "tcp", 60)


def _hub_flows(running: Sequence[Machine]) -> Iterable[tuple[str, str, int, str, int]]:
    hubs = {one.name: one.ip for one in running if one.tier == "hub"}
    for one in running:
        if one.tier == "hub":
            continue
        side = one.number % 2 + 1
        yield (one.ip, hubs[f"dns-{side:02}"], 53, "udp", 500)
        yield (one.ip, hubs[f"ad-{side:02}"], 389, "tcp", 120)
        yield (hubs[f"monitor-{side:02}"], one.ip, 9100, "tcp", 300)
        yield (hubs[f"backup-{side:02}"], one.ip, 10000, "tcp", 21)


def write_csv(path: Path, header: Row, rows: Iterable[Row], *, delimiter: str = ",") -> None:
    """Write a CSV file with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
