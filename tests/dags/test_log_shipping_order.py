"""The edges that protect a secondary."""

from typing import Any

import pytest


def before(dag: Any, first: str, later: str) -> bool:
    return first in dag.get_task(later).get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("plan_shipping", "back_up_and_copy"),
        ("back_up_and_copy", "check_headers"),
        ("check_headers", "restore_logs"),
        ("restore_logs", "record_outcomes"),
    ],
)
def test_ship_runs(first: str, later: str, dags: dict[str, Any]) -> None:
    assert before(dags["log_shipping_ship"], first, later)


def test_nothing_is_restored_unless_the_gate_let_go(dags: dict[str, Any]) -> None:
    restore = dags["log_shipping_ship"].get_task("restore_logs")
    assert restore.upstream_task_ids == {"check_headers"}
    assert restore.trigger_rule == "all_success"


def test_one_dead_lane_neither_stops_the_others_nor_stays_unsaid(dags: dict[str, Any]) -> None:
    dag = dags["log_shipping_ship"]
    assert dag.get_task("check_headers").trigger_rule == "all_done"
    assert dag.get_task("record_outcomes").trigger_rule == "all_done"


def test_ship_stays_short_and_mapped_over_lanes(dags: dict[str, Any]) -> None:
    dag = dags["log_shipping_ship"]
    assert len(dag.tasks) == 5
    assert {task.task_id for task in dag.tasks if task.is_mapped} == {"back_up_and_copy", "restore_logs"}


def test_configure_seeds_before_it_publishes(dags: dict[str, Any]) -> None:
    dag = dags["log_shipping_configure"]
    assert before(dag, "check_configuration", "seed_databases")
    assert before(dag, "seed_databases", "publish_configuration")


def test_the_watch_is_one_task_each_minute(dags: dict[str, Any]) -> None:
    dag = dags["log_shipping_monitor"]
    assert [task.task_id for task in dag.tasks] == ["watch_databases"]
    assert dag.timetable.expression == "* * * * *"


def test_ship_goes_every_five_minutes(dags: dict[str, Any]) -> None:
    assert dags["log_shipping_ship"].timetable.expression == "*/5 * * * *"
