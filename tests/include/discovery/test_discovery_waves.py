from __future__ import annotations

import random
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.discovery import tables
from include.discovery.waves.diffs import compare, read_plan
from include.discovery.waves.order import PlanRefusedError
from include.discovery.waves.plan import plan_waves
from include.discovery.waves.settings import Blackout, Precedence, WaveSettings

AT = date(2026, 9, 1)


def _planned(
    sizes: list[int], settings: WaveSettings, *, order: int = 0, pins: dict[int, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Groups g000, g001, ... of these sizes in a ring of traffic, and one hub; planned."""
    rows = [
        (f"s{n:03}-{m:03}", f"g{n:03}", f"tier-{m % 3}", (pins or {}).get(n))
        for n, size in enumerate(sizes)
        for m in range(size)
    ]
    rows.append(("hub", "shared-dns", "x", None))
    edges = [
        (f"s{n:03}-000", f"s{(n + 1) % len(sizes):03}-000", 10 * (n % 5 + 1))
        for n in range(len(sizes))
        if len(sizes) > 1
    ]
    random.Random(order).shuffle(rows)
    random.Random(order).shuffle(edges)
    connection = duckdb.connect()
    tables.create(connection, "servers", "groups", "edges", "priorities")
    connection.executemany(
        "INSERT INTO servers BY NAME SELECT ? AS server_id, ? AS wave, 10.0 AS storage_gib, 'linux' AS "
        "os_family, true AS in_scope, "
        "[] AS marks, [1] AS source_ids",
        [(server, wave) for server, _, _, wave in rows],
    )
    connection.executemany(
        "INSERT INTO groups BY NAME SELECT ? AS server_id, ? AS application_group, ? AS tier, ? AS is_hub",
        [(server, group, tier, group == "shared-dns") for server, group, tier, _ in rows],
    )
    if edges:
        connection.executemany(
            "INSERT INTO edges SELECT least($1, $2), greatest($1, $2), $3, false", [list(edge) for edge in edges]
        )
    plan_waves(connection, settings=settings, at=AT)
    return connection


def _waves(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(connection.execute("SELECT application_group, min(wave) FROM waves GROUP BY 1").fetchall())


@hypothesis_settings(derandomize=True, max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 14), min_size=1, max_size=40))
def test_every_server_is_in_one_wave_and_none_is_over_capacity_unless_flagged(sizes: list[int]) -> None:
    connection = _planned(sizes, WaveSettings(servers_per_wave=10, window_effort=0.1))
    assert connection.execute("SELECT sum(servers) FROM waves").fetchone() == (sum(sizes) + 1,)
    assert len(_waves(connection)) == len(sizes) + 1
    over = connection.execute(
        "SELECT count(*) FROM (SELECT wave FROM waves GROUP BY wave HAVING sum(servers) > 10 AND NOT "
        "bool_or(is_oversized))"
    ).fetchone()
    assert over == (0,)
    alone = connection.execute(
        "SELECT count(*) FROM waves WHERE is_oversized AND wave IN (SELECT wave FROM waves GROUP BY wave "
        "HAVING count(*) > 1)"
    ).fetchone()
    assert alone == (0,)


@pytest.mark.parametrize("order", [1, 2])
def test_the_order_of_rows_changes_no_wave(order: int) -> None:
    sizes = [3, 9, 4, 7, 12, 2, 5, 8, 6, 4, 3, 10]
    settings = WaveSettings(servers_per_wave=20)
    first, other = _planned(sizes, settings), _planned(sizes, settings, order=order)
    for table in ("waves", "wave_quality"):
        assert first.execute(f"FROM {table}").fetchall() == other.execute(f"FROM {table}").fetchall()


def test_shared_services_move_first_and_small_waves_follow() -> None:
    connection = _planned([5, 4, 8, 30, 30, 30], WaveSettings(servers_per_wave=60, pilot_waves=2))
    assert _waves(connection)["shared-dns"] == 1
    sizes = dict(connection.execute("SELECT wave, sum(servers) FROM waves GROUP BY wave").fetchall())
    assert sizes[2] < 10
    assert sizes[3] < 10


def test_precedence_holds_along_a_chain() -> None:
    chain = [Precedence(before=f"g{n + 1:03}", after=f"g{n:03}") for n in range(4)]
    found = _waves(_planned([4] * 20, WaveSettings(servers_per_wave=12, precedence=tuple(chain))))
    assert found["g004"] < found["g003"] < found["g002"] < found["g001"] < found["g000"]


def test_a_circle_in_precedence_is_refused_and_named() -> None:
    pairs = (Precedence(before="g000", after="g001"), Precedence(before="g001", after="g000"))
    with pytest.raises(PlanRefusedError, match=r"g000 before g001 before g000|g001 before g000 before g001"):
        _planned([4] * 5, WaveSettings(precedence=pairs))


def test_a_pin_against_precedence_is_refused_with_both_names() -> None:
    settings = WaveSettings(precedence=(Precedence(before="g000", after="g001"),), pinned={"g000": 5, "g001": 3})
    with pytest.raises(PlanRefusedError, match=r"g001 is pinned to wave 3, .* g000"):
        _planned([4] * 5, settings)


def test_a_group_before_a_pinned_one_gets_an_earlier_wave() -> None:
    settings = WaveSettings(
        servers_per_wave=12, precedence=(Precedence(before="g000", after="g001"),), pinned={"g001": 4}
    )
    found = _waves(_planned([4] * 20, settings))
    assert found["g000"] < found["g001"] == 4


def test_pins_of_sources_and_settings_survive_and_settings_win() -> None:
    settings = WaveSettings(servers_per_wave=12, pinned={"g003": 6})
    connection = _planned([4] * 20, settings, pins={3: "2", 7: "Wave 5"})
    found = _waves(connection)
    assert (found["g003"], found["g007"]) == (6, 5)
    pinned = connection.execute("SELECT application_group FROM waves WHERE is_pinned ORDER BY 1").fetchall()
    assert pinned == [("g003",), ("g007",)]


def test_a_whole_pinned_plan_is_kept() -> None:
    sizes, settings = [4, 9, 3, 7, 8, 5, 6, 2], WaveSettings(servers_per_wave=12)
    plan = _planned(sizes, settings)
    again = _planned(sizes, WaveSettings(servers_per_wave=12, pinned=_waves(plan)))
    assert compare(read_plan(plan), read_plan(again)) == []


def test_no_wave_touches_a_blackout_and_the_plan_says_what_it_waits_for() -> None:
    blackout = Blackout(starts=AT + timedelta(days=20), ends=AT + timedelta(days=50), reason="year-end close")
    connection = _planned([9] * 12, WaveSettings(servers_per_wave=20, starts=AT, blackouts=(blackout,)))
    hit = connection.execute(
        "SELECT count(*) FROM waves WHERE starts <= ? AND ends >= ?", [blackout.ends, blackout.starts]
    )
    assert hit.fetchone() == (0,)
    assert connection.execute("SELECT count(*) > 0 FROM waves WHERE reason LIKE '%year-end close%'").fetchone() == (
        True,
    )


def test_storage_limits_a_wave_too() -> None:
    connection = _planned([4] * 12, WaveSettings(servers_per_wave=100, storage_gib_per_wave=90.0, pilot_waves=0))
    assert (
        connection.execute("SELECT max(gib) FROM (SELECT sum(storage_gib) AS gib FROM waves GROUP BY wave)").fetchone()[
            0
        ]
        <= 90
    )


def test_a_group_above_the_capacity_is_split_along_its_tiers_when_asked() -> None:
    settings = WaveSettings(servers_per_wave=10, split_oversized=True, pilot_waves=0)
    connection = _planned([24, 3], settings)
    parts = connection.execute(
        "SELECT wave, servers FROM waves WHERE application_group = 'g000' ORDER BY wave"
    ).fetchall()
    assert [servers for _, servers in parts] == [8, 8, 8]
    assert [wave - parts[0][0] for wave, _ in parts] == [0, 1, 2]
    assert connection.execute(
        "SELECT count(*) FROM (SELECT wave FROM waves GROUP BY wave HAVING sum(servers) > 10)"
    ).fetchone() == (0,)


def test_the_plan_cuts_less_than_it_would_by_filling_up_and_tells_a_bound() -> None:
    connection = _planned([5] * 24, WaveSettings(servers_per_wave=30, pilot_waves=0))
    quality = dict(connection.execute("SELECT name, value FROM wave_quality").fetchall())
    assert quality["cut_share"] <= 0.3
    assert 0 <= quality["bound"] <= quality["window_cut"]


def test_a_diff_names_groups_that_moved_came_and_went_with_reasons() -> None:
    moved = compare(
        {"a": ((1,), ""), "b": ((2,), ""), "c": ((2,), "")}, {"a": ((3,), "Pinned."), "b": ((2,), ""), "d": ((1,), "x")}
    )
    assert [(one.application_group, one.before, one.after, one.reason) for one in moved] == [
        ("a", (1,), (3,), "Pinned."),
        ("c", (2,), (), "The group is gone."),
        ("d", (), (1,), "The group is new."),
    ]


def test_no_group_gives_an_empty_plan() -> None:
    connection = duckdb.connect()
    tables.create(connection, "servers", "groups", "edges", "priorities")
    plan_waves(connection, settings=WaveSettings(), at=AT)
    assert connection.execute("SELECT count(*) FROM waves").fetchone() == (0,)
