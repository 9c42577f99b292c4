"""What the rules for strategies may ask of a server: one row for each server in scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.advice.rulebook import keep_rows, load

if TYPE_CHECKING:
    from include.discovery.advice.settings import AdviceSettings

COLUMNS: Final = {
    "server_id": "VARCHAR", "os_family": "VARCHAR", "os_product": "VARCHAR", "architecture": "VARCHAR",
    "power_state": "VARCHAR", "environment": "VARCHAR", "owner": "VARCHAR", "criticality": "VARCHAR",
    "hypervisor": "VARCHAR", "cluster": "VARCHAR", "compliance_marks": "VARCHAR[]",
    "cpu_p95": "DOUBLE", "cpu_days": "DOUBLE", "connections": "BIGINT", "is_traffic_known": "BOOLEAN",
    "is_hub": "BOOLEAN", "hub_role": "VARCHAR", "hub_peers": "INTEGER",
    "database_count": "INTEGER", "databases_managed": "INTEGER", "databases_refactored": "INTEGER",
    "databases_on_servers": "INTEGER", "database_targets": "VARCHAR",
    "saas_software": "VARCHAR", "saas_product": "VARCHAR",
    "cluster_servers": "INTEGER", "is_cluster_whole": "BOOLEAN", "is_cluster_relocated": "BOOLEAN",
    "support_ends": "DATE", "support_days": "INTEGER", "has_raw_device": "BOOLEAN",
}  # fmt: skip

_FACTS: Final = """
CREATE OR REPLACE TEMP TABLE server_facts AS
WITH talking AS (
    SELECT server_id, sum(count)::BIGINT AS connections FROM (
        SELECT source_server_id AS server_id, count FROM connections WHERE source_server_id IS NOT NULL
        UNION ALL SELECT destination_server_id, count FROM connections WHERE destination_server_id IS NOT NULL)
    GROUP BY ALL),
hosted AS (
    SELECT d.server_id, count(*)::INTEGER AS database_count,
        count(*) FILTER (path = 'replatform')::INTEGER AS databases_managed,
        count(*) FILTER (path = 'refactor')::INTEGER AS databases_refactored,
        count(*) FILTER (path = 'rehost')::INTEGER AS databases_on_servers,
        array_to_string(list_sort(list_distinct(list(target))), ', ') AS database_targets
    FROM database_targets d WHERE server_id IS NOT NULL GROUP BY ALL),
clusters AS (
    SELECT cluster, (count(*) FILTER (in_scope))::INTEGER AS cluster_servers,
        bool_and(in_scope OR coalesce(is_template, FALSE)) AS is_cluster_whole
    FROM servers WHERE hypervisor = 'vmware' AND cluster IS NOT NULL GROUP BY ALL),
saas AS (
    SELECT server_id, min_by(name, (rank, name)) AS saas_software, min_by(saas, (rank, name)) AS saas_product
    FROM software JOIN saas_names USING (name) GROUP BY ALL),
ends AS (SELECT server_id, min(ends) AS support_ends, min(days) AS support_days FROM end_of_support
    WHERE database_id IS NULL GROUP BY ALL),
hub AS (SELECT server_id, min(role) AS hub_role, max(peers) AS hub_peers FROM hubs GROUP BY ALL),
cpu AS (SELECT server_id, p95, days FROM utilisation_summary WHERE metric = 'cpu_percent'),
raw AS (SELECT DISTINCT server_id FROM disks WHERE is_raw_device)
SELECT s.server_id, os_family, os_product, architecture, power_state, environment, owner, criticality, hypervisor,
    s.cluster, list_transform(string_split(coalesce(compliance, ''), ';'), lambda one: trim(lower(one)))
        AS compliance_marks,
    p95 AS cpu_p95, cpu.days AS cpu_days, coalesce(t.connections, 0) AS connections,
    EXISTS (FROM connections) AS is_traffic_known,
    hub.server_id IS NOT NULL AS is_hub, hub_role, hub_peers,
    coalesce(database_count, 0) AS database_count, coalesce(databases_managed, 0) AS databases_managed,
    coalesce(databases_refactored, 0) AS databases_refactored,
    coalesce(databases_on_servers, 0) AS databases_on_servers, h.database_targets,
    saas_software, saas_product, coalesce(cluster_servers, 0) AS cluster_servers,
    coalesce(is_cluster_whole, FALSE) AS is_cluster_whole,
    coalesce(list_contains($relocated::VARCHAR[], s.cluster), FALSE) AS is_cluster_relocated,
    support_ends, support_days, raw.server_id IS NOT NULL AS has_raw_device
FROM servers s LEFT JOIN talking t USING (server_id) LEFT JOIN hosted h USING (server_id)
LEFT JOIN clusters c ON c.cluster = s.cluster LEFT JOIN saas USING (server_id) LEFT JOIN ends USING (server_id)
LEFT JOIN hub USING (server_id) LEFT JOIN cpu USING (server_id) LEFT JOIN raw USING (server_id)
WHERE in_scope
"""


def gather_server_facts(connection: Any, *, settings: AdviceSettings) -> None:
    """Create the temporary table `server_facts` from the inventory, the summaries, hubs and database targets."""
    _match_software(connection)
    connection.execute(_FACTS, {"relocated": list(settings.relocate_clusters)}).fetchall()


def _match_software(connection: Any) -> None:
    """Create `saas_names`: names of installed software, as written, that a service can replace."""
    products = load("saas.yaml")["products"]
    rows = [(rank, str(one["pattern"]), str(one["saas"])) for rank, one in enumerate(products)]
    keep_rows(connection, "saas_products", {"rank": "INTEGER", "pattern": "VARCHAR", "saas": "VARCHAR"}, rows)
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE saas_names AS
        SELECT name, min(rank) AS rank, min_by(saas, rank) AS saas
        FROM (SELECT DISTINCT name FROM software WHERE regexp_matches(lower(name), $any::VARCHAR))
        JOIN saas_products ON regexp_matches(lower(name), pattern) GROUP BY name
        """,
        {"any": "|".join(f"(?:{one['pattern']})" for one in products)},  # one pass over all names, then the few
    ).fetchall()
