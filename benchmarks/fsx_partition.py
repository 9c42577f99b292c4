"""`landfall fsx partition` beside `fpart`: 10 million files into 64 parts, end to end, in turn.

Both are processes of their own that read the whole listing and write 64 lists: ours Parquet in, checked and sorted;
fpart (Debian package, one thread) the same files as "size path" text, unchecked and unsorted. A file costs its bytes
and one MiB on both sides. Time and memory are those of the process; each figure is a median of the rounds.
"""

import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fsx_listings import listing, text_listing, wanted_files

PARTS = 64
ROUNDS = 3
COST_PER_FILE_BYTES = 1 << 20
PEER = "fpart"


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield partition_seconds, partition_balance and partition_memory."""
    files = wanted_files()
    source, text = listing(files), text_listing(files)
    peer_path = shutil.which(PEER)
    ours, peers = [], []
    with tempfile.TemporaryDirectory(prefix="landfall-partition-") as folder:
        for number in range(ROUNDS):
            ours.append(_ours(source, Path(folder) / f"ours-{number}"))
            if peer_path:
                peers.append(_peer(peer_path, text, Path(folder) / f"peer-{number}"))
    bound = ours[0]["lower_bound"]
    what = f"{files:,} files into {PARTS} manifests, end to end, {ROUNDS} rounds in turn"
    sorts = f"{what}; ours sorts by path and refuses duplicates, {PEER} does neither"
    yield _line("partition_seconds", ours, peers, "seconds", "s", sorts)
    note = f"dearest part by the mean; ours is {ours[0]['balance'] / bound:.6f} times the lower bound {bound:.4f}"
    yield _line("partition_balance", ours, peers, "balance", "ratio", note)
    yield _line("partition_memory", ours, peers, "memory", "MB", f"{what}; peak resident size of the process")


def _ours(source: Path, out: Path) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "include.cli.main",
        "fsx",
        "partition",
        "--listing",
        str(source),
        "--out",
        str(out),
    ]
    command += ["--parts", str(PARTS), "--cost-per-file-bytes", str(COST_PER_FILE_BYTES), "--json"]
    seconds, memory, answer = _measured(command)
    made = json.loads(answer)
    shutil.rmtree(out)
    return {"seconds": seconds, "memory": memory, "balance": made["max_over_mean"], "lower_bound": made["lower_bound"]}


def _peer(program: str, text: Path, out: Path) -> dict[str, float]:
    out.mkdir()
    command = [
        program,
        "-n",
        str(PARTS),
        "-a",
        "-q",
        str(COST_PER_FILE_BYTES),
        "-i",
        str(text),
        "-o",
        str(out / "part"),
    ]
    seconds, memory, answer = _measured(command)
    sizes = [int(size) for size in re.findall(r"size = (\d+)", answer)]
    if len(sizes) != PARTS:
        raise AssertionError(f"{PEER} made {len(sizes)} parts: the comparison is void")
    shutil.rmtree(out)
    return {"seconds": seconds, "memory": memory, "balance": max(sizes) / statistics.mean(sizes)}


def _measured(command: Sequence[str]) -> tuple[float, float, str]:
    """Run a process; return its seconds, its peak resident size in MB, and what it printed."""
    with tempfile.TemporaryFile() as output:
        redirected = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        started = time.perf_counter()
        process = os.posix_spawn(command[0], command, os.environ, file_actions=redirected)
        _, status, usage = os.wait4(process, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        answer = output.read().decode()
    if status:
        raise AssertionError(f"{command[0]} failed: {answer[-500:]}")
    return seconds, usage.ru_maxrss / 1_000, answer


def _line(
    name: str, ours: Sequence[dict[str, Any]], peers: Sequence[dict[str, Any]], what: str, unit: str, note: str
) -> dict[str, object]:
    mine = statistics.median(round_[what] for round_ in ours)
    theirs = statistics.median(round_[what] for round_ in peers) if peers else None
    spread = ", ".join(f"{round_[what]:.4g}" for round_ in ours)
    against = ", ".join(f"{round_[what]:.4g}" for round_ in peers) or f"skipped, {PEER} is not installed"
    ratio = mine / theirs if theirs else None
    text = f"{note}; ours {spread}; {PEER} {against}"
    return {"name": name, "ours": mine, "peer": theirs, "ratio": ratio, "unit": unit, "note": text}


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
