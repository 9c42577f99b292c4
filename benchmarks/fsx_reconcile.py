"""Comparing two listings exactly: seconds and peak memory of `landfall fsx reconcile` and of a pandas outer merge.

Each side runs in a process of its own, in turn, with the same files; the median of the rounds counts. The listings are
those of `fsx_listings`: 10 million rows against 10 million, 26 in 10,000 of which differ.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fsx_listings import listing, wanted_files

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
DRIFT = 7
MEMORY_LIMIT = "1GB"
ROOT = Path(__file__).resolve().parents[1]
PANDAS = """
import json, sys, time
started = time.perf_counter()
import pandas as pd
source, target = (pd.read_parquet(path) for path in sys.argv[1:3])
merged = source.merge(target, on="path", how="outer", suffixes=("_s", "_t"), indicator=True)
both = merged["_merge"] == "both"
changed = {name: int((both & (merged[f"{name}_s"] != merged[f"{name}_t"])).sum()) for name in ("size", "mtime", "mode")}
owner = (merged["uid_s"] != merged["uid_t"]) | (merged["gid_s"] != merged["gid_t"])
print(json.dumps({
    "missing": int((merged["_merge"] == "left_only").sum()),
    "extra": int((merged["_merge"] == "right_only").sum()),
    "changed": {**changed, "owner": int((both & owner).sum()), "checksum": 0},
    "seconds": time.perf_counter() - started,
}))
"""


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield `reconcile_seconds` and `reconcile_memory`."""
    files = wanted_files()
    source, target = listing(files), listing(files, drift=DRIFT)
    ours, peer = [], []
    with tempfile.TemporaryDirectory(prefix="landfall-reconcile-") as folder:
        command = [sys.executable, "-m", "include.cli.main", "fsx", "reconcile", "--source", str(source)]
        command += ["--target", str(target), "--out", folder, "--memory-limit", MEMORY_LIMIT, "--json"]
        for _ in range(ROUNDS):
            ours.append(_measured(command))
            peer.append(_measured([sys.executable, "-c", PANDAS, str(source), str(target)]))
    for found, naive in zip(ours, peer, strict=True):
        if any(found[0][name] != naive[0][name] for name in ("missing", "extra", "changed")):
            raise AssertionError(f"the two do not agree: {found[0]} and {naive[0]}")
    note = f"{files:,} x {files:,} rows, limit {MEMORY_LIMIT}; medians of {ROUNDS} rounds; peer: pandas outer merge"
    for name, place, unit in (("reconcile_seconds", 1, "s"), ("reconcile_memory", 2, "MB")):
        best, naive_best = (statistics.median(one[place] for one in side) for side in (ours, peer))
        yield {
            "name": name,
            "ours": best,
            "peer": naive_best,
            "ratio": best / naive_best,
            "unit": unit,
            "note": f"{note}; {'whole process, imports included' if unit == 's' else 'peak RSS of the process'}",
        }


def _measured(command: list[str]) -> tuple[dict[str, object], float, float]:
    """Run a command that prints a JSON document; return it, the wall seconds and the peak RSS in MB."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as answer:
        process = subprocess.Popen(command, stdout=answer, stderr=subprocess.DEVNULL, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        answer.seek(0)
        text = answer.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:5])} ended with {process.returncode}")
    return json.loads(text), seconds, used.ru_maxrss / 1024


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
