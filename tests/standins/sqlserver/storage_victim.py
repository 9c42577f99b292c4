"""A process that works on storage until it is killed: from outside, or by itself at the n-th pass of a crash point.

Run as `python -m tests.standins.sqlserver.storage_victim` with `commits ROOT`, `ship DIRECTORY POINT N` or `show ROOT`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from include.standins.sqlserver.storage.properties import DatabaseState
from tests.standins.sqlserver.storage_lab import RECOVERY, Lab


def commit_for_ever(root: Path) -> None:
    """Commit rows of two inserts each, and print each number once its commit is acknowledged."""
    lab = Lab(root)
    number = len(lab.values()) // 2
    while True:
        number += 1
        value = f"{number} {'x' * (number % 700)}"
        lab.run_all("sales", [("INSERT INTO t (v) VALUES (?)", (value,))] * 2)
        print(number, flush=True)
        if number % 40 == 0:
            lab.catalog.get("sales").checkpoint()
        if number % 25 == 0:
            lab.log(root.parent / f"{number:06}.trn")


def ship_and_fail_over(directory: Path, point: str, passes: int) -> None:
    """Ship logs, fail over with a tail, restore a copy: dies at the given pass of the crash point."""
    primary, secondary, third = (Lab(directory / name) for name in ("a", "b", "c"))
    left = passes

    def reach(name: str) -> None:
        nonlocal left
        left -= name == point
        if name == point and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for lab in (primary, secondary, third):
        lab.catalog.faults.reach = reach  # type: ignore[method-assign]
    primary.add("shipped")
    print("shipped", flush=True)
    primary.differential(directory / "1.dif", init=True)
    primary.log(directory / "2.trn", init=True)
    secondary.restore_log(directory / "1.trn")
    secondary.restore_log(directory / "2.trn")
    third.restore(directory / "full.bak")
    third.restore(directory / "1.dif")
    primary.add("in the tail")
    print("in the tail", flush=True)
    primary.log(directory / "3.trn", init=True, no_recovery=True)
    secondary.restore_log(directory / "3.trn")
    secondary.restore(after=RECOVERY)
    print("done", flush=True)


def show(root: Path) -> None:
    """Print what a start after a crash finds; the process that had the files open need not be dead."""
    lab = Lab(root)
    state = lab.catalog.get("sales").state
    found = {"values": lab.values(), "digest": lab.digest()} if state is DatabaseState.ONLINE else {}
    print(json.dumps({"state": state, **found}))


if __name__ == "__main__":
    if sys.argv[1] == "show":
        show(Path(sys.argv[2]))
        sys.exit()
    if sys.argv[1] == "commits":
        commit_for_ever(Path(sys.argv[2]))
    else:
        ship_and_fail_over(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
