"""What the costs need to know of each server: one row in `cost_servers`, made of the inventory and the sizing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from include.discovery.catalogue.model import Catalogue
    from include.discovery.costs.settings import CostSettings

_LARGEST_GIB: Final = 1e7
"""a size beyond this is not believed and counts as unknown (10 PiB)"""
_MOST_CORES: Final = 100_000
"""more cores than this are not believed and count as unknown"""

_EDITIONS: Final = """
CREATE OR REPLACE TEMP TABLE cost_databases AS
SELECT server_id,
  max(CASE WHEN engine_family <> 'sqlserver' THEN 0
    WHEN engine_edition = 'enterprise' THEN 5 WHEN engine_edition = 'standard' THEN 4
    WHEN engine_edition = 'web' THEN 2 WHEN engine_edition IN ('developer', 'express', 'evaluation') THEN 1
    ELSE 3 END) AS sql_rank,
  max(CASE WHEN engine_family <> 'oracle' THEN 0
    WHEN engine_edition = 'enterprise' THEN 4 WHEN engine_edition = 'standard' THEN 2
    WHEN engine_edition = 'express' THEN 1 ELSE 3 END) AS oracle_rank
FROM databases WHERE server_id IS NOT NULL AND engine_family IN ('sqlserver', 'oracle') GROUP BY server_id"""

_SERVERS: Final = f"""
CREATE OR REPLACE TEMP TABLE cost_servers AS
WITH told AS (
  SELECT s.server_id,
    CASE WHEN t.strategy IN ('retire', 'retain') THEN t.strategy ELSE 'move' END AS way,
    coalesce(s.hypervisor = 'physical', s.os_family IN ('aix', 'solaris', 'hpux', 'zos', 'ibm_i')) AS is_physical,
    CASE WHEN s.cpu_cores BETWEEN 0 AND {_MOST_CORES} THEN s.cpu_cores ELSE 0 END AS vcpus,
    CASE WHEN coalesce(s.cpu_physical_cores, s.cpu_cores / 2) BETWEEN 0 AND {_MOST_CORES}
      THEN coalesce(s.cpu_physical_cores, s.cpu_cores / 2) ELSE 0 END::DOUBLE AS cores,
    least(greatest(coalesce(s.cpu_sockets, 1), 1), 64) AS sockets, s.architecture,
    CASE WHEN s.memory_mib / 1024 BETWEEN 0 AND {_LARGEST_GIB} THEN s.memory_mib / 1024 ELSE 0 END AS memory_gib,
    CASE WHEN coalesce(s.storage_gib, s.storage_used_gib) BETWEEN 0 AND {_LARGEST_GIB}
      THEN coalesce(s.storage_gib, s.storage_used_gib) END AS storage_gib,
    s.os_family = 'windows' AS is_windows, s.os_family = 'unknown' AS is_unknown,
    coalesce(s.os_product LIKE 'windows %' AND s.os_product NOT LIKE 'windows server%', false) AS is_client,
    coalesce(regexp_matches(s.os_product, '^windows server (2000|2003|2008|2012|2016|2019)'), false) AS is_portable,
    CASE d.sql_rank WHEN 5 THEN 'enterprise' WHEN 4 THEN 'standard' WHEN 3 THEN 'unknown' WHEN 2 THEN 'web'
      WHEN 1 THEN 'free' END AS sql_edition,
    CASE d.oracle_rank WHEN 4 THEN 'enterprise' WHEN 3 THEN 'unknown' WHEN 2 THEN 'standard' WHEN 1 THEN 'free' END
      AS oracle_edition,
    coalesce(s.hypervisor, 'vmware') = 'vmware' AS is_vmware,
    list_contains($passive, s.server_id) AS is_passive,
    z.lift_instance_type AS lift_type, z.instance_type AS right_type,
    coalesce(z.is_fallback, true) AS is_fallback, z.basis,
    z.volume_type, CASE WHEN z.volume_gib BETWEEN 0 AND {_LARGEST_GIB} THEN z.volume_gib END AS volume_gib,
    greatest(coalesce(z.volume_iops, 0), 0) AS volume_iops, greatest(coalesce(z.volume_mb_s, 0), 0) AS volume_mb_s
  FROM servers s LEFT JOIN sizing z USING (server_id) LEFT JOIN strategies t USING (server_id)
    LEFT JOIN cost_databases d USING (server_id)
  WHERE s.in_scope)
SELECT *, CASE WHEN is_physical THEN cores ELSE vcpus::DOUBLE END AS counted_cores FROM told"""

_WANTED: Final = """
SELECT DISTINCT name FROM (SELECT unnest([lift_type, right_type]) AS name FROM cost_servers WHERE way = 'move')
WHERE name IS NOT NULL ORDER BY name"""

_RATIO: Final = """
WITH hosts AS (
  SELECT lower(name) AS name, max(cpu_cores) AS cores FROM raw_hosts WHERE cpu_cores > 0 GROUP BY lower(name)),
placed AS (
  SELECT lower(virtual_host) AS name, sum(cpu_cores) AS vcpus, count(*) AS machines FROM servers
  WHERE in_scope AND cpu_cores > 0 AND virtual_host IS NOT NULL GROUP BY lower(virtual_host))
SELECT sum(vcpus) / sum(cores), sum(machines) FROM placed JOIN hosts USING (name)"""


def gather_facts(connection: Any, *, settings: CostSettings, catalogue: Catalogue) -> list[str]:
    """Create `cost_servers` and `cost_types`; return the instance types that are wanted, sorted."""
    connection.execute(_EDITIONS)
    connection.execute(_SERVERS, {"passive": list(settings.passive_secondaries)})
    wanted = [row[0] for row in connection.execute(_WANTED).fetchall()]
    _list_types(connection, catalogue, wanted)
    return wanted


def vcpus_per_core(connection: Any) -> float | None:
    """Return how many vCPUs share a physical core on the known hosts; None when too few machines name a known host.

    Half of the servers in scope must be placed, else the shipped assumption stands.
    """
    ratio, machines = connection.execute(_RATIO).fetchone()
    in_scope = connection.execute("SELECT count(*) FROM servers WHERE in_scope").fetchone()[0]
    if not ratio or not in_scope or machines < in_scope / 2:
        return None
    return float(round(min(max(float(ratio), 0.25), 20.0), 2))


def _list_types(connection: Any, catalogue: Catalogue, wanted: list[str]) -> None:
    """Create `cost_types` (name, vcpu, processors of Oracle) and `cost_cpu_choices` (name, active, processors)."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE cost_types (name VARCHAR, vcpu INTEGER, processors INTEGER);"
        "CREATE OR REPLACE TEMP TABLE cost_cpu_choices (name VARCHAR, active INTEGER, active_processors INTEGER)"
    )
    known = {kind.name: kind for kind in catalogue.types}
    kinds = [known[name] for name in wanted if name in known]
    types = [(kind.name, kind.vcpu, _processors(kind.vcpu, kind.physical_cores, kind.vcpu)) for kind in kinds]
    choices = [
        (kind.name, active, _processors(kind.vcpu, kind.physical_cores, active))
        for kind in kinds
        if kind.physical_cores > 0
        for active in sorted({cores * max(kind.vcpu // kind.physical_cores, 1) for cores in kind.valid_cores})
    ]
    for table, rows in (("cost_types", types), ("cost_cpu_choices", choices)):
        names, numbers, processors = ([row[place] for row in rows] for place in range(3))
        connection.execute(f"INSERT INTO {table} SELECT unnest(?), unnest(?), unnest(?)", [names, numbers, processors])


def _processors(vcpu: int, cores: int, active: int) -> int:
    """Count Oracle processors: two vCPUs of a core with hyper-threads are one, a vCPU without is one."""
    return -(-active // 2) if vcpu > cores else active
