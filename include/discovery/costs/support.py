"""Lines that are a share of the AWS bill: the Savings Plan's discount and AWS Support."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from include.discovery.costs.assumptions import exact, support_plans
from include.discovery.costs.lines import write_line
from include.discovery.costs.units import to_cents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.discovery.costs.settings import CostSettings
    from include.discovery.costs.units import Unit

_ZERO: Final = Decimal(0)
_BILLED: Final = """
SELECT is_compute, coalesce(sum(monthly_usd), 0), coalesce(sum(low_usd), 0), coalesce(sum(high_usd), 0)
FROM cost_lines JOIN (SELECT unnest(?::VARCHAR[]) AS item, unnest(?::BOOLEAN[]) AS is_compute) USING (item)
WHERE scenario = ?
AND NOT starts_with(rule, 'on premises:') GROUP BY is_compute"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What AWS charges a month before support and discount, and how both follow from it."""

    compute: Decimal = _ZERO
    other: Decimal = _ZERO
    discount: Decimal = _ZERO
    """share of compute that the commitment takes off"""
    minimum: Decimal = _ZERO
    tiers: tuple[tuple[Decimal, Decimal], ...] = ()
    """(from this many dollars on, share of what is above), ascending; none: no support plan"""

    @property
    def saving(self) -> Decimal:
        """US dollars that the commitment takes off."""
        return self.compute * self.discount

    @property
    def net(self) -> Decimal:
        """US dollars that support is a share of."""
        return self.compute + self.other - self.saving

    @property
    def support(self) -> Decimal:
        """US dollars of the support plan: each tier's share of the dollars within it, at least the minimum."""
        if not self.tiers or not self.net:
            return _ZERO
        ends = [start for start, _ in self.tiers[1:]] + [max(self.net, _ZERO)]
        shares = zip(self.tiers, ends, strict=True)
        within = sum((max(_ZERO, min(self.net, end) - start) * share for (start, share), end in shares), _ZERO)
        return max(self.minimum, within)

    def with_changes(self, changes: Iterable[tuple[Unit, Decimal]]) -> Bill:
        """Return the bill after some units cost more or less, in US dollars."""
        listed = [(unit, amount) for unit, amount in changes if unit.is_billed]
        compute = sum((amount for unit, amount in listed if unit.is_compute), _ZERO)
        other = sum((amount for unit, amount in listed if not unit.is_compute), _ZERO)
        return Bill(
            compute=self.compute + compute,
            other=self.other + other,
            discount=self.discount,
            minimum=self.minimum,
            tiers=self.tiers,
        )

    def change(self, changes: Iterable[tuple[Unit, Decimal]]) -> Decimal:
        """Return by how much support and discount change the total when units cost more or less."""
        after = self.with_changes(changes)
        return (after.support - after.saving) - (self.support - self.saving)


def bill_of(amounts: Mapping[bool, Decimal], settings: CostSettings) -> Bill:
    """Return the bill of {is_compute: US dollars} under the settings' plan and commitment."""
    plan: dict[str, Any] = support_plans().get(settings.support_plan, {"minimum": 0, "tiers": []})
    return Bill(
        compute=amounts.get(True, _ZERO),
        other=amounts.get(False, _ZERO),
        discount=exact(settings.savings_plan_discount) * exact(settings.savings_plan_coverage),
        minimum=exact(plan["minimum"]),
        tiers=tuple((exact(start), exact(share)) for start, share in plan["tiers"]),
    )


def write_shares_of_bill(connection: Any, scenario: str, *, units: Mapping[str, Unit], settings: CostSettings) -> Bill:
    """Write the lines savings_plan and support of an AWS scenario and return its likely bill."""
    items = sorted({(unit.item, unit.is_compute) for unit in units.values() if unit.is_billed})
    given = [[item for item, _ in items], [is_compute for _, is_compute in items], scenario]
    rows = connection.execute(_BILLED, given).fetchall()
    likely, low, high = (bill_of({row[0]: row[place] for row in rows}, settings) for place in (1, 2, 3))
    if likely.discount:
        rule = (
            f"{settings.savings_plan_discount:.1%} off {settings.savings_plan_coverage:.0%} of on-demand compute for "
            f"{settings.savings_plan_term}, your number"
        )
        write_line(
            connection,
            scenario=scenario,
            item="savings_plan",
            unit="USD of compute",
            rule=rule,
            quantity=likely.compute,
            unit_usd=-likely.discount,
            monthly_usd=-likely.saving,
            low_usd=-high.saving,
            high_usd=-low.saving,
        )
    if likely.tiers and likely.net:
        rule = f"AWS Support {settings.support_plan}: tiers on {to_cents(likely.net):,} USD of the AWS bill"
        write_line(
            connection,
            scenario=scenario,
            item="support",
            unit="month",
            rule=rule,
            quantity=Decimal(1),
            unit_usd=to_cents(likely.support),
            monthly_usd=likely.support,
            low_usd=low.support,
            high_usd=high.support,
        )
    return likely
