"""How many units each server needs, scenario by scenario: `cost_quantities` (server_id, scenario, key, thousandths)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.costs.assumptions import exact
from include.discovery.costs.units import MILLI

if TYPE_CHECKING:
    from include.discovery.catalogue.model import Catalogue
    from include.discovery.costs.settings import CostSettings

ON_PREMISES: Final = "on_premises"
LIFT: Final = "lift_and_shift"
RIGHT: Final = "right_sized"
OPTIMISED: Final = "right_sized_optimize_cpus"

_MACHINES: Final = """
SELECT server_id, unnest([
  {'key': CASE WHEN is_physical THEN 'here:server:core' ELSE 'here:server:vcpu' END, 'many': counted_cores},
  {'key': 'here:memory', 'many': memory_gib},
  {'key': CASE WHEN storage_gib IS NULL THEN 'here:storage:unknown' ELSE 'here:storage' END,
    'many': coalesce(storage_gib, 1)}
]) AS one FROM cost_servers"""
_HERE: Final = f"""
WITH lines AS (
  SELECT server_id, one.key AS key, one.many AS many FROM ({_MACHINES})
  UNION ALL
  SELECT server_id, CASE WHEN is_physical THEN 'here:windows:core' ELSE 'here:windows:vcpu' END,
    CASE WHEN is_physical THEN greatest(16, cores) ELSE vcpus END
  FROM cost_servers WHERE is_windows AND NOT is_client
  UNION ALL
  SELECT server_id, 'here:sql_server:' || sql_edition,
    CASE WHEN is_physical THEN greatest(4 * sockets, cores) ELSE greatest(4, vcpus) END
  FROM cost_servers WHERE sql_edition <> 'free' AND NOT is_passive
  UNION ALL
  SELECT server_id, 'here:oracle:' || oracle_edition, CASE
    WHEN oracle_edition = 'standard' THEN CASE WHEN is_physical THEN sockets ELSE 1 END
    ELSE greatest(1, ceil(counted_cores * CASE WHEN coalesce(architecture, '') = 'power' THEN 1.0 ELSE 0.5 END)) END
  FROM cost_servers WHERE oracle_edition <> 'free')
INSERT INTO cost_quantities
SELECT server_id, scenario, key, round(many * {MILLI})::BIGINT FROM lines JOIN cost_servers USING (server_id)
CROSS JOIN (VALUES ('{ON_PREMISES}'), ('{LIFT}'), ('{RIGHT}')) v(scenario)
WHERE scenario = '{ON_PREMISES}' OR way = 'retain'"""

_MOVING: Final = """
CREATE OR REPLACE TEMP TABLE cost_moving AS
SELECT s.*, t.name AS type, t.vcpu, t.processors, CASE WHEN $measured OR NOT is_fallback THEN '' ELSE '~' END AS mark
FROM cost_servers s LEFT JOIN cost_types t ON t.name = {type} WHERE way = 'move'"""

_COMPUTE: Final = """
SELECT server_id, CASE WHEN type IS NOT NULL THEN 'compute:' || type || mark
  WHEN {type} IS NOT NULL THEN 'no price:' || {type} ELSE 'no type' END, $hours FROM cost_moving"""
_WINDOWS: Final = """
SELECT server_id, CASE WHEN is_unknown THEN 'windows:unknown' WHEN is_client THEN 'windows:client'
  WHEN $own_windows AND is_portable THEN 'windows:own' ELSE 'windows' || mark END, vcpu * $hours
FROM cost_moving WHERE type IS NOT NULL AND (is_windows OR is_unknown)"""
_SQL_SERVER: Final = """
SELECT server_id, CASE WHEN sql_edition = 'free' THEN 'sql:free' WHEN is_passive THEN 'sql:passive'
  WHEN $own_sql THEN 'own sql:' || sql_edition WHEN sql_edition = 'unknown' THEN 'sql:unknown'
  ELSE 'sql:' || sql_edition || mark END, greatest(4, vcpu) * CASE WHEN $own_sql THEN 1 ELSE $hours END
FROM cost_moving WHERE type IS NOT NULL AND sql_edition IS NOT NULL"""
_ORACLE: Final = """
SELECT server_id, CASE WHEN oracle_edition = 'standard' AND vcpu > 8 THEN 'oracle:blocked'
  ELSE 'oracle:' || oracle_edition END,
  CASE WHEN oracle_edition = 'standard' THEN ceil(vcpu / 4) ELSE processors END
FROM cost_moving WHERE type IS NOT NULL AND oracle_edition IS NOT NULL"""
_LICENSED: Final = """
INSERT INTO cost_quantities
SELECT server_id, $scenario, key, round(many * {milli})::BIGINT FROM (
  {compute} UNION ALL {windows} UNION ALL {sql_server} UNION ALL {oracle}
) lines(server_id, key, many)"""

_VOLUMES: Final = """
CREATE OR REPLACE TEMP TABLE cost_volumes AS
SELECT server_id, kind, gib, iops, mb_s, greatest(1, ceil(gib / max_gib)) AS pieces FROM (
  SELECT server_id, {kind} AS kind, {gib} AS gib, {iops} AS iops, {mb_s} AS mb_s FROM cost_moving
  WHERE type IS NOT NULL)
LEFT JOIN (SELECT unnest($kinds) AS kind, unnest($sizes) AS max_gib) USING (kind)"""
_CAPACITY: Final = """
INSERT INTO cost_quantities
SELECT server_id, $scenario, CASE WHEN gib IS NULL THEN 'storage:unknown' ELSE 'storage:' || kind END,
  round(coalesce(gib, 1) * {milli})::BIGINT FROM cost_volumes"""
_IOPS: Final = """
INSERT INTO cost_quantities
SELECT server_id, $scenario, $key, round(greatest(0, least(iops, $upto * pieces) - $start * pieces) * {milli})::BIGINT
FROM cost_volumes WHERE kind = $kind AND gib IS NOT NULL AND iops > $start * pieces"""
_THROUGHPUT: Final = """
INSERT INTO cost_quantities
SELECT server_id, $scenario, $key, round((mb_s - $included * pieces) * {milli})::BIGINT
FROM cost_volumes WHERE kind = $kind AND gib IS NOT NULL AND mb_s > $included * pieces"""


def count_quantities(connection: Any, *, settings: CostSettings, catalogue: Catalogue) -> None:
    """Create `cost_quantities`: what stays and runs on premises, what moves under both AWS scenarios."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE cost_quantities "
        "(server_id VARCHAR, scenario VARCHAR NOT NULL, key VARCHAR NOT NULL, many BIGINT NOT NULL)"
    )
    connection.execute(_HERE)
    connection.execute(
        "INSERT INTO cost_quantities SELECT server_id, scenario, 'retired', 0 FROM cost_servers "
        f"CROSS JOIN (VALUES ('{LIFT}'), ('{RIGHT}')) v(scenario) WHERE way = 'retire'"
    )
    for scenario in (LIFT, RIGHT):
        _count_moving(connection, scenario, settings)
        _count_volumes(connection, scenario, catalogue)


def _count_moving(connection: Any, scenario: str, settings: CostSettings) -> None:
    kind = "lift_type" if scenario == LIFT else "right_type"
    connection.execute(_MOVING.format(type=kind), {"measured": scenario == LIFT})
    statement = _LICENSED.format(
        milli=MILLI, compute=_COMPUTE.format(type=kind), windows=_WINDOWS, sql_server=_SQL_SERVER, oracle=_ORACLE
    )
    connection.execute(
        statement,
        {
            "scenario": scenario,
            "hours": exact(settings.hours_per_month),
            "own_windows": settings.windows_licence == "own",
            "own_sql": settings.sql_server_licence == "own",
        },
    )


def _count_volumes(connection: Any, scenario: str, catalogue: Catalogue) -> None:
    """Count GiB, and IOPS and MiB/s above what each volume includes; large sizes take several volumes."""
    columns = {"kind": "'gp3'", "gib": "coalesce(storage_gib, volume_gib)", "iops": "0", "mb_s": "0"}
    if scenario == RIGHT:
        columns = {"kind": "coalesce(volume_type, 'gp3')", "gib": "coalesce(volume_gib, storage_gib)"}
        columns |= {"iops": "volume_iops", "mb_s": "volume_mb_s"}
    volumes = list(catalogue.volumes.values())
    limits = {"kinds": [one.name for one in volumes], "sizes": [one.max_gib for one in volumes]}
    connection.execute(_VOLUMES.format(**columns), limits)
    connection.execute(_CAPACITY.format(milli=MILLI), {"scenario": scenario})
    for volume in volumes:
        given = {"scenario": scenario, "kind": volume.name}
        starts = [start for start, _ in volume.usd_per_iops_month]
        for tier, (start, upto) in enumerate(zip(starts, [*starts[1:], 1_000_000_000], strict=True)):
            tiers = {"key": f"iops:{volume.name}:{tier}", "start": start, "upto": upto}
            connection.execute(_IOPS.format(milli=MILLI), given | tiers)
        included = {"key": f"throughput:{volume.name}", "included": volume.included_mb_s}
        if volume.usd_per_mb_s_month:
            connection.execute(_THROUGHPUT.format(milli=MILLI), given | included)
