"""What if licence-bound servers kept their type but switched vCPUs off (Optimize CPUs)?

AWS charges Windows and SQL Server by active vCPUs, and Oracle's policy counts them too; compute costs the same. The
lines are savings, below zero: the total of right_sized plus these is the what-if.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from include.discovery.costs.assumptions import exact
from include.discovery.costs.quantities import OPTIMISED
from include.discovery.costs.units import MILLI, Term, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.discovery.costs.settings import CostSettings

SAVED: Final = "saved:"
_LICENSED: Final = ("windows", "sql:", "own sql:", "oracle:")

_SAVINGS: Final = f"""
WITH bound AS (
  SELECT m.server_id, m.type, m.mark, m.vcpu, m.processors,
    is_windows AND NOT is_client AND NOT ($own_windows AND is_portable) AS pays_windows,
    sql_edition IS NOT NULL AND sql_edition <> 'free' AND NOT is_passive AS pays_sql, sql_edition,
    oracle_edition IN ('enterprise', 'unknown') AS pays_oracle, oracle_edition, ceil(o.needed_vcpu) AS needed
  FROM cost_moving m JOIN (
    SELECT server_id, basis, max(needed_vcpu) AS needed_vcpu FROM sizing_options
    GROUP BY server_id, basis) o USING (server_id, basis)
  WHERE m.type IS NOT NULL AND o.needed_vcpu > 0),
chosen AS (
  SELECT bound.*, coalesce(pays_oracle, false) AS oracle, c.active, c.active_processors
  FROM bound JOIN (
    SELECT b.server_id, min(c.active) AS active FROM bound b JOIN cost_cpu_choices c ON c.name = b.type
    WHERE c.active < b.vcpu AND c.active >= greatest(b.needed, CASE WHEN b.pays_sql THEN 4 ELSE 1 END)
      AND (b.pays_windows OR b.pays_sql OR b.pays_oracle) GROUP BY b.server_id) best USING (server_id)
  JOIN cost_cpu_choices c ON c.name = bound.type AND c.active = best.active)
INSERT INTO cost_quantities
SELECT server_id, '{OPTIMISED}', '{SAVED}' || key, round(many * {MILLI})::BIGINT FROM (
  SELECT server_id, 'windows' || mark, (vcpu - active) * $hours FROM chosen WHERE pays_windows
  UNION ALL
  SELECT server_id, CASE WHEN $own_sql THEN 'own sql:' || sql_edition WHEN sql_edition = 'unknown' THEN 'sql:unknown'
    ELSE 'sql:' || sql_edition || mark END,
    (greatest(4, vcpu) - greatest(4, active)) * CASE WHEN $own_sql THEN 1 ELSE $hours END
  FROM chosen WHERE pays_sql
  UNION ALL
  SELECT server_id, 'oracle:' || oracle_edition, processors - active_processors FROM chosen WHERE oracle
) lines(server_id, key, many) WHERE many > 0"""


def count_savings(connection: Any, settings: CostSettings) -> None:
    """Add what fewer active vCPUs save; `cost_moving` must hold the right-sized servers."""
    connection.execute(
        _SAVINGS,
        {
            "hours": exact(settings.hours_per_month),
            "own_windows": settings.windows_licence == "own",
            "own_sql": settings.sql_server_licence == "own",
        },
    )


def saving_units(units: Iterable[Unit]) -> Iterator[Unit]:
    """Yield, for each licence unit, the unit of what is saved: its price below zero."""
    for unit in units:
        if unit.key.startswith(_LICENSED) and unit.terms:
            yield replace(
                unit,
                key=SAVED + unit.key,
                item=f"{unit.item}_saving",
                rule=f"what-if Optimize CPUs: same type, fewer active vCPUs, as many as are needed; {unit.rule}",
                terms=tuple(Term(constant=-one.constant, times=one.times, over=one.over) for one in unit.terms),
            )
