"""The choice that dbatools makes, case by case."""

from typing import Any

import pytest

from include.log_shipping.plans import NothingToRestoreError, plan_restore
from tests.include.log_shipping.backup_histories import entry, guids, headers, moment


def week() -> list[dict[str, Any]]:
    """A full backup, five logs around a differential, and two logs after it."""
    return [
        entry("full-1", "Database", 100, 120, started=0, CheckpointLSN=105),
        entry("log-1", "Log", 90, 130, started=10, DatabaseBackupLSN=5),
        entry("log-2", "Log", 130, 150, started=20, DatabaseBackupLSN=105),
        entry("diff-1", "Differential", 155, 160, started=25, DatabaseBackupLSN=105),
        entry("log-3", "Log", 150, 180, started=30, DatabaseBackupLSN=105),
        entry("log-4", "Log", 180, 180, started=40, DatabaseBackupLSN=105),
        entry("log-5", "Log", 180, 200, started=50, DatabaseBackupLSN=105),
        entry("log-6", "Log", 200, 220, started=60, DatabaseBackupLSN=105),
    ]


def chosen(entries: list[dict[str, Any]], **options: Any) -> list[Any]:
    return guids(plan_restore(headers(*entries), **options).restores)


def test_newest_full_its_newest_differential_and_the_logs_behind_are_chosen() -> None:
    assert chosen(week()) == ["full-1", "diff-1", "log-3", "log-5", "log-6"]


def test_without_differentials_every_log_behind_the_full_is_chosen() -> None:
    assert chosen(week(), ignore_diffs=True) == ["full-1", "log-1", "log-2", "log-3", "log-5", "log-6"]


def test_without_logs_full_and_differential_remain() -> None:
    assert chosen(week(), ignore_logs=True) == ["full-1", "diff-1"]
    assert chosen(week(), ignore_logs=True, ignore_diffs=True) == ["full-1"]


def test_log_taken_during_the_full_is_kept_by_its_last_lsn_issue_7515() -> None:
    """Its DatabaseBackupLSN names the full backup before."""
    entries = [
        entry("full", "Database", 449, 464, started=0, ended=10),
        entry("log-1", "Log", 461, 467, started=8, ended=9, DatabaseBackupLSN=300),
        entry("log-2", "Log", 467, 485, started=20, DatabaseBackupLSN=449),
    ]
    assert chosen(entries) == ["full", "log-1", "log-2"]


def test_logs_that_end_before_the_full_does_are_left_out() -> None:
    entries = [
        entry("full", "Database", 100, 150, started=0, ended=10),
        entry("inside", "Log", 100, 140, started=5),
        entry("over-the-end", "Log", 140, 150, started=8),
        entry("after", "Log", 150, 170, started=12),
    ]
    assert chosen(entries) == ["full", "over-the-end", "after"]


def test_empty_logs_are_left_out_and_break_nothing_issue_10185() -> None:
    plan = plan_restore(headers(*week()))
    assert "log-4" not in guids(plan.restores)
    assert plan.chain.proven


def test_restores_do_not_end_with_the_full_when_logs_follow_issue_2267() -> None:
    plan = plan_restore(headers(*week()), ignore_diffs=True)
    assert guids(plan.restores)[-1] == "log-6"
    assert plan.reaches.lsn == 220


def test_lsns_of_different_length_are_compared_as_numbers_issue_2167() -> None:
    """As text "99..." stands behind "100..."; as floats neighbours of 20 digits are equal."""
    entries = [
        entry("full", "Database", 99999999999999999900, 99999999999999999990, started=0),
        entry("log-1", "Log", 99999999999999999900, 100000000000000000001, started=10),
        entry("log-2", "Log", 100000000000000000002, 100000000000000000009, started=20),
    ]
    plan = plan_restore(headers(*entries))
    assert guids(plan.restores) == ["full", "log-1", "log-2"]
    assert (plan.chain.proven, plan.chain.at) == (False, "log-2")


@pytest.mark.parametrize(
    ("minute", "logs"),
    [
        pytest.param(90, ["log-3"], id="before the first log starts"),
        pytest.param(120, ["log-3"], id="when it starts"),
        pytest.param(122, ["log-3"], id="while it runs"),
        pytest.param(125, ["log-3"], id="when it ends"),
        pytest.param(150, ["log-3", "log-4"], id="between two logs"),
        pytest.param(None, ["log-3", "log-4"], id="no time"),
    ],
)
def test_first_log_that_passes_the_time_is_the_last_one(minute: float | None, logs: list[str]) -> None:
    """A copy-only full backup begins the restore, and the log of another fork is left out."""
    entries = [
        entry("full", "Database", 50, 200, started=0, ended=10, CheckpointLSN=100),
        entry("copy-only", "Database", 250, 400, started=60, ended=70, CheckpointLSN=300, IsCopyOnly=True),
        entry("other-fork", "Log", 350, 425, started=105, ended=110, FirstRecoveryForkID="fork-b"),
        entry("log-3", "Log", 350, 450, started=120, ended=125),
        entry("log-4", "Log", 451, 550, started=180, ended=185),
    ]
    assert chosen(entries, to=None if minute is None else moment(minute)) == ["copy-only", *logs]


def test_of_logs_with_equal_last_lsn_the_first_that_passes_the_time_is_taken() -> None:
    """dbatools #3009: the empty ones behind it are not needed."""
    entries = [
        entry("full", "Database", 1, 2, started=0),
        entry("log-1", "Log", 1, 3, started=10),
        entry("log-2", "Log", 3, 4, started=20),
        entry("empty", "Log", 4, 4, started=30),
    ]
    assert chosen(entries, to=moment(20.5)) == ["full", "log-1", "log-2"]


def test_log_that_starts_at_the_time_is_needed_only_when_it_is_the_first_to_pass_it() -> None:
    entries = [
        entry("full", "Database", 1, 2, started=0),
        entry("log-1", "Log", 1, 3, started=10),
        entry("log-2", "Log", 3, 4, started=10),
    ]
    assert chosen(entries, to=moment(10)) == ["full", "log-1"]


def test_backup_that_ends_exactly_at_the_time_is_in_time() -> None:
    entries = [entry("full-1", "Database", 1, 2, started=0), entry("full-2", "Database", 5, 6, started=10, ended=15)]
    assert chosen(entries, to=moment(15)) == ["full-2"]
    assert chosen(entries, to=moment(14.9)) == ["full-1"]


def test_differential_of_an_older_full_is_left_out() -> None:
    entries = [*week(), entry("full-2", "Database", 230, 240, started=70)]
    late = entry("diff-2", "Differential", 245, 250, started=80, DatabaseBackupLSN=105)
    assert chosen([*entries, late]) == ["full-2"]


def test_differential_that_ends_after_the_time_is_left_out() -> None:
    assert chosen(week(), to=moment(25.5)) == ["full-1", "log-1", "log-2", "log-3"]


def test_availability_group_mixes_its_servers() -> None:
    entries = [
        one | {"AvailabilityGroup": "AG1", "ServerName": f"Server{1 + number % 2}"} for number, one in enumerate(week())
    ]
    plan = plan_restore(headers(*entries))
    assert guids(plan.restores) == ["full-1", "diff-1", "log-3", "log-5", "log-6"]
    assert {header.server for header in plan.restores} == {"Server1", "Server2"}


def test_continuing_takes_logs_only_from_the_one_that_holds_the_redo_lsn() -> None:
    assert chosen(week(), continue_from=140, fork="FORK-A") == ["log-2", "log-3", "log-5", "log-6"]


def test_files_of_one_set_are_one_backup() -> None:
    stripe = week()[0] | {"Files": ["/backups/stripe-2"]}
    plan = plan_restore(headers(*week(), stripe))
    assert guids(plan.restores).count("full-1") == 1
    assert plan.restores[0].files == ("/backups/full-1", "/backups/stripe-2")


def test_order_of_the_input_does_not_matter() -> None:
    assert chosen(week()[::-1]) == chosen(week())


@pytest.mark.parametrize(
    ("entries", "options", "told"),
    [
        ([], {}, "there are no backups"),
        (week()[1:], {}, "is a full one"),
        (week(), {"to": moment(0.5)}, "no full backup ended by"),
        (week(), {"continue_from": 999, "fork": "fork-a"}, "it has them all already"),
        (week()[:1], {"continue_from": 120, "fork": "fork-a"}, "no log backup is there"),
        (week(), {"continue_from": 120, "fork": "fork-a", "ignore_logs": True}, "these are ignored"),
    ],
)
def test_nothing_to_restore_is_one_sentence(entries: Any, options: Any, told: str) -> None:
    with pytest.raises(NothingToRestoreError, match=told):
        plan_restore(headers(*entries), **options)


def test_several_databases_are_not_mixed_but_their_case_is() -> None:
    with pytest.raises(ValueError, match="Sales, Stock"):
        plan_restore(headers(*week(), week()[0] | {"DatabaseName": "Stock", "BackupSetGUID": "x"}))
    upper = [one | {"DatabaseName": "SALES"} for one in week()[3:]]
    assert chosen([*week()[:3], *upper]) == chosen(week())
