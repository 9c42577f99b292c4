"""What parsing every DAG file costs, in CPU seconds beyond importing ``airflow.sdk``.

The peer parses the same files with pandas, pyarrow, DuckDB and Great Expectations imported first: what a DAG file
costs whose author imports at the top what only its tasks need. The DAG processor pays this in a fresh process per
file, again and again. CPU seconds (user and system, with children) hardly depend on the machine's load.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ROUNDS = 3
HEAVY = ("pandas", "pyarrow.parquet", "duckdb", "great_expectations")

_PROGRAM = """
import importlib, importlib.util, json, resource, sys
from pathlib import Path

def cpu_seconds():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)

import airflow.sdk
from airflow.sdk import DAG, Asset, Param, dag, task
before = cpu_seconds()
for name in json.loads(sys.argv[2]):
    importlib.import_module(name)
files = sorted(Path(sys.argv[1]).rglob("*.py"))
for number, path in enumerate(files):
    spec = importlib.util.spec_from_file_location(f"parsed_{number}", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps({"seconds": cpu_seconds() - before, "files": len(files)}))
"""


def run() -> Iterator[dict[str, object]]:
    """Measure both ways three times, in turn, and yield the medians as one line."""
    ours, peer, files = [], [], 0
    for _ in range(ROUNDS):
        seconds, files = _measure(())
        ours.append(seconds)
        peer.append(_measure(HEAVY)[0])
    if files == 0:
        raise FileNotFoundError(f"There is no DAG file under {PROJECT / 'dags'}: nothing can be measured.")
    our_median, peer_median = statistics.median(ours), statistics.median(peer)
    yield {
        "name": "dag_parsing_seconds",
        "ours": our_median,
        "peer": peer_median,
        "ratio": our_median / peer_median,
        "unit": "CPU s beyond importing airflow.sdk",
        "files": files,
        "note": f"{files} DAG files; peer: the same files with {', '.join(HEAVY)} imported at the top level",
    }


def _measure(heavy: tuple[str, ...]) -> tuple[float, int]:
    program = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(PROJECT / "dags"), json.dumps(heavy)],
        cwd=PROJECT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(program.stdout.splitlines()[-1])
    return answer["seconds"], answer["files"]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    return kept | {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'plugins'}"}


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
