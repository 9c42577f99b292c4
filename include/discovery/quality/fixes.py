"""Which missing fields to collect first: ranked by how much of the answer each one decides.

For money the effect is dollars a month: what a server's cost would change by if the field were known, estimated from
the servers where it is. Applications and waves have no price: there it is the share of servers whose place is unsure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from include.discovery.quality.measures import TCO, WAVE_PLAN

HOURS: Final = 730
_SAVING: Final = (
    "(SELECT avg(1 - hourly_usd / lift_hourly_usd) FROM sizing WHERE NOT is_fallback AND lift_hourly_usd > 0)"
)
_MEAN: Final = "(SELECT avg(hourly_usd) FROM sizing)"
_WINDOWS_VCPU_USD: Final = 0.046
_SQL_VCPU_USD: Final = 0.375 - 0.12
"""Enterprise less Standard, a vCPU and hour: catalogue data, rounded; only the order of the list rests on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A field that may be missing: `rows` selects server_id and usd (a month) of the servers that lack it."""

    field: str
    outcome: str
    rows: str
    advice: str


FIXES: Final = (
    Fix(
        field="utilisation",
        outcome=TCO,
        rows=f"FROM sizing SELECT server_id, coalesce(lift_hourly_usd * {_SAVING}, 0) * {HOURS} AS usd "
        "WHERE is_fallback",
        advice="collect utilisation of these servers for two weeks",
    ),
    Fix(
        field="cpu_cores or memory",
        outcome=TCO,
        rows=f"FROM servers SELECT server_id, coalesce({_MEAN}, 0) * {HOURS} AS usd "
        "WHERE in_scope AND (cpu_cores IS NULL OR memory_mib IS NULL)",
        advice="export cores and memory",
    ),
    Fix(
        field="operating system",
        outcome=TCO,
        rows="FROM servers s JOIN sizing z USING (server_id) "
        f"SELECT s.server_id, coalesce(z.vcpu, 0) * {_WINDOWS_VCPU_USD} * {HOURS} AS usd "
        "WHERE s.in_scope AND s.os_family = 'unknown'",
        advice="a Windows licence depends on it: start the guest tools, or add it by hand",
    ),
    Fix(
        field="database edition",
        outcome=TCO,
        rows="FROM databases d JOIN sizing z USING (server_id) "
        f"SELECT d.server_id, max(coalesce(z.vcpu, 0)) * {_SQL_VCPU_USD} * {HOURS} AS usd "
        "WHERE d.engine_family = 'sqlserver' AND d.engine_edition IS NULL GROUP BY d.server_id",
        advice="ask the instances for their edition",
    ),
    Fix(
        field="storage size",
        outcome=TCO,
        rows="FROM servers SELECT server_id, coalesce((SELECT avg(volume_gib) FROM sizing), 0) * 0.08 AS usd "
        "WHERE in_scope AND storage_gib IS NULL AND storage_used_gib IS NULL",
        advice="export the disks",
    ),
    Fix(
        field="connections",
        outcome=WAVE_PLAN,
        rows="FROM servers SELECT server_id, 0.0 AS usd WHERE in_scope AND server_id NOT IN ("
        "SELECT source_server_id FROM connections WHERE source_server_id IS NOT NULL UNION "
        "SELECT destination_server_id FROM connections WHERE destination_server_id IS NOT NULL)",
        advice="put these servers under a collector, or let the owner name their application",
    ),
    Fix(
        field="owner",
        outcome=WAVE_PLAN,
        rows="FROM servers SELECT server_id, 0.0 AS usd WHERE in_scope AND owner IS NULL",
        advice="nobody can be asked for a date: fill the owner in the review sheet",
    ),
    Fix(
        field="environment",
        outcome=WAVE_PLAN,
        rows="FROM servers SELECT server_id, 0.0 AS usd WHERE in_scope AND environment IS NULL",
        advice="production and test are planned and sized differently",
    ),
    Fix(
        field="application",
        outcome=WAVE_PLAN,
        rows="FROM servers SELECT server_id, 0.0 AS usd WHERE in_scope AND application IS NULL",
        advice="groups by traffic are calibrated by it",
    ),
)


def list_fixes(connection: Any) -> None:
    """Fill `fix_list`: money first, each kind by its effect; fields that nothing lacks are not listed."""
    total = connection.execute("SELECT coalesce(sum(hourly_usd), 0) FROM sizing").fetchone()[0] * HOURS
    servers = connection.execute("SELECT count(*) FROM servers WHERE in_scope").fetchone()[0]
    found = [row for fix in FIXES if (row := _effect(connection, fix, float(total), int(servers)))]
    found.sort(key=lambda row: (-row["effect_share"], row["field"]))
    for rank, row in enumerate(found, start=1):
        connection.execute("INSERT INTO fix_list VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [rank, *row.values()])


def _effect(connection: Any, fix: Fix, total: float, servers: int) -> dict[str, Any] | None:
    count, usd, examples = connection.execute(
        f"WITH lacking AS ({fix.rows}) SELECT count(*), coalesce(sum(abs(usd)), 0), "
        "(SELECT string_agg(server_id, ', ') FROM "
        "(FROM lacking SELECT server_id ORDER BY abs(usd) DESC, server_id LIMIT 5)) FROM lacking"
    ).fetchone()
    if not count:
        return None
    dollars = float(usd) if fix.outcome == TCO else None
    share = (dollars / total if total else 0.0) if dollars is not None else count / max(servers, 1)
    decides = f"{dollars:,.0f} USD a month" if dollars is not None else f"the wave of {share:.0%} of the servers"
    return {
        "field": fix.field,
        "outcome": fix.outcome,
        "servers": int(count),
        "effect_usd": dollars,
        "effect_share": min(share, 1.0),
        "sentence": f"{count:,} servers lack {fix.field}, which decides {decides}: {fix.advice}.",
        "examples": examples,
    }
