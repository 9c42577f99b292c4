"""What the report shows, read from the tables of an assessment; every list in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.counts import optional, records
from include.discovery.delivery.report.life import ends_of_support
from include.discovery.delivery.report.reasons import reasons_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_GROUPS: Final = 60
_SCATTER: Final = """
SELECT coalesce(s.hostname, s.server_id) AS hostname, u.avg, u.max AS peak, z.vcpu, z.instance_type
FROM utilisation_summary u JOIN servers s USING (server_id) JOIN sizing z USING (server_id)
WHERE u.metric = 'cpu_percent' AND u.avg IS NOT NULL AND u.max IS NOT NULL ORDER BY s.server_id"""
_TORNADO: Final = """
SELECT assumption, low_value, high_value, monthly_low_usd, monthly_high_usd FROM sensitivities
ORDER BY abs(monthly_high_usd - monthly_low_usd) DESC, assumption"""
_TRAFFIC: Final = """
CREATE OR REPLACE TEMP TABLE group_traffic AS
SELECT least(a.application_group, b.application_group) AS one, greatest(a.application_group, b.application_group) AS
other,
  sum(e.count)::BIGINT AS count FROM edges e JOIN groups a ON a.server_id = e.server_a JOIN groups b ON b.server_id =
  e.server_b
WHERE NOT e.is_hub_edge AND a.application_group <> b.application_group GROUP BY ALL"""
_BUSIEST: Final = f"""
WITH placed AS (SELECT application_group, min(wave) AS wave FROM waves GROUP BY application_group),
  busy AS (SELECT name, sum(count) AS count FROM (SELECT one AS name, count FROM group_traffic UNION ALL SELECT
  other, count FROM group_traffic)
    GROUP BY name)
SELECT application_group, wave FROM (
  SELECT g.application_group, p.wave, b.count FROM (SELECT DISTINCT application_group FROM groups) g
  LEFT JOIN placed p USING (application_group) LEFT JOIN busy b ON b.name = g.application_group
  ORDER BY b.count DESC NULLS LAST, g.application_group LIMIT {MOST_GROUPS}
) ORDER BY wave NULLS LAST, application_group"""
_PRIORITIES: Final = """
SELECT rank, application_group, points, rank_low, rank_high, breakdown FROM priorities ORDER BY rank,
application_group LIMIT 25"""
_HUBS: Final = """
SELECT h.server_id, s.hostname, h.role, h.peers, h.reason FROM hubs h LEFT JOIN servers s USING (server_id)
ORDER BY h.peers DESC, h.server_id LIMIT 20"""
_ADDRESSES: Final = """
SELECT address, scope, connections, peers, ports FROM unknown_addresses ORDER BY connections DESC, address LIMIT 10"""


_ASSUMPTIONS: Final = """
SELECT name, low, likely, high, unit, doc, source, is_yours FROM cost_assumptions ORDER BY name"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the page needs, as plain data."""

    summary: Mapping[str, Any]
    quality: Mapping[str, Any]
    trend: Mapping[str, Any] | None
    load: list[dict[str, Any]]
    sensitivities: list[dict[str, Any]]
    assumptions: list[dict[str, Any]]
    groups: list[tuple[str, int | None]]
    pairs: dict[tuple[str, str], int]
    life: list[dict[str, Any]]
    priorities: list[dict[str, Any]]
    hubs: list[dict[str, Any]]
    addresses: list[dict[str, Any]]
    blackouts: list[tuple[date, date, str]]
    capacity: float | None
    reasons: dict[str, Any]


def gather(
    connection: Any,
    *,
    summary: Mapping[str, Any],
    quality: Mapping[str, Any],
    trend: Mapping[str, Any] | None,
    page_servers: int,
) -> Facts:
    """Read the report's facts; `page_servers` is how many servers get their "why?" in the page."""
    connection.execute(_TRAFFIC).fetchall()
    groups = [(row["application_group"], row["wave"]) for row in records(connection, _BUSIEST)]
    names = [name for name, _ in groups]
    pairs = records(
        connection,
        "SELECT one, other, count FROM group_traffic WHERE list_contains($names, one) AND list_contains($names, other) "
        "ORDER BY ALL",
        {"names": names},
    )
    waves = summary["settings"].get("waves") or {}
    return Facts(
        summary=summary,
        quality=quality,
        trend=trend,
        load=records(connection, _SCATTER),
        sensitivities=records(connection, _TORNADO),
        assumptions=optional(connection, "cost_assumptions", _ASSUMPTIONS),
        groups=groups,
        pairs={(row["one"], row["other"]): row["count"] for row in pairs},
        life=ends_of_support(connection),
        priorities=records(connection, _PRIORITIES),
        hubs=records(connection, _HUBS),
        addresses=records(connection, _ADDRESSES),
        blackouts=_blackouts(waves.get("blackouts") or ()),
        capacity=waves.get("servers_per_wave"),
        reasons=reasons_of(connection, most=page_servers),
    )


def _blackouts(given: Any) -> list[tuple[date, date, str]]:
    """Return the closed days of the waves' settings, which are {starts, ends, reason} as plain data."""
    return sorted((_day(entry["starts"]), _day(entry["ends"]), str(entry.get("reason") or "")) for entry in given)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
