"""The edges that protect a file system and a source while files move."""

from typing import Any

import pytest

MIGRATE = "fsx_migration_migrate"


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("check_plan", "prepare_file_system"),
        ("prepare_file_system", "prepare_transfer"),
        ("prepare_transfer", "full_pass"),
        ("full_pass", "incremental_passes"),
        ("incremental_passes", "choose_closing"),
        ("closing_pass", "reconcile_trees"),
        ("reconcile_trees", "write_report"),
    ],
)
def test_this_comes_first(first: str, later: str, dags: dict[str, Any]) -> None:
    assert first in dags[MIGRATE].get_task(later).get_flat_relative_ids(upstream=True)


def test_nothing_is_closed_but_by_the_rule_or_by_a_person(dags: dict[str, Any]) -> None:
    assert dags[MIGRATE].get_task("closing_pass").upstream_task_ids == {"choose_closing", "approve_without_convergence"}
    asking = dags[MIGRATE].get_task("approve_without_convergence")
    assert (asking.defaults, bool(asking.assigned_users and asking.response_timeout)) == (["Reject"], True)


def test_passes_come_back_after_their_wait(dags: dict[str, Any]) -> None:
    for name in ("full_pass", "incremental_passes", "closing_pass"):
        task = dags[MIGRATE].get_task(name)
        assert task.retries >= 1
        assert task.on_cancel == "{{ params.on_cancel }}"


def test_however_a_run_ends_it_reports(dags: dict[str, Any]) -> None:
    dag = dags[MIGRATE]
    assert [task.task_id for task in dag.tasks if not task.downstream_task_ids] == ["write_report"]
    assert dag.get_task("write_report").trigger_rule == "all_done"
