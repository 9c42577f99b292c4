"""The edges that protect the IP sets."""

from typing import Any

import pytest


def before(dag: Any, first: str, later: str) -> bool:
    return first in dag.get_task(later).get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("plan_update", "count_requests"),
        ("count_requests", "collect_counts"),
        ("check_logs", "decide_blocks"),
        ("decide_blocks", "check_blocks"),
        ("check_blocks", "write_sets"),
        ("check_blocks", "approve_mass_change"),
        ("write_sets", "commit_update"),
        ("approve_mass_change", "allow_mass_change"),
    ],
)
def test_update_runs(first: str, later: str, dags: dict[str, Any]) -> None:
    assert before(dags["scanner_block_update"], first, later)


def test_clients_are_let_go_even_when_logs_cannot_be_used(dags: dict[str, Any]) -> None:
    assert dags["scanner_block_update"].get_task("decide_blocks").trigger_rule == "all_done"


def test_a_waiting_question_holds_no_later_run(dags: dict[str, Any]) -> None:
    dag = dags["scanner_block_update"]
    assert dag.max_active_runs > 1
    assert "approve_mass_change" not in dag.get_task("write_sets").upstream_task_ids
    assert dag.get_task("approve_mass_change").defaults == ["Reject"]


def test_only_judged_blocks_reach_the_sets(dags: dict[str, Any]) -> None:
    assert dags["scanner_block_update"].get_task("write_sets").upstream_task_ids == {"check_blocks"}


def test_a_release_shows_and_approves_before_it_writes(dags: dict[str, Any]) -> None:
    dag = dags["scanner_block_release"]
    assert before(dag, "find_blocks", "approve_client")
    assert before(dag, "approve_client", "release_client")


def test_a_roll_back_needs_four_eyes(dags: dict[str, Any]) -> None:
    dag = dags["scanner_block_roll_back"]
    assert dag.get_task("approve_roll_back").four_eyes
    assert dag.get_task("approve_roll_back").defaults == ["Reject"]
    assert dag.get_task("roll_back_sets").upstream_task_ids == {"approve_roll_back"}
