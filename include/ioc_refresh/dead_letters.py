"""What was refused since the last refresh: counted in its summary, so that nothing is lost in silence."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from include.ioc_refresh.lake import Lake

MOST_READ = 200
"""Letters that are opened for their reasons; all are counted."""


def count_dead_letters(lake: Lake, keys: Sequence[str]) -> dict[str, Any]:
    """Return `count`, and `reasons` of the first 200 letters, the most frequent first.

    A reason is cut at its first colon to the field or rule it names: values from hostile mail stay in their letters.
    """
    reasons = Counter(str(lake.get_json(key)["reason"]).partition(":")[0] for key in keys[:MOST_READ])
    return {"count": len(keys), "opened": min(len(keys), MOST_READ), "reasons": dict(reasons.most_common())}
