"""Ways to rank by several criteria: weighted points, TOPSIS, PROMETHEE II; and how far two ranks agree.

Scores are arrays of shape (groups, criteria), whole numbers from 0 to 99, higher is earlier; weights are of shape
(criteria,) and add up to 1.
"""

from __future__ import annotations

from typing import Any, Final

THOUSANDTHS: Final = 100_000  # of a point; the most a group can have
PREFERENCE_AT: Final = 33  # difference of scores from which one group is wholly preferred


def weighted_points(scores: Any, weights: Any) -> Any:
    """Return thousandths of points of each group and criterion: whole numbers, at most 100,000 a group.

    Source: score from 0 to 99 times a relevance multiplier, AWS Prescriptive Guidance, application portfolio
    assessment, "Iterating the prioritization criteria"; scaled to 100.
    """
    import numpy as np

    return np.floor(scores * (weights * THOUSANDTHS / 99)[None, :] + 1e-9).astype(np.int64)


def topsis(scores: Any, weights: Any) -> Any:
    """Return each group's closeness to the ideal, 0 to 1 (Hwang and Yoon, 1981; vector normalisation)."""
    import numpy as np

    lengths = np.sqrt((scores.astype(float) ** 2).sum(axis=0))
    spread = scores / np.where(lengths > 0, lengths, 1.0) * weights
    best, worst = spread.max(axis=0), spread.min(axis=0)
    to_best = np.sqrt(((spread - best) ** 2).sum(axis=1))
    to_worst = np.sqrt(((spread - worst) ** 2).sum(axis=1))
    whole = to_best + to_worst
    return np.where(whole > 0, to_worst / np.where(whole > 0, whole, 1.0), 0.5)


def promethee(scores: Any, weights: Any) -> Any:
    """Return each group's net flow, -1 to 1 (PROMETHEE II, Brans and Vincke, 1985).

    Preference grows linearly up to `PREFERENCE_AT`. Scores are whole, so pairs are counted by histogram:
    criteria x 100 x 100 steps instead of groups squared.
    """
    import numpy as np

    groups, criteria = scores.shape
    steps = np.arange(100)
    preference = np.clip((steps[:, None] - steps[None, :]) / PREFERENCE_AT, 0, 1)
    flow = np.zeros(groups)
    for j in range(criteria):
        counts = np.bincount(scores[:, j], minlength=100)
        flow += weights[j] * ((preference - preference.T) @ counts)[scores[:, j]]
    return flow / max(groups - 1, 1)


def ranks(values: Any) -> Any:
    """Return ranks from 1, the highest value first; equal values stay in their order, which is the groups' names."""
    import numpy as np

    order = np.argsort(-values, kind="stable")
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(1, len(values) + 1)
    return found


def agreement(one: Any, other: Any) -> float:
    """Return Spearman's rank correlation of two ranks without ties, -1 to 1; 1 for fewer than two groups."""
    n = len(one)
    return 1.0 if n < 2 else round(1 - 6 * float(((one - other) ** 2).sum()) / (n * (n * n - 1)), 6)
