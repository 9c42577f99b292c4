"""Proof and reach of a plan; generated histories against a restore that follows SQL Server's rules on its own."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from include.log_shipping.chain import Position, prove_chain
from include.log_shipping.headers import BackupHeader
from include.log_shipping.plans import NothingToRestoreError, plan_restore
from tests.include.log_shipping.backup_histories import (
    Primary,
    RefusedError,
    Restoring,
    at,
    entry,
    header,
    headers,
    moment,
)

CHAIN = [
    entry("full", "Database", 100, 120, started=0),
    entry("log-1", "Log", 100, 150, started=10),
    entry("log-2", "Log", 150, 180, started=20),
]
ACTIONS = st.lists(
    st.sampled_from(["commit", "commit", "full", "diff", "log", "log", "copy-only full", "copy-only log", "failover"]),
    min_size=2,
    max_size=30,
)


def history(actions: list[str]) -> list[dict[str, Any]]:
    primary = Primary()
    primary.full()
    for action in actions:
        match action:
            case "commit":
                primary.commit(3)
            case "full":
                primary.full(during=4)
            case "diff":
                primary.differential()
            case "log":
                primary.log()
            case "copy-only full":
                primary.full(copy_only=True)
            case "copy-only log":
                primary.log(copy_only=True)
            case _:
                primary.fail_over()
    primary.log()
    return primary.entries


def replay(restores: tuple[BackupHeader, ...]) -> tuple[Restoring, Any]:
    """Restore one after the other; return where it stands and the id of the first that is refused."""
    database = Restoring()
    for backup in restores:
        try:
            database.restore(backup)
        except RefusedError:
            return database, backup.given.id
    return database, None


@given(actions=ACTIONS, lost=st.sets(st.integers(0, 40), max_size=3), minute=st.none() | st.integers(0, 120))
def test_proven_plan_restores_and_unproven_plan_is_refused_where_it_says(
    actions: list[str], lost: set[int], minute: int | None
) -> None:
    entries = [one for number, one in enumerate(history(actions)) if number not in lost]
    try:
        plan = plan_restore(headers(*entries), to=None if minute is None else moment(minute))
    except NothingToRestoreError:
        assume(False)
    database, refused = replay(plan.restores)
    assert refused == plan.chain.at
    assert plan.chain.proven == (refused is None)
    assert database.redo == plan.reaches.lsn
    assert minute is None or (plan.reaches.time is not None and plan.reaches.time <= moment(minute))


@given(actions=ACTIONS.filter(lambda chosen: "failover" not in chosen))
def test_complete_history_is_proven_to_its_end(actions: list[str]) -> None:
    entries = history(actions)
    plan = plan_restore(headers(*entries))
    assert plan.chain.proven
    assert plan.reaches.lsn == max(int(one["LastLSN"]) for one in entries)


@given(actions=ACTIONS, end=st.integers(0, 40))
def test_database_continues_wherever_it_stopped(actions: list[str], end: int) -> None:
    """Restore a part of the proven logs, then ask for the rest."""
    plan = plan_restore(headers(*history(actions)), ignore_diffs=True)
    assume(len(plan.restores) > 2)
    database, _ = replay(plan.restores[: 1 + end % (len(plan.restores) - 1)])
    rest = plan_restore(headers(*history(actions)), continue_from=database.redo, fork=database.fork)
    for backup in rest.restores if rest.chain.proven else ():
        database.restore(backup)
    assert not rest.chain.proven or database.redo == rest.reaches.lsn


def test_missing_log_is_named_with_both_lsns() -> None:
    plan = plan_restore(headers(CHAIN[0], CHAIN[2]))
    assert (plan.chain.proven, plan.chain.at) == (False, "log-2")
    assert plan.chain.reason is not None
    assert "LSN 150" in plan.chain.reason
    assert "LSN 120" in plan.chain.reason
    assert "find the log backup" in plan.chain.reason
    assert (plan.reaches.lsn, plan.reaches.time) == (120, moment(1))


def test_logs_that_do_not_touch_are_selected_but_not_proven() -> None:
    plan = plan_restore(headers(CHAIN[0], CHAIN[1], CHAIN[2] | {"FirstLSN": 151}))
    assert len(plan.restores) == 3
    assert not plan.chain.proven


def test_overlapping_logs_are_proven() -> None:
    over = entry("copy-only", "Log", 110, 165, started=15, IsCopyOnly=True)
    plan = plan_restore(headers(*CHAIN, over))
    assert [one.given.id for one in plan.restores] == ["full", "log-1", "copy-only", "log-2"]
    assert plan.chain.proven


def test_log_that_crossed_to_another_fork_behind_the_restore_is_refused() -> None:
    crossing = {"RecoveryForkID": "fork-b", "ForkPointLSN": "110"}
    plan = plan_restore(headers(CHAIN[0], CHAIN[1] | crossing))
    assert (plan.chain.proven, plan.chain.at) == (False, "log-1")
    assert "4330" in str(plan.chain.reason)
    assert not plan_restore(headers(CHAIN[0], CHAIN[1] | crossing | {"ForkPointLSN": "119"})).chain.proven
    assert plan_restore(headers(CHAIN[0], CHAIN[1] | crossing | {"ForkPointLSN": "120"})).chain.proven


def test_log_that_crossed_before_the_restore_is_followed_on_the_new_fork() -> None:
    """The restore stands on fork B inside a log that begins on fork A."""
    log = header("cross", "Log", 100, 150, RecoveryForkID="fork-b", ForkPointLSN=120)
    assert prove_chain([log], position=Position(120, "FORK-B")).proven
    assert not prove_chain([log], position=Position(119, "FORK-B")).proven


def test_differential_after_logs_is_proven_by_the_full_backup_beneath() -> None:
    full, log, late = headers(*CHAIN[:2], entry("diff", "Differential", 160, 170, started=30, DatabaseBackupLSN=100))
    assert prove_chain([full, log, late]).proven
    early = header("early", "Differential", 130, 140, DatabaseBackupLSN=100)
    assert prove_chain([full, log, early]).at == "early"
    assert prove_chain([late], position=Position(150, "FORK-A")).at == "diff"


def test_next_log_must_begin_on_the_fork_where_the_last_one_ended() -> None:
    plan = plan_restore(headers(CHAIN[0], CHAIN[1] | {"RecoveryForkID": "fork-b"}, CHAIN[2]))
    assert (plan.chain.proven, plan.chain.at) == (False, "log-2")
    assert "FORK-B" in str(plan.chain.reason)


def test_copy_only_full_is_no_base_for_a_differential() -> None:
    full = CHAIN[0] | {"IsCopyOnly": True}
    plan = plan_restore(headers(full, entry("diff", "Differential", 125, 130, started=5, DatabaseBackupLSN=100)))
    assert (plan.chain.proven, plan.chain.at) == (False, "diff")


def test_no_log_on_the_asked_fork_is_said_and_not_proven() -> None:
    plan = plan_restore(headers(*CHAIN), continue_from=150, fork="fork-z")
    assert (plan.restores, plan.chain.proven, plan.chain.at) == ((), False, None)
    assert "FORK-Z" in str(plan.chain.reason)
    assert plan.reaches.lsn == 150


def test_forks_are_compared_whatever_case_and_braces() -> None:
    plan = plan_restore(headers(*CHAIN), continue_from=150, fork="{Fork-A}")
    assert [one.given.id for one in plan.restores] == ["log-1", "log-2"]
    assert plan.chain.proven


def test_ids_lsns_and_times_come_back_as_they_were_given() -> None:
    given_id = "{0A1b2C3d-0000-0000-0000-00000000000F}"
    local = {"BackupStartDate": "2026-05-31T08:00:00", "BackupFinishDate": "2026-05-31 08:01:00"}
    plan = plan_restore(headers(CHAIN[0] | local | {"BackupSetGUID": given_id, "LastLSN": 120}))
    assert plan.to_document() == {
        "restores": [given_id],
        "chain": {"proven": True, "reason": None, "at": None},
        "reaches": {"lsn": 120, "time": "2026-05-31 08:01:00"},
    }


def test_asked_time_is_reached_inside_the_last_log_and_never_passed() -> None:
    inside = plan_restore(headers(*CHAIN), to=moment(20.5))
    assert inside.to_document(to_text="asked")["reaches"] == {"lsn": "180", "time": "asked"}
    beyond = plan_restore(headers(*CHAIN), to=moment(500))
    assert beyond.to_document(to_text="asked")["reaches"] == {"lsn": "180", "time": at(21)}


def test_long_history_is_planned_to_its_end() -> None:
    logs = [entry(f"log-{n}", "Log", 120 + n, 121 + n, started=10 + n) for n in range(20_000)]
    plan = plan_restore(headers(CHAIN[0], *logs))
    assert plan.chain.proven
    assert plan.reaches.lsn == 20_120
