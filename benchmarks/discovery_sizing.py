"""How often a size breaks later: real CPU traces, fitted on each machine's first half, judged on its second.

Peer: the average of the first half as the size, which many spreadsheets take. The line runs the product's own steps:
`summarise_utilisation` and `size_servers`. A breach is observed time above the size before it is rounded up to an
instance type, so the figures are worse than what a chosen type would see; use above 100 % (turbo) counts as 100.
Data: GWA-T-12 Bitbrains in data/discovery/traces below LANDFALL_SHARED (or ../shared).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.discovery import tables
from include.discovery.catalogue.loading import load_catalogue
from include.discovery.sizing.choosing import size_servers
from include.discovery.sizing.settings import Headroom, SizingSettings
from include.discovery.sizing.summaries import summarise_utilisation

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = "LANDFALL_SHARED"
BASES = ("avg", "p95", "p99", "max")
_LOAD = """
CREATE TABLE trace AS
SELECT m.id, m.cpu_count, t.timestamp::TIMESTAMP - to_milliseconds(t.duration) AS at, t.duration / 1000 AS seconds,
    100 * t.cpu_usage / m.cpu_capacity AS cpu_percent,
    CASE WHEN t.duration > 3600000 THEN 300 ELSE t.duration / 1000 END AS weight,
    t.timestamp <= m.start_time + (m.stop_time - m.start_time) / 2 AS is_first_half
FROM read_parquet(?) t JOIN read_parquet(?) m USING (id)
"""
_FILL = """
INSERT INTO servers BY NAME SELECT DISTINCT id AS server_id, cpu_count AS cpu_cores, 4096 AS memory_mib,
    'linux' AS os_family, true AS in_scope, [] AS marks, [1] AS source_ids FROM trace;
INSERT INTO server_refs SELECT 1, server_id, server_id FROM servers;
INSERT INTO raw_utilisation BY NAME SELECT 1 AS source_id, row_number() OVER () AS source_row, id AS ref, t.at,
    seconds::INTEGER AS seconds, cpu_percent FROM trace t WHERE is_first_half ORDER BY id, t.at
"""
_JUDGE = """
SELECT s.label,
    sum(t.weight) FILTER (least(t.cpu_percent, 100) / 100 * t.cpu_count > s.size) / sum(t.weight) AS breach,
    (SELECT sum(k.size) / sum(v.cpu_cores) FROM sizes k JOIN servers v USING (server_id)
        WHERE k.label = s.label) AS kept
FROM trace t JOIN sizes s ON s.server_id = t.id WHERE NOT t.is_first_half GROUP BY s.label
"""


def folder() -> Path | None:
    """Return the folder with the traces, or None when there is none."""
    shared = Path(os.environ.get(DATA) or Path(__file__).resolve().parents[2] / "shared")
    found = [path for path in (shared / "data" / "discovery" / "traces",) if path.is_dir()]
    return found[0] if found else None


def judge(traces: Path, settings: SizingSettings) -> dict[str, tuple[float, float]]:
    """Return (share of later time above the size, share of vCPU kept) by basis; "default" is what the rules choose."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(_LOAD, [str(traces / "vm_cpu_5min.parquet"), str(traces / "vm_meta.parquet")])
    tables.create(connection, "servers", "disks", "databases", "server_refs", "raw_utilisation")
    for statement in _FILL.split(";"):
        connection.execute(statement).fetchall()
    summarise_utilisation(connection, settings=settings)
    size_servers(connection, settings=settings, catalogue=load_catalogue())
    connection.execute(
        "CREATE TABLE sizes AS SELECT server_id, basis AS label, needed_vcpu AS size FROM sizing_options "
        "UNION ALL SELECT server_id, 'default', needed_vcpu FROM sizing JOIN sizing_options USING (server_id, basis)"
    )
    return {label: (breach or 0.0, kept) for label, breach, kept in connection.execute(_JUDGE).fetchall()}


def run() -> Iterator[dict[str, Any]]:
    """Yield the line `sizing_breaches`, or nothing without the traces."""
    traces = folder()
    if traces is None:
        return
    found = judge(traces, SizingSettings())
    bare = judge(traces, SizingSettings(headroom=Headroom(avg=1.0)))
    production = SizingSettings(unknown_environment_is_production=False)
    other = judge(traces, production)["default"]
    ours, peer = found["default"][0], bare["avg"][0]
    by_basis = ", ".join(
        f"{name} x {SizingSettings().headroom.of(name):g}: {found[name][0]:.1%} at {found[name][1]:.0%}"
        for name in BASES
    )
    yield {
        "name": "sizing_breaches",
        "ours": ours,
        "peer": peer,
        "ratio": ours / peer if peer else None,
        "unit": "share of later time above the size",
        "note": f"goal at most 0.04; the default keeps {found['default'][1]:.0%} of the vCPUs, the peer (average "
        f"x 1.0) {bare['avg'][1]:.0%}; breaches and vCPU kept by basis: {by_basis}; default of non-production: "
        f"{other[0]:.1%} at {other[1]:.0%}",
    }
