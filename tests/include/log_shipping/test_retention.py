"""What is deleted is needed by nobody: neither by the secondary nor for a restore within the kept time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.log_shipping.plans import NothingToRestoreError, next_restores, plan_restore
from include.log_shipping.retention import deletable
from tests.include.log_shipping.backup_histories import Primary, entry, guids, headers, moment
from tests.include.log_shipping.test_plans import ACTIONS, history

BACKUPS = [
    entry("full-1", "Database", 100, 110, started=0),
    entry("log-1", "Log", 100, 120, started=10),
    entry("full-2", "Database", 120, 130, started=20),
    entry("log-2", "Log", 120, 140, started=30),
    entry("log-3", "Log", 140, 160, started=40),
]


def gone(
    *, now: float, redo: int | None, keep: float = 10, chain: bool = True, fork: str | None = "fork-a"
) -> list[str]:
    found = deletable(
        headers(*BACKUPS), keep_for=timedelta(minutes=keep), now=moment(now), redo_lsn=redo, fork=fork, keep_chain=chain
    )
    return guids(found)


@pytest.mark.parametrize(
    ("now", "redo", "chain", "expected"),
    [
        pytest.param(500, 160, True, ["full-1", "log-1"], id="all behind the newest old full stay"),
        pytest.param(500, 160, False, ["full-1", "log-1", "log-2"], id="copies go once they are restored"),
        pytest.param(500, 120, False, ["full-1"], id="what ends at the redo LSN stays"),
        pytest.param(500, None, True, [], id="nothing while the secondary is unknown"),
        pytest.param(500, 105, True, [], id="what the secondary needs stays"),
        pytest.param(25, 160, True, [], id="nothing is old enough"),
        pytest.param(31.5, 160, True, ["full-1", "log-1"], id="an old full with an older one"),
    ],
)
def test_backups_go_by_age_position_and_chain(now: float, redo: int | None, chain: bool, expected: list[str]) -> None:
    assert gone(now=now, redo=redo, chain=chain) == expected


def test_backups_of_another_recovery_path_stay() -> None:
    assert gone(now=500, redo=160, fork="fork-z") == []


def test_newest_full_and_differential_stay_without_a_chain_to_keep() -> None:
    backups = headers(*BACKUPS[:2], entry("diff", "Differential", 121, 122, started=15, DatabaseBackupLSN=100))
    found = deletable(backups, keep_for=timedelta(0), now=moment(500), redo_lsn=999, fork="fork-a", keep_chain=False)
    assert guids(found) == ["log-1"]


@given(actions=ACTIONS, keep=st.integers(0, 60), behind=st.integers(0, 8), minute=st.integers(0, 60))
def test_after_deletion_secondary_and_every_kept_time_are_still_reached(
    actions: list[str], keep: int, behind: int, minute: int
) -> None:
    entries = history(actions)
    backups = headers(*entries)
    logs = [one for one in backups if one.type == "Log"]
    applied = logs[max(0, len(logs) - 1 - behind)]
    now = max(one.finished for one in backups)
    redo, fork = applied.last_lsn, applied.recovery_fork
    found = deletable(backups, keep_for=timedelta(minutes=keep), now=now, redo_lsn=redo, fork=fork)
    left = [one for one in backups if one not in found]
    assert guids(next_restores(left, redo_lsn=redo, fork=fork).apply) == guids(
        next_restores(backups, redo_lsn=redo, fork=fork).apply
    )
    asked = now - timedelta(minutes=min(minute, keep))
    try:
        before = plan_restore(backups, to=asked)
    except NothingToRestoreError:
        assert not found or asked < min(one.finished for one in backups)
        return
    after = plan_restore(left, to=asked)
    assert guids(after.restores) == guids(before.restores)
    assert after.chain == before.chain


def test_logs_from_before_a_failover_go_as_well() -> None:
    primary = Primary()
    primary.full()
    primary.fail_over()
    primary.full()
    primary.log()
    backups = headers(*primary.entries)
    found = deletable(backups, keep_for=timedelta(0), now=moment(500), redo_lsn=primary.lsn + 1, fork="FORK-1")
    assert guids(found) == ["set-0", "set-1"]
