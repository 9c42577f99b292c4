"""The cost model: a hand-worked estate to the cent, each rule alone, and what must hold for any estate."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.discovery_costs import (
    ESTATE,
    HAND,
    TOTALS,
    example_catalogue,
    example_lines,
    fill_example,
    run,
)
from include.discovery.costs.assumptions import CostError
from include.discovery.costs.estate import cost_estate
from include.discovery.costs.lines import _CENTS
from include.discovery.costs.settings import CostSettings

duckdb = pytest.importorskip("duckdb")
AWS = ("lift_and_shift", "right_sized")


@pytest.fixture(scope="module")
def example() -> Any:
    """The hand-worked estate, costed once."""
    return _costed()


@pytest.fixture(scope="module")
def rounding() -> Any:
    """A connection that knows the rounding of cents."""
    connection = duckdb.connect()
    connection.execute(_CENTS)
    return connection


def _costed(*changes: str, given: CostSettings | None = None, catalogue: Any = None) -> Any:
    """Return a connection with the example, changed by SQL statements, and costed."""
    connection = duckdb.connect()
    fill_example(connection)
    for change in changes:
        connection.execute(change)
    cost_estate(connection, settings=given or CostSettings(), catalogue=catalogue or example_catalogue())
    return connection


def _line(connection: Any, server: str, item: str, scenario: str = "right_sized") -> dict[str, Any]:
    rows = connection.execute(
        "SELECT * FROM cost_lines WHERE coalesce(server_id, ?) = ? AND item = ? AND scenario = ?",
        [ESTATE, server, item, scenario],
    )
    names = [column[0] for column in rows.description]
    found = rows.fetchall()
    assert len(found) == 1, found
    return dict(zip(names, found[0], strict=True))


def _total(connection: Any, scenario: str = "right_sized") -> Decimal:
    return connection.execute("SELECT sum(monthly_usd) FROM cost_lines WHERE scenario = ?", [scenario]).fetchone()[0]


@pytest.mark.parametrize("scenario", sorted(HAND))
def test_every_line_of_the_hand_worked_estate_is_right_to_the_cent(example: Any, scenario: str) -> None:
    rows = example.execute("SELECT server_id, item, monthly_usd FROM cost_lines WHERE scenario = ?", [scenario])
    found = {(server or ESTATE, item): str(money) for server, item, money in rows.fetchall()}
    assert found == HAND[scenario]


@pytest.mark.parametrize("scenario", sorted(TOTALS))
def test_a_total_is_the_sum_of_its_rounded_lines(example: Any, scenario: str) -> None:
    told = example.execute("SELECT monthly_usd FROM cost_totals WHERE scenario = ?", [scenario]).fetchone()[0]
    assert str(told) == TOTALS[scenario]
    assert told == _total(example, scenario)
    assert told == sum(Decimal(amount) for amount in HAND[scenario].values())


def test_the_benchmark_sees_no_difference_but_one_in_binary_fractions() -> None:
    line = next(iter(run()))
    assert line["ours"] == 0.0
    assert line["peer"] == pytest.approx(3.0)


def test_the_benchmark_would_see_a_wrong_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HAND["right_sized"], ("web-1", "compute"), "36.87")
    assert next(iter(run()))["ours"] == pytest.approx(1.0)


def test_every_line_has_a_rule_and_no_scenario_counts_an_item_of_a_server_twice(example: Any) -> None:
    assert example.execute("SELECT count(*) FROM cost_lines WHERE length(rule) < 10").fetchone()[0] == 0
    twice = "SELECT server_id, scenario, item FROM cost_lines GROUP BY ALL HAVING count(*) > 1"
    assert example.execute(twice).fetchall() == []


def test_the_bands_of_lines_are_those_worked_by_hand(example: Any) -> None:
    # 5 USD a core (3 to 9) over 4 vCPUs (2 to 6): 1.25, down sqrt(0.5^2 + 0.416667^2), up sqrt(1^2 + 1.25^2), times 4.
    server = _line(example, "web-1", "server", "on_premises")
    assert (str(server["low_usd"]), str(server["high_usd"])) == ("2.40", "11.40")
    # Without utilisation half the size may do: 730 h x 0.0504 = 36.792; a price from the list has no band.
    assert (str(_line(example, "win-1", "compute")["low_usd"]), _line(example, "win-1", "compute")["high_usd"]) == (
        "36.79",
        Decimal("73.58"),
    )
    assert _line(example, "sql-1", "compute")["low_usd"] == Decimal("73.58")
    assert "half the size" in _line(example, "win-1", "compute")["rule"]
    assert "half the size" not in _line(example, "win-1", "compute", "lift_and_shift")["rule"]


def test_no_band_is_out_of_order_and_every_total_lies_in_its_own(example: Any) -> None:
    wrong = "SELECT * FROM {} WHERE NOT (low_usd <= monthly_usd AND monthly_usd <= high_usd)"
    assert example.execute(wrong.format("cost_lines")).fetchall() == []
    assert example.execute(wrong.format("cost_totals")).fetchall() == []
    wide = "SELECT count(*) FROM cost_totals WHERE low_usd < monthly_usd AND monthly_usd < high_usd"
    assert example.execute(wide).fetchone()[0] == len(TOTALS)


def test_independent_errors_narrow_the_band_of_a_total(example: Any) -> None:
    linear = example.execute("SELECT sum(low_usd), sum(high_usd) FROM cost_lines WHERE scenario = 'on_premises'")
    low, high = linear.fetchone()
    told = example.execute("SELECT low_usd, high_usd FROM cost_totals WHERE scenario = 'on_premises'").fetchone()
    assert low < told[0]
    assert told[1] < high


def test_an_assumption_alone_gives_what_a_run_with_it_gives(example: Any) -> None:
    rows = example.execute(
        "SELECT assumption, low_value, high_value, monthly_low_usd, monthly_high_usd FROM sensitivities"
    )
    listed = rows.fetchall()
    assert {"unmeasured_size", "servers_per_administrator", "snapshot_share"} <= {row[0] for row in listed}
    for name, low, high, *told in (row for row in listed if row[0] in ("servers_per_administrator", "snapshot_share")):
        for value, money in zip((low, high), told, strict=True):
            again = _costed(given=CostSettings(assumptions={name: float(value)}))
            assert float(_total(again)) == pytest.approx(money, abs=0.05), name


def test_support_and_discount_follow_an_assumption_too() -> None:
    given = CostSettings(savings_plan_discount=0.3, support_plan="enterprise")
    told = {row[0]: row[3:] for row in _costed(given=given).execute("FROM sensitivities").fetchall()}
    again = _costed(given=replace(given, assumptions={"unmeasured_size": 0.5}))
    assert float(_total(again)) == pytest.approx(told["unmeasured_size"][0], abs=0.05)


@pytest.mark.parametrize(
    ("edition", "item"), [("developer", "0.00"), ("express", "0.00"), ("web", "49.35"), ("standard", "350.40")]
)
def test_a_server_with_two_vcpus_pays_four_of_its_sql_server_edition(edition: str, item: str) -> None:
    # Web: 4 x 730 x 0.0169 = 49.348
    connection = _costed(f"UPDATE databases SET engine_edition = '{edition}' WHERE server_id = 'sql-1'")
    assert str(_line(connection, "sql-1", "sql_server")["monthly_usd"]) == item


def test_the_dearest_edition_of_a_server_counts() -> None:
    more = "INSERT INTO databases BY NAME SELECT 'x' AS database_id, 'sql-1' AS server_id, 1 AS source_id, "
    more += "9 AS source_row, 'sqlserver' AS engine_family, 'enterprise' AS engine_edition"
    assert str(_line(_costed(more), "sql-1", "sql_server")["monthly_usd"]) == "1095.00"


def test_an_unknown_edition_is_standard_with_a_band_from_free_to_enterprise() -> None:
    connection = _costed("UPDATE databases SET engine_edition = NULL WHERE server_id = 'sql-1'")
    line = _line(connection, "sql-1", "sql_server")
    assert [str(line[name]) for name in ("low_usd", "monthly_usd", "high_usd")] == ["0.00", "350.40", "1095.00"]


def test_own_sql_server_licences_are_counted_by_core_and_are_no_part_of_the_aws_bill() -> None:
    connection = _costed(given=CostSettings(sql_server_licence="own"))
    assert str(_line(connection, "sql-1", "sql_server")["monthly_usd"]) == "236.32"  # 4 x 59.08
    assert str(_line(connection, "sql-2", "sql_server")["monthly_usd"]) == "1811.36"  # 8 x 226.42
    assert "4,641.39" in _line(connection, ESTATE, "support")["rule"]  # 7,181.79 - 2,540.40
    saving = _line(connection, "sql-2", "sql_server_saving", "right_sized_optimize_cpus")
    assert str(saving["monthly_usd"]) == "-905.68"  # 4 x 226.42


def test_a_passive_secondary_pays_no_sql_server_licence() -> None:
    connection = _costed(given=CostSettings(passive_secondaries=("sql-2",)))
    assert _line(connection, "sql-2", "sql_server")["monthly_usd"] == 0
    assert _line(connection, "sql-2", "windows")["monthly_usd"] > 0


def test_only_older_windows_may_bring_its_own_licence() -> None:
    connection = _costed(given=CostSettings(windows_licence="own"))
    assert _line(connection, "win-1", "windows")["monthly_usd"] == 0
    assert str(_line(connection, "sql-2", "windows")["monthly_usd"]) == "268.64"


def test_client_windows_gets_no_server_licence() -> None:
    connection = _costed("UPDATE servers SET os_product = 'windows 10' WHERE server_id = 'win-1'")
    line = _line(connection, "win-1", "windows")
    assert line["monthly_usd"] == 0
    assert "client Windows" in line["rule"]


def test_an_unknown_system_costs_no_licence_but_may() -> None:
    connection = _costed("UPDATE servers SET os_family = 'unknown', os_product = NULL WHERE server_id = 'web-1'")
    line = _line(connection, "web-1", "windows")
    assert [str(line[name]) for name in ("low_usd", "monthly_usd", "high_usd")] == ["0.00", "0.00", "67.16"]


def test_standard_edition_2_beyond_eight_vcpus_is_blocked_and_counted(example: Any) -> None:
    line = _line(example, "ora-2", "oracle", "lift_and_shift")
    assert (line["quantity"], line["rule"][:8]) == (0, "blocked:")
    told = dict(example.execute("SELECT scenario, blocked FROM cost_totals").fetchall())
    assert (told["lift_and_shift"], told["right_sized"]) == (1, 0)


def test_a_type_without_a_price_is_told_and_counted_and_nothing_is_made_up_for_it() -> None:
    connection = _costed("UPDATE sizing SET instance_type = 'z9.huge' WHERE server_id = 'web-1'")
    line = _line(connection, "web-1", "compute")
    assert (line["quantity"], line["monthly_usd"]) == (0, 0)
    assert line["rule"].startswith("no price for z9.huge in us-east-1 at 2026-07-20")
    assert connection.execute("SELECT unpriced FROM cost_totals WHERE scenario = 'right_sized'").fetchone()[0] == 1
    items = connection.execute("SELECT item FROM cost_lines WHERE server_id = 'web-1' AND scenario = 'right_sized'")
    assert items.fetchall() == [("compute",)]


def test_a_server_that_no_type_fits_has_no_price_either() -> None:
    connection = _costed("DELETE FROM strategies")
    assert _line(connection, "aix-1", "compute")["rule"].startswith("no price")


def test_a_price_list_without_licences_and_volumes_gives_no_price_instead_of_another_regions() -> None:
    bare = replace(example_catalogue(), licences={}, volumes={}, region="eu-north-1")
    connection = _costed(catalogue=bare)
    for item in ("windows", "sql_server", "storage"):
        line = _line(connection, "sql-1", item)
        assert (line["quantity"], line["rule"][:8]) == (0, "no price")
        assert "eu-north-1" in line["rule"]


def test_prices_of_one_region_are_not_taken_for_another_but_own_ones_are() -> None:
    elsewhere = replace(example_catalogue(), region="eu-north-1")
    connection = _costed(catalogue=elsewhere)
    for item in ("snapshots", "shares_smb", "shares_nfs", "data_transfer"):
        line = _line(connection, ESTATE, item)
        assert (line["quantity"], line["monthly_usd"]) == (0, 0)
        assert line["rule"].startswith(f"no price for {item} in eu-north-1: set costs.assumptions.")
    own = _costed(given=CostSettings(assumptions={"snapshot_usd_per_gib_month": 0.06}), catalogue=elsewhere)
    assert str(_line(own, ESTATE, "snapshots")["monthly_usd"]) == "78.48"  # 2,180 x 0.6 x 0.06


def test_a_number_wrong_by_orders_of_magnitude_is_a_sentence_and_no_overflow() -> None:
    given = CostSettings(assumptions={"staff_usd_per_year": 1e9, "servers_per_administrator": 0.00001})
    with pytest.raises(CostError, match="beyond 9 billion USD a month"):
        _costed(given=given)


def test_impossible_machines_do_not_stop_the_rest() -> None:
    wrong = "UPDATE servers SET cpu_cores = 2147483647, memory_mib = 9e18::BIGINT, cpu_physical_cores = -3 "
    connection = _costed(wrong + "WHERE server_id IN ('web-1', 'aix-1')")
    assert _line(connection, "web-1", "server", "on_premises")["monthly_usd"] == 0
    assert _line(connection, "win-1", "server", "on_premises")["monthly_usd"] == Decimal("2.50")


def test_a_retired_server_costs_something_today_and_nothing_in_aws() -> None:
    connection = _costed("INSERT INTO strategies VALUES ('sql-2', 'retire', 1.0, 'unused', false)")
    for scenario in AWS:
        rows = connection.execute(
            "SELECT item, monthly_usd FROM cost_lines WHERE server_id = 'sql-2' AND scenario = ?", [scenario]
        )
        assert rows.fetchall() == [("retired", 0)]
    assert _line(connection, "sql-2", "server", "on_premises")["monthly_usd"] == Decimal("20.00")
    assert connection.execute("SELECT DISTINCT retired, retained FROM cost_totals").fetchall() == [(1, 1)]


def test_a_retained_server_costs_in_aws_what_it_costs_today(example: Any) -> None:
    lines = "SELECT item, monthly_usd FROM cost_lines WHERE server_id = 'aix-1' AND scenario = ? ORDER BY item"
    today = example.execute(lines, ["on_premises"]).fetchall()
    assert [example.execute(lines, [scenario]).fetchall() for scenario in AWS] == [today, today]


def test_a_machine_out_of_scope_costs_nothing_and_is_told() -> None:
    connection = _costed("UPDATE servers SET in_scope = false WHERE server_id = 'sql-2'")
    assert connection.execute("SELECT count(*) FROM cost_lines WHERE server_id = 'sql-2'").fetchone()[0] == 0
    assert "1 machines out of scope" in connection.execute("SELECT note FROM cost_totals").fetchone()[0]


def test_a_savings_plan_takes_off_compute_only_and_support_sees_the_rest() -> None:
    connection = _costed(given=CostSettings(savings_plan_discount=0.25, savings_plan_coverage=0.8))
    # 0.25 x 0.8 x 1,103.83 = 220.766; support 10 % of 7,181.79 - 220.766 = 6,961.024
    assert str(_line(connection, ESTATE, "savings_plan")["monthly_usd"]) == "-220.77"
    assert str(_line(connection, ESTATE, "support")["monthly_usd"]) == "696.10"
    note = connection.execute("SELECT note FROM cost_totals").fetchone()[0]
    assert "25.0% off compute" in note


def test_without_a_commitment_the_note_says_so(example: Any) -> None:
    assert "no commitment is counted" in example.execute("SELECT note FROM cost_totals").fetchone()[0]


def test_storage_nobody_tells_and_storage_nobody_believes_are_assumed() -> None:
    unknown = "UPDATE servers SET storage_gib = {} WHERE server_id = 'web-1'"
    sized = "UPDATE sizing SET volume_gib = NULL WHERE server_id = 'web-1'"
    for size in ("NULL", "9e15"):
        line = _line(_costed(unknown.format(size), sized), "web-1", "storage")
        # 100 GiB (40 to 300) x 0.08
        assert [str(line[name]) for name in ("low_usd", "monthly_usd", "high_usd")] == ["3.20", "8.00", "24.00"]


def test_a_size_beyond_one_volume_takes_several_with_their_included_performance() -> None:
    connection = _costed("UPDATE sizing SET volume_gib = 100000, volume_iops = 7000 WHERE server_id = 'sql-1'")
    assert str(_line(connection, "sql-1", "storage_iops")["monthly_usd"]) == "5.00"  # 7,000 - 2 x 3,000
    with pytest.raises(AssertionError):
        _line(connection, "sql-1", "storage_throughput")  # 250 = 2 x 125 are included


def test_vcpus_per_core_are_counted_where_hosts_are_known() -> None:
    placed = "UPDATE servers SET virtual_host = 'ESX-1' WHERE hypervisor = 'vmware'"
    host = "INSERT INTO raw_hosts BY NAME SELECT 1 AS source_id, 2 AS source_row, 'esx-1' AS name, 16 AS cpu_cores"
    connection = _costed(placed, host)  # 48 vCPUs on 16 cores
    assert str(_line(connection, "web-1", "server", "on_premises")["monthly_usd"]) == "6.67"  # 4 x 5 / 3
    source = connection.execute("SELECT source FROM cost_assumptions WHERE name = 'vcpu_per_core'").fetchone()[0]
    assert source.startswith("counted from the inventory")


def test_fewer_active_vcpus_never_fall_below_the_need_or_four_licences(example: Any) -> None:
    lines = example.execute("SELECT server_id FROM cost_lines WHERE scenario = 'right_sized_optimize_cpus'").fetchall()
    assert {row[0] for row in lines} == {"sql-2", "ora-1"}
    tight = _costed("UPDATE sizing_options SET needed_vcpu = 6.1 WHERE server_id IN ('sql-2', 'ora-1')")
    told = tight.execute("SELECT * FROM cost_lines WHERE scenario = 'right_sized_optimize_cpus'").fetchall()
    assert told == []


def test_switches_leave_their_items_out() -> None:
    off = CostSettings(
        with_snapshots=False, with_shares=False, with_data_transfer=False, with_staff=False, support_plan="none"
    )
    items = {row[0] for row in _costed(given=off).execute("SELECT DISTINCT item FROM cost_lines").fetchall()}
    assert not items & {"snapshots", "backup", "shares", "shares_smb", "shares_nfs", "data_transfer", "support"}
    assert not items & {"staff", "staff_aws"}


def test_the_order_of_rows_does_not_change_a_byte(example: Any) -> None:
    shuffled = (
        "CREATE TABLE again AS FROM servers ORDER BY server_id; DELETE FROM servers; INSERT INTO servers FROM again",
        "CREATE TABLE more AS FROM sizing ORDER BY hash(server_id); DELETE FROM sizing; INSERT INTO sizing FROM more",
    )
    again = _costed(*shuffled)
    for table in ("cost_lines", "cost_totals", "sensitivities", "cost_assumptions"):
        query = f"FROM {table} ORDER BY ALL"
        assert again.execute(query).fetchall() == example.execute(query).fetchall()


def test_nothing_but_its_results_is_left_behind(example: Any) -> None:
    assert example.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall() == []


def test_an_estate_of_which_nothing_moves_has_no_aws_bill() -> None:
    gone = "DELETE FROM strategies; INSERT INTO strategies SELECT server_id, 'retire', 1.0, 'x', false FROM servers"
    connection = _costed(gone, "DELETE FROM shares")
    assert [_total(connection, scenario) for scenario in AWS] == [0, 0]
    assert _total(connection, "on_premises") > 7000


def test_an_empty_estate_costs_nothing() -> None:
    connection = _costed("DELETE FROM servers; DELETE FROM shares")
    assert connection.execute("SELECT count(*) FROM cost_lines").fetchone()[0] == 0


@settings(derandomize=True, max_examples=5, deadline=None)
@given(
    name=st.sampled_from(["c7i.large", "m7i.large", "m7i.xlarge", "r7i.2xlarge", "r7i.4xlarge"]),
    more=st.decimals(min_value="0.00001", max_value="5", places=5),
    discount=st.sampled_from([0.0, 0.27, 0.9]),
)
def test_a_higher_price_never_lowers_a_total(name: str, more: Decimal, discount: float) -> None:
    catalogue = example_catalogue()
    dearer = replace(
        catalogue,
        types=tuple(
            replace(kind, hourly_usd=kind.hourly_usd + float(more)) if kind.name == name else kind
            for kind in catalogue.types
        ),
    )
    given_settings = CostSettings(savings_plan_discount=discount)
    before, after = (_costed(given=given_settings, catalogue=one) for one in (catalogue, dearer))
    for scenario in AWS:
        assert _total(before, scenario) <= _total(after, scenario)


@settings(derandomize=True, max_examples=10, deadline=None)
@given(
    products=st.lists(
        st.integers(-(10**17), 10**17) | st.integers(-9, 9).map(lambda n: n * 5_000_000), min_size=30, max_size=60
    )
)
def test_cents_are_rounded_half_even_as_decimal_arithmetic_does(rounding: Any, products: list[int]) -> None:
    found = rounding.execute("SELECT cost_cents(unnest(?::BIGINT[]))", [products]).fetchall()
    expected = [int((Decimal(product) / 10_000_000).quantize(Decimal(1), ROUND_HALF_EVEN)) for product in products]
    assert [row[0] for row in found] == expected


def test_example_lines_come_in_both_arithmetics() -> None:
    exact, binary = example_lines()
    assert exact.keys() == binary.keys() == HAND.keys()
