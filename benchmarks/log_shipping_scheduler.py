"""How long log shipping takes on the real scheduler: a stack of its own, runs through Airflow's API.

`ship_50_seconds` is one cycle of 50 databases. `fail_over_1_seconds` and `fail_over_50_seconds` count orchestration:
RTO without the time inside SQL Server and without waiting for the approval. The peer is a script that does the
statements one database after the other, with no proof, approval, check or record.
"""

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.log_shipping_stack import (
    FAIL_OVER,
    SHIP,
    BenchStack,
    bench_stack,
    naive_fail_over,
    naive_seed,
    naive_ship,
)

DATABASES = 50


def run() -> Iterator[dict[str, object]]:
    """Ship and fail over, and yield a line for each number."""
    with bench_stack() as bench:
        many = [f"Bench{number:02d}" for number in range(1, DATABASES + 1)]
        plain = [f"Plain{number:02d}" for number in range(1, DATABASES + 1)]
        bench.create(["Solo", "PlainSolo", *many, *plain])
        naive_seed(bench, ["PlainSolo", *plain])
        bench.configure(["Solo", *many])
        bench.write([*many, *plain], first=1_000)
        peer = naive_ship(bench, plain)
        ship = bench.run(SHIP, databases=many)
        note = f"one cycle of {DATABASES} databases, by Airflow's clock; peer: a script"
        yield _line("ship_50_seconds", bench.seconds_of(ship), peer, unit="s", note=note)
        yield _fail_over(bench, "fail_over_1_seconds", ["Solo"], ["PlainSolo"])
        yield _fail_over(bench, "fail_over_50_seconds", many, plain)


def _fail_over(bench: BenchStack, name: str, databases: list[str], plain: list[str]) -> dict[str, object]:
    bench.write([*databases, *plain], first=2_000)
    peer = naive_fail_over(bench, plain)
    run = bench.run(FAIL_OVER, mode="planned", databases=databases, reason="benchmark of orchestration")
    return _fail_over_line(name, bench.report_of(run)["times"], peer, databases=len(databases))


def _fail_over_line(name: str, times: dict[str, Any], peer: float, *, databases: int) -> dict[str, object]:
    note = (
        f"{databases} database(s): RTO {times['rto_seconds']:.1f} s, of it {times['inside_sql_server_seconds']:.1f} s"
        f" inside SQL Server, {times['waiting_for_a_person_seconds']:.1f} s waiting for the approval; peer: a script"
    )
    return _line(name, times["orchestration_seconds"], peer, unit="s", note=note)


def _line(name: str, ours: float, peer: float, *, unit: str, note: str) -> dict[str, object]:
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit, "note": note}


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
