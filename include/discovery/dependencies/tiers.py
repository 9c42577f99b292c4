"""Tiers by role similarity: servers that provide and use the same ports do the same work, in whatever application.

Each server is a TF-IDF vector of the ports it provides and uses; vectors with a cosine similarity above the limit are
linked and grouped by the Louvain method at resolution 1. Servers with the same busiest ports share one vector.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from include.discovery.dependencies.hubs import PORTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EPHEMERAL: Final = 32768
_TOP: Final = 3
_SIGNATURES: Final = 3000
NO_TRAFFIC: Final = "no-traffic"
_FEATURES: Final = """
WITH h AS (SELECT n FROM dependency_nodes JOIN hubs USING (server_id)),
  f AS (SELECT * FROM dependency_flows WHERE port < $ephemeral AND destination NOT IN (FROM h) AND source NOT IN
    (FROM h))
SELECT n, feature, ln(1 + sum(count)) AS weight FROM (
  SELECT destination AS n, port * 2 AS feature, count FROM f UNION ALL SELECT source, port * 2 + 1, count FROM f
  UNION ALL SELECT s.n, c.destination_port * 2, c.count FROM connections c JOIN dependency_nodes s ON
    s.server_id = c.destination_server_id
  WHERE c.source_server_id IS NULL AND c.destination_port < $ephemeral AND s.n NOT IN (FROM h)
) GROUP BY ALL ORDER BY n, feature"""


def find_tiers(connection: Any, *, similarity: float) -> tuple[NDArray[Any], list[str], list[str | None]]:
    """Return each server's tier number, and by tier its name and its role (None when ports do not tell it).

    Needs `hubs` and the temporary tables of `number_flows`.
    """
    import numpy as np

    servers = connection.execute("SELECT count(*) FROM dependency_nodes").fetchone()[0]
    cells = connection.execute(_FEATURES, {"ephemeral": _EPHEMERAL}).fetchnumpy()
    if not len(cells["n"]):
        return np.zeros(servers, np.int64), [NO_TRAFFIC], [None]
    features, column, frequency = np.unique(cells["feature"], return_inverse=True, return_counts=True)
    weight = cells["weight"] * np.log1p(servers / frequency[column])
    signature, count = _signatures(cells["n"], column, weight, servers)
    tier_of, tiers = _grouped(signature, count, (cells["n"], column, weight), similarity)
    labels = np.where(signature >= 0, tier_of[signature], tiers)
    names, roles = _named(labels[cells["n"]], features[column], weight, tiers)
    return labels, [*names, NO_TRAFFIC], [*roles, None]


def _signatures(
    row: NDArray[Any], column: NDArray[Any], weight: NDArray[Any], servers: int
) -> tuple[NDArray[Any], int]:
    """Return by server the number of its set of busiest ports (-1: none; 0 the commonest), and their count."""
    import numpy as np

    order = np.lexsort((column, -weight, row))
    sorted_row = row[order]
    starts = np.concatenate([[0], np.flatnonzero(sorted_row[1:] != sorted_row[:-1]) + 1])
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    top = np.full((servers, _TOP), -1, np.int64)
    kept = place < _TOP
    top[sorted_row[kept], place[kept]] = column[order][kept]
    top.sort(axis=1)
    busy = top.max(axis=1) >= 0
    _, inverse, counts = np.unique(top[busy], axis=0, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-counts, kind="stable"))
    found = np.full(servers, -1, np.int64)
    found[busy] = rank[inverse.ravel()]
    return found, len(counts)


def _grouped(
    signature: NDArray[Any], count: int, cells: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], similarity: float
) -> tuple[NDArray[Any], int]:
    """Return the tier of each signature and how many tiers there are."""
    import numpy as np
    from scipy import sparse
    from sknetwork.clustering import Louvain

    row, column, weight = cells
    vectors = sparse.csr_matrix((weight, (signature[row], column)), shape=(count, int(column.max()) + 1))
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    vectors = sparse.diags(1 / np.maximum(length, np.finfo(float).tiny)) @ vectors
    usual = min(count, _SIGNATURES)
    alike = (vectors[:usual] @ vectors[:usual].T).toarray()
    alike[alike < similarity] = 0
    size = np.sqrt(np.bincount(signature[signature >= 0], minlength=count)[:usual])
    links = sparse.csr_matrix(alike * size[:, None] * size[None, :])
    found = np.asarray(Louvain(resolution=1, modularity="newman", random_state=0).fit_predict(links))
    tiers = int(found.max()) + 1
    if usual == count:
        return found, tiers
    nearest = np.asarray((vectors[usual:] @ vectors[:usual].T).argmax(axis=1)).ravel()  # rare sets join the most alike
    return np.concatenate([found, found[nearest]]), tiers


def _named(
    tier: NDArray[Any], feature: NDArray[Any], weight: NDArray[Any], tiers: int
) -> tuple[list[str], list[str | None]]:
    """Name tiers by their heaviest port; a second one of the same name gets a number, the heavier first."""
    import numpy as np

    told = {port: one["role"] for one in reversed(json.loads(PORTS.read_text())["tiers"]) for port in one["ports"]}
    pairs, inverse = np.unique(np.stack([tier, feature]), axis=1, return_inverse=True)
    # What a server provides says more about its work than what it uses.
    sums = np.bincount(inverse.ravel(), weights=weight) * np.where(pairs[1] % 2 == 0, 3, 1)
    order = np.lexsort((pairs[1], -sums, pairs[0]))
    best = {int(pairs[0, at]): at for at in reversed(order.tolist())}
    names = [""] * tiers
    roles: list[str | None] = [None] * tiers
    used: dict[str, int] = {}
    for number, at in sorted(best.items(), key=lambda item: (-sums[item[1]], item[0])):
        port, uses = divmod(int(pairs[1, at]), 2)
        role = None if uses else told.get(port)
        name = f"{role}-{port}" if role else f"{'uses' if uses else 'serves'}-{port}"
        used[name] = used.get(name, 0) + 1
        names[number], roles[number] = (name if used[name] == 1 else f"{name}-{used[name]}"), role
    return names, roles
