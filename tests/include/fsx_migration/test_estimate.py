"""Time and cost before the start: ranges, bounded by the narrowest place, from dated and complete prices."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from include.fsx_migration.definition_model import Bandwidth, LustreFileSystem, Transfer
from include.fsx_migration.planning import capabilities
from include.fsx_migration.planning.estimate import AGENTS, CALENDAR, FILE_SYSTEM, Estimate, estimate
from include.fsx_migration.planning.plans import deal_parts
from include.fsx_migration.planning.prices import DEFAULT, PricesRefusedError, default_prices, read_prices
from include.fsx_migration.sizes import duration, size
from tests.include.fsx_migration.fake_aws import migration
from tests.include.fsx_migration.plan_samples import GIB, MIB, NOW, TIB, partition_of, profile_of, survey_of


def estimated(**changes: Any) -> Estimate:
    return estimate(survey_of(**changes), default_prices())


def amounts(found: Estimate) -> dict[str, float]:
    return {item.name: item.likely for item in found.cost.items}


def test_fast_is_sooner_than_likely_sooner_than_slow() -> None:
    found = estimated()
    fast, likely, slow = (found.times[case].seconds for case in ("fast", "likely", "slow"))
    assert 0 < fast < likely < slow
    assert found.end("likely") == NOW + timedelta(seconds=likely)


def test_the_narrowest_place_is_named() -> None:
    assert estimated().times["slow"].bound_by == AGENTS
    assert estimated().times["fast"].bound_by == FILE_SYSTEM
    assert estimated(migration=migration(bandwidth=Bandwidth(limit_mib_s=5))).times["fast"].bound_by == CALENDAR


def test_under_a_limit_the_whole_range_is_what_the_limit_gives() -> None:
    found = estimated(migration=migration(bandwidth=Bandwidth(limit_mib_s=10)))
    for case in ("fast", "likely", "slow"):
        assert found.times[case].transfer_seconds == pytest.approx(TIB / (10 * MIB))


def test_many_small_files_take_longer_than_their_bytes() -> None:
    """A million files of 1 MiB cost twice their bytes at 1 MiB a file."""
    large = partition_of([TIB // 2] * 2, files=2)
    parts, balance = deal_parts(large, migration().source.agents, keys=["a", "b"])
    few = estimated(parts=parts, balance=balance).times["slow"].transfer_seconds
    assert estimated().times["slow"].transfer_seconds == pytest.approx(2 * few)


def test_an_agent_with_more_work_ends_last() -> None:
    parts, balance = deal_parts(partition_of([TIB, TIB, TIB]), migration().source.agents, keys=["a", "b", "c"])
    assert balance.agents == pytest.approx(4 / 3)
    uneven = estimated(parts=parts, balance=balance).times["slow"].transfer_seconds
    even = estimated().times["slow"].transfer_seconds * 3 / 2
    assert uneven == pytest.approx(even * 4 / 3)


def test_no_verification_takes_no_time() -> None:
    assert estimated(migration=migration(transfer=Transfer(verify="NONE"))).times["slow"].verify_seconds == 0


def test_data_is_paid_by_the_mode() -> None:
    basic, enhanced = estimated(), estimated(migration=migration(transfer=Transfer(mode="ENHANCED")))
    assert amounts(basic)["DataSync, data copied"] == pytest.approx(TIB / 1e9 * 0.0125)
    assert "DataSync, task executions" not in amounts(basic)
    assert amounts(enhanced)["DataSync, data copied"] == pytest.approx(TIB / 1e9 * 0.015)
    assert amounts(enhanced)["DataSync, task executions"] == pytest.approx(3 * 0.55)


def test_a_new_file_system_is_paid_for_the_time_and_an_adopted_one_is_not() -> None:
    found = estimated()
    item = next(item for item in found.cost.items if item.name.startswith("FSx"))
    months = found.times["likely"].seconds / (730 * 3600)
    assert item.likely == pytest.approx(2400 * 0.21 * months)
    assert item.low < item.likely < item.high
    adopted = migration(target=replace(migration().target, file_system_id="fs-0123456789abcdef0"))
    assert not [name for name in amounts(estimated(migration=adopted)) if name.startswith("FSx")]


def test_the_bill_adds_up_and_says_what_it_leaves_out() -> None:
    cost = estimated().cost
    for case in ("low", "likely", "high"):
        assert getattr(cost, case) == pytest.approx(sum(getattr(item, case) for item in cost.items))
    assert any("Passes after the full one" in told for told in cost.not_counted)
    assert cost.prices_date == "2026-11-01"
    assert all(item.unsure for item in cost.items)


def test_the_document_is_json() -> None:
    document = json.loads(json.dumps(estimated().to_dict()))
    assert set(document["seconds"]) == {"fast", "likely", "slow"}


@pytest.mark.parametrize("tier", [125, 250, 500, 1000])
def test_every_tier_of_lustre_has_a_price(tier: int) -> None:
    lustre = LustreFileSystem(storage_gib=2400, throughput_per_tib=tier)
    wanted = migration(target=replace(migration().target, lustre=lustre))
    assert [name for name in amounts(estimated(migration=wanted)) if name.startswith("FSx")]


def test_an_empty_tree_costs_no_data() -> None:
    parts, balance = deal_parts(partition_of([MIB], files=1), [], keys=["a"])
    found = estimated(profile=profile_of(bytes=0, files=1), parts=parts, balance=balance)
    assert found.times["likely"].seconds > 0
    assert "DataSync, data copied" not in amounts(found)


def changed(**changes: Any) -> str:
    return json.dumps(json.loads(DEFAULT.read_text()) | changes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no json", "is no JSON"),
        ("[]", "no object `prices`"),
        (changed(date="soon"), "'soon' is no day"),
        (changed(source=""), "no source"),
        (changed(prices={}), "Prices are missing: cloudwatch_logs_gb"),
        (changed(prices={"datasync_basic_gb": {"value": -1}}), "The price datasync_basic_gb has no value"),
        (changed(prices={"datasync_gb": {"value": 1}}), "Nobody asks for these prices: datasync_gb"),
    ],
)
def test_a_price_file_with_a_mistake_is_refused(text: str, told: str) -> None:
    with pytest.raises(PricesRefusedError, match=told):
        read_prices(text)


def test_ones_own_prices_are_used() -> None:
    prices = json.loads(DEFAULT.read_text())["prices"] | {"datasync_basic_gb": {"value": 0.01}}
    found = estimate(survey_of(), read_prices(changed(prices=prices, source="our contract")))
    item = next(item for item in found.cost.items if item.name == "DataSync, data copied")
    assert (item.likely, item.unsure) == (pytest.approx(TIB / 1e9 * 0.01), False)
    assert found.cost.prices_source == "our contract"


def test_every_limit_has_a_source_and_a_date() -> None:
    for name in ("datasync_limits.json", "fsx_limits.json"):
        facts = capabilities._facts(name)
        assert facts
        for key, fact in facts.items():
            assert fact.source, key
            assert date.fromisoformat(f"{fact.date}-01"), key
            assert fact.value > 0, key


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (int(1022.4 * GIB), "1022 GiB"), (1.5 * TIB, "1.5 TiB")],
)
def test_sizes_are_shown_in_the_largest_unit(number: float, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.6, "1 min"), (3599, "59 min 59 s"), (3659, "1 h 1 min"), (90_000, "1 d 1 h"), (8e5, "9 d 6 h")],
)
def test_durations_are_shown_in_two_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
