"""The order of application groups: points add up, firm ranks, and methods that agree."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery import tables
from include.discovery.priorities.facts import CRITERIA
from include.discovery.priorities.methods import agreement, promethee, ranks, topsis, weighted_points
from include.discovery.priorities.rank import rank_applications
from include.discovery.priorities.settings import PrioritySettings


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as found:
        found.execute("SET TimeZone='UTC'")
        tables.create(found, "servers", "groups", "strategies", "edges", "databases", "cost_lines")
        yield found


def add_group(connection: Any, name: str, *, servers: int = 2, strategy: str = "rehost", **values: Any) -> None:
    for i in range(servers):
        facts = {
            "server_id": f"{name}-{i:03}",
            "os_family": "linux",
            "in_scope": True,
            "marks": [],
            "source_ids": [1],
            **values,
        }
        marks = ", ".join(f"${key}" for key in facts)
        connection.execute(f"INSERT INTO servers ({', '.join(facts)}) VALUES ({marks})", facts)
        connection.execute(
            "INSERT INTO groups BY NAME SELECT ? AS server_id, ? AS application_group, 't' AS tier, 0.9 AS confidence, "
            "FALSE AS is_hub",
            [facts["server_id"], name],
        )
        connection.execute("INSERT INTO strategies VALUES (?, ?, 0.9, 'x', FALSE)", [facts["server_id"], strategy])


def order(connection: Any, **weights: float) -> list[str]:
    rank_applications(connection, settings=PrioritySettings(**weights))
    return [row[0] for row in connection.execute("SELECT application_group FROM priorities ORDER BY rank").fetchall()]


def test_simple_test_systems_come_before_large_critical_production(connection: Any) -> None:
    add_group(connection, "a-bank", servers=40, environment="production", criticality="mission_critical")
    add_group(connection, "wiki", environment="test", criticality="low")
    assert order(connection) == ["wiki", "a-bank"]


@pytest.mark.parametrize(
    ("criterion", "early", "late"),
    [
        ("environment", {"environment": "test"}, {"environment": "production"}),
        ("criticality", {"criticality": "low"}, {"criticality": "high"}),
        ("size", {"servers": 2}, {"servers": 12}),
        ("strategy", {"strategy": "rehost"}, {"strategy": "refactor"}),
        ("compliance", {}, {"compliance": "pci"}),
    ],
)
def test_each_criterion_alone_orders_groups(connection: Any, criterion: str, early: Any, late: Any) -> None:
    add_group(connection, "a", **late)
    add_group(connection, "b", **early)
    off = dict.fromkeys(CRITERIA, 0.0)
    assert order(connection, **{**off, criterion: 1.0}) == ["b", "a"]


def test_databases_dependencies_licences_and_end_of_support_count(connection: Any) -> None:
    for name in ("a", "b", "c"):
        add_group(connection, name)
    connection.execute("INSERT INTO edges VALUES ('a-000', 'c-000', 5, FALSE), ('a-000', 'b-000', 5, TRUE)")
    connection.execute(
        "INSERT INTO databases BY NAME SELECT 'd' AS database_id, 'a-000' AS server_id, 1 AS source_id, "
        "2 AS source_row, 'mysql' AS engine_family, '8.0' AS engine_version, 'x' AS engine_edition"
    )
    for scenario, usd in (("lift_and_shift", 900), ("right_sized", 400)):
        connection.execute(
            "INSERT INTO cost_lines VALUES ('b-000', ?, 'sql_server', 1, 'vCPU', 1, ?, ?, ?, 'x')",
            [scenario, usd, usd, usd],
        )
    order(connection)
    found = {
        name: json.loads(told)
        for name, told in connection.execute("SELECT application_group, breakdown FROM priorities").fetchall()
    }
    assert {name: told["databases"]["value"] for name, told in found.items()} == {"a": 1, "b": 0, "c": 0}
    assert {name: told["dependencies"]["value"] for name, told in found.items()} == {"a": 1, "b": 0, "c": 1}
    assert found["b"]["licences"]["value"] == 500
    assert found["b"]["licences"]["points"] > found["a"]["licences"]["points"]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    scores=st.lists(st.lists(st.integers(0, 99), min_size=4, max_size=4), min_size=1, max_size=20),
    weights=st.lists(st.integers(0, 100), min_size=4, max_size=4).filter(any),
)
def test_points_are_whole_thousandths_from_0_to_100(scores: list[list[int]], weights: list[int]) -> None:
    parts = weighted_points(np.array(scores), np.array(weights, dtype=float) / sum(weights))
    assert parts.dtype == np.int64
    assert (parts >= 0).all()
    assert (parts.sum(axis=1) <= 100_000).all()


def test_the_breakdown_adds_up_to_the_points_exactly(connection: Any) -> None:
    for i in range(12):
        add_group(connection, f"g{i:02}", servers=1 + i % 5, environment=["test", "production"][i % 2])
    order(connection)
    for points, told in connection.execute("SELECT points, breakdown FROM priorities").fetchall():
        parts = json.loads(told, parse_float=Decimal)
        assert sum((Decimal(part["points"]) for part in parts.values()), Decimal(0)) == Decimal(str(points))
        assert set(parts) == set(CRITERIA)


def test_the_range_of_ranks_holds_the_rank_and_is_wider_for_a_close_race(connection: Any) -> None:
    add_group(connection, "clear", environment="test", criticality="low")
    add_group(connection, "near1", environment="test", criticality="mission_critical")
    add_group(connection, "near2", environment="production", criticality="low")
    add_group(
        connection, "last", servers=40, environment="production", criticality="mission_critical", strategy="retain"
    )
    order(connection, change=0.2)
    rows = {row[0]: row[1:] for row in connection.execute(
        "SELECT application_group, rank, rank_low, rank_high FROM priorities").fetchall()}  # fmt: skip
    assert rows["clear"] == (1, 1, 1)
    assert rows["last"] == (4, 4, 4)
    assert (rows["near1"][1], rows["near1"][2]) == (2, 3)
    assert all(low <= rank <= high for rank, low, high in rows.values())


def test_topsis_and_promethee_put_a_group_first_that_is_best_everywhere() -> None:
    scores = np.array([[10, 20, 5], [90, 95, 80], [50, 40, 70]])
    weights = np.array([0.5, 0.3, 0.2])
    for method in (topsis, promethee):
        assert list(ranks(method(scores, weights))) == [3, 1, 2]


def test_promethee_by_histogram_equals_the_pairwise_definition() -> None:
    rng = np.random.default_rng(7)
    scores, weights = rng.integers(0, 100, (40, 3)), np.array([0.2, 0.3, 0.5])
    gap = scores[:, None, :] - scores[None, :, :]
    preference = (np.clip(gap / 33, 0, 1) * weights).sum(axis=2)
    expected = (preference.sum(axis=1) - preference.sum(axis=0)) / 39
    assert promethee(scores, weights) == pytest.approx(expected)


def test_topsis_equals_a_hand_worked_example() -> None:
    # One criterion: lengths 5; shares 0.6 and 0.8; the better is the ideal (1), the worse the opposite (0).
    assert list(topsis(np.array([[3], [4]]), np.array([1.0]))) == [0.0, 1.0]


def test_agreement_is_1_for_the_same_order_and_minus_1_for_the_reverse() -> None:
    one = np.array([1, 2, 3, 4])
    assert agreement(one, one) == 1.0
    assert agreement(one, one[::-1]) == -1.0


def test_the_methods_agreement_is_kept(connection: Any) -> None:
    for i in range(6):
        add_group(connection, f"g{i}", servers=1 + 4 * i)
    order(connection)
    rows = connection.execute("SELECT method_a, method_b, spearman FROM priority_methods").fetchall()
    assert [row[:2] for row in rows] == [
        ("weighted_points", "topsis"), ("weighted_points", "promethee"), ("topsis", "promethee"),
    ]  # fmt: skip
    assert all(-1 <= row[2] <= 1 for row in rows)


def test_an_estate_without_groups_has_no_priorities(connection: Any) -> None:
    assert order(connection) == []


def test_weights_that_are_all_0_are_refused(connection: Any) -> None:
    with pytest.raises(ValueError, match="all 0"):
        order(connection, **dict.fromkeys(CRITERIA, 0.0))
