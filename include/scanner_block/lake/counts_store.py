"""The counts of recent hours in the lake: a late log reopens its minutes without being read together with the others.

`scanner/counts/source=<name>/hour=<YYYY-MM-DD-HH>/<version>.parquet`: the rows that one run counted for one hour. A run
only ever adds objects; the sum over the valid ones (`CountFiles`) is the hour.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from include.scanner_block.counts import counts_schema
from include.scanner_block.lake.deletions import delete_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from include.object_store import ObjectStore
    from include.scanner_block.lake.count_files import CountFiles

HOUR_FORMAT: Final = "%Y-%m-%d-%H"
SECONDS: Final = 3600
READERS: Final = 8
"""Requests at a time: an object is small, so its time is that of the round trip."""

ROW_GROUP: Final = 1_000_000


class CountsMissingError(RuntimeError):
    """Objects of counts that a commit relies on were deleted; `missing` holds them as (source, hour, version)."""

    is_final = True

    def __init__(self, store: ObjectStore, missing: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__(
            f"{len(missing)} objects of counts are gone, the first is {store.uri(_path(*missing[0]))}; "
            "put them back (earlier versions of the objects), or let the run go on without these hours."
        )
        self.missing = missing


def hour_text(moment: datetime) -> str:
    """Return the hour of a moment (aware) as the counts' folders name it."""
    return moment.astimezone(UTC).strftime(HOUR_FORMAT)


def write_counts(store: ObjectStore, *, source: str, version: str, counts: pa.Table) -> list[str]:
    """Write what a run counted for a source, one object for each hour, and return the hours (`YYYY-MM-DD-HH`).

    Writing the same counts again gives the same objects. A row takes about 8 bytes (1 M rows of 100,000 clients:
    7.9 MB, written in 1.1 s).
    """
    import numpy as np
    import pyarrow.compute as pc

    rows = _sorted(counts.select(counts_schema().names).cast(counts_schema()))
    hours = pc.floor(pc.divide(pc.cast(rows.column("at"), "float64"), SECONDS)).cast("int64").to_numpy()
    values, starts = np.unique(hours, return_index=True)
    names = [_hour_name(value) for value in values.tolist()]
    for name, start, end in zip(names, starts.tolist(), [*starts.tolist(), rows.num_rows][1:], strict=True):
        store.put_bytes(store.key(_path(source, name, version)), _parquet(rows.slice(start, end - start)))
    return names


def touched_hours(hours: Iterable[str], *, sliding_minute: bool) -> list[str]:
    """Return the hours whose offences may have changed: with sliding minutes those beside too."""
    beside = (-1, 0, 1) if sliding_minute else (0,)
    return sorted({_beside(hour, step) for hour in hours for step in beside})


def read_hours(store: ObjectStore, source: str, hours: Iterable[str], *, files: CountFiles) -> pa.Table:
    """Return all counts of a source in some hours; `files` says which objects are valid (with the running version's).

    The same key may stand in several rows: one for each run that counted it.

    :raises CountsMissingError: valid objects are gone.
    """
    import pyarrow as pa

    wanted = [(source, hour, version) for hour, version in files.of(source, hours)]
    with ThreadPoolExecutor(READERS) as readers:
        tables = list(readers.map(lambda file: _read(store, *file), wanted))
    if missing := tuple(file for file, table in zip(wanted, tables, strict=True) if table is None):
        raise CountsMissingError(store, missing)
    return pa.concat_tables([counts_schema().empty_table(), *tables])


def prune_counts(store: ObjectStore, *, files: CountFiles, sequence: int) -> int:
    """Delete counts that the newest commit (`sequence`, `files`) does not rely on; return how many objects.

    Those are hours that nothing can be added to any more, sources no longer read, and what runs wrote that never
    committed. Objects of later sequences belong to a run that is under way.
    """
    valid = {store.key(_path(*file)) for file in files}
    old = [
        key for key in store.list_keys("counts", "") if key not in valid and _sequence_of(key) in range(sequence + 1)
    ]
    return delete_keys(store, old)


def _read(store: ObjectStore, source: str, hour: str, version: str) -> pa.Table | None:
    import pyarrow.parquet as pq

    try:
        body = store.get_bytes(store.key(_path(source, hour, version)))
    except store.client.exceptions.NoSuchKey:
        return None
    return pq.read_table(io.BytesIO(body), schema=counts_schema(), use_threads=False)


def _parquet(rows: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd", row_group_size=ROW_GROUP, use_dictionary=["client", "uri"])
    return sink.getvalue()


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in ("at", "client", "uri", "path", "last", "requests")])


def _path(source: str, hour: str, version: str) -> str:
    return f"counts/source={source}/hour={hour}/{version}.parquet"


def _sequence_of(key: str) -> int:
    """Return the sequence of the version that wrote an object of counts; -1 for a name that is none of ours."""
    number = key.rpartition("/")[2].partition("-")[0]
    return int(number) if number.isdecimal() else -1


def _hour_name(hours: int) -> str:
    """Return the folder's name of an hour since 1970; of any year, for a damaged log may name any."""
    import numpy as np

    return str(np.datetime64(hours, "h")).replace("T", "-")


def _beside(hour: str, step: int) -> str:
    import numpy as np

    day, _, number = hour.rpartition("-")
    return str(np.datetime64(f"{day}T{number}", "h") + np.timedelta64(step, "h")).replace("T", "-")
