"""Turn quantities into `cost_lines`: whole numbers times whole numbers, rounded half-even to the cent once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.costs.assumptions import CostError
from include.discovery.costs.units import MICRO, Unit, to_cents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from include.discovery.costs.assumptions import Assumption

_PER_CENT: Final = 10_000_000
"""thousandths of a unit times millionths of a dollar, in a cent"""

# The half-even rule on whole numbers; the sign is set aside so that a saving rounds as a cost does.
_CENTS: Final = f"""
CREATE OR REPLACE TEMP MACRO cost_cents(product) AS sign(product) * (
  abs(product) // {_PER_CENT} + CASE
    WHEN abs(product) % {_PER_CENT} * 2 > {_PER_CENT} THEN 1
    WHEN abs(product) % {_PER_CENT} * 2 = {_PER_CENT} THEN abs(product) // {_PER_CENT} % 2
    ELSE 0 END)"""
_DOLLARS: Final = "cost_cents({0})::DECIMAL(16, 0) * 0.01::DECIMAL(2, 2)"
_UNITS: Final = """
CREATE OR REPLACE TEMP TABLE cost_units AS
SELECT unnest($key) AS key, unnest($item) AS item, unnest($unit) AS unit, unnest($rule) AS rule,
  unnest($low::BIGINT[]) AS low, unnest($likely::BIGINT[]) AS likely, unnest($high::BIGINT[]) AS high,
  unnest($is_priced) AS is_priced"""
_LINES: Final = f"""
INSERT INTO cost_lines BY NAME
SELECT server_id, scenario, item, many / 1000 AS quantity, unit, likely / 1000000 AS unit_usd,
  {_DOLLARS.format("many * likely")} AS monthly_usd, {_DOLLARS.format("many * low")} AS low_usd,
  {_DOLLARS.format("many * high")} AS high_usd, rule
FROM (SELECT q.server_id, q.scenario, u.*, CASE WHEN u.is_priced THEN q.many ELSE 0 END AS many
  FROM cost_quantities q JOIN cost_units u USING (key))"""


def write_lines(connection: Any, units: Mapping[str, Unit], assumptions: Mapping[str, Assumption]) -> None:
    """Fill `cost_lines` from `cost_quantities`; no quantity goes without a unit.

    :raises CostError: a line is beyond what the cents of a DECIMAL(18, 2) are computed in.
    :raises RuntimeError: a key has no unit: a defect of this package, never of the input.
    """
    import duckdb

    tables.create(connection, "cost_lines")
    connection.execute(_CENTS)
    _store_units(connection, units.values(), assumptions)
    lost = connection.execute("SELECT DISTINCT key FROM cost_quantities ANTI JOIN cost_units USING (key)").fetchall()
    if lost:
        raise RuntimeError(f"No unit price stands for {', '.join(sorted(row[0] for row in lost))}.")
    try:
        connection.execute(_LINES)
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise CostError(
            "A cost line is beyond 9 billion USD a month: one of costs.assumptions, or a size in the sources, is wrong "
            "by orders of magnitude; correct it."
        ) from error


def write_line(connection: Any, *, scenario: str, item: str, unit: str, rule: str, **numbers: Decimal) -> None:
    """Add one line of the whole estate: quantity, unit_usd, monthly_usd, low_usd, high_usd."""
    money = {name: to_cents(numbers[name]) for name in ("monthly_usd", "low_usd", "high_usd")}
    values = [scenario, item, float(numbers["quantity"]), unit, float(numbers["unit_usd"]), *money.values(), rule]
    connection.execute("INSERT INTO cost_lines VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def _store_units(connection: Any, units: Iterable[Unit], assumptions: Mapping[str, Assumption]) -> None:
    listed = list(units)
    bands = [[int(price / MICRO) for price in unit.band(assumptions)] for unit in listed]
    columns: dict[str, list[Any]] = {
        name: [getattr(unit, name) for unit in listed] for name in ("key", "item", "unit", "rule")
    }
    columns |= {name: [band[place] for band in bands] for place, name in enumerate(("low", "likely", "high"))}
    columns["is_priced"] = [bool(unit.terms) for unit in listed]
    connection.execute(_UNITS, columns)
