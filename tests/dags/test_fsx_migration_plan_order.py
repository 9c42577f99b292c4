"""The edges that keep anybody from following a plan that nobody judged."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("first", "later"),
    [("read_definition", "gate_listing"), ("gate_listing", "make_plan"), ("make_plan", "gate_plan")],
)
def test_this_comes_first(first: str, later: str, dags: dict[str, Any]) -> None:
    assert dags["fsx_migration_plan"].get_task(later).upstream_task_ids == {first}


def test_only_a_judged_plan_is_published(dags: dict[str, Any]) -> None:
    task = dags["fsx_migration_plan"].get_task("publish_plan")
    assert task.upstream_task_ids == {"gate_plan"}
    assert task.trigger_rule == "all_success"
