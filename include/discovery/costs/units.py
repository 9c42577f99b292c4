"""A unit price: what one unit of an item costs a month, as a sum of products of assumptions, with its band.

Prices are held to 1e-6 USD (rounded half-even), quantities to 1e-3; a line is their product, rounded half-even to the
cent once. Both are whole numbers in the database, so that no binary fraction ever touches money.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.discovery.costs.assumptions import Assumption

MICRO: Final = Decimal("0.000001")
MILLI: Final = 1000
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """`constant` times some assumptions, divided by others."""

    constant: Decimal
    times: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    def value(self, values: Mapping[str, Decimal]) -> Decimal:
        """Return the product under these values of the assumptions."""
        product = self.constant
        for name in self.times:
            product *= values[name]
        for name in self.over:
            product /= values[name]
        return product


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What one unit costs; `key` names it in the database, `rule` explains it to people."""

    key: str
    item: str
    unit: str
    rule: str
    terms: tuple[Term, ...] = ()
    is_billed: bool = False
    """on the AWS bill: AWS Support is a share of it"""
    is_compute: bool = False
    """what a Savings Plan discounts"""

    def price(self, values: Mapping[str, Decimal]) -> Decimal:
        """Return US dollars under these values of the assumptions, to 1e-6."""
        return sum((term.value(values) for term in self.terms), Decimal(0)).quantize(MICRO, ROUND_HALF_EVEN)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The names it depends on, each once, sorted."""
        return tuple(sorted({name for term in self.terms for name in (*term.times, *term.over)}))

    def band(self, assumptions: Mapping[str, Assumption]) -> tuple[Decimal, Decimal, Decimal]:
        """Return (low, likely, high) price, to 1e-6; no cost falls below 0, no saving turns into a cost."""
        likely = self.price(likely_values(assumptions))
        deviations = [
            (assumptions[name].moves_with, *deviation(self, assumptions, name, likely=likely))
            for name in self.assumptions
        ]
        down, up = combine(deviations)
        low = likely - down if likely < 0 else max(Decimal(0), likely - down)
        high = min(Decimal(0), likely + up) if likely < 0 else likely + up
        return low.quantize(MICRO, ROUND_HALF_EVEN), likely, high.quantize(MICRO, ROUND_HALF_EVEN)


def likely_values(assumptions: Mapping[str, Assumption]) -> dict[str, Decimal]:
    """Return every assumption's likely value."""
    return {name: one.likely for name, one in assumptions.items()}


def deviation(
    unit: Unit, assumptions: Mapping[str, Assumption], name: str, *, likely: Decimal
) -> tuple[Decimal, Decimal]:
    """Return the change of a price when one assumption is (low, high) and the others are likely."""
    values = likely_values(assumptions)
    low = unit.price(values | {name: assumptions[name].low})
    high = unit.price(values | {name: assumptions[name].high})
    return low - likely, high - likely


def combine(deviations: Iterable[tuple[str, Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """Return how far down and up a total goes: linear within a name of `moves_with`, in quadrature between names.

    Each deviation is (moves_with, change at the low value, change at the high value), of any sign.
    """
    groups: dict[str, list[Decimal]] = {}
    for name, at_low, at_high in deviations:
        down_up = groups.setdefault(name, [Decimal(0), Decimal(0)])
        down_up[0] += max(Decimal(0), -at_low, -at_high)
        down_up[1] += max(Decimal(0), at_low, at_high)
    down = sum((pair[0] ** 2 for pair in groups.values()), Decimal(0)).sqrt()
    up = sum((pair[1] ** 2 for pair in groups.values()), Decimal(0)).sqrt()
    return down, up


def to_cents(amount: Decimal) -> Decimal:
    """Round half-even to the cent."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)
