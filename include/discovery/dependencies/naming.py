"""Give found groups stable names: the CMDB's where most of the named servers agree, else the busiest server's id."""

from __future__ import annotations

from typing import Any, Final

_TOTALS: Final = """
CREATE OR REPLACE TEMP TABLE dependency_traffic AS
SELECT n, sum(p.count)::BIGINT AS total, sum(p.count) FILTER (x.label = y.label)::BIGINT AS inside
FROM (SELECT a AS n, b AS peer, count FROM dependency_pairs UNION ALL SELECT b, a, count FROM dependency_pairs) p
JOIN dependency_labels x USING (n) JOIN dependency_labels y ON y.n = p.peer
WHERE NOT x.is_hub AND NOT y.is_hub GROUP BY n"""
_NAMES: Final = """
CREATE OR REPLACE TEMP TABLE dependency_names AS
WITH named AS (
    SELECT label, application, count(*) AS servers, sum(count(*)) OVER (PARTITION BY label) AS known, min(n) AS first
    FROM dependency_labels JOIN dependency_nodes USING (n) WHERE application IS NOT NULL AND NOT is_hub
    GROUP BY label, application QUALIFY row_number() OVER (PARTITION BY label ORDER BY count(*) DESC, application) = 1),
  major AS (SELECT label, application, row_number() OVER (PARTITION BY application ORDER BY servers DESC, first)
    AS place
    FROM named WHERE servers * 2 > known),
  busiest AS (SELECT label, server_id FROM dependency_labels JOIN dependency_nodes USING (n) LEFT JOIN
    dependency_traffic t USING (n)
    WHERE NOT is_hub QUALIFY row_number() OVER (PARTITION BY label ORDER BY coalesce(t.total, 0) DESC, server_id) = 1),
  plain AS (SELECT b.label, coalesce(CASE WHEN m.place = 1 THEN m.application ELSE m.application || '-' || m.place END,
    'app-' || b.server_id) AS name, coalesce(m.place, 1) AS place FROM busiest b LEFT JOIN major m USING (label))
-- 'A-2' may also be a name of the CMDB: whoever comes second is told apart by a further mark.
SELECT label, CASE WHEN nth = 1 THEN name ELSE name || ' #' || nth END AS name
FROM (SELECT *, row_number() OVER (PARTITION BY name ORDER BY place, label) AS nth FROM plain)"""
# A server without traffic follows its CMDB application; without one it stands alone.
_FOLLOW: Final = """
CREATE OR REPLACE TEMP TABLE dependency_follow AS
WITH counted AS (SELECT application, label, count(*) AS servers FROM dependency_labels JOIN dependency_nodes USING (n)
    WHERE application IS NOT NULL AND NOT is_hub AND NOT is_quiet GROUP BY ALL),
  home AS (SELECT application, label FROM counted QUALIFY row_number() OVER (PARTITION BY application ORDER BY
    servers DESC, label) = 1),
  quiet AS (SELECT n, application, min(n) OVER (PARTITION BY application) AS first
    FROM dependency_labels JOIN dependency_nodes USING (n) WHERE is_quiet AND NOT is_hub AND application IS NOT NULL)
SELECT q.n, coalesce(h.label, 1000000000 + q.first) AS label FROM quiet q LEFT JOIN home h USING (application)"""
_MOVE: Final = "UPDATE dependency_labels SET label = f.label FROM dependency_follow f WHERE dependency_labels.n = f.n"
_FILL: Final = """
INSERT INTO groups BY NAME
SELECT s.server_id, CASE WHEN l.is_hub THEN 'shared-' || h.role ELSE m.name END AS application_group,
  coalesce(lower(s.tier), l.tier) AS tier, l.tier_role, CASE WHEN t.total > 0 THEN round(coalesce(t.inside, 0) /
    t.total, 6) END AS confidence,
  s.application AS cmdb_application, l.is_hub
FROM dependency_nodes s JOIN dependency_labels l USING (n) LEFT JOIN dependency_names m ON m.label = l.label
LEFT JOIN hubs h USING (server_id) LEFT JOIN dependency_traffic t USING (n) ORDER BY s.server_id"""


def fill_groups(connection: Any) -> None:
    """Fill `groups` from the temporary table dependency_labels (n, label, tier, tier_role, is_hub, is_quiet)."""
    for statement in (_FOLLOW, _MOVE, _TOTALS, _NAMES, _FILL):
        connection.execute(statement).fetchall()
