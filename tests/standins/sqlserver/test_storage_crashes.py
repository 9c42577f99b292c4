"""SIGKILL at random times and at every crash point: no acknowledged commit is lost, the same work again ends well."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.storage.faults import CRASH_POINTS
from include.standins.sqlserver.storage.properties import DatabaseState
from tests.standins.sqlserver.storage_lab import RECOVERY, Lab

PROJECT = Path(__file__).parents[3]
VICTIM = [sys.executable, "-m", "tests.standins.sqlserver.storage_victim"]


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_writer_loses_no_acknowledged_commit_and_its_log_replays_to_the_same_content(
    tmp_path: Path, seed: int
) -> None:
    lab = Lab(tmp_path / "a")
    lab.create()
    lab.full(tmp_path / "full.bak")
    lab.catalog.close()
    rng = random.Random(seed)
    acknowledged = 0
    for _ in range(3):
        acknowledged = _commit_until_killed(tmp_path / "a", commits=rng.randrange(1, 90), known=acknowledged)
        lab = Lab(tmp_path / "a")
        numbers = [int(value.split()[0]) for value in lab.values()]
        assert numbers == [number for number in range(1, len(numbers) // 2 + 1) for _ in range(2)]
        assert acknowledged <= len(numbers) // 2 <= acknowledged + 1
        acknowledged = len(numbers) // 2
        lab.catalog.close()
    lab = Lab(tmp_path / "a")
    lab.log(tmp_path / "999999.trn", no_recovery=True)
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "full.bak")
    _restore_what_fits(other, sorted(tmp_path.glob("*.trn")))
    other.restore(after=RECOVERY)
    lab.restore(after=RECOVERY)
    assert len(other.values()) == 2 * acknowledged
    assert other.digest() == lab.digest()


def _commit_until_killed(root: Path, *, commits: int, known: int) -> int:
    process = subprocess.Popen([*VICTIM, "commits", str(root)], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = known
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged >= known + commits:
            break
    process.kill()
    rest = process.communicate()[0].split()
    return int(rest[-1]) if rest else acknowledged


@pytest.mark.parametrize("passes", [1, 2, 4])
@pytest.mark.parametrize("point", sorted(CRASH_POINTS))
def test_a_kill_at_any_point_of_shipping_and_failover_converges(tmp_path: Path, point: str, passes: int) -> None:
    primary, secondary = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    primary.create()
    primary.add("before")
    primary.full(tmp_path / "full.bak")
    primary.add("in the first log")
    primary.log(tmp_path / "1.trn")
    secondary.restore(tmp_path / "full.bak")
    primary.catalog.close()
    secondary.catalog.close()
    victim = subprocess.run(
        [*VICTIM, "ship", str(tmp_path), point, str(passes)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    acknowledged = victim.stdout.splitlines()
    assert victim.returncode == -9 or (passes > 1 and acknowledged[-1] == "done"), victim.stderr

    primary, secondary, third = (Lab(tmp_path / name) for name in ("a", "b", "c"))
    _finish_failover(primary, secondary, tmp_path)
    assert primary.catalog.get("sales").state is DatabaseState.RESTORING
    values = secondary.values()
    assert values[:2] == ["before", "in the first log"]
    assert values[2:] == ["shipped", "in the tail"][: len(values) - 2]
    assert set(acknowledged) - {"done"} <= set(values)

    secondary.add("new side")
    secondary.log(tmp_path / "back.trn")
    primary.restore_log(tmp_path / "back.trn", after=RECOVERY)
    assert primary.digest() == secondary.digest()
    third.restore(tmp_path / "full.bak")
    third.restore_log(tmp_path / "1.trn", after=RECOVERY)
    assert third.values() == ["before", "in the first log"]


def _finish_failover(primary: Lab, secondary: Lab, directory: Path) -> None:
    """Do again what the victim may not have done, as an operator who reads the state first."""
    if primary.catalog.get("sales").state is DatabaseState.ONLINE:
        primary.log(directory / "4.trn", no_recovery=True)
    if secondary.catalog.get("sales").state is not DatabaseState.ONLINE:
        files = [directory / f"{number}.trn" for number in (1, 2, 3, 4)]
        _restore_what_fits(secondary, [file for file in files if file.exists()])
        secondary.restore(after=RECOVERY)


def _restore_what_fits(lab: Lab, files: list[Path]) -> None:
    """Restore logs in order; passed over are files cut short and logs that are applied already."""
    for file in files:
        try:
            lab.restore_log(file)
        except SqlError as error:
            if error.number not in (3203, 3241, 3254, 4038, 4326):
                raise
