"""A run's dollars follow from its bytes and request units, at prices that carry their date."""

from decimal import Decimal

import pytest

from include.ioc_refresh.cost import billed_bytes, run_cost

MEBIBYTE = 1024**2
TEBIBYTE = 1024**4


@pytest.mark.parametrize(
    ("scanned", "billed"),
    [
        (0, 10 * MEBIBYTE),
        (1, 10 * MEBIBYTE),
        (10 * MEBIBYTE, 10 * MEBIBYTE),
        (10 * MEBIBYTE + 1, 11 * MEBIBYTE),
        (TEBIBYTE, TEBIBYTE),
    ],
)
def test_a_query_is_billed_by_whole_mebibytes_and_ten_at_least(scanned: int, billed: int) -> None:
    assert billed_bytes(scanned) == billed


def test_each_query_has_its_own_minimum() -> None:
    assert run_cost([1, 1, 1]).billed_bytes == 30 * MEBIBYTE


def test_a_tebibyte_costs_five_dollars() -> None:
    cost = run_cost([TEBIBYTE])
    assert (cost.athena_dollars, cost.dynamodb_dollars) == (Decimal("5.00000000"), Decimal(0))


def test_a_million_writes_and_a_million_reads_cost_their_list_price() -> None:
    assert run_cost([], write_units=1_000_000).dollars == Decimal("0.62500000")
    assert run_cost([], read_units=1_000_000).dollars == Decimal("0.12500000")


def test_a_few_writes_are_not_rounded_to_nothing() -> None:
    assert run_cost([], write_units=23).dollars == Decimal("0.00001438")


def test_the_report_names_region_date_and_source_of_the_prices() -> None:
    report = run_cost([5], read_units=2.5, write_units=3).to_dict()
    assert report["prices"]["region"] == "us-east-1"
    assert report["prices"]["as_of"]
    assert "pricing" in report["prices"]["source"]
    assert (report["queries"], report["scanned_bytes"], report["read_units"]) == (1, 5, 2.5)
    assert Decimal(report["dollars"]) == Decimal(report["athena_dollars"]) + Decimal(report["dynamodb_dollars"])
