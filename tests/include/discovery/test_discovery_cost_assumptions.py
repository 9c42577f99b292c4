"""Assumptions, unit prices, bands and the support plan, each alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery.costs.assumptions import CostError, load_assumptions
from include.discovery.costs.settings import CostSettings
from include.discovery.costs.support import bill_of
from include.discovery.costs.units import Term, Unit, combine

SHIPPED = load_assumptions({})


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_assumption_has_an_ordered_band_a_unit_and_a_source(name: str) -> None:
    one = SHIPPED[name]
    assert 0 <= one.low <= one.likely <= one.high
    assert all((one.unit, one.moves_with, one.doc, one.source))
    assert not one.is_yours


def test_a_number_of_ones_own_closes_the_band_unless_it_has_one() -> None:
    closed = load_assumptions({"pue": 1.4})["pue"]
    assert (closed.low, closed.likely, closed.high, closed.is_yours) == (*[Decimal("1.4")] * 3, True)
    banded = load_assumptions({"pue": 1.4, "pue.high": 1.6})["pue"]
    assert (banded.low, banded.high) == (Decimal("1.4"), Decimal("1.6"))
    narrowed = load_assumptions({"pue.high": 1.7})["pue"]
    assert (narrowed.low, narrowed.likely, narrowed.high) == (Decimal("1.3"), Decimal("1.58"), Decimal("1.7"))


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"puee": 1.4}, "puee is no assumption: write one of"),
        ({"pue.most": 1.4}, "pue.most is no assumption"),
        ({"pue": -1.0}, "pue is -1.0: give a number from 0"),
        ({"pue": float("nan")}, "pue is nan: give a number"),
        ({"pue": float("inf")}, "pue is inf: give a number"),
        ({"pue": 1.4, "pue.low": 1.5}, "give low, likely and high in this order"),
        ({"vcpu_per_core": 0.0}, "divides a price, so 0 is not possible"),
    ],
)
def test_a_number_that_cannot_be_used_is_refused_in_a_sentence(own: dict[str, float], sentence: str) -> None:
    with pytest.raises(CostError, match=sentence):
        load_assumptions(own)


def test_what_the_inventory_counts_replaces_the_likely_value_and_stays_inside_the_band() -> None:
    one = load_assumptions({}, counted={"vcpu_per_core": 8.0})["vcpu_per_core"]
    assert (one.low, one.likely, one.high) == (Decimal(2), Decimal("8.0"), Decimal("8.0"))
    own = load_assumptions({"vcpu_per_core": 3.0}, counted={"vcpu_per_core": 8.0})["vcpu_per_core"]
    assert own.likely == 3


@pytest.mark.parametrize(
    ("plan", "usage", "dollars"),
    [
        ("business", "500", "100"),
        ("business", "85000", "6150"),  # the pricing page's own example
        ("business", "300000", "15900"),  # 1,000 + 4,900 + 8,500 + 3 % of 50,000
        ("enterprise", "1200000", "70500"),  # the pricing page's own example
        ("enterprise", "1000", "15000"),
        ("none", "85000", "0"),
        ("business", "0", "0"),
    ],
)
def test_support_is_each_tiers_share_and_at_least_the_minimum(plan: str, usage: str, dollars: str) -> None:
    bill = bill_of({False: Decimal(usage)}, CostSettings(support_plan=plan))
    assert bill.support == Decimal(dollars)


def test_what_errs_together_adds_up_and_what_does_not_adds_in_quadrature() -> None:
    together = [("a", Decimal(-3), Decimal(1)), ("a", Decimal(2), Decimal(-4))]
    assert combine(together) == (Decimal(7), Decimal(3))
    apart = [("a", Decimal(-3), Decimal(6)), ("b", Decimal(8), Decimal(-4))]
    assert combine(apart) == (Decimal(5), Decimal(10))
    assert combine([]) == (0, 0)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    constant=st.decimals(min_value="-100", max_value="100", places=4),
    names=st.lists(st.sampled_from(sorted(SHIPPED)), max_size=4, unique=True),
)
def test_the_band_of_any_unit_holds_its_likely_price(constant: Decimal, names: list[str]) -> None:
    over = tuple(name for name in names if name in ("vcpu_per_core", "servers_per_administrator"))
    times = tuple(name for name in names if name not in over)
    terms = (Term(constant=constant, times=times, over=over),)
    low, likely, high = Unit(key="k", item="i", unit="u", rule="r", terms=terms).band(SHIPPED)
    assert low <= likely <= high
    assert low >= 0 or constant < 0
    assert high <= 0 or constant > 0
