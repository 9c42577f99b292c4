"""How each client's counted requests grow, second by second: what detectors of any threshold look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Integers: TypeAlias = NDArray[np.int64]

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Progress:
    """Counted requests by client and second, in that order, without spared clients.

    :param names: clients in the order of `client`, which holds their positions.
    :param starts: per client, its first row; `total` its requests.
    :param first: per row, the first row of its client.
    :param running: per row, requests of its client in the minute so far; `paths` the different paths, likewise.
    :param through: per row, requests of its client up to and with it.
    """

    names: pa.Array
    client: Integers
    at: Integers
    starts: Integers
    total: Integers
    first: Integers
    running: Integers
    paths: Integers
    through: Integers


def progress_of(table: pa.Table, *, sliding: bool) -> Progress:
    """Return the growth of counts by the second (`at` are seconds; `path` as distinct error paths need it).

    :param sliding: the minute so far is the 60 seconds up to a row; else, and always for paths, the calendar minute.
    """
    import numpy as np

    names, client = _clients(table.column("client"))
    at = np.asarray(table.column("at"), dtype=np.int64)
    requests = np.asarray(table.column("requests"), dtype=np.int64)
    new_path = _first_asked(client, at, table.column("path"))
    order = np.lexsort((at, client))
    client, at, requests, new_path = client[order], at[order], requests[order], new_path[order]
    rows = starts_of(client, at)
    client, at = client[rows], at[rows]
    requests, new_path = _added(requests, rows), _added(new_path, rows)
    starts, first = starts_of(client), _first_of(client)
    through = _so_far(requests, first)
    minute = _first_of(client, at // _MINUTE)
    return Progress(
        names=names,
        client=client,
        at=at,
        starts=starts,
        first=first,
        running=_trailing(client, at, requests) if sliding else _so_far(requests, minute),
        paths=_so_far(new_path, minute),
        through=through,
        total=through[np.append(starts[1:], len(client))[: len(starts)] - 1],
    )


def _clients(column: pa.ChunkedArray) -> tuple[pa.Array, Integers]:
    """Return the different clients, sorted as text so that the order of rows does not matter, and each row's one."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[np.asarray(order)] = np.arange(len(order))
    return encoded.dictionary.take(order), ranks[np.asarray(encoded.indices)]


def starts_of(*keys: Integers) -> Integers:
    """Return where runs of equal keys begin."""
    import numpy as np

    new = np.zeros(len(keys[0]), dtype=np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def _first_of(*keys: Integers) -> Integers:
    """Return for each row the first row of its run of equal keys."""
    import numpy as np

    starts = starts_of(*keys)
    return np.repeat(starts, np.diff(np.append(starts, len(keys[0]))))


def _added(values: Integers, starts: Integers) -> Integers:
    import numpy as np

    added: Integers = np.add.reduceat(values, starts) if len(starts) else values
    return added


def _so_far(values: Integers, first: Integers) -> Integers:
    """Return the running sum of values since each row's first row."""
    import numpy as np

    sums = np.concatenate(([0], np.cumsum(values)))
    so_far: Integers = sums[1:] - sums[first]
    return so_far


def _trailing(client: Integers, at: Integers, requests: Integers) -> Integers:
    """Return each row's requests in the 60 seconds that end with its own."""
    import numpy as np

    if not len(at):
        return requests
    keys = client * (at.max() - at.min() + _MINUTE + 1) + (at - at.min())
    return _so_far(requests, np.searchsorted(keys, keys - _MINUTE, side="right"))


def _first_asked(client: Integers, at: Integers, path: pa.ChunkedArray) -> Integers:
    """Mark the rows in which a client asks for a path for the first time in a calendar minute."""
    import numpy as np
    import pyarrow as pa

    marks = np.zeros(len(client), dtype=np.int64)
    known = np.flatnonzero(np.asarray(path.is_valid()))
    if len(known):
        encoded = path.take(pa.array(known)).cast(pa.string()).combine_chunks().dictionary_encode()
        codes = np.asarray(encoded.indices, dtype=np.int64)
        order = np.lexsort((at[known], codes, at[known] // _MINUTE, client[known]))
        rows = known[order]
        marks[rows[starts_of(client[rows], at[rows] // _MINUTE, codes[order])]] = 1
    return marks
