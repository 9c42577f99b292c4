"""Connection rows a second: our reader beside pandas.read_csv, the same 5 million rows, each in a process of its own.

Both read the file, make both address columns canonical and sum by client, server, port and protocol. Ours also takes
the file's digest, checks every row and tells what is odd. The rate is rows by the seconds inside the process, imports
apart; each figure is a median of the rounds.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROWS = int(os.environ.get("LANDFALL_BENCH_CONNECTIONS", "5000000"))
ROUNDS = 3
_OURS = """
import sys, time, duckdb
from pathlib import Path
from include.discovery.sources.read import read_sources
from include.discovery.sources.settings import ReadingSettings
connection = duckdb.connect(config={"threads": 2, "memory_limit": "1GB", "temp_directory": sys.argv[2]})
connection.execute("SET TimeZone = 'UTC'")
started = time.perf_counter()
read_sources([Path(sys.argv[1])], connection, settings=ReadingSettings())
seconds = time.perf_counter() - started
print(seconds, *connection.execute('SELECT count(*), sum("count") FROM raw_connections').fetchone())
"""
_PEER = """
import sys, time, ipaddress, pandas
started = time.perf_counter()
frame = pandas.read_csv(sys.argv[1], parse_dates=["timestamp"])
for name in ("source_ip", "destination_ip"):
    known = {text: str(ipaddress.ip_address(text)) for text in frame[name].unique()}
    frame[name] = frame[name].map(known)
keys = ["source_ip", "destination_ip", "destination_port", "protocol"]
sums = frame.groupby(keys).agg(count=("count", "sum"), first=("timestamp", "min"), last=("timestamp", "max"))
seconds = time.perf_counter() - started
print(seconds, len(sums), sums["count"].sum())
"""


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield read_rate."""
    with tempfile.TemporaryDirectory(prefix="landfall-read-") as folder:
        file = Path(folder) / "connections.csv"
        _write(file, ROWS)
        ours, peers = [], []
        for _ in range(ROUNDS):
            ours.append(_measured(_OURS, file, folder))
            peers.append(_measured(_PEER, file, folder))
    if ours[0][1:] != peers[0][1:]:
        raise AssertionError(f"the two sums differ ({ours[0]} and {peers[0]}): the comparison is void")
    mine = ROWS / statistics.median(one[0] for one in ours)
    theirs = ROWS / statistics.median(one[0] for one in peers)
    note = f"{ROWS:,} rows read, canonical and summed, {ROUNDS} rounds in turn; seconds ours "
    note += f"{', '.join(f'{one[0]:.2f}' for one in ours)}; pandas {', '.join(f'{one[0]:.2f}' for one in peers)}"
    ratio = mine / theirs
    yield {"name": "read_rate", "ours": mine, "peer": theirs, "ratio": ratio, "unit": "rows/s", "note": note}


def _write(file: Path, rows: int) -> None:
    """Write flows between 100,000 servers: 934,000 pairs, a tenth of them to 60 shared ones."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    draw = np.random.default_rng(7)
    pairs, servers = 934_000, 100_000
    names = np.array([f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(servers)])
    client = draw.integers(0, servers, pairs)
    server = np.minimum(client + draw.integers(1, 12, pairs), servers - 1)
    server = np.where(draw.random(pairs) < 0.1, draw.integers(0, 60, pairs), server)
    port = draw.choice([80, 443, 1433, 1521, 3306, 5432, 8080, 53, 389], pairs)
    pick = draw.integers(0, pairs, rows)
    at = np.datetime64("2026-10-01T00:00:00") + (draw.integers(0, 2_880, rows) * 900).astype("timedelta64[s]")
    columns = {
        "source_ip": names[client[pick]],
        "destination_ip": names[server[pick]],
        "destination_port": port[pick],
        "protocol": np.where(port[pick] == 53, "udp", "tcp"),
        "timestamp": np.char.add(np.datetime_as_string(at), "Z"),
        "count": draw.integers(1, 50, rows),
    }
    csv.write_csv(pa.table(columns), file, csv.WriteOptions(quoting_style="none"))


def _measured(script: str, file: Path, folder: str) -> tuple[float, int, int]:
    answer = subprocess.run(
        [sys.executable, "-c", script, str(file), folder], capture_output=True, check=True, text=True
    )
    seconds, groups, count = answer.stdout.split()[-3:]
    return float(seconds), int(groups), int(count)


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
