"""Group servers by connectivity: dense first groups, joined where one sends most of its traffic to another.

The first groups come from the Louvain method with the constant Potts model (Traag, Van Dooren, Nesterov 2011: no
resolution limit), which cuts large, sparse applications to pieces at any resolution that keeps small ones apart. A
piece still sends most of its traffic to the rest of its application; joining by that share mends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.discovery.dependencies.flows import Graph
    from include.discovery.dependencies.settings import DependencySettings

_ROUNDS = 6
_STRONG = 0.6


@dataclass(frozen=True, slots=True)
class Trial:
    """One resolution with its best join share; agreement is NaN when there was nothing to agree with."""

    resolution: float
    labels: NDArray[Any]
    f1: float
    precision: float
    recall: float


def group_servers(
    graph: Graph, cmdb: NDArray[Any], held_out: NDArray[Any], settings: DependencySettings
) -> list[Trial]:
    """Return a trial for each resolution tried.

    :param cmdb: number of each server's CMDB application, -1 without one.
    :param held_out: True where that number is not to be shown to the grouping, only to the measuring.
    """
    import numpy as np

    calibrate = int((cmdb >= 0).sum()) >= settings.minimum_labels
    seen = np.where(held_out & calibrate, -1, cmdb)
    told = graph.weight * _factor(graph, seen, settings)
    resolutions = settings.resolutions if calibrate else (settings.default_resolution,)
    joins = settings.joins if calibrate else (settings.default_join,)
    trials = []
    for resolution in resolutions:
        first = first_groups(graph, seen, float(resolution), settings)
        found = [join_groups(graph, told, first, float(share)) for share in joins]
        measured = [Trial(float(resolution), one, *agreement(one, cmdb, seen)) for one in found]
        best = max(measured, key=lambda trial: (np.nan_to_num(trial.f1), -len(np.unique(trial.labels))))
        settled = follow_traffic(graph, best.labels)
        trials.append(Trial(float(resolution), settled, *agreement(settled, cmdb, seen)))
    return trials


def first_groups(graph: Graph, seen: NDArray[Any], resolution: float, settings: DependencySettings) -> NDArray[Any]:
    """Return dense groups; a CMDB application is a node of its own, linked to its servers."""
    import numpy as np
    from scipy import sparse
    from sknetwork.clustering import Louvain

    base = np.sqrt(graph.weight)  # traffic is heavy-tailed: the root keeps one busy pair from deciding
    usual = float(base.mean()) if len(base) else 1.0
    labelled = np.flatnonzero(seen >= 0)
    nodes = graph.servers + (int(seen.max()) + 1 if len(labelled) else 0)
    rows = np.concatenate([graph.a, labelled])
    columns = np.concatenate([graph.b, graph.servers + seen[labelled]])
    weights = np.concatenate([base * _factor(graph, seen, settings), np.full(len(labelled), 2 * usual)])
    if not len(rows):
        return np.arange(graph.servers)
    half = sparse.csr_matrix((weights, (rows, columns)), shape=(nodes, nodes))
    adjacency = (half + half.T).tocsr()
    # The Potts model of the library counts in shares of the whole: n^2 / total turns a density into them.
    scaled = resolution * usual * nodes * nodes / adjacency.sum()
    found = Louvain(resolution=scaled, modularity="potts", random_state=0).fit_predict(adjacency)
    return canonical(found[: graph.servers])


def join_groups(graph: Graph, weight: NDArray[Any], labels: NDArray[Any], share: float) -> NDArray[Any]:
    """Join each group to the one that gets at least `share` of its traffic, again and again (six times at most)."""
    import numpy as np
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    count = int(labels.max()) + 1 if len(labels) else 0
    if not count or not len(weight):
        return labels
    half = sparse.csr_matrix((weight, (labels[graph.a], labels[graph.b])), shape=(count, count))
    between, joined = (half + half.T).tocsr(), np.arange(count)
    for _ in range(_ROUNDS):
        size = between.shape[0]
        total = np.maximum(np.asarray(between.sum(axis=1)).ravel(), np.finfo(float).tiny)
        cells = between.tocoo()
        other = cells.row != cells.col
        row, column, part = cells.row[other], cells.col[other], (cells.data / total[cells.row])[other]
        enough = part >= share
        row, column, part = row[enough], column[enough], part[enough]
        if not len(row):
            break
        order = np.lexsort((column, -part, row))
        best = order[np.concatenate([[True], row[order][1:] != row[order][:-1]])]
        links = sparse.csr_matrix((np.ones(len(best)), (row[best], column[best])), shape=(size, size))
        parts, named = connected_components(links, directed=False)
        joined = named[joined]
        member = sparse.csr_matrix((np.ones(size), (np.arange(size), named)), shape=(size, parts))
        between = (member.T @ between @ member).tocsr()
    return canonical(joined[labels])


def follow_traffic(graph: Graph, labels: NDArray[Any]) -> NDArray[Any]:
    """Move servers that most of their traffic ties to another group, whatever a wrong CMDB name said; once."""
    import numpy as np
    from scipy import sparse

    if not len(graph.weight):
        return labels
    shape = (graph.servers, int(labels.max()) + 1)
    rows = np.concatenate([graph.a, graph.b])
    columns = np.concatenate([labels[graph.b], labels[graph.a]])
    pull = sparse.csr_matrix((np.concatenate([graph.weight, graph.weight]), (rows, columns)), shape=shape)
    total = np.asarray(pull.sum(axis=1)).ravel()
    best = np.asarray(pull.argmax(axis=1)).ravel()
    most = np.asarray(pull.max(axis=1).todense()).ravel()
    moves = most > _STRONG * np.maximum(total, np.finfo(float).tiny)
    return canonical(np.where(moves, best, labels))


def canonical(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the labels renumbered by the first server that has each."""
    import numpy as np

    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def agreement(labels: NDArray[Any], cmdb: NDArray[Any], seen: NDArray[Any]) -> tuple[float, float, float]:
    """Return pairwise F1, precision and recall against the CMDB, over pairs with a server held out."""
    import numpy as np

    both, ours, theirs = (
        whole - shown for whole, shown in zip(_pairs(labels, cmdb), _pairs(labels, seen), strict=True)
    )
    if not ours or not theirs:
        return np.nan, np.nan, np.nan
    return 2 * both / (ours + theirs), both / ours, both / theirs


def _pairs(labels: NDArray[Any], other: NDArray[Any]) -> tuple[int, int, int]:
    """Count pairs alike in both, in the labels, in the other; servers without the other do not count."""
    import numpy as np

    known = other >= 0
    ours, theirs = labels[known].astype(np.int64), other[known].astype(np.int64)
    alike = ours * (int(other.max(initial=0)) + 1) + theirs
    counts = [np.unique(one, return_counts=True)[1].astype(np.int64) for one in (alike, ours, theirs)]
    both, mine, yours = (int((one * (one - 1) // 2).sum()) for one in counts)
    return both, mine, yours


def _factor(graph: Graph, seen: NDArray[Any], settings: DependencySettings) -> NDArray[Any]:
    import numpy as np

    one, other = seen[graph.a], seen[graph.b]
    factor = np.where(one == other, settings.same_application_factor, settings.other_application_factor)
    return np.where((one >= 0) & (other >= 0), factor, 1.0)
