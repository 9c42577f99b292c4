"""The share of the observed time in which a server asks for more than a capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ABOVE: Final = (("p50", 0.5), ("p90", 0.1), ("p95", 0.05), ("p99", 0.01), ("max", 0.0))


def share_above(capacity: Floats, statistics: dict[str, Floats]) -> Floats:
    """Return the share of time above a capacity, read between the percentiles; NaN where nothing was observed.

    Exact at the percentiles and at and above the maximum (0); between two percentiles a straight line, below the
    median a line to 1 at zero use.

    :param statistics: arrays p50, p90, p95, p99, max in the unit of the capacity.
    """
    import numpy as np

    low_value, low_share = np.zeros_like(capacity), 1.0
    result = np.where(np.isnan(statistics["max"]), np.nan, 0.0)
    for name, share in _ABOVE:
        high = statistics[name]
        width = np.where(high > low_value, high - low_value, 1.0)
        line = low_share + (share - low_share) * (capacity - low_value) / width
        result = np.where((capacity >= low_value) & (capacity < high), line, result)
        low_value, low_share = high, share
    return np.clip(result, 0.0, 1.0)
