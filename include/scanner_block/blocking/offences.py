"""Who is outstanding in a table of counts: by requests in one minute, by path, and by different paths."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from include.scanner_block.blocking.state_model import Offence, Offences

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from include.scanner_block.policy_model import LogFormat, Rules

    Integers: TypeAlias = NDArray[np.int64]
    Flags: TypeAlias = NDArray[np.bool_]

MINUTE: Final = 60
_NEVER: Final = -(2**62)
"""Stands for "in no minute" where a time is expected; earlier than every time of a log."""


def find_offences(table: pa.Table, *, rules: Rules, log_format: LogFormat) -> Offences:
    """Return the clients that reach a threshold in some minute, or in any 60 seconds where `rules.sliding_minute`.

    A client's general count is of all its rows, those of watched paths included; a path's own count comes in addition.
    The order of rows and how they are split among tables do not matter.

    :param table: as `counts.counts_schema` says, with every row of the minutes in question (and, when sliding, of the
        60 seconds around).
    """
    if table.num_rows == 0:
        return Offences()
    peaks = _sliding_peaks if rules.sliding_minute else _calendar_peaks
    rows = _sorted_rows(table)
    variety = _Variety({}, {})
    if rules.distinct_error_paths is not None and not log_format.counts_every_request:
        variety = _path_variety(rows, table.column("path"), least=rules.distinct_error_paths)
    general = _offences(rows, peaks(rows, rules.threshold(log_format)), variety)
    by_uri = {
        uri: found
        for uri, own_rows, threshold in _watched(table, rules.uris(log_format))
        if (found := _offences(own_rows, peaks(own_rows, threshold), _Variety({}, {})))
    }
    return Offences(general=general, uri=by_uri)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Counted rows by client and time; `client` are positions in `names`, `order` those in the table."""

    names: pa.Array
    client: Integers
    at: Integers
    last: Integers
    requests: Integers
    order: Integers


@dataclass(frozen=True, slots=True)
class _Peaks:
    """By client: its largest count, and its last request in an outstanding minute (`_NEVER` where there is none)."""

    client: Integers
    most: Integers
    last: Integers


@dataclass(frozen=True, slots=True)
class _Variety:
    """By client that asked for enough different paths in one minute: how many at most, and its last such request."""

    most: dict[int, int]
    last: dict[int, int]


def _sorted_rows(table: pa.Table) -> _Rows:
    import numpy as np
    import pyarrow as pa

    encoded = table.column("client").cast(pa.string()).combine_chunks().dictionary_encode()
    client = np.asarray(encoded.indices, dtype=np.int64)
    at = np.asarray(table.column("at"), dtype=np.int64)
    order = np.argsort(_client_times(client, at))
    return _Rows(
        names=encoded.dictionary,
        client=client[order],
        at=at[order],
        last=np.asarray(table.column("last"), dtype=np.int64)[order],
        requests=np.asarray(table.column("requests"), dtype=np.int64)[order],
        order=order,
    )


def _client_times(client: Integers, at: Integers) -> Integers:
    """Return one number per row that orders by client, then time; two clients are more than a minute apart."""
    first = at.min()
    keys: Integers = client * (at.max() - first + MINUTE + 1) + (at - first)
    return keys


def _starts(*keys: Integers) -> Integers:
    """Return where runs of equal keys begin."""
    import numpy as np

    new = np.ones(len(keys[0]), dtype=np.bool_)
    new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(new)


def _calendar_peaks(rows: _Rows, threshold: int) -> _Peaks:
    import numpy as np

    minutes = _starts(rows.client, rows.at // MINUTE)
    counts = np.add.reduceat(rows.requests, minutes)
    last = np.maximum.reduceat(rows.last, minutes)
    return _peaks(rows.client[minutes], counts, np.where(counts >= threshold, last, _NEVER))


def _sliding_peaks(rows: _Rows, threshold: int) -> _Peaks:
    """A fullest window begins with a request, so the windows that begin at each row are enough."""
    import numpy as np

    keys = _client_times(rows.client, rows.at)
    ends = np.searchsorted(keys, keys + MINUTE)
    sums = np.concatenate(([0], np.cumsum(rows.requests)))
    counts = sums[ends] - sums[:-1]
    return _peaks(rows.client, counts, np.where(_covered(counts >= threshold, ends), rows.last, _NEVER))


def _covered(outstanding: Flags, ends: Integers) -> Flags:
    """Return which rows lie in an outstanding window; a window is of the rows from its own to before its end."""
    import numpy as np

    steps = np.zeros(len(outstanding) + 1, dtype=np.int64)
    steps[:-1] += outstanding
    np.subtract.at(steps, ends[outstanding], 1)
    covered: Flags = np.cumsum(steps)[:-1] > 0
    return covered


def _peaks(client: Integers, counts: Integers, last: Integers) -> _Peaks:
    import numpy as np

    clients = _starts(client)
    return _Peaks(client[clients], np.maximum.reduceat(counts, clients), np.maximum.reduceat(last, clients))


def _path_variety(rows: _Rows, path: pa.ChunkedArray, *, least: int) -> _Variety:
    """Count different paths per client and calendar minute; only minutes with enough rows are looked into."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    minutes = _starts(rows.client, rows.at // MINUTE)
    sizes = np.diff(np.append(minutes, len(rows.client)))
    minute = np.repeat(np.arange(len(minutes)), sizes)
    asked = np.asarray(pc.is_valid(path))[rows.order]
    candidates = np.flatnonzero(asked & (sizes >= least)[minute])
    if not len(candidates):
        return _Variety({}, {})
    encoded = path.take(pa.array(rows.order[candidates])).cast(pa.string()).combine_chunks().dictionary_encode()
    pairs = np.sort(minute[candidates] * len(encoded.dictionary) + np.asarray(encoded.indices, dtype=np.int64))
    different = np.bincount(pairs[_starts(pairs)] // len(encoded.dictionary), minlength=len(minutes))
    last = np.where(different >= least, np.maximum.reduceat(rows.last, minutes), _NEVER)
    peaks = _peaks(rows.client[minutes], different, last)
    found = np.flatnonzero(peaks.most >= least)
    clients = peaks.client[found].tolist()
    return _Variety(
        dict(zip(clients, peaks.most[found].tolist(), strict=True)),
        dict(zip(clients, peaks.last[found].tolist(), strict=True)),
    )


def _watched(table: pa.Table, thresholds: dict[str, int]) -> Iterator[tuple[str, _Rows, int]]:
    """Yield each watched path that was asked for, its rows and its threshold."""
    import pyarrow.compute as pc

    if not thresholds:
        return
    asked = table.filter(pc.is_valid(table.column("uri")))
    for uri, threshold in sorted(thresholds.items()):
        own = asked.filter(pc.equal(asked.column("uri"), uri))
        if own.num_rows:
            yield uri, _sorted_rows(own), threshold


def _offences(rows: _Rows, peaks: _Peaks, variety: _Variety) -> dict[str, Offence]:
    import numpy as np

    various = np.isin(peaks.client, np.fromiter(variety.most, dtype=np.int64))
    found = np.flatnonzero((peaks.last > _NEVER) | various)
    columns = (peaks.client[found].tolist(), peaks.most[found].tolist(), peaks.last[found].tolist())
    names = rows.names.take(columns[0]).to_pylist() if len(found) else []
    return {
        name: Offence(
            max_per_minute=most,
            at=datetime.fromtimestamp(max(last, variety.last.get(client, _NEVER)), UTC),
            distinct_error_paths=variety.most.get(client),
        )
        for name, client, most, last in zip(names, *columns, strict=True)
    }
