"""When support of the estate's operating systems and databases ends."""

from __future__ import annotations

from typing import Any, Final

from include.discovery.delivery.counts import optional

_ENDS: Final = """
SELECT product, ends, count(*) AS count, CASE WHEN database_id IS NULL THEN 'servers' ELSE 'databases' END AS what
FROM end_of_support GROUP BY ALL ORDER BY ends, product, what"""


def ends_of_support(connection: Any) -> list[dict[str, Any]]:
    """Return {product, ends, count, what} of every product with a known end, the earliest first.

    They come from the table `end_of_support` that the strategies are made with; without it the list is empty.
    """
    return optional(connection, "end_of_support", _ENDS)
