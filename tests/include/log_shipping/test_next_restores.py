"""What a secondary restores next: its own redo LSN and fork decide."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.log_shipping.chain import prove_recovery
from include.log_shipping.headers import BackupHeader
from include.log_shipping.plans import NextRestores, next_restores
from tests.include.log_shipping.backup_histories import Primary, Restoring, guids, header, headers

A, B, C = (f"FORK-{letter}" for letter in "ABC")


def log(guid: str, first: int, last: int, *, started: float = 0, fork: str = A, to_fork: str | None = None,
        point: int | None = None) -> BackupHeader:  # fmt: skip
    columns: dict[str, Any] = {"FirstRecoveryForkID": fork, "RecoveryForkID": to_fork or fork}
    return header(guid, "Log", first, last, started=started, ForkPointLSN=point, **columns)


LOGS = [log("1", 100, 150, started=1), log("2", 150, 180, started=2), log("3", 180, 200, started=3)]


def test_all_logs_that_apply_are_restored_in_the_order_of_their_lsns() -> None:
    found = next_restores(LOGS[::-1], redo_lsn=150, fork=A)
    assert (guids(found.already_applied), guids(found.apply)) == (["1"], ["2", "3"])
    assert (found.gap, found.diverged, found.bridge) == (None, None, None)


def test_same_file_twice_is_applied_once() -> None:
    assert guids(next_restores([*LOGS, *LOGS], redo_lsn=100, fork=A).apply) == ["1", "2", "3"]


def test_missing_log_is_a_gap_before_the_next_one() -> None:
    found = next_restores([LOGS[0], LOGS[2]], redo_lsn=100, fork=A)
    assert guids(found.apply) == ["1"]
    assert found.gap is not None
    assert (found.gap.after_lsn, found.gap.before.given.id) == (150, "3")
    assert "from LSN 150 to LSN 180" in str(found.gap)


def test_longer_log_that_reaches_over_the_gap_closes_it() -> None:
    long = log("copy-only", 140, 220, started=4)
    found = next_restores([LOGS[0], LOGS[2], long], redo_lsn=100, fork=A)
    assert (guids(found.apply), guids(found.already_applied), found.gap) == (["1", "copy-only"], ["3"], None)


def test_empty_log_at_the_redo_lsn_brings_nothing_and_breaks_nothing() -> None:
    found = next_restores([log("empty", 150, 150, started=1.5), *LOGS], redo_lsn=150, fork=A)
    assert (guids(found.already_applied), guids(found.apply)) == (["1", "empty"], ["2", "3"])


def test_only_a_differential_on_the_secondarys_own_base_bridges_a_gap() -> None:
    columns = {"FirstRecoveryForkID": A, "DatabaseBackupLSN": 90}
    fits = header("fits", "Differential", 160, 170, started=3, **columns)
    late = header("late", "Differential", 175, 185, started=4, **columns)
    other = header("other-base", "Differential", 190, 195, started=5, **columns | {"DatabaseBackupLSN": 91})
    early = header("early", "Differential", 110, 120, started=1, **columns)
    backups = [LOGS[0], LOGS[2], fits, late, other, early]
    found = next_restores(backups, redo_lsn=150, fork=A, differential_base_lsn=90)
    assert found.bridge is not None
    assert found.bridge.given.id == "late"
    assert next_restores(backups, redo_lsn=150, fork=A).bridge is None
    assert next_restores([LOGS[0], LOGS[2], early], redo_lsn=150, fork=A, differential_base_lsn=90).bridge is None


def test_log_that_crosses_into_a_new_fork_is_followed() -> None:
    logs = [
        LOGS[0],
        log("cross", 150, 170, started=2, fork=A, to_fork=B, point=150),
        log("empty", 170, 170, started=2.5, fork=B),
        log("on-b", 170, 190, started=3, fork=B),
    ]
    found = next_restores(logs, redo_lsn=100, fork=A)
    assert (guids(found.apply), found.diverged, found.gap) == (["1", "cross", "on-b"], None, None)
    done = next_restores(logs, redo_lsn=190, fork=B)
    assert (guids(done.already_applied), done.diverged) == (["1", "cross", "empty", "on-b"], None)


def test_gap_before_a_crossing_is_a_gap_and_not_divergence() -> None:
    logs = [LOGS[0], log("cross", 180, 190, started=3, to_fork=B, point=180), log("on-b", 190, 210, started=4, fork=B)]
    found = next_restores(logs, redo_lsn=150, fork=A)
    assert found.gap is not None
    assert (found.gap.before.given.id, found.diverged) == ("cross", None)


def test_old_primary_that_went_on_behind_the_fork_point_has_diverged() -> None:
    cross = log("cross", 150, 190, started=2, to_fork=B, point=150)
    found = next_restores([LOGS[0], cross, log("old", 150, 170, started=9)], redo_lsn=190, fork=B)
    assert guids(found.already_applied) == ["1", "cross"]
    assert found.diverged is not None
    assert found.diverged.given.id == "old"


def test_shorter_log_of_a_new_primary_is_divergence_and_not_already_applied() -> None:
    """The old primary stands at 500 on A; the new one left A at 400, and its log ends at 450: 4326, not 4330."""
    found = next_restores([log("new", 400, 450, started=9, to_fork=B, point=400)], redo_lsn=500, fork=A)
    assert found.already_applied == ()
    assert found.diverged is not None
    assert found.diverged.given.id == "new"


def test_longer_log_of_a_new_primary_is_divergence() -> None:
    found = next_restores([log("new", 400, 600, started=9, to_fork=B, point=400)], redo_lsn=500, fork=A)
    assert (found.apply, found.gap) == ((), None)
    assert found.diverged is not None


def test_log_on_an_unknown_fork_is_divergence_when_it_is_the_newest() -> None:
    found = next_restores([*LOGS, log("other", 300, 320, started=9, fork=C)], redo_lsn=200, fork=A)
    assert found.gap is None
    assert found.diverged is not None
    assert found.diverged.given.id == "other"


def test_leftovers_of_an_older_path_do_not_stop_shipping() -> None:
    found = next_restores([log("old", 900, 950, started=-500, fork=C), *LOGS], redo_lsn=150, fork=A)
    assert (guids(found.unrelated), found.diverged) == (["old"], None)
    assert guids(found.apply) == ["2", "3"]


def test_log_of_another_fork_inside_a_gap_is_not_counted_as_applied() -> None:
    stray = log("stray", 160, 170, started=-5, fork=C)
    found = next_restores([LOGS[0], stray, log("long", 140, 220, started=4)], redo_lsn=150, fork=A)
    assert guids(found.already_applied) == ["1"]
    assert guids(found.unrelated) == ["stray"]


@given(
    actions=st.lists(st.sampled_from(["commit", "log", "copy-only log", "failover"]), max_size=20), cut=st.integers(0)
)
def test_restoring_what_applies_follows_the_primary_to_its_end(actions: list[str], cut: int) -> None:
    primary = Primary()
    primary.full()
    for action in actions:
        {"commit": lambda: primary.commit(3), "log": primary.log, "failover": primary.fail_over,
         "copy-only log": lambda: primary.log(copy_only=True)}[action]()  # fmt: skip
    primary.log()
    full, *logs = headers(*primary.entries)
    database = Restoring()
    database.restore(full)
    for _ in range(2):  # some files first, then all
        known = logs[: cut % (len(logs) + 1)] if _ == 0 else logs
        assert database.redo is not None
        found: NextRestores = next_restores(known, redo_lsn=database.redo, fork=database.fork)
        assert (found.gap, found.diverged) == (None, None)
        for one in found.apply:
            database.restore(one)
    assert (database.redo, database.fork) == (primary.lsn, primary.fork)


TAIL = log("tail", 200, 230, started=4)


def test_recovery_is_proven_when_the_server_stands_at_the_end_of_the_tail() -> None:
    assert prove_recovery(redo_lsn=230, fork=A.lower(), restored=[*LOGS, TAIL], tail=TAIL).proven
    assert prove_recovery(redo_lsn=200, fork=A, restored=LOGS, tail=None).proven


def test_recovery_is_proven_after_a_differential_bridged_a_gap() -> None:
    bridge = header("bridge", "Differential", 190, 205, started=3, FirstRecoveryForkID=A, DatabaseBackupLSN=90)
    assert prove_recovery(redo_lsn=230, fork=A, restored=[LOGS[0], bridge, TAIL], tail=TAIL).proven


@pytest.mark.parametrize(
    ("redo", "fork", "restored", "told"),
    [
        (200, A, LOGS, "is the tail and was not restored"),
        (200, A, [*LOGS, TAIL], "The server stands at LSN 200, but Log backup tail"),
        (230, B, [*LOGS, TAIL], "do not recover"),
        (None, A, [*LOGS, TAIL], "tells neither"),
        (230, None, [*LOGS, TAIL], "tells neither"),
        (230, A, [LOGS[0], TAIL], "error 4305"),
        (230, A, [*LOGS[:2], log("3", 180, 200, started=3, fork=C), TAIL], "error 4330"),
        (230, A, [*LOGS, header("x", "Log", 200, 210, FirstRecoveryForkID=None), TAIL], "tells no recovery fork"),
    ],
)
def test_recovery_is_not_proven(redo: int | None, fork: str | None, restored: Any, told: str) -> None:
    proof = prove_recovery(redo_lsn=redo, fork=fork, restored=restored, tail=TAIL)
    assert not proof.proven
    assert told in str(proof.reason)


def test_recovery_without_any_known_backup_is_not_proven() -> None:
    assert not prove_recovery(redo_lsn=1, fork=A, restored=[], tail=None).proven
