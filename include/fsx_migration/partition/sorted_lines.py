"""The files of a listing in the order of their paths: as arrays in memory, and as lines of manifests, batch by batch.

The sorted rows stay with the query engine, in memory or on disk as its limit says.
"""

from __future__ import annotations

import csv
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import first_twin, refuse_paths, refuse_twin
from include.fsx_migration.listings.path_screening import look_over, offsets
from include.fsx_migration.partition.look_ahead import look_ahead
from include.fsx_migration.partition.manifests import (
    line_lengths,
    manifest_lines,
    needs_care,
    plain_lines,
    refusal,
    writable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from include.fsx_migration.listings.listing import Listing
    from include.fsx_migration.listings.path_screening import Letters

_BATCH: Final = 1 << 18
_TABLE: Final = "sorted"


@dataclass(frozen=True, slots=True)
class SortedLines:
    """Files and symbolic links that a manifest can hold, in the order of their paths, while the connection is open.

    :param sizes: int64 array, bytes of each file.
    :param lengths: uint16 array, bytes of each line.
    :param left_out: how many names no manifest can hold.
    :param is_plain: whether every sorted row is a file whose path is its line.
    """

    connection: Any
    sizes: Any
    lengths: Any
    left_out: int
    is_plain: bool

    def batches(self) -> Iterator[tuple[int, Any]]:
        """Yield the lines, each with its line break, as Arrow arrays with the place of their first."""
        start = 0
        for lines in look_ahead(
            _plain_lines if self.is_plain else _lines, self.connection.table(_TABLE).to_arrow_reader(_BATCH)
        ):
            yield start, lines
            start += len(lines)


def sort_lines(listing: Listing, *, left_out: Path) -> SortedLines:
    """Sort a listing's files by path, out of core.

    :param listing: opened without a look at its paths; they are judged here, where they are read anyway.
    :param left_out: CSV file (path, reason) that names what no manifest can hold; made only when there is such a name.
    :raises ListingRefusedError: a path cannot be meant, or two rows have it.
    """
    import numpy as np

    # a table is sorted by all threads, a stream by one
    wanted = listing.connection.view(listing.sql).project("path, size, type = 'directory' AS skip")
    wanted.order("path").create(_TABLE)
    rows = listing.facts.files + listing.facts.symlinks
    sizes, lengths = np.empty(rows, np.int64), np.empty(rows, np.uint16)
    kept, refused, before, care = 0, 0, "", False
    with ExitStack() as files:
        for seen in look_ahead(_look, listing.connection.table(_TABLE).to_arrow_reader(_BATCH)):
            if seen.is_suspicious:
                refuse_paths(listing)
            if twin := seen.first if seen.first == before else seen.twin:
                refuse_twin(listing, twin)
            before, care = seen.last, care or seen.needs_care
            if seen.left_out:
                rejects = files.enter_context(left_out.open("a", encoding="utf-8", newline=""))
                csv.writer(rejects, lineterminator="\n").writerows((name, refusal(name)) for name in seen.left_out)
                refused += len(seen.left_out)
            some = slice(kept, kept + len(seen.sizes))
            sizes[some], lengths[some] = seen.sizes, seen.lengths
            kept = some.stop
    is_plain = not care and kept == listing.facts.rows
    return SortedLines(listing.connection, sizes[:kept], lengths[:kept], refused, is_plain)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a batch of sorted rows holds.

    :param is_suspicious: a path may be one that cannot be meant; a closer look tells.
    :param needs_care: a line may be another text than its path.
    :param twin: the first path that stands twice, None where there is none.
    """

    first: str
    last: str
    twin: str | None
    is_suspicious: bool
    needs_care: bool
    left_out: list[str]
    sizes: Any
    lengths: Any


def _look(rows: Any) -> _Seen:
    paths = rows["path"]
    letters = look_over(paths)
    kept, left_out = _kept(rows, letters)
    return _Seen(
        first=paths[0].as_py(),
        last=paths[-1].as_py(),
        twin=first_twin(paths),
        is_suspicious=_is_suspicious(paths, letters),
        needs_care=needs_care(letters),
        left_out=left_out,
        sizes=kept["size"].to_numpy(),
        lengths=line_lengths(kept["path"], letters),
    )


def _lines(rows: Any) -> Any:
    letters = look_over(rows["path"])
    return manifest_lines(_kept(rows, letters)[0]["path"], letters)


def _plain_lines(rows: Any) -> Any:
    return plain_lines(rows["path"])


def _kept(rows: Any, letters: Letters) -> tuple[Any, list[str]]:
    """Return the rows that go into manifests, and the paths that should but cannot."""
    import pyarrow as pa

    holds, skip = writable(rows["path"], letters), rows["skip"].to_numpy(zero_copy_only=False)
    if holds.all() and not skip.any():
        return rows, []
    return rows.filter(pa.array(holds & ~skip)), rows["path"].filter(pa.array(~holds & ~skip)).to_pylist()


def _is_suspicious(paths: Any, letters: Letters) -> bool:
    """Tell whether any of `listing_rows.PATH_FAULTS` is possible, by a look at all paths in one and at their ends."""
    import numpy as np

    if paths.null_count or not np.diff(offsets(paths)).all():
        return True
    return letters.has_odd_pair or letters.has_nul or letters.starts_with(b"/") or letters.ends_with(b"/.")
