"""Number the servers and the connections between them; everything later works on these numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NODES: Final = """
CREATE OR REPLACE TEMP TABLE dependency_nodes AS
SELECT (row_number() OVER (ORDER BY server_id) - 1)::INTEGER AS n, server_id, nullif(trim(application), '') AS
  application,
  nullif(trim(tier), '') AS tier, md5(server_id) AS draw FROM servers WHERE in_scope ORDER BY server_id"""
# Two joins on the id's text, once; later steps join small numbers.
_FLOWS: Final = """
CREATE OR REPLACE TEMP TABLE dependency_flows AS
SELECT a.n AS source, b.n AS destination, c.destination_port AS port, sum(c.count)::BIGINT AS count
FROM connections c JOIN dependency_nodes a ON a.server_id = c.source_server_id
JOIN dependency_nodes b ON b.server_id = c.destination_server_id
WHERE a.n <> b.n GROUP BY ALL"""
_PAIRS: Final = """
CREATE OR REPLACE TEMP TABLE dependency_pairs AS
SELECT least(source, destination) AS a, greatest(source, destination) AS b, sum(count)::BIGINT AS count
FROM dependency_flows GROUP BY ALL"""


@dataclass(frozen=True, slots=True)
class Graph:
    """Undirected traffic between servers: ``a[i] < b[i]``, both server numbers; ``weight[i]`` counted connections."""

    servers: int
    a: NDArray[Any]
    b: NDArray[Any]
    weight: NDArray[Any]


def number_flows(connection: Any) -> None:
    """Make the temporary tables dependency_nodes, dependency_flows and dependency_pairs."""
    for statement in (_NODES, _FLOWS, _PAIRS):
        connection.execute(statement).fetchall()


def read_graph(connection: Any) -> Graph:
    """Return the pairs that touch no hub, in a fixed order; needs the table `hubs`."""
    servers = connection.execute("SELECT count(*) FROM dependency_nodes").fetchone()[0]
    columns = connection.execute(
        "WITH h AS (SELECT n FROM dependency_nodes JOIN hubs USING (server_id)) "
        "SELECT a, b, count::DOUBLE AS weight FROM dependency_pairs WHERE a NOT IN (FROM h) AND b NOT IN "
        "(FROM h) ORDER BY a, b"
    ).fetchnumpy()
    return Graph(servers, columns["a"], columns["b"], columns["weight"])
