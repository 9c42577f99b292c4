"""The groups to plan, with sizes, ranks and pins, and the traffic between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from include.discovery.waves.settings import WaveSettings

# A group follows its most common pin; of equal ones the earlier.
_GROUPS: Final = """
WITH pins AS (SELECT application_group, CAST(regexp_extract(wave, '([0-9]+)', 1) AS INTEGER) AS pin, count(*) AS servers
    FROM groups JOIN servers USING (server_id) WHERE regexp_matches(coalesce(wave, ''), '^\\D*0*[1-9][0-9]{0,3}\\D*$')
    GROUP BY application_group, pin QUALIFY row_number() OVER (PARTITION BY application_group ORDER BY count(*)
      DESC, pin) = 1)
SELECT g.application_group, count(*) AS servers, round(coalesce(sum(s.storage_gib), 0), 3) AS storage,
  bool_and(g.is_hub) AS is_hub,
  min(p.rank) AS rank, min(n.pin) AS pin
FROM groups g JOIN servers s USING (server_id) LEFT JOIN priorities p USING (application_group) LEFT JOIN pins n
  USING (application_group)
GROUP BY g.application_group ORDER BY g.application_group"""
_TRAFFIC: Final = """
WITH number AS (SELECT application_group, row_number() OVER (ORDER BY application_group) - 1 AS n FROM groups
  GROUP BY application_group),
  placed AS (SELECT server_id, n FROM groups JOIN number USING (application_group))
SELECT least(x.n, y.n) AS a, greatest(x.n, y.n) AS b, sum(e.count)::BIGINT AS count
FROM edges e JOIN placed x ON x.server_id = e.server_a JOIN placed y ON y.server_id = e.server_b
WHERE NOT e.is_hub_edge AND x.n <> y.n GROUP BY ALL ORDER BY a, b"""


@dataclass(slots=True)
class Group:
    """A group; `number` is its place in the order of names."""

    number: int
    name: str
    servers: int
    storage: float
    is_hub: bool
    rank: int
    pin: int | None
    peers: dict[int, int] = field(default_factory=dict)
    """Connections by the number of the other group."""


def read_groups(connection: Any, settings: WaveSettings) -> list[Group]:
    """Return the groups by number; needs `groups`, `servers`, `edges` and `priorities` (which may be empty)."""
    rows = connection.execute(_GROUPS).fetchall()
    groups = [
        Group(
            number,
            name,
            servers,
            storage,
            is_hub,
            rank if rank is not None else len(rows),
            settings.pinned.get(name, pin),
        )
        for number, (name, servers, storage, is_hub, rank, pin) in enumerate(rows)
    ]
    for a, b, count in connection.execute(_TRAFFIC).fetchall():
        groups[a].peers[b] = groups[b].peers[a] = count
    return groups
