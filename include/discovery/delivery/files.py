"""The CSV files of an assessment: their columns, in order, and where they come from."""

from __future__ import annotations

from typing import Final

from include.discovery.delivery.schemas import Column, File, Kind, number, text

BASES: Final = ("nameplate", "avg", "p95", "p99", "max")
STRATEGIES: Final = ("retire", "retain", "rehost", "relocate", "replatform", "repurchase", "refactor")
SCENARIOS: Final = ("on_premises", "lift_and_shift", "right_sized")

_ID: Final = text("server_id", "s.server_id", required=True, private="server")
_HOSTNAME: Final = text("hostname", "s.hostname", private="server")
_I, _B, _M, _D, _T = Kind.INTEGER, Kind.BOOLEAN, Kind.MONEY, Kind.DATE, Kind.TIME


def _basis_columns() -> tuple[Column, ...]:
    return tuple(
        column
        for basis in BASES
        for column in (
            text(f"{basis}_instance_type", f"o.{basis}_instance_type"),
            number(f"{basis}_hourly_usd", f"o.{basis}_hourly_usd", minimum=0),
            number(f"{basis}_breach_share", f"o.{basis}_breach_share", minimum=0),
        )
    )


def _pivot() -> str:
    cells = ", ".join(
        f"any_value({name}) FILTER (basis = '{basis}') AS {basis}_{name}"
        for basis in BASES
        for name in ("instance_type", "hourly_usd", "breach_share")
    )
    return f"(SELECT server_id, {cells} FROM sizing_options GROUP BY server_id)"  # own names


SIZING: Final = File(
    path="sizing.csv",
    title="The chosen size of each server in scope, and what every other basis would have chosen.",
    rows=f"sizing z JOIN servers s USING (server_id) LEFT JOIN {_pivot()} o USING (server_id)",
    key=("server_id",),
    columns=(
        _ID,
        _HOSTNAME,
        text("basis", "z.basis", required=True),
        number("is_fallback", kind=_B, required=True),
        text("instance_type", "z.instance_type"),
        number("vcpu", kind=_I, minimum=1),
        number("memory_mib", "z.memory_mib", kind=_I, minimum=1),
        number("hourly_usd", "z.hourly_usd", minimum=0),
        text("architecture", "z.architecture"),
        text("runner_up"),
        number("runner_up_hourly_usd", minimum=0),
        text("lift_instance_type"),
        number("lift_hourly_usd", minimum=0),
        text("volume_type"),
        number("volume_gib", minimum=0),
        number("volume_iops", kind=_I, minimum=0),
        number("volume_mb_s", kind=_I, minimum=0),
        number("days", minimum=0),
        number("coverage", minimum=0),
        number("breach_share", "z.breach_share", minimum=0),
        text("binding"),
        text("reason", "z.reason", required=True),
        *_basis_columns(),
    ),
)

COSTS: Final = File(
    path="costs.csv",
    title="Every line of cost; a scenario's total is the sum of its lines.",
    rows="cost_lines",
    order="server_id NULLS FIRST, scenario, item",
    columns=(
        text("server_id", private="server"),
        text("scenario", required=True),
        text("item", required=True),
        number("quantity", required=True),
        text("unit", required=True),
        number("unit_usd", required=True),
        number("monthly_usd", kind=_M, required=True),
        number("low_usd", kind=_M, required=True),
        number("high_usd", kind=_M, required=True),
        text("rule", required=True),
    ),
)

DATABASES: Final = File(
    path="databases.csv",
    title="Each database, its target, the method and the rules that spoke.",
    rows="databases d LEFT JOIN database_targets t USING (database_id)",
    key=("database_id",),
    columns=(
        text("database_id", "d.database_id", required=True, private="database"),
        text("server_id", "d.server_id", private="server"),
        text("name", "d.name", private="database"),
        text("instance", "d.instance", private="database"),
        text("engine", "d.engine"),
        text("engine_family", "d.engine_family", required=True),
        text("engine_version", "d.engine_version"),
        text("engine_edition", "d.engine_edition"),
        number("size_gib", "d.size_gib", minimum=0),
        text("owner", "d.owner", private="person"),
        text("target", "t.target"),
        text("path", "t.path", choices=("rehost", "replatform", "refactor", "retire")),
        text("instead_of", "t.instead_of"),
        text("method", "t.method"),
        text("blockers", "t.blockers"),
        text("trace", "t.trace"),
    ),
)

GROUPS: Final = File(
    path="groups.csv",
    title="Every server in scope once, with its application group and its tier.",
    rows="groups",
    key=("server_id",),
    columns=(
        text("server_id", required=True, private="server"),
        text("application_group", required=True, private="application"),
        text("tier", required=True, private="tier"),
        text("tier_role"),
        number("confidence", minimum=0),
        text("cmdb_application", private="application"),
        number("is_hub", kind=_B, required=True),
    ),
)

PRIORITIES: Final = File(
    path="priorities.csv",
    title="Application groups by rank; `breakdown` is JSON whose points add up to `points`.",
    rows="priorities",
    key=("application_group",),
    order="rank, application_group",
    columns=(
        text("application_group", required=True, private="application"),
        number("rank", kind=_I, required=True, minimum=1),
        number("points", required=True, minimum=0),
        text("breakdown", required=True),
        number("rank_low", kind=_I, required=True, minimum=1),
        number("rank_high", kind=_I, required=True, minimum=1),
    ),
)

WAVES: Final = File(
    path="waves.csv",
    title="Every server in a wave, with the wave's days.",
    rows="server_waves v JOIN servers s USING (server_id) LEFT JOIN strategies y USING (server_id)",
    key=("server_id",),
    order="v.wave, v.application_group, s.server_id",
    columns=(
        _ID,
        _HOSTNAME,
        text("application_group", "v.application_group", required=True, private="application"),
        text("tier", "v.tier", private="tier"),
        number("wave", "v.wave", kind=_I, required=True, minimum=1),
        number("starts", "v.starts", kind=_D, required=True),
        number("ends", "v.ends", kind=_D, required=True),
        text("strategy", "y.strategy", choices=STRATEGIES),
        number("storage_gib", "s.storage_gib", minimum=0),
        number("is_oversized", "v.is_oversized", kind=_B, required=True),
        number("is_pinned", "v.is_pinned", kind=_B, required=True),
        text("reason", "v.reason", required=True),
    ),
)

CONFLICTS: Final = File(
    path="conflicts.csv",
    title="Values that sources disagree about, which one was taken and why.",
    rows="conflicts",
    columns=(
        text("server_id", required=True, private="server"),
        text("field", required=True),
        text("chosen_value"),
        text("other_value"),
        text("chosen_source", required=True),
        text("other_source", required=True),
        text("rule", required=True),
    ),
    order="server_id, field",
)

UNKNOWN_ADDRESSES: Final = File(
    path="unknown_addresses.csv",
    title="Addresses that connections name and no inventory has, the busiest first.",
    rows="unknown_addresses",
    key=("address",),
    order="connections DESC, address",
    columns=(
        text("address", required=True, private="address"),
        text("scope", required=True),
        number("connections", kind=_I, required=True, minimum=0),
        number("peers", kind=_I, required=True, minimum=0),
        text("ports"),
        number("first_seen", kind=_T),
        number("last_seen", kind=_T),
    ),
)

FILES: Final = (SIZING, COSTS, DATABASES, GROUPS, PRIORITIES, WAVES, CONFLICTS, UNKNOWN_ADDRESSES)

SERVER_WAVES: Final = """
CREATE OR REPLACE TEMP TABLE server_waves AS
WITH placed AS (
  SELECT *, sum(servers) OVER (PARTITION BY application_group ORDER BY wave) AS upto,
    row_number() OVER (PARTITION BY application_group ORDER BY wave DESC) = 1 AS is_last
  FROM waves
), counted AS (
  SELECT server_id, application_group, tier, row_number() OVER (PARTITION BY application_group ORDER BY tier,
  server_id) AS n
  FROM groups
)
SELECT c.server_id, c.tier, p.* EXCLUDE (upto, is_last)
FROM counted c JOIN placed p ON p.application_group = c.application_group
  AND c.n > p.upto - p.servers AND (c.n <= p.upto OR p.is_last)
"""
"""A group that was split has several rows of `waves`: its servers fill them in the order of tier and id."""
