"""Totals of the scenarios with their bands, and the tornado: each assumption alone at its low and its high."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.costs.quantities import RIGHT
from include.discovery.costs.units import MILLI, combine, likely_values, to_cents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.discovery.costs.assumptions import Assumption
    from include.discovery.costs.support import Bill
    from include.discovery.costs.units import Unit

_QUANTITIES: Final = "SELECT scenario, key, sum(many)::BIGINT FROM cost_quantities GROUP BY ALL ORDER BY ALL"
_TOTALS: Final = """
SELECT scenario, sum(monthly_usd), count(DISTINCT server_id) FILTER (quantity = 0 AND rule LIKE 'no price%'),
  count(DISTINCT server_id) FILTER (quantity = 0 AND rule LIKE 'blocked%')
FROM cost_lines GROUP BY scenario ORDER BY scenario"""
_WAYS: Final = "SELECT count(*), count(*) FILTER (way = 'retire'), count(*) FILTER (way = 'retain') FROM cost_servers"
_OUT: Final = "SELECT count(*) FROM servers WHERE NOT in_scope"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS cost_totals (scenario VARCHAR NOT NULL, monthly_usd DECIMAL(18, 2) NOT NULL,
  low_usd DECIMAL(18, 2) NOT NULL, high_usd DECIMAL(18, 2) NOT NULL, servers BIGINT NOT NULL, unpriced BIGINT NOT NULL,
  blocked BIGINT NOT NULL, retired BIGINT NOT NULL, retained BIGINT NOT NULL,
  note VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS cost_assumptions (name VARCHAR NOT NULL, low DOUBLE NOT NULL, likely DOUBLE NOT NULL,
  high DOUBLE NOT NULL, unit VARCHAR NOT NULL, moves_with VARCHAR NOT NULL, doc VARCHAR NOT NULL,
  source VARCHAR NOT NULL, is_yours BOOLEAN NOT NULL)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """What one assumption does to a scenario's total: US dollars a month at its low and at its high value."""

    assumption: Assumption
    at_low: Decimal
    at_high: Decimal


def scenario_quantities(connection: Any) -> dict[str, dict[str, Decimal]]:
    """Return {scenario: {key: units}}."""
    found: dict[str, dict[str, Decimal]] = {}
    for scenario, key, many in connection.execute(_QUANTITIES).fetchall():
        found.setdefault(scenario, {})[key] = Decimal(many) / MILLI
    return found


def swings(
    quantities: Mapping[str, Decimal], units: Mapping[str, Unit], assumptions: Mapping[str, Assumption], bill: Bill
) -> list[Swing]:
    """Return what every assumption does to one scenario; those that do nothing are left out.

    Support and the Savings Plan are recomputed for each: both are shares of the bill.
    """
    values = likely_values(assumptions)
    priced = [(unit, many) for key, many in quantities.items() if (unit := units[key]).assumptions]
    found = []
    for name, assumption in assumptions.items():
        touched = [(unit, many) for unit, many in priced if name in unit.assumptions]
        ends = []
        for end in (assumption.low, assumption.high):
            changed = values | {name: end}
            changes = [(unit, many * (unit.price(changed) - unit.price(values))) for unit, many in touched]
            ends.append(sum((change for _, change in changes), Decimal(0)) + bill.change(changes))
        if any(ends):
            found.append(Swing(assumption=assumption, at_low=ends[0], at_high=ends[1]))
    return sorted(found, key=lambda one: (-max(abs(one.at_low), abs(one.at_high)), one.assumption.name))


def write_totals(
    connection: Any, found: Mapping[str, list[Swing]], assumptions: Mapping[str, Assumption], *, note: str
) -> None:
    """Fill `sensitivities`, `cost_totals` (with the band of each total) and `cost_assumptions`."""
    tables.create(connection, "sensitivities")
    connection.execute(_TABLES)
    servers, retired, retained = connection.execute(_WAYS).fetchone()
    out = connection.execute(_OUT).fetchone()[0]
    note = f"{note} {out:,} machines out of scope are not counted." if out else note
    for scenario, total, unpriced, blocked in connection.execute(_TOTALS).fetchall():
        mine = found.get(scenario, [])
        down, up = combine((one.assumption.moves_with, one.at_low, one.at_high) for one in mine)
        low = total - down if total < 0 else max(Decimal(0), total - down)
        money = [total, to_cents(low), to_cents(total + up)]
        connection.execute(
            "INSERT INTO cost_totals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [scenario, *money, servers, unpriced, blocked, retired, retained, note],
        )
        if scenario == RIGHT:
            _write_swings(connection, mine, total)
    _write_assumptions(connection, assumptions)


def _write_swings(connection: Any, mine: list[Swing], total: Decimal) -> None:
    columns: list[list[Any]] = [
        [one.assumption.name for one in mine],
        [_text(one.assumption.low) for one in mine],
        [_text(one.assumption.high) for one in mine],
        [float(to_cents(total + one.at_low)) for one in mine],
        [float(to_cents(total + one.at_high)) for one in mine],
    ]
    connection.execute(f"INSERT INTO sensitivities SELECT {', '.join(['unnest(?)'] * len(columns))}", columns)


def _write_assumptions(connection: Any, assumptions: Mapping[str, Assumption]) -> None:
    fields = ("name", "low", "likely", "high", "unit", "moves_with", "doc", "source", "is_yours")
    columns = [[getattr(one, name) for one in assumptions.values()] for name in fields]
    connection.execute(f"INSERT INTO cost_assumptions SELECT {', '.join(['unnest(?)'] * len(columns))}", columns)


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
