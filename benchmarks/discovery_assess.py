"""The whole assessment of 100,000 servers and 5 million connections, beside what a script does of it in pandas.

Ours is `landfall discovery assess`, from sources to files, in a process of its own. The peer only joins and groups
(pandas and networkx), the slice that people write by hand. In turn, medians of the rounds.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.discovery_estate import make_estate
from benchmarks.discovery_groups import PEER, measured

SERVERS, ROWS = 100_000, 5_000_000
ROUNDS = 2


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield assess_seconds and assess_memory."""
    with tempfile.TemporaryDirectory(prefix="landfall-assess-") as folder:
        estate = make_estate(Path(folder), servers=SERVERS, rows=ROWS)
        command = [sys.executable, "-m", "include.cli.main", "discovery", "assess", "--json"]
        command += ["--source", str(estate.servers), "--source", str(estate.connections)]
        ours, peer = [], []
        for number in range(ROUNDS):
            ours.append(measured([*command, "--out", str(Path(folder) / f"assessed-{number}")]))
            peer.append(measured([sys.executable, "-c", PEER, str(estate.servers), str(estate.connections)]))
    note = f"{SERVERS:,} servers, {ROWS:,} connection rows, sources to files; medians of {ROUNDS}; the peer only "
    note += "joins and groups, in pandas and networkx"
    for name, place, unit in (("assess_seconds", 0, "s"), ("assess_memory", 1, "MB")):
        mine, theirs = (statistics.median(one[place] for one in side) for side in (ours, peer))
        yield {"name": name, "ours": mine, "peer": theirs, "ratio": mine / theirs, "unit": unit, "note": note}


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
