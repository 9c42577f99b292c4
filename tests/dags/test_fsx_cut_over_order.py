"""The edges that protect clients while they are led from one file system to another."""

from typing import Any

import pytest

CUT_OVER, ROLL_BACK = "fsx_migration_cut_over", "fsx_migration_roll_back"


def before(dag: Any, first: str, later: str) -> bool:
    return first in dag.get_task(later).get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize(
    ("dag_id", "first", "later"),
    [
        (CUT_OVER, "check_frozen", "final_passes"),
        (CUT_OVER, "final_passes", "reconcile_trees"),
        (CUT_OVER, "reconcile_trees", "approve_cut_over"),
        (CUT_OVER, "state_evidence", "approve_cut_over"),
        (CUT_OVER, "reconcile_trees", "switch_name"),
        (CUT_OVER, "switch_name", "probe_target"),
        (CUT_OVER, "probe_target", "switch_back"),
        (CUT_OVER, "switch_back", "write_report"),
        (ROLL_BACK, "list_written_since", "approve_roll_back"),
        (ROLL_BACK, "lead_back", "write_report"),
    ],
)
def test_this_comes_first(dag_id: str, first: str, later: str, dags: dict[str, Any]) -> None:
    assert before(dags[dag_id], first, later)


def test_nothing_switches_but_behind_an_approval(dags: dict[str, Any]) -> None:
    assert dags[CUT_OVER].get_task("switch_name").upstream_task_ids == {"approve_cut_over"}
    assert dags[ROLL_BACK].get_task("lead_back").upstream_task_ids == {"approve_roll_back"}


def test_silence_is_a_no(dags: dict[str, Any]) -> None:
    asking = [task for name in (CUT_OVER, ROLL_BACK) for task in dags[name].tasks if "approve" in task.task_id]
    assert [task.defaults for task in asking] == [["Reject"]] * 2
    assert all(task.assigned_users and task.response_timeout for task in asking)
    assert dags[CUT_OVER].get_task("approve_cut_over").four_eyes


def test_a_step_runs_only_when_all_before_it_went_well(dags: dict[str, Any]) -> None:
    rules = {task.task_id: task.trigger_rule for name in (CUT_OVER, ROLL_BACK) for task in dags[name].tasks}
    assert rules.pop("write_report") == "all_done"
    assert set(rules.values()) == {"all_success"}


def test_passes_look_for_clients_on_the_target_before_they_move_anything(dags: dict[str, Any]) -> None:
    assert dags[CUT_OVER].get_task("final_passes")._pre_execute_hook is not None


@pytest.mark.parametrize("dag_id", [CUT_OVER, ROLL_BACK])
def test_however_a_run_ends_it_reports(dag_id: str, dags: dict[str, Any]) -> None:
    assert [task.task_id for task in dags[dag_id].tasks if not task.downstream_task_ids] == ["write_report"]
