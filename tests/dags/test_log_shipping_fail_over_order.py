"""The edges that protect a database while it moves."""

from typing import Any

import pytest

FAIL_OVER, FAIL_BACK = "log_shipping_fail_over", "log_shipping_fail_back"


def before(dag: Any, first: str, later: str) -> bool:
    return first in dag.get_task(later).get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize(
    ("dag_id", "first", "later"),
    [
        (FAIL_OVER, "fence_primary", "restore_tail"),
        (FAIL_OVER, "prove_chain", "approve_planned"),
        (FAIL_OVER, "prove_chain", "approve_disaster"),
        (FAIL_OVER, "assess_loss", "approve_planned"),
        (FAIL_OVER, "assess_loss", "approve_disaster"),
        (FAIL_OVER, "verify_databases", "redirect_clients"),
        (FAIL_OVER, "redirect_clients", "check_redirection"),
        (FAIL_OVER, "prove_copies", "recover_copies"),
        (FAIL_BACK, "approve_overwrite", "reseed_databases"),
        (FAIL_BACK, "reseed_databases", "fence_primary"),
        (FAIL_BACK, "fence_primary", "restore_tail"),
        (FAIL_BACK, "prove_chain", "approve_fail_back"),
        (FAIL_BACK, "assess_loss", "approve_fail_back"),
        (FAIL_BACK, "verify_databases", "redirect_clients"),
    ],
)
def test_this_comes_first(dag_id: str, first: str, later: str, dags: dict[str, Any]) -> None:
    assert before(dags[dag_id], first, later)


def test_nothing_recovers_but_behind_an_approval(dags: dict[str, Any]) -> None:
    assert dags[FAIL_OVER].get_task("recover_databases").upstream_task_ids == {"approve_planned", "approve_disaster"}
    assert dags[FAIL_BACK].get_task("recover_databases").upstream_task_ids == {"approve_fail_back"}
    assert dags[FAIL_BACK].get_task("reseed_databases").upstream_task_ids == {"approve_overwrite"}


def test_silence_is_a_no(dags: dict[str, Any]) -> None:
    asking = [task for name in (FAIL_OVER, FAIL_BACK) for task in dags[name].tasks if "approve" in task.task_id]
    assert [task.defaults for task in asking] == [["Reject"]] * 4
    assert all(task.assigned_users and task.response_timeout for task in asking)


def test_losing_data_and_overwriting_data_need_four_eyes(dags: dict[str, Any]) -> None:
    assert dags[FAIL_OVER].get_task("approve_disaster").four_eyes
    assert dags[FAIL_BACK].get_task("approve_overwrite").four_eyes


@pytest.mark.parametrize("dag_id", [FAIL_OVER, FAIL_BACK])
def test_however_a_run_ends_it_gives_back_and_reports(dag_id: str, dags: dict[str, Any]) -> None:
    dag = dags[dag_id]
    assert {dag.get_task(name).trigger_rule for name in ("give_back", "write_report")} == {"all_done"}
    assert before(dag, "give_back", "write_report")
    leaves = [task.task_id for task in dag.tasks if not task.downstream_task_ids]
    assert leaves == ["write_report"]


def test_the_path_of_a_move_stays_short(dags: dict[str, Any]) -> None:
    dag = dags[FAIL_OVER]

    def depth(name: str) -> int:
        return 1 + max((depth(one) for one in dag.get_task(name).upstream_task_ids), default=0)

    assert depth("check_redirection") <= 10


def test_a_move_has_a_deadline(dags: dict[str, Any]) -> None:
    assert len(dags[FAIL_OVER].deadline) == 1
