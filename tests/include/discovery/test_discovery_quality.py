"""Gates per outcome: which data carry a snapshot, a cost comparison, a wave plan; and what to collect first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from include.discovery.quality.frames import inventory_frame, outcome_frame
from include.discovery.quality.judge import blocked_outcomes, judge, verdicts
from include.discovery.quality.settings import QualitySettings
from include.discovery.tables import TABLES, create

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = date(2026, 11, 1)
SERVERS = 20


@pytest.fixture
def estate() -> Iterator[Any]:
    """Twenty servers of which nothing is missing."""
    import duckdb

    connection = duckdb.connect(":memory:")
    create(connection, *TABLES)
    connection.execute(
        "INSERT INTO sources BY NAME SELECT 1 AS source_id, 'a.csv' AS file, 'generic_servers' AS format, "
        "'generic' AS tool, 'raw_servers' AS fills, 20 AS rows_read, 0 AS rows_quarantined, 1 AS bytes, 'x' AS sha256, "
        "TIMESTAMP '2026-10-20' AS exported_at"
    )
    connection.execute(
        "INSERT INTO servers BY NAME SELECT 's' || i AS server_id, 'h' || i AS hostname, 4 AS cpu_cores, "
        "8192 AS memory_mib, 100.0 AS storage_gib, 'linux' AS os_family, true AS in_scope, "
        "CAST([] AS VARCHAR[]) AS marks, [1] AS source_ids, "
        " 'anna' AS owner, 'production' AS environment, 'shop' AS application "
        f"FROM range({SERVERS}) t(i)"
    )
    connection.execute(
        "INSERT INTO sizing BY NAME SELECT server_id, 'p99' AS basis, false AS is_fallback, "
        "'m7i.large' AS instance_type, 2 AS vcpu, 0.1 AS hourly_usd, 0.2 AS lift_hourly_usd, 100.0 AS volume_gib, "
        "'because' AS reason FROM servers"
    )
    connection.execute(
        "INSERT INTO connections BY NAME SELECT 's' || i AS source_server_id, "
        "'s' || ((i + 1) % 20) AS destination_server_id, 5 AS count, TIMESTAMP '2026-09-01' AS first_seen, "
        f"TIMESTAMP '2026-10-01' AS last_seen FROM range({SERVERS}) t(i)"
    )
    yield connection
    connection.close()


def judged(estate: Any, **limits: float) -> dict[str, str]:
    judge(estate, settings=replace(QualitySettings(), **limits), at=AT)
    return verdicts(estate)


def test_data_of_which_nothing_is_missing_carry_every_outcome(estate: Any) -> None:
    assert judged(estate) == {"snapshot": "pass", "tco": "pass", "wave_plan": "pass"}
    assert estate.execute("SELECT count(*) FROM fix_list").fetchone() == (0,)
    assert blocked_outcomes(estate) == {}


@pytest.mark.parametrize(
    ("spoil", "blocked", "told"),
    [
        ("UPDATE servers SET cpu_cores = NULL", {"snapshot", "tco"}, "0.0% (at least 95.0% wanted)"),
        ("UPDATE servers SET memory_mib = 16", {"snapshot", "tco"}, "values that no machine has"),
        ("UPDATE servers SET storage_gib = NULL", {"tco"}, "known storage size"),
        ("UPDATE sizing SET is_fallback = true", {"tco"}, "collect utilisation for two weeks"),
        ("UPDATE sizing SET hourly_usd = NULL", {"tco"}, "price"),
        ("UPDATE servers SET owner = NULL", {"wave_plan"}, "review sheet"),
        ("UPDATE servers SET environment = NULL", {"wave_plan"}, "environment"),
        ("DELETE FROM connections", {"wave_plan"}, "collect connections"),
        ("UPDATE connections SET last_seen = TIMESTAMP '2026-09-03'", {"wave_plan"}, "month-end jobs"),
        ("UPDATE connections SET source_server_id = NULL", {"wave_plan"}, "unknown_addresses.csv"),
        ("UPDATE servers SET marks = ['unknown_host']", {"snapshot"}, "missing vCenter"),
        ("UPDATE sources SET exported_at = TIMESTAMP '2026-01-01'", {"snapshot", "tco", "wave_plan"}, "304"),
        (
            "INSERT INTO quarantine SELECT 1, i, 'cpu', 'x', 'no number' FROM range(2) t(i)",
            {"snapshot", "tco", "wave_plan"},
            "10.0%",
        ),
        (
            "INSERT INTO databases (database_id, source_id, source_row, engine_family) VALUES ('d', 1, 2, 'sqlserver')",
            {"tco"},
            "edition",
        ),
        (
            "INSERT INTO conflicts SELECT server_id, 'memory_mib', '1', '2', 'a', 'b', 'c' FROM servers LIMIT 7",
            {"snapshot"},
            "inventory.tools",
        ),
    ],
)
def test_each_lack_blocks_the_outcomes_that_rest_on_it(estate: Any, spoil: str, blocked: set[str], told: str) -> None:
    estate.execute(spoil)
    found = judged(estate)
    assert {outcome for outcome, verdict in found.items() if verdict == "block"} == blocked
    sentences = " ".join(sentence for one in blocked_outcomes(estate).values() for sentence in one)
    assert told in sentences


def test_new_samples_make_up_for_an_old_export(estate: Any) -> None:
    estate.execute("UPDATE sources SET exported_at = TIMESTAMP '2026-01-01'")
    estate.execute(
        "INSERT INTO raw_utilisation BY NAME SELECT 1 AS source_id, 1 AS source_row, 's1' AS ref, "
        "TIMESTAMP '2026-10-30' AS \"at\""
    )
    assert set(judged(estate).values()) == {"pass"}


def test_an_estate_without_servers_carries_nothing(estate: Any) -> None:
    for table in ("servers", "sizing", "connections"):
        estate.execute(f"DELETE FROM {table}")
    assert set(judged(estate).values()) == {"block"}


def test_confidence_is_how_much_of_the_checks_is_met(estate: Any) -> None:
    estate.execute("UPDATE servers SET owner = NULL WHERE server_id <> 's1'")
    judged(estate)
    rows = dict(
        estate.execute("FROM gate_results SELECT outcome, value WHERE \"check\" = 'confidence'").fetchall(),
    )
    assert rows["snapshot"] == rows["tco"] == 1.0
    checks = estate.execute(
        "FROM gate_results SELECT count(*) WHERE outcome = 'wave_plan' AND \"check\" <> 'confidence'"
    ).fetchone()[0]
    assert rows["wave_plan"] == pytest.approx((checks - 1 + 0.05 / 0.6) / checks)


def test_fixes_are_ranked_by_what_they_decide(estate: Any) -> None:
    estate.execute("UPDATE sizing SET is_fallback = true WHERE server_id IN ('s1', 's2')")
    estate.execute("UPDATE servers SET os_family = 'unknown' WHERE server_id = 's3'")
    estate.execute("UPDATE servers SET owner = NULL WHERE server_id = 's4'")
    judged(estate)
    rows = estate.execute("FROM fix_list SELECT field, servers, effect_usd, examples ORDER BY rank").fetchall()
    found = {row[0]: row[1:] for row in rows}
    assert found["utilisation"][0] == 2
    assert found["utilisation"][1] == pytest.approx(2 * 0.2 * 0.5 * 730)
    assert found["operating system"][1] == pytest.approx(2 * 0.046 * 730)
    assert found["owner"] == (1, None, "s4")
    shares = [row[0] for row in estate.execute("FROM fix_list SELECT effect_share ORDER BY rank").fetchall()]
    assert shares == sorted(shares, reverse=True)


def test_gates_get_a_row_for_each_machine_and_each_check(estate: Any) -> None:
    estate.execute("UPDATE servers SET in_scope = false WHERE server_id = 's7'")
    judged(estate)
    assert len(inventory_frame(estate)) == SERVERS - 1
    frame = outcome_frame(estate, "tco")
    assert set(frame["verdict"]) == {"pass"}
    assert "confidence" not in set(frame["check"])
