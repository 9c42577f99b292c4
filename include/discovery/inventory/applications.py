"""Applications that sources name, and what servers take from them and from a CMDB's relations."""

from __future__ import annotations

from typing import Any, Final

from include.discovery import tables

_TAKEN: Final = ("owner", "business_unit", "criticality", "environment", "compliance", "strategy")

_KNOWN: Final = """
CREATE OR REPLACE TEMP TABLE inv_apps AS
SELECT lower(name) AS key, arg_min(name, number) AS name, arg_min(application_id, number) AS application_id,
    arg_min(owner, number) AS owner, arg_min(business_unit, number) AS business_unit,
    arg_min(criticality, number) AS criticality, arg_min(environment, number) AS environment,
    arg_min(compliance, number) AS compliance, arg_min(strategy, number) AS strategy,
    arg_min(source_id, number) AS source_id, arg_min(source_row, number) AS source_row
FROM (SELECT r.*, row_number() OVER (ORDER BY people_order, exported_at DESC NULLS LAST, r.source_id, name,
    source_row) AS number
      FROM raw_applications r JOIN inv_sources USING (source_id)) GROUP BY key
"""
# A relation joins an application and a server when one end names the one and the other end the other, in either order.
_RELATED: Final = """
CREATE OR REPLACE TEMP TABLE inv_related AS
WITH apps AS (SELECT lower(application_id) AS ci, key FROM inv_apps WHERE application_id IS NOT NULL UNION SELECT key,
    key FROM inv_apps),
ends AS (
    SELECT source_id, source_row, lower(parent) AS one, lower(child) AS other FROM raw_relations
    UNION ALL SELECT source_id, source_row, lower(child), lower(parent) FROM raw_relations),
cis AS (
    SELECT key AS ci, min(machine) AS machine FROM inv_known WHERE place IN (3, 4, 5, 6) GROUP BY key
    HAVING count(DISTINCT machine) = 1)
SELECT a.key, c.machine, min((e.source_id, e.source_row)) AS place
FROM ends e JOIN apps a ON a.ci = e.one JOIN cis c ON c.ci = e.other GROUP BY ALL
UNION
SELECT lower(r.name), machine, min((r.source_id, r.source_row))
FROM (SELECT *, unnest(server_refs) AS ref FROM raw_applications) r
JOIN inv_resolved f ON f.source_id = r.source_id AND f.ref = lower(r.ref) WHERE machine IS NOT NULL GROUP BY ALL
"""


def relate_applications(connection: Any) -> None:
    """Give servers the applications that relations tell, and what these know, where they have none of their own.

    Works on `inv_chosen`, before `servers` is filled; each value given lands in `server_values` with its row.
    """
    tables.create(connection, "raw_applications", "raw_relations")
    connection.execute(_KNOWN).fetchall()
    connection.execute(_RELATED).fetchall()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE inv_given AS SELECT r.machine, 'application' AS field, "
        "string_agg(DISTINCT coalesce(a.name, r.key), '; ' ORDER BY coalesce(a.name, r.key)) AS value, min(place) AS "
        "place "
        "FROM inv_related r LEFT JOIN inv_apps a USING (key) JOIN inv_chosen c ON c.machine = r.machine "
        "WHERE c.application IS NULL GROUP BY r.machine"
    ).fetchall()
    _give(connection, "application")
    for name in _TAKEN:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE inv_given AS SELECT machine, '{name}' AS field, a.{name} AS value, "
            "(a.source_id, a.source_row) AS place FROM inv_chosen c JOIN inv_apps a ON a.key = lower(c.application) "
            f"WHERE c.{name} IS NULL AND a.{name} IS NOT NULL"
        ).fetchall()
        _give(connection, name)


def _give(connection: Any, name: str) -> None:
    for query in (
        f"UPDATE inv_chosen SET {name} = value FROM inv_given g WHERE g.machine = inv_chosen.machine",
        (
            "INSERT INTO server_values BY NAME SELECT server_id, field, value, place[1] AS source_id, place[2] AS "
            "source_row, "
            "TRUE AS chosen FROM inv_given JOIN inv_servers USING (machine) ORDER BY machine"
        ),
    ):
        connection.execute(query).fetchall()


def fill_applications(connection: Any) -> None:
    """Fill `applications` from what sources list and what servers name, ordered by name."""
    tables.create(connection, "applications")
    connection.execute(
        """
        INSERT INTO applications BY NAME
        WITH held AS (
            SELECT lower(trim(one)) AS key, trim(one) AS name, server_id
            FROM (SELECT unnest(string_split(application, ';')) AS one, server_id FROM servers WHERE application IS
                NOT NULL)
            UNION ALL SELECT key, NULL, server_id FROM inv_related JOIN inv_servers USING (machine)),
        servers_of AS (
            SELECT key, min(name) AS name, list_sort(list(DISTINCT server_id)) AS server_ids FROM held WHERE key <> ''
                GROUP BY key)
        SELECT coalesce(a.name, s.name, s.key) AS application, a.* EXCLUDE (key, name, source_id, source_row),
            coalesce(server_ids, []) AS server_ids
        FROM inv_apps a FULL JOIN servers_of s USING (key) ORDER BY application
        """
    ).fetchall()
