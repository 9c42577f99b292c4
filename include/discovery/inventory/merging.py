"""Which rows are one machine: union by keys, the strongest first, never against a stronger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.discovery.inventory.keys import IDENTITIES, LEVELS, NAME_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.discovery.inventory.settings import InventorySettings

    Array = Any
    """A one-dimensional numpy array of int64."""


@dataclass(frozen=True, slots=True)
class Level:
    """Keys of one strength: `rows[i]` carries `keys[i]` (0, 1, ...); `most` machines may share one (0: any number)."""

    rows: Array
    keys: Array
    once_in_a_source: bool = False
    most: int = 0


def merge(levels: Sequence[Level], identities: Sequence[Array], sources: Array) -> tuple[Array, list[Array]]:
    """Return the machine of each row (0, 1, ...) and, for each level, the keys that were not used.

    A key is not used when it would join rows with two values of one identity (a cloned id), when one source has it on
    two machines (`once_in_a_source`), or when too many have it. The answer does not depend on the order of rows.

    :param identities: for each kind of identity the value of each row, -1 where it has none.
    :param sources: number of the source of each row.
    """
    import numpy as np

    machines: Array = np.arange(len(sources))
    unused: list[Array] = []
    for level in levels:
        bad = _contradicted(level, machines, identities) | _repeated(level, machines, sources)
        joined = _join(machines, level, ~bad)
        torn = _torn(joined, identities)
        if torn.any():
            bad[level.keys[torn[joined[level.rows]]]] = True
            joined = _join(machines, level, ~bad)
        machines = joined
        unused.append(np.flatnonzero(bad))
    return machines, unused


def merge_rows(connection: Any, *, settings: InventorySettings) -> None:
    """Create `inv_machines` (row_no, machine) and `inv_unused` (level, key) from `inv_rows` and `inv_keys`."""
    import numpy as np
    import pyarrow as pa

    read = connection.execute("SELECT source_id, tool FROM inv_rows ORDER BY row_no").fetchnumpy()
    sources, tools = np.asarray(read["source_id"], dtype=np.int64), np.asarray(read["tool"], dtype=object)
    codes, names = [], []
    levels = []
    for number, kind in enumerate(LEVELS):
        found = connection.execute(
            "SELECT row_no, hash(key) AS code FROM inv_keys WHERE level = ? ORDER BY ALL", [number]
        ).fetchnumpy()
        distinct, keys = np.unique(np.asarray(found["code"]), return_inverse=True)
        most = settings.mac_machines if kind == "mac_addresses" else 0
        levels.append(
            Level(np.asarray(found["row_no"], dtype=np.int64), keys.astype(np.int64), kind in NAME_LEVELS, most)
        )
        names.append(distinct)
    for number, kind in enumerate(IDENTITIES):
        codes.extend(_identities(levels[number], tools, by_tool=kind not in ("smbios_id", "moref")))
    machines, unused = merge(levels, codes, sources)
    connection.register("inv_found", pa.table({"row_no": np.arange(len(sources)), "machine": machines}))
    connection.execute("CREATE OR REPLACE TEMP TABLE inv_machines AS FROM inv_found").fetchall()
    connection.unregister("inv_found")
    _keep_unused(connection, names, unused)


def _keep_unused(connection: Any, names: list[Array], unused: list[Array]) -> None:
    import numpy as np
    import pyarrow as pa

    level = np.concatenate([np.full(len(keys), number) for number, keys in enumerate(unused)])
    code = np.concatenate([names[number][keys].astype(np.uint64) for number, keys in enumerate(unused)])
    connection.register("inv_found", pa.table({"level": level, "code": code}))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE inv_unused AS SELECT DISTINCT k.level, key FROM inv_keys k "
        "JOIN inv_found f ON f.level = k.level AND f.code = hash(key)"
    ).fetchall()
    connection.unregister("inv_found")


def _identities(level: Level, tools: Array, *, by_tool: bool) -> list[Array]:
    import numpy as np

    value: Array = np.full(len(tools), -1, dtype=np.int64)
    value[level.rows] = level.keys
    if not by_tool:
        return [value]
    return [np.where(tools == tool, value, -1) for tool in sorted(set(tools[level.rows]))]


def _spread(groups: Array, values: Array, count: int) -> Array:
    """Return for each group whether it has two different values (those of -1 are none)."""
    import numpy as np

    low = np.full(count, np.iinfo(np.int64).max)
    high = np.full(count, -1, dtype=np.int64)
    known = values >= 0
    np.minimum.at(low, groups[known], values[known])
    np.maximum.at(high, groups[known], values[known])
    return (high >= 0) & (high > low)


def _contradicted(level: Level, machines: Array, identities: Sequence[Array]) -> Array:
    import numpy as np

    count = int(level.keys.max()) + 1 if len(level.keys) else 0
    pairs = np.unique(level.keys * (len(machines) + 1) + machines[level.rows])
    keys, members = pairs // (len(machines) + 1), pairs % (len(machines) + 1)
    shared = np.bincount(keys, minlength=count)
    bad = shared > (level.most or len(machines) + 1)
    for values in identities:
        held: Array = np.full(len(machines), -1, dtype=np.int64)
        known = values >= 0
        held[machines[known]] = values[known]
        bad |= _spread(keys, held[members], count)
    return bad & (shared > 1)


def _repeated(level: Level, machines: Array, sources: Array) -> Array:
    import numpy as np

    count = int(level.keys.max()) + 1 if len(level.keys) else 0
    bad: Array = np.zeros(count, dtype=bool)
    if level.once_in_a_source and count:
        width = int(sources.max()) + 1
        groups, inverse = np.unique(level.keys * width + sources[level.rows], return_inverse=True)
        bad[groups[_spread(inverse, machines[level.rows], len(groups))] // width] = True
    return bad


def _join(machines: Array, level: Level, usable: Array) -> Array:
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    kept = usable[level.keys] if len(level.keys) else np.zeros(0, dtype=bool)
    count = len(machines)
    size = count + len(usable)
    begin, end = machines[level.rows[kept]], level.keys[kept] + count
    graph = coo_array((np.ones(len(begin), dtype=np.int8), (begin, end)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][:count][machines]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _torn(machines: Array, identities: Sequence[Array]) -> Array:
    import numpy as np

    count = int(machines.max()) + 1 if len(machines) else 0
    bad: Array = np.zeros(count, dtype=bool)
    for values in identities:
        bad |= _spread(machines, values, count)
    return bad
