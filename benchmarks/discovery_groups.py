"""Finding applications: how right, on made estates whose applications are known, and how fast beside pandas + networkx.

`group_f1_easy`, `group_f1_noisy`: pairwise F1 of the groups against the truth (benchmarks/discovery_estate.py), hubs
left out; peer: Louvain of scikit-network at resolution 1 on the same graph. `tier_ari`: adjusted Rand index of tiers
against the groups of a real network's hosts (Cisco 22 networks, Madani et al., IWSPA 2022), with the product's default
settings, never tuned on it; peer: connected components. `join_and_group_seconds`: from the two CSV files to groups,
each side a process of its own, in turn, medians; ours makes hubs, tiers, names and agreement as well.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.discovery_estate import make_estate
from include.discovery import tables
from include.discovery.dependencies.flows import number_flows, read_graph
from include.discovery.dependencies.map import map_dependencies
from include.discovery.dependencies.settings import DependencySettings
from include.discovery.dependencies.tiers import find_tiers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.discovery_estate import Estate

DATA = "LANDFALL_SHARED"
ROUNDS = 3
ROOT = Path(__file__).resolve().parents[1]
PEER = """
import json, sys, time
started = time.perf_counter()
import networkx as nx
import pandas as pd
servers = pd.read_csv(sys.argv[1], usecols=["server_id", "ip_address"])
flows = pd.read_csv(sys.argv[2], usecols=["source_ip", "destination_ip", "count"])
for side in ("source", "destination"):
    flows = flows.merge(servers.rename(columns={"server_id": side, "ip_address": f"{side}_ip"}), on=f"{side}_ip")
pairs = flows.groupby(["source", "destination"], as_index=False)["count"].sum()
peers = pd.concat([pairs["source"], pairs["destination"]]).value_counts()
hubs = set(peers[peers > 1000].index)
pairs = pairs[~pairs["source"].isin(hubs) & ~pairs["destination"].isin(hubs)]
graph = nx.from_pandas_edgelist(pairs, "source", "destination", "count")
groups = nx.community.louvain_communities(graph, weight="count", seed=1)
print(json.dumps({"groups": len(groups), "hubs": len(hubs), "seconds": time.perf_counter() - started}))
"""
_CONNECTIONS = """
INSERT INTO connections BY NAME
SELECT a.server_id AS source_server_id, b.server_id AS destination_server_id, source_ip, destination_ip,
  destination_port,
  protocol, count, first_seen, last_seen FROM (
    SELECT source_ip, destination_ip, destination_port::INTEGER AS destination_port, protocol,
      sum("count")::BIGINT AS count,
      min(timestamp) AS first_seen, max(timestamp) AS last_seen FROM read_csv(?, header = true, columns = {
        'source_ip': 'VARCHAR', 'destination_ip': 'VARCHAR', 'destination_port': 'INTEGER', 'protocol': 'VARCHAR',
        'timestamp': 'TIMESTAMP', 'count': 'BIGINT'}) GROUP BY ALL)
LEFT JOIN addresses a ON a.ip_address = source_ip LEFT JOIN addresses b ON b.ip_address = destination_ip"""
_PAIRS = """
WITH g AS (SELECT f.{found} AS a, t.application AS b FROM found f JOIN read_parquet(?) t USING (server_id) WHERE
  t.application >= 0),
  p AS (SELECT (SELECT sum(n * (n - 1)) FROM (SELECT count(*) AS n FROM g GROUP BY a, b)) AS same,
    (SELECT sum(n * (n - 1)) FROM (SELECT count(*) AS n FROM g GROUP BY a)) AS ours,
    (SELECT sum(n * (n - 1)) FROM (SELECT count(*) AS n FROM g GROUP BY b)) AS theirs)
SELECT 2 * same / (ours + theirs) FROM p"""


def load(estate: Estate) -> Any:
    """Return a connection with `servers` and `connections` read from the files of an estate."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    tables.create(connection, "servers", "connections")
    connection.execute(
        "INSERT INTO servers BY NAME SELECT server_id, application, storage_gib, [ip_address] AS "
        "ip_addresses, 'linux' AS os_family, "
        "true AS in_scope, [] AS marks, [1] AS source_ids FROM read_csv(?) ORDER BY server_id",
        [str(estate.servers)],
    )
    connection.execute(
        "CREATE TEMP TABLE addresses AS SELECT server_id, unnest(ip_addresses) AS ip_address FROM servers"
    )
    connection.execute(_CONNECTIONS, [str(estate.connections)])
    return connection


def run() -> Iterator[dict[str, object]]:
    """Yield the four lines; `tier_ari` only where the reference data is."""
    with tempfile.TemporaryDirectory(prefix="landfall-groups-") as folder:
        estates = {name: make_estate(Path(folder, name), noisy=name == "noisy") for name in ("easy", "noisy")}
        for name, estate in estates.items():
            yield _grouped(name, estate)
        flows = _flows()
        if flows is not None:
            yield _tiers(flows)
        yield _timed(estates["easy"])


def _grouped(name: str, estate: Estate) -> dict[str, object]:
    connection = load(estate)
    started = time.perf_counter()
    map_dependencies(connection, settings=DependencySettings())
    seconds = time.perf_counter() - started
    connection.execute("CREATE TEMP TABLE found AS SELECT server_id, application_group FROM groups")
    ours = connection.execute(_PAIRS.format(found="application_group"), [str(estate.truth)]).fetchone()[0]
    told = connection.execute("SELECT agreement_f1, resolution FROM group_quality WHERE chosen").fetchone()
    peer = _peer_f1(connection, estate)
    note = (
        f"map_dependencies in {seconds:.1f} s; agreement with held-out CMDB names {told[0]:.3f} at resolution {told[1]}"
    )
    return _line(f"group_f1_{name}", ours, peer, "F1", f"{note}; peer: scikit-network Louvain at resolution 1")


def _peer_f1(connection: Any, estate: Estate) -> float:
    import pyarrow as pa
    from scipy import sparse
    from sknetwork.clustering import Louvain

    graph = read_graph(connection)
    half = sparse.csr_matrix((graph.weight, (graph.a, graph.b)), shape=(graph.servers, graph.servers))
    labels = Louvain(random_state=0).fit_predict((half + half.T).tocsr())
    connection.register("peer_labels", pa.table({"n": range(len(labels)), "label": labels}))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE found AS SELECT server_id, label FROM peer_labels JOIN dependency_nodes USING (n)"
    )
    found: float = connection.execute(_PAIRS.format(found="label"), [str(estate.truth)]).fetchone()[0]
    return found


def _flows() -> Path | None:
    shared = Path(os.environ.get(DATA) or ROOT.parent / "shared")
    found = [one for one in (shared / "data" / "discovery" / "flows",) if one.is_dir()]
    return found[0] if found else None


def _tiers(flows: Path) -> dict[str, object]:
    """Measure tiers on real flows: lines `graph source destination 80p6-12,443p6-3` (port p protocol - packets)."""
    import duckdb

    truth = _candidate_groups(flows)
    connection = duckdb.connect()
    tables.create(connection, "servers", "connections", "hubs")
    connection.register("seen", _read_flows(flows))
    connection.execute(
        "INSERT INTO connections BY NAME SELECT * EXCLUDE (count), sum(count)::BIGINT AS count FROM seen GROUP BY ALL"
    )
    connection.execute(
        "INSERT INTO servers BY NAME SELECT DISTINCT unnest([source_server_id, destination_server_id]) AS server_id, "
        "'other' AS os_family, true AS in_scope, [] AS marks, [1] AS source_ids FROM connections ORDER BY 1"
    )
    number_flows(connection)
    labels, _, _ = find_tiers(connection, similarity=DependencySettings().tier_similarity)
    hosts = [server for (server,) in connection.execute("SELECT server_id FROM dependency_nodes ORDER BY n").fetchall()]
    kept = [at for at, host in enumerate(hosts) if host in truth]
    ours = adjusted_rand([int(labels[at]) for at in kept], [truth[hosts[at]] for at in kept])
    graph = read_graph(connection)
    parts = _components(graph)
    peer = adjusted_rand([parts[at] for at in kept], [truth[hosts[at]] for at in kept])
    note = f"{len(kept)} of {len(hosts)} hosts stand in a candidate group; nothing tuned on it"
    return _line("tier_ari", ours, peer, "ARI", f"{note}; peer: connected components")


def _components(graph: Any) -> list[int]:
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    half = sparse.csr_matrix((graph.weight, (graph.a, graph.b)), shape=(graph.servers, graph.servers))
    found: list[int] = connected_components(half, directed=False)[1].tolist()
    return found


def _candidate_groups(flows: Path) -> dict[str, int]:
    lines = (flows / "candidate_gt.minPrefix5.txt").read_text().splitlines()
    groups = [line.split(",") for line in lines if line and not line.startswith("#")]
    return {host.strip(): number for number, hosts in enumerate(groups) for host in hosts}


def _read_flows(flows: Path) -> Any:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        "source_server_id": [],
        "destination_server_id": [],
        "destination_port": [],
        "count": [],
    }
    for file in sorted((flows / "dir_edges").glob("*.gz")):
        with gzip.open(file, "rt") as lines:
            for line in lines:
                parts = line.split()
                if len(parts) != 4:
                    continue
                for one in parts[3].split(","):
                    port, _, rest = one.partition("p")
                    values = (parts[1], parts[2], int(port), int(rest.partition("-")[2]))
                    for column, value in zip(columns.values(), values, strict=True):
                        column.append(value)
    return pa.table(columns)


def adjusted_rand(found: list[int], truth: list[int]) -> float:
    """Return the adjusted Rand index of two divisions (Hubert and Arabie 1985)."""
    import numpy as np

    pairs = [np.unique(one, axis=0, return_counts=True)[1] for one in (np.stack([found, truth], 1), found, truth)]
    both, ours, theirs = (float((one * (one - 1.0) / 2).sum()) for one in pairs)
    chance = ours * theirs / (len(found) * (len(found) - 1) / 2)
    return (both - chance) / ((ours + theirs) / 2 - chance)


def _timed(estate: Estate) -> dict[str, object]:
    ours, peer = [], []
    files = [str(estate.servers), str(estate.connections)]
    for _ in range(ROUNDS):
        ours.append(measured([sys.executable, "-m", "benchmarks.discovery_groups", *files, str(estate.truth)]))
        peer.append(measured([sys.executable, "-c", PEER, *files]))
    best, naive = (statistics.median(one[0] for one in side) for side in (ours, peer))
    memory, naive_memory = (statistics.median(one[1] for one in side) for side in (ours, peer))
    note = f"5,000,000 rows; whole process, medians of {ROUNDS}; peak {memory:,.0f} and {naive_memory:,.0f} MB"
    return _line("join_and_group_seconds", best, naive, "s", f"{note}; peer: pandas + networkx Louvain")


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall seconds and its peak RSS in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:3])[:80]} ended with {process.returncode}")
    return seconds, used.ru_maxrss / 1024


def _line(name: str, ours: float, peer: float, unit: str, note: str) -> dict[str, object]:
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": ours / peer if peer else None,
        "unit": unit,
        "note": note,
    }


def main(arguments: list[str]) -> None:
    """Group the estate of three files (servers, connections, truth): one round of ours; without files, all lines."""
    from benchmarks.discovery_estate import Estate

    if not arguments:
        for line in run():
            print(json.dumps(line), flush=True)
        return
    connection = load(Estate(*map(Path, arguments)))
    map_dependencies(connection, settings=DependencySettings())
    print(connection.execute("SELECT count(DISTINCT application_group) FROM groups").fetchone()[0])


if __name__ == "__main__":
    main(sys.argv[1:])
