"""Find shared services (DNS, directory, backup, ...): they talk with everybody and tell nothing about applications."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables

if TYPE_CHECKING:
    from include.discovery.dependencies.settings import DependencySettings

PORTS: Final = Path(__file__).parent / "data" / "ports.json"
_SMALLEST: Final = 5
_ROLES: Final = """
CREATE OR REPLACE TEMP TABLE dependency_sides AS
SELECT n, role, count(DISTINCT peer) AS peers FROM (
  SELECT f.destination AS n, f.source AS peer, r.role FROM dependency_flows f JOIN shared_ports r ON r.port = f.port
  WHERE r.side = 'server'
  UNION ALL SELECT f.source, f.destination, r.role FROM dependency_flows f JOIN shared_ports r ON r.port = f.port
  WHERE r.side = 'client'
) GROUP BY ALL"""
_DEGREES: Final = """
CREATE OR REPLACE TEMP TABLE dependency_degrees AS
SELECT n, count(*)::INTEGER AS peers, sum(count)::BIGINT AS count FROM (
  SELECT a AS n, count FROM dependency_pairs UNION ALL SELECT b, count FROM dependency_pairs) GROUP BY n"""
_LIMIT: Final = """
SELECT count(*), greatest(exp(median(ln(peers)) + $deviations * 1.4826 * greatest(mad(ln(peers)), 0.3)), $minimum)
FROM dependency_degrees"""
_HUBS: Final = """
CREATE OR REPLACE TEMP TABLE dependency_hubs AS
WITH best AS (SELECT n, role, peers FROM dependency_sides
    QUALIFY row_number() OVER (PARTITION BY n ORDER BY peers DESC, role) = 1),
  told AS (SELECT d.n, s.server_id, d.peers, d.count, b.role, b.peers AS role_peers,
      coalesce(b.peers >= $few AND b.peers >= $share * d.peers, false) AS is_known, d.peers >= $many AS is_outlier,
      list_contains($forced::VARCHAR[], s.server_id) AS is_forced
    FROM dependency_degrees d JOIN dependency_nodes s USING (n) LEFT JOIN best b USING (n)
    WHERE NOT list_contains($never::VARCHAR[], s.server_id))
SELECT * FROM told WHERE is_known OR is_outlier OR is_forced"""
_FILL: Final = """
INSERT INTO hubs BY NAME
WITH busy AS (SELECT n, string_agg(port, ', ' ORDER BY peers DESC, port) AS ports FROM (
    SELECT n, port, count(*) AS peers FROM (
      SELECT h.n, f.port FROM dependency_hubs h JOIN dependency_flows f ON h.n = f.source
      UNION ALL SELECT h.n, f.port FROM dependency_hubs h JOIN dependency_flows f ON h.n = f.destination)
    GROUP BY n, port QUALIFY row_number() OVER (PARTITION BY n ORDER BY count(*) DESC, port) <= 5) GROUP BY n)
SELECT h.server_id, CASE WHEN is_known THEN role ELSE 'shared' END AS role, peers, count, ports,
  CASE WHEN is_forced THEN 'The settings name it a shared service; it talks with ' || peers || ' servers.'
    WHEN is_known THEN role_peers || ' of its ' || peers || ' peers use it for ' || role || ' (port ' ||
      coalesce(ports, '?') || ').'
    ELSE 'It talks with ' || peers || ' servers; ' || ceil($many)::BIGINT ||
      ' or more are outside what is usual here.' END AS reason
FROM dependency_hubs h LEFT JOIN busy USING (n) ORDER BY h.server_id"""
_EDGES: Final = """
INSERT INTO edges BY NAME
SELECT a.server_id AS server_a, b.server_id AS server_b, p.count,
  p.a IN (SELECT n FROM dependency_hubs) OR p.b IN (SELECT n FROM dependency_hubs) AS is_hub_edge
FROM dependency_pairs p JOIN dependency_nodes a ON a.n = p.a JOIN dependency_nodes b ON b.n = p.b ORDER BY p.a, p.b"""


def find_hubs(connection: Any, settings: DependencySettings) -> None:
    """Fill `hubs` and `edges`; needs the temporary tables of `number_flows`.

    A server is a shared service when most of its peers use it on the ports of one (data/ports.json), when it has more
    peers than is usual (median of log peers and robust standard deviations), or when the settings say so.
    """
    tables.create(connection, "hubs", "edges")
    shared = [
        (one["role"], one["side"], port) for one in json.loads(PORTS.read_text())["shared"] for port in one["ports"]
    ]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE shared_ports (role VARCHAR, side VARCHAR, port INTEGER)"
    ).fetchall()
    connection.executemany("INSERT INTO shared_ports VALUES (?, ?, ?)", shared)
    connection.execute(_ROLES).fetchall()
    connection.execute(_DEGREES).fetchall()
    minimum = settings.hub_minimum_peers
    connected, many = connection.execute(
        _LIMIT, {"deviations": settings.hub_deviations, "minimum": float(minimum)}
    ).fetchone()
    many = float(minimum) if many is None else many
    connection.execute(
        _HUBS,
        {
            "few": min(minimum, max(_SMALLEST, round(connected / 10))),
            "share": settings.hub_port_share,
            "many": many,
            "forced": list(settings.hub_server_ids),
            "never": list(settings.not_hub_server_ids),
        },
    ).fetchall()
    connection.execute(_FILL, {"many": many}).fetchall()
    connection.execute(_EDGES).fetchall()
