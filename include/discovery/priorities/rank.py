"""The order of application groups, with the points of each criterion and how firm the rank is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.advice.support import END_OF_SUPPORT
from include.discovery.priorities.facts import CRITERIA, gather_group_facts
from include.discovery.priorities.methods import agreement, promethee, ranks, topsis, weighted_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.discovery.priorities.settings import PrioritySettings

_WRITER: Final = json.JSONEncoder(separators=(",", ":"))
_READ: Final = ("servers", "groups", "strategies", "edges", "databases", "cost_lines")


def rank_applications(connection: Any, *, settings: PrioritySettings) -> None:
    """Create `priorities` and `priority_methods` (method_a, method_b, spearman).

    A group's points are the sum of its criteria's points in whole thousandths, so they add up exactly. `rank_low` and
    `rank_high` are its best and worst rank when each weight alone is changed by `settings.change` up and down.

    :raises ValueError: all weights are 0.
    """
    import numpy as np

    weights = np.array([getattr(settings, name) for name in CRITERIA], dtype=float)
    if weights.sum() <= 0:
        raise ValueError("the weights of the priorities are all 0; give at least one criterion a weight.")
    tables.create(connection, *_READ)
    connection.execute(END_OF_SUPPORT.ddl).fetchall()
    rows = gather_group_facts(connection)
    scores = np.array([row[1 + len(CRITERIA) :] for row in rows], dtype=np.int64).reshape(len(rows), len(CRITERIA))
    parts = weighted_points(scores, weights / weights.sum())
    found = ranks(parts.sum(axis=1))
    others = [ranks(weighted_points(scores, one).sum(axis=1)) for one in _changed(weights, settings.change)]
    every = np.vstack([found, *others])
    _keep(connection, rows=rows, parts=parts, weights=weights, every=every)
    _keep_methods(connection, scores=scores, weights=weights / weights.sum(), found=found)


def _changed(weights: Any, change: float) -> Iterator[Any]:
    """Yield the weights with one of them changed, each up and down, adding up to 1."""
    for i, weight in enumerate(weights):
        for factor in (1 - change, 1 + change) if weight > 0 else ():
            one = weights.copy()
            one[i] = weight * factor
            if one.sum() > 0:
                yield one / one.sum()


def _keep(connection: Any, *, rows: list[tuple[Any, ...]], parts: Any, weights: Any, every: Any) -> None:
    import pandas as pd

    names = list(CRITERIA)
    told = [_breakdown(names, row, points, weights) for row, points in zip(rows, parts.tolist(), strict=True)]
    frame = pd.DataFrame(
        {
            "application_group": pd.Series([row[0] for row in rows], dtype="str"),
            "rank": every[0],
            "points": parts.sum(axis=1) / 1000,
            "breakdown": pd.Series(told, dtype="str"),
            "rank_low": every.min(axis=0),
            "rank_high": every.max(axis=0),
        }
    )
    connection.execute('DROP TABLE IF EXISTS "priorities"').fetchall()
    tables.create(connection, "priorities")
    connection.register("priority_frame", frame)
    connection.execute("INSERT INTO priorities BY NAME SELECT * FROM priority_frame ORDER BY rank").fetchall()
    connection.unregister("priority_frame")


def _breakdown(names: list[str], row: tuple[Any, ...], points: list[int], weights: Any) -> str:
    count = len(names)
    return _WRITER.encode(
        {
            name: {
                "value": row[1 + i],
                "score": row[1 + count + i],
                "weight": float(weights[i]),
                "points": points[i] / 1000,
            }
            for i, name in enumerate(names)
        }
    )


def _keep_methods(connection: Any, *, scores: Any, weights: Any, found: Any) -> None:
    """Create `priority_methods`: how far the methods' ranks agree."""
    import numpy as np

    by_method = {"weighted_points": found}
    for name, method in (("topsis", topsis), ("promethee", promethee)):
        values = method(scores, weights) if len(scores) else np.zeros(0)
        by_method[name] = ranks(np.round(values, 12))
    names = list(by_method)
    pairs = [
        (one, other, agreement(by_method[one], by_method[other]))
        for i, one in enumerate(names)
        for other in names[i + 1 :]
    ]
    connection.execute(
        "CREATE OR REPLACE TABLE priority_methods "
        "(method_a VARCHAR NOT NULL, method_b VARCHAR NOT NULL, spearman DOUBLE NOT NULL)"
    )
    connection.executemany("INSERT INTO priority_methods VALUES (?, ?, ?)", pairs)
