"""The edges that protect the indicator table."""

from typing import Any

import pytest


def before(dag: Any, first: str, later: str) -> bool:
    return first in dag.get_task(later).get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("check_new_mail", "collect_verdicts"),
        ("check_new_mail", "update_state"),
        ("collect_verdicts", "update_state"),
        ("update_state", "find_candidates"),
        ("check_candidates", "diff_table"),
        ("check_candidates", "write_changes"),
        ("diff_table", "write_changes"),
        ("approve_mass_change", "write_changes"),
        ("write_changes", "commit_refresh"),
    ],
)
def test_generate_runs(first: str, later: str, dags: dict[str, Any]) -> None:
    assert before(dags["ioc_refresh_generate"], first, later)


def test_a_rejected_mass_change_cannot_reach_the_table(dags: dict[str, Any]) -> None:
    dag = dags["ioc_refresh_generate"]
    assert dag.get_task("write_changes").task_id in dag.get_task("approve_mass_change").downstream_task_ids
    assert dag.get_task("approve_mass_change").defaults == ["Reject"]
    assert dag.get_task("commit_refresh").upstream_task_ids == {"write_changes"}
    assert dag.get_task("commit_refresh").trigger_rule == "all_success"


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("compare_snapshot", "approve_roll_back"),
        ("approve_roll_back", "write_snapshot"),
        ("write_snapshot", "commit_roll_back"),
    ],
)
def test_roll_back_runs(first: str, later: str, dags: dict[str, Any]) -> None:
    assert before(dags["ioc_refresh_roll_back"], first, later)


def test_a_roll_back_needs_four_eyes(dags: dict[str, Any]) -> None:
    approval = dags["ioc_refresh_roll_back"].get_task("approve_roll_back")
    assert approval.four_eyes
    assert approval.defaults == ["Reject"]
    assert dags["ioc_refresh_roll_back"].get_task("write_snapshot").upstream_task_ids == {"approve_roll_back"}


def test_suppress_shows_before_it_writes(dags: dict[str, Any]) -> None:
    assert before(dags["ioc_refresh_suppress"], "show_change", "write_suppression")


def test_rebase_counts_before_it_compares(dags: dict[str, Any]) -> None:
    assert before(dags["ioc_refresh_rebase"], "recount", "check_differences")


def test_generate_runs_by_the_clock_and_when_mail_is_announced(dags: dict[str, Any]) -> None:
    timetable = dags["ioc_refresh_generate"].timetable
    assert timetable.can_be_scheduled
    assert timetable.timetable.expression == "*/5 * * * *"
    assert [asset.name for asset in timetable.asset_condition.objects] == ["ioc_mail_partitions"]


def test_the_normal_path_of_a_refresh_stays_short(dags: dict[str, Any]) -> None:
    assert len(dags["ioc_refresh_generate"].tasks) <= 10
