"""Map dependencies: edges, shared services, application groups and tiers, and how far the CMDB agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.dependencies.flows import number_flows, read_graph
from include.discovery.dependencies.grouping import group_servers
from include.discovery.dependencies.hubs import find_hubs
from include.discovery.dependencies.naming import fill_groups
from include.discovery.dependencies.tiers import find_tiers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.discovery.dependencies.grouping import Trial
    from include.discovery.dependencies.settings import DependencySettings

# A name that joins several applications is no evidence for one of them.
_CMDB: Final = """
WITH known AS (SELECT n, dense_rank() OVER (ORDER BY application) - 1 AS number,
    row_number() OVER (ORDER BY draw, n) % $every = 0 AS held
  FROM dependency_nodes WHERE application IS NOT NULL AND NOT contains(application, ';')
    AND server_id NOT IN (SELECT server_id FROM hubs))
SELECT coalesce(number, -1)::BIGINT AS number, coalesce(held, false) AS held FROM dependency_nodes LEFT JOIN
  known USING (n) ORDER BY n"""
_LABELS: Final = """
CREATE OR REPLACE TEMP TABLE dependency_labels AS
SELECT f.n, f.label, f.tier, f.tier_role, h.server_id IS NOT NULL AS is_hub, f.is_quiet
FROM found_labels f JOIN dependency_nodes s USING (n) LEFT JOIN hubs h USING (server_id)"""


def map_dependencies(connection: Any, *, settings: DependencySettings) -> None:
    """Fill `edges`, `hubs`, `groups` and `group_quality` from `servers` and `connections`."""
    import numpy as np

    tables.create(connection, "edges", "hubs", "groups", "group_quality")
    number_flows(connection)
    find_hubs(connection, settings)
    graph = read_graph(connection)
    known = connection.execute(_CMDB, {"every": settings.held_out_every}).fetchnumpy()
    trials = group_servers(graph, np.asarray(known["number"]), np.asarray(known["held"]), settings)
    # Equal agreement: the coarser resolution, so that the answer does not hang on the order of the settings.
    best = max(trials, key=lambda trial: (float(np.nan_to_num(trial.f1)), -trial.resolution))
    _fill_quality(connection, trials, best)
    quiet = np.ones(graph.servers, bool)
    quiet[graph.a] = quiet[graph.b] = False
    _register(connection, best.labels, quiet, settings)
    fill_groups(connection)


def _register(connection: Any, labels: NDArray[Any], quiet: NDArray[Any], settings: DependencySettings) -> None:
    import numpy as np
    import pyarrow as pa

    tier, names, roles = find_tiers(connection, similarity=settings.tier_similarity)
    found = pa.table(
        {
            "n": np.arange(len(labels), dtype=np.int32),
            "label": labels.astype(np.int64),
            "tier": pa.array(names, pa.string()).take(pa.array(tier)),
            "tier_role": pa.array(roles, pa.string()).take(pa.array(tier)),
            "is_quiet": pa.array(quiet),
        }
    )
    connection.register("found_labels", found)
    connection.execute(_LABELS).fetchall()
    connection.unregister("found_labels")


def _fill_quality(connection: Any, trials: list[Trial], best: Trial) -> None:
    import numpy as np

    for trial in trials:
        _, sizes = np.unique(trial.labels, return_counts=True)
        told = [None if np.isnan(value) else float(value) for value in (trial.f1, trial.precision, trial.recall)]
        connection.execute(
            "INSERT INTO group_quality VALUES (?, ?, ?, ?, ?, ?, ?)",
            [trial.resolution, len(sizes), int(sizes.max(initial=0)), *told, trial is best],
        ).fetchall()
