"""The servers to size, as columns: what they have, what is observed of them, what the sources state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.discovery.sizing.summaries import METRICS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STATISTICS: Final = ("avg", "p50", "p90", "p95", "p99", "max")

_SERVERS: Final = """
CREATE OR REPLACE TEMP TABLE sizing_servers AS
SELECT (row_number() OVER (ORDER BY s.server_id) - 1)::INTEGER AS server, s.server_id,
    coalesce(s.cpu_cores, 'nan'::DOUBLE) AS cores, coalesce(s.memory_mib, 'nan'::DOUBLE) AS memory,
    coalesce(CASE WHEN ? = 'used' THEN s.storage_used_gib * ? END, s.storage_gib, d.size_gib,
        s.storage_used_gib * ?, 'nan'::DOUBLE) AS storage,
    CASE WHEN s.architecture IS NOT NULL THEN lower(s.architecture)
        WHEN s.os_family IN ('aix', 'ibm_i') THEN 'power' WHEN s.os_family = 'zos' THEN 's390x'
        WHEN s.os_family = 'hpux' THEN 'itanium' WHEN s.os_family = 'solaris' THEN 'sparc'
        ELSE 'x86_64' END AS architecture,
    s.os_family = 'windows' AS is_windows, s.os_family = 'linux' AS is_linux,
    s.environment IS NULL OR trim(s.environment) = '' AS is_unknown_environment,
    coalesce(list_contains(?, lower(s.environment)), false) AS is_production,
    EXISTS (SELECT 1 FROM databases b WHERE b.server_id = s.server_id) AS is_database
FROM servers s LEFT JOIN (SELECT server_id, sum(size_gib) AS size_gib FROM disks GROUP BY server_id) d USING (server_id)
WHERE s.in_scope
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Columns of the servers in scope, by number: row i is `sizing_servers.server` i. NaN: not known."""

    cores: Floats
    memory: Floats
    storage: Floats
    architecture: NDArray[np.object_]
    is_windows: Flags
    is_linux: Flags
    is_production: Flags
    is_unknown_environment: Flags
    is_database: Flags
    observed: Floats
    """shape (METRICS, STATISTICS, servers)"""
    days: Floats
    """shape (METRICS, servers)"""
    coverage: Floats
    stated: Floats
    """shape (METRICS, 2, servers): average and maximum as the sources state them"""

    def use(self, metric: str, statistic: str) -> Floats:
        """Return one observed statistic of one metric."""
        found: Floats = self.observed[METRICS.index(metric), STATISTICS.index(statistic)]
        return found


def read_facts(
    connection: Any, *, storage_basis: str, used_headroom: float, production_environments: tuple[str, ...]
) -> Facts:
    """Number the servers in scope by server_id in the table `sizing_servers` and read what is known of them."""
    import numpy as np

    environments = [name.lower() for name in production_environments]
    connection.execute(_SERVERS, [storage_basis, used_headroom, used_headroom, environments]).fetchall()
    stated = ", ".join(
        f"coalesce(s.{metric}_{kind}, 'nan'::DOUBLE) AS {metric}_{kind}"
        for metric in METRICS
        for kind in ("avg", "max")
    )
    told = connection.execute(
        f"SELECT n.* EXCLUDE (server, server_id), {stated} FROM sizing_servers n JOIN servers s USING (server_id) "
        "ORDER BY n.server"
    ).fetchnumpy()
    columns = {name: np.asarray(values) for name, values in told.items()}
    observed, days, coverage = _observed(connection, len(columns["cores"]))
    names = ("cores", "memory", "storage", "architecture", "is_windows", "is_linux", "is_production")
    return Facts(
        **{name: columns[name] for name in (*names, "is_unknown_environment", "is_database")},
        observed=observed,
        days=days,
        coverage=coverage,
        stated=np.array([[columns[f"{metric}_{kind}"] for kind in ("avg", "max")] for metric in METRICS]),
    )


def _observed(connection: Any, servers: int) -> tuple[Floats, Floats, Floats]:
    import numpy as np

    values = ", ".join(f"coalesce(u.{name}, 'nan'::DOUBLE) AS {name}" for name in (*STATISTICS, "days", "coverage"))
    told = connection.execute(
        f"SELECT n.server, list_position(?, u.metric) - 1 AS metric, {values} "
        "FROM utilisation_summary u JOIN sizing_servers n USING (server_id) WHERE list_contains(?, u.metric)",
        [list(METRICS), list(METRICS)],
    ).fetchnumpy()
    columns = {name: np.asarray(values) for name, values in told.items()}
    metric, server = columns["metric"], columns["server"]
    observed = np.full((len(METRICS), len(STATISTICS), servers), np.nan)
    for place, name in enumerate(STATISTICS):
        observed[metric, place, server] = columns[name]
    spans = {}
    for name in ("days", "coverage"):
        spans[name] = np.full((len(METRICS), servers), np.nan)
        spans[name][metric, server] = columns[name]
    return observed, spans["days"], spans["coverage"]
