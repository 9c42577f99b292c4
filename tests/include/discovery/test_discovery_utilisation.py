"""Averages and percentiles weighted by duration, days and coverage."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery import tables
from include.discovery.sizing import summaries
from include.discovery.sizing.percentiles import SHARES, lay_out, summarise
from include.discovery.sizing.settings import SizingSettings
from include.discovery.sizing.summaries import summarise_utilisation

START = datetime.fromisoformat("2026-03-02")  # the tables hold UTC without a zone


def connect() -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    tables.create(connection, "server_refs", "raw_utilisation")
    return connection


def add(
    connection: Any, ref: str, samples: list[tuple[float, float | None, dict[str, float]]], source: int = 1
) -> None:
    """Add (minutes after START, seconds, rates) of one server."""
    for row, (minutes, seconds, rates) in enumerate(samples, start=2):
        names = ["source_id", "source_row", "ref", '"at"', "seconds", *rates]
        values = [source, row, ref, START + timedelta(minutes=minutes), seconds, *rates.values()]
        connection.execute(
            f"INSERT INTO raw_utilisation ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values
        ).fetchall()


def summary(connection: Any, **changes: Any) -> dict[tuple[str, str], dict[str, Any]]:
    summarise_utilisation(connection, settings=SizingSettings(**changes))
    table = connection.execute("SELECT * FROM utilisation_summary").fetchall()
    rows = [dict(zip(tables.columns("utilisation_summary"), row, strict=True)) for row in table]
    return {(row["server_id"], row["metric"]): row for row in rows}


def one(samples: list[tuple[float, float | None, dict[str, float]]], **changes: Any) -> dict[str, Any]:
    connection = connect()
    connection.execute("INSERT INTO server_refs VALUES (1, 'web1', 'web1')").fetchall()
    add(connection, "web1", samples)
    return summary(connection, **changes)["web1", "cpu_percent"]


def cpu(
    *values: float, seconds: float | None = 300, step: float = 5
) -> list[tuple[float, float | None, dict[str, float]]]:
    return [(step * i, seconds, {"cpu_percent": value}) for i, value in enumerate(values)]


def test_a_sample_of_double_length_counts_twice() -> None:
    samples = [(0, 300, {"cpu_percent": 10.0}), (5, 600, {"cpu_percent": 40.0})]
    assert one(samples)["avg"] == pytest.approx(30.0)


def test_without_a_length_a_sample_lasts_to_the_next_and_the_last_as_usual() -> None:
    samples = [(0, None, {"cpu_percent": 10.0}), (5, None, {"cpu_percent": 20.0}), (10, None, {"cpu_percent": 60.0})]
    found = one(samples)
    assert found["avg"] == pytest.approx(30.0)
    assert found["days"] == pytest.approx(15 / 1440)
    assert found["coverage"] == 1.0


def test_a_gap_of_hours_counts_as_one_usual_step_and_lowers_the_coverage() -> None:
    samples = [*cpu(10, 10, 10), (300, None, {"cpu_percent": 90.0})]
    samples = [(minutes, None, rates) for minutes, _, rates in samples]
    found = one(samples)
    assert found["avg"] == pytest.approx((10 * 3 + 90) / 4)
    assert found["coverage"] == pytest.approx(20 / 305)
    assert found["days"] == pytest.approx(305 / 1440)


def test_daily_samples_are_no_gaps() -> None:
    found = one(cpu(10, 20, 30, seconds=86_400, step=1440))
    assert found["coverage"] == 1.0
    assert found["days"] == pytest.approx(3.0)
    assert found["avg"] == pytest.approx(20.0)


def test_a_sample_ends_where_the_next_begins() -> None:
    samples = [(0, 3600, {"cpu_percent": 0.0}), (5, 300, {"cpu_percent": 100.0})]
    assert one(samples)["avg"] == pytest.approx(50.0)


def test_use_above_100_percent_counts_as_100() -> None:
    assert one(cpu(104.9, 104.9))["max"] == 100.0


def test_one_single_sample_gives_its_value_everywhere() -> None:
    found = one([(0, None, {"cpu_percent": 42.0})])
    assert [found[name] for name in ("avg", "p50", "p99", "max")] == [42.0] * 4


def test_percentiles_of_even_samples_are_the_ranked_values() -> None:
    found = one(cpu(*range(1, 101)))
    assert [found[name] for name in ("p50", "p90", "p95", "p99", "max")] == [50, 90, 95, 99, 100]


def test_two_sources_of_one_server_are_one_series() -> None:
    connection = connect()
    connection.execute("INSERT INTO server_refs VALUES (1, 'web1', 's-1'), (2, 'agent-7', 's-1')").fetchall()
    add(connection, "web1", cpu(10, 20))
    add(connection, "agent-7", [(10, 300, {"cpu_percent": 90.0, "memory_percent": 5.0})], source=2)
    found = summary(connection)
    assert found["s-1", "cpu_percent"]["samples"] == 3
    assert found["s-1", "cpu_percent"]["avg"] == pytest.approx(40.0)
    assert found["s-1", "memory_percent"]["samples"] == 1


def test_of_two_samples_at_one_moment_the_later_source_counts() -> None:
    connection = connect()
    connection.execute("INSERT INTO server_refs VALUES (1, 'a', 's-1'), (2, 'b', 's-1')").fetchall()
    add(connection, "b", cpu(80, 80), source=2)
    add(connection, "a", cpu(10, 10), source=1)
    assert summary(connection)["s-1", "cpu_percent"]["avg"] == pytest.approx(80.0)


def test_no_samples_give_an_empty_summary() -> None:
    assert summary(connect()) == {}


def test_a_metric_that_a_sample_lacks_is_not_counted_as_full() -> None:
    connection = connect()
    connection.execute("INSERT INTO server_refs VALUES (1, 'web1', 'web1')").fetchall()
    add(connection, "web1", [*cpu(10, 20), (10, 300, {"memory_percent": 5.0})])
    found = summary(connection)["web1", "memory_percent"]
    assert (found["samples"], found["max"]) == (1, 5.0)


def test_samples_of_unknown_servers_are_left_out() -> None:
    connection = connect()
    add(connection, "ghost", cpu(10, 20))
    assert summary(connection) == {}


@pytest.mark.parametrize("by_server", [True, False])
def test_ranges_of_servers_change_nothing(monkeypatch: pytest.MonkeyPatch, by_server: bool) -> None:
    def estate() -> Any:
        connection = connect()
        connection.execute(
            "INSERT INTO server_refs SELECT 1, 'r' || i, 's' || lpad(i::VARCHAR, 3, '0') FROM range(40) t(i)"
        )
        connection.fetchall()
        connection.execute(
            "INSERT INTO raw_utilisation BY NAME SELECT 1 AS source_id, i * 100 + j AS source_row, 'r' || i AS ref, "
            "TIMESTAMP '2026-03-02' + to_minutes(j * (5 + i % 3)) AS \"at\", (i * 37 + j * 13) % 97 AS cpu_percent, "
            "CASE WHEN j % 2 = 0 THEN (i + j) % 50 END AS memory_percent FROM range(40) t(i), range(30) u(j) "
            f"ORDER BY {'i DESC, j' if by_server else 'j DESC, i'}"
        ).fetchall()
        return connection

    whole = summary(estate())
    monkeypatch.setattr(summaries, "_ROWS_AT_ONCE", 70)
    assert summary(estate()) == whole
    assert len(whole) == 80


def naive(weights: list[int], values: list[float], share: float) -> float:
    """Repeat each value as often as it weighs and take the k-th."""
    repeated = sorted(value for weight, value in zip(weights, values, strict=True) for _ in range(weight))
    return repeated[max(math.ceil(round(share * len(repeated), 9)), 1) - 1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 12), st.integers(0, 100)), min_size=1, max_size=60), min_size=1, max_size=6
    )
)
def test_weighted_percentiles_equal_repeating_each_value_by_its_weight(servers: list[list[tuple[int, int]]]) -> None:
    server = np.repeat(np.arange(len(servers)), [len(samples) for samples in servers])
    weights = [[weight * 60 for weight, _ in samples] for samples in servers]
    at = np.concatenate([np.cumsum([0, *each[:-1]]) for each in weights])
    value = np.array([float(value) for samples in servers for _, value in samples])
    layout = lay_out(server, at, np.concatenate(weights).astype(float), longest_gap=3600)
    found = summarise(layout, value)
    for place, samples in enumerate(servers):
        minutes, values = [weight for weight, _ in samples], [float(value) for _, value in samples]
        expected = [naive(minutes, values, share) for share in SHARES]
        assert found.percentiles[place].tolist() == expected
        assert found.max[place] == max(values)
        assert found.avg[place] == pytest.approx(np.average(values, weights=minutes))
