"""Split a listing into balanced manifests, in bounded memory: the same manifests for any order of its rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import ListingRefusedError, open_listing, out_of_core
from include.fsx_migration.listings.path_screening import offsets
from include.fsx_migration.partition.balancing import deal, lower_bound, part_sums
from include.fsx_migration.partition.look_ahead import look_ahead
from include.fsx_migration.partition.manifests import MAX_MANIFEST_BYTES
from include.fsx_migration.partition.sorted_lines import sort_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.fsx_migration.partition.sorted_lines import SortedLines

COST_PER_FILE_BYTES: Final = 1 << 20
"""What handling a file costs besides its bytes, as bytes: the round trips to open, stamp and verify it."""
MOST_PARTS: Final = 10_000
STEPS: Final = 4
LEFT_OUT: Final = "left-out.csv"


@dataclass(frozen=True, slots=True)
class Part:
    """One manifest: `cost` is its bytes plus the cost of its files."""

    index: int
    manifest: str
    files: int
    bytes: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A listing split into manifests.

    :param max_over_mean: cost of the dearest part by the mean; 1 is perfect.
    :param lower_bound: what `max_over_mean` is at least, however files are dealt (see `balancing.lower_bound`).
    :param raised_from: the parts asked for, where a limit took more; else None.
    :param lowered_from: the parts asked for, where there are fewer files; else None.
    :param left_out: names that no manifest can hold; `left-out.csv` has them with the reason.
    :param directories: rows that are the closing pass's.
    """

    parts: tuple[Part, ...]
    files: int
    bytes: int
    cost_per_file_bytes: int
    max_over_mean: float
    lower_bound: float
    raised_from: int | None
    left_out: int
    seconds: float
    directories: int = 0
    lowered_from: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; `parts` is their number, `manifests` has one entry for each."""
        names = (
            "files", "bytes", "cost_per_file_bytes", "max_over_mean", "lower_bound", "raised_from", "lowered_from",
            "left_out", "directories", "seconds",
        )  # fmt: skip
        rows = [
            {"manifest": part.manifest, "files": part.files, "bytes": part.bytes, "cost": part.cost}
            for part in self.parts
        ]
        return {"parts": len(self.parts), **{name: getattr(self, name) for name in names}, "manifests": rows}


def partition(
    listing: Path,
    *,
    parts: int,
    out: Path,
    max_files: int | None = None,
    max_manifest_bytes: int = MAX_MANIFEST_BYTES,
    cost_per_file_bytes: int = COST_PER_FILE_BYTES,
    memory_limit: str = "2GB",
    announce: Callable[[int, str], None] | None = None,
) -> Partition:
    """Write `part-0000.csv` and so on into a folder and return what each holds.

    Files and symbolic links go into exactly one manifest each, in the order of their paths; directories do not. The
    folder is made; manifests of an earlier run in it are replaced.

    :param parts: manifests wanted; more are made where a limit asks for it, fewer where there are fewer files.
    :param memory_limit: of the query engine, as "2GB"; arrays of 30 bytes a file come on top.
    :param announce: called with (step of `STEPS`, text).
    :raises ListingRefusedError: the listing cannot be meant (see `open_listing`), names a path twice, or holds no file.
    :raises ValueError: a number is out of its range, or `out` is no folder.
    """
    started = time.perf_counter()
    say = announce or (lambda _done, _text: None)
    _refuse_numbers(parts, max_files, cost_per_file_bytes, max_manifest_bytes)
    _clear(out)
    with out_of_core(memory_limit=memory_limit) as connection:
        say(0, "checking the listing")
        opened = open_listing(connection, listing, judge_paths=False)
        say(1, f"sorting {opened.facts.rows:,} rows by path")
        lines = sort_lines(opened, left_out=out / LEFT_OUT)
        if not len(lines.sizes):
            raise ListingRefusedError(
                f"{listing} names no file that a manifest can hold: there is nothing to partition."
            )
        say(2, f"dealing {len(lines.sizes):,} files over parts")
        costs = lines.sizes + cost_per_file_bytes
        chosen, count, bound = _deal(costs, lines, parts, max_files, max_manifest_bytes)
        say(3, f"writing {count:,} manifests")
        _write(lines, chosen, count, out)
    made = _parts(lines.sizes, chosen, count, cost_per_file_bytes)
    say(STEPS, "done")
    total = sum(part.cost for part in made)
    return Partition(
        parts=made,
        files=len(lines.sizes),
        bytes=sum(part.bytes for part in made),
        cost_per_file_bytes=cost_per_file_bytes,
        max_over_mean=max(part.cost for part in made) * count / total if total else 1.0,
        lower_bound=bound,
        raised_from=parts if count > parts else None,
        lowered_from=parts if count < parts else None,
        left_out=lines.left_out,
        directories=opened.facts.directories,
        seconds=time.perf_counter() - started,
    )


def _refuse_numbers(parts: int, max_files: int | None, cost_per_file_bytes: int, max_manifest_bytes: int) -> None:
    if not 1 <= parts <= MOST_PARTS:
        raise ValueError(f"{parts} parts cannot be made: choose 1 to {MOST_PARTS}.")
    if max_files is not None and max_files < 1:
        raise ValueError(f"At most {max_files} files in a part leaves no file: choose 1 or more.")
    if not 0 <= cost_per_file_bytes <= 1 << 40:
        raise ValueError(f"A file cannot cost {cost_per_file_bytes} bytes: choose 0 to {1 << 40}.")
    if max_manifest_bytes < 1:
        raise ValueError(f"A manifest of {max_manifest_bytes} bytes holds nothing: choose 1 or more.")


def _clear(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{out} cannot be made a folder ({error.strerror}): name another.") from None
    for stale in (*out.glob("part-*.csv"), out / LEFT_OUT):
        stale.unlink(missing_ok=True)


def _deal(
    costs: Any, lines: SortedLines, wanted: int, max_files: int | None, max_manifest_bytes: int
) -> tuple[Any, int, float]:
    """Return the part of each file, the number of parts, more of them until every limit holds, and the lower bound."""
    import numpy as np

    files = len(costs)
    count = min(max(wanted, -(-files // max_files) if max_files else 1), files)
    # nothing to balance by: every file counts the same
    weights = costs if costs.any() else np.ones(files, np.int64)
    while True:
        if count > MOST_PARTS:
            raise ValueError(
                f"The limits ask for more than {MOST_PARTS} parts: allow more files or bytes in a manifest."
            )
        bound = lower_bound(weights, count, max_files=max_files)
        chosen = deal(weights, count, max_files=max_files, bound=bound)
        longest = int(part_sums(chosen, lines.lengths, count).max())
        if longest <= max_manifest_bytes:
            return chosen, count, bound
        if count == files:
            raise ValueError(f"A name alone passes {max_manifest_bytes} bytes: allow longer manifests.")
        count = min(files, max(count + 1, count * longest // max_manifest_bytes))


def _write(lines: SortedLines, chosen: Any, count: int, out: Path) -> None:
    """Append each batch's lines to the manifests of their parts; a file is open only for a run of lines."""
    for part in range(count):
        (out / _name(part)).touch()
    for runs in look_ahead(partial(_runs, chosen), lines.batches(), threads=1):
        for part, text in runs:
            with (out / _name(part)).open("ab") as stream:
                stream.write(text)


def _runs(chosen: Any, batch: tuple[int, Any]) -> list[tuple[int, Any]]:
    """Return the text of each part within a batch of lines: a view where they are neighbours, else a copy."""
    import numpy as np
    import pyarrow as pa

    start, lines = batch
    parts = chosen[start : start + len(lines)]
    # sorted by radix, which numpy does for 16 bits alone
    order = np.argsort(parts.astype(np.int16), kind="stable")
    runs = []
    for run in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1) if len(lines) else ():
        first, last = int(run[0]), int(run[-1])
        some = lines.slice(first, len(run)) if last - first + 1 == len(run) else lines.take(pa.array(run))
        ends = offsets(some)
        runs.append((int(parts[first]), some.buffers()[2][int(ends[0]) : int(ends[-1])]))
    return runs


def _parts(sizes: Any, chosen: Any, count: int, cost_per_file_bytes: int) -> tuple[Part, ...]:
    import numpy as np

    files = np.bincount(chosen, minlength=count)
    held = part_sums(chosen, sizes, count)
    return tuple(
        Part(part, _name(part), int(files[part]), int(held[part]), int(held[part] + files[part] * cost_per_file_bytes))
        for part in range(count)
    )


def _name(part: int) -> str:
    return f"part-{part:04d}.csv"
