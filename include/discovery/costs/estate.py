"""The cost of an estate: on premises, lifted and shifted, right-sized, and with fewer active vCPUs.

Fills `cost_lines`, `sensitivities`, and two tables of its own: `cost_totals` (scenario, monthly_usd, low_usd,
high_usd, servers, unpriced, blocked, retired, retained, note) with the band of each total, and `cost_assumptions`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.costs.assumptions import load_assumptions
from include.discovery.costs.aws_units import UNMEASURED, aws_units
from include.discovery.costs.facts import gather_facts, vcpus_per_core
from include.discovery.costs.lines import write_lines
from include.discovery.costs.on_premises_units import on_premises_units
from include.discovery.costs.optimise import SAVED, count_savings, saving_units
from include.discovery.costs.quantities import LIFT, RIGHT, count_quantities
from include.discovery.costs.shared import count_shared
from include.discovery.costs.support import Bill, write_shares_of_bill
from include.discovery.costs.totals import scenario_quantities, swings, write_totals
from include.discovery.costs.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.discovery.catalogue.model import Catalogue
    from include.discovery.costs.assumptions import Assumption
    from include.discovery.costs.settings import CostSettings

_READS: Final = ("raw_hosts", "servers", "databases", "shares", "sizing", "sizing_options", "strategies")
_OWN: Final = "servers databases types cpu_choices moving volumes quantities units".split()


def cost_estate(connection: Any, *, settings: CostSettings, catalogue: Catalogue) -> None:
    """Fill `cost_lines` and `sensitivities`, `cost_totals` and `cost_assumptions` from the inventory and the sizing.

    A scenario's total is the sum of its lines; `right_sized_optimize_cpus` holds savings below zero, to be added to
    `right_sized`. A server without a price has a line of quantity 0 whose rule begins with "no price".

    :raises CostError: one of the user's own numbers cannot be used.
    """
    tables.create(connection, *_READS)
    ratio = vcpus_per_core(connection)
    assumptions = load_assumptions(settings.assumptions, counted={"vcpu_per_core": ratio} if ratio else None)
    wanted = gather_facts(connection, settings=settings, catalogue=catalogue)
    count_quantities(connection, settings=settings, catalogue=catalogue)
    count_savings(connection, settings)
    count_shared(connection, settings)
    quantities = scenario_quantities(connection)
    needed = {key for keys in quantities.values() for key in keys}
    units = _needed_units([*aws_units(catalogue, wanted), *on_premises_units(settings)], needed, catalogue)
    units = {key: _priced_here(unit, assumptions, catalogue.region) for key, unit in units.items()}
    write_lines(connection, units, assumptions)
    bills = {
        scenario: write_shares_of_bill(connection, scenario, units=units, settings=settings)
        for scenario in (LIFT, RIGHT)
    }
    found = {
        scenario: swings(keys, units, assumptions, bills.get(scenario, Bill())) for scenario, keys in quantities.items()
    }
    write_totals(connection, found, assumptions, note=_note(settings, catalogue))
    for name in _OWN:
        connection.execute(f"DROP TABLE IF EXISTS temp.cost_{name}")


def _needed_units(offered: Iterable[Unit], needed: set[str], catalogue: Catalogue) -> dict[str, Unit]:
    """Return the units of the wanted keys; what the catalogue has no price for costs nothing and says so."""
    known = {unit.key: unit for unit in offered}
    known |= {unit.key: unit for unit in saving_units(list(known.values()))}
    units = {key: known[key] for key in sorted(needed & known.keys())}
    for key in sorted(needed - known.keys()):
        item = {"sql": "sql_server", "throughput": "storage_throughput", "iops": "storage_iops"}
        bare = key.removeprefix(SAVED).rstrip(UNMEASURED)
        kind = bare.split(":", maxsplit=1)[0]
        shown = item.get(kind, kind) + ("_saving" if key.startswith(SAVED) else "")
        rule = f"no price for {bare.replace(':', ' ')} in {catalogue.region} at {catalogue.price_date}"
        units[key] = Unit(key=key, item=shown, unit="none", rule=rule)
    return units


def _priced_here(unit: Unit, assumptions: Mapping[str, Assumption], region: str) -> Unit:
    """Return the unit, without a price when it rests on a price of another Region."""
    foreign = [name for name in unit.assumptions if assumptions[name].region not in ("", region)]
    if not foreign:
        return unit
    rule = f"no price for {unit.item} in {region}: set costs.assumptions.{foreign[0]}"
    return replace(unit, terms=(), rule=rule)


def _note(settings: CostSettings, catalogue: Catalogue) -> str:
    """Return the sentence a report shows beside the totals."""
    if settings.savings_plan_discount:
        commitment = f"Savings Plan: {settings.savings_plan_discount:.1%} off compute, your number."
    else:
        commitment = "On-demand prices; no commitment is counted."
    return (
        f"Prices of {catalogue.region} at {catalogue.price_date}, {settings.hours_per_month:g} hours a month. "
        f"{commitment} Linux subscriptions, migration effort and taxes are not counted."
    )
