"""Synthetic listings for the FSx benchmarks: many small files, a heavy tail of large ones, deep and full directories.

The shape follows what file servers of companies look like: 10 million files in about 146 thousand directories, paths
of about 75 characters, 11 TB of which a few files hold a large part. Rows come as a walk finds them: directory after
directory, in no order. Generated from a fixed seed; nothing is real.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

FILES = 10_000_000
FILES_VARIABLE = "LANDFALL_BENCH_FILES"
_BATCH = 1_000_000
_WORDS = (
    "archive", "projects", "finance", "drawings", "release", "customers", "scans", "reports", "images", "backup",
    "design", "quarterly", "inventory", "simulation", "contracts", "minutes", "training", "measurements", "studio",
    "migration",
)  # fmt: skip
_SUFFIXES = ("pdf", "docx", "dwg", "tif", "csv", "bin", "log", "xlsx", "mp4", "h5")


def wanted_files() -> int:
    """Return how many files a benchmark takes: 10 million, or what LANDFALL_BENCH_FILES says."""
    return int(os.environ.get(FILES_VARIABLE) or FILES)


def folder() -> Path:
    """Return the folder that keeps generated listings between runs; delete it when you like."""
    path = Path(tempfile.gettempdir()) / "landfall-bench-listings"
    path.mkdir(exist_ok=True)
    return path


def listing(files: int, *, seed: int = 1, drift: int = 0) -> Path:
    """Return a Parquet listing, made when it is not there yet.

    :param drift: 0 gives the source; any other number a target that misses, adds and changes a few files in 10,000.
    """
    target = folder() / f"walk-{files}-{seed}-{drift}.parquet"
    if not target.exists():
        part = target.with_suffix(".part")
        _write(part, files=files, seed=seed, drift=drift)
        part.rename(target)
    return target


def text_listing(files: int, *, seed: int = 1) -> Path:
    """Return the same listing as lines of "size path", which fpart reads."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    target = folder() / f"walk-{files}-{seed}.txt"
    if not target.exists():
        part = target.with_suffix(".part")
        with part.open("wb") as stream:
            for batch in pq.ParquetFile(listing(files, seed=seed)).iter_batches(columns=["path", "size"]):
                rows = pc.binary_join_element_wise(pc.cast(batch["size"], pa.string()), batch["path"], " ")
                stream.write(("\n".join(rows.to_pylist()) + "\n").encode())
        part.rename(target)
    return target


def _write(target: Path, *, files: int, seed: int, drift: int) -> None:
    import numpy as np
    import pyarrow.parquet as pq

    chance = np.random.default_rng(seed)
    directories = _directories(chance, max(1, files * 146 // 10_000))
    order = _walk_order(chance, files, len(directories), seed=seed)
    writer: Any = None
    for start in range(0, files, _BATCH):
        stop = min(start + _BATCH, files)
        table = _rows(order[start:stop], directories, seed=seed)
        if drift:
            table = _drifted(table, np.random.default_rng([drift, start]))
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


def _directories(chance: Any, count: int) -> Any:
    """Name directories as a tree: each below an earlier one, a few very deep."""
    import pyarrow as pa

    words = chance.integers(0, len(_WORDS), count)
    parents = (chance.random(count) ** 1.5 * chance.integers(1, 40, count)).astype(int)
    names = [_WORDS[0]]
    for number in range(1, count):
        parent = names[min(number - 1, int(parents[number] * number / 60))]
        parent = parent if parent.count("/") < 12 else names[0]
        names.append(f"{parent}/{_WORDS[words[number]]}-{number:x}")
    return pa.array(names, pa.string())


def _walk_order(chance: Any, files: int, directories: int, *, seed: int) -> Any:
    """Return file numbers as a walk meets them: directory by directory in any order, each whole, unsorted within."""
    import numpy as np

    turns = chance.permutation(directories).astype(np.int32)
    parts = [np.arange(start, min(start + _BATCH, files)) for start in range(0, files, _BATCH)]
    turn = np.concatenate(
        [turns[(_mixed(part, seed=seed) % np.uint64(directories)).astype(np.int64)] for part in parts]
    )
    return np.argsort(turn, kind="stable")


def _mixed(numbers: Any, *, seed: int) -> Any:
    """Return a pseudo-random number for each file number."""
    import numpy as np

    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    return mixed ^ (mixed >> np.uint64(29))


def _rows(numbers: Any, directories: Any, *, seed: int) -> Any:
    """Make the rows of file numbers; each row depends on its number alone, so that the order is free."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mixed = _mixed(numbers, seed=seed)
    uniform = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    folders = directories.take(pa.array((mixed % np.uint64(len(directories))).astype(np.int64)))
    suffixes = pa.array(_SUFFIXES).take(pa.array((mixed >> np.uint64(40)) % np.uint64(len(_SUFFIXES))))
    stems = pc.cast(pa.array(numbers), pa.string())
    names = pc.binary_join_element_wise("document-", stems, ".", "")
    names = pc.binary_join_element_wise(names, suffixes, "")
    other = ((mixed * np.uint64(0xD1342543DE82EF95)) >> np.uint64(11)).astype(np.float64) / 2.0**53
    sizes = np.minimum(np.exp(8.6 + 3.3 * _normal(uniform, other)), 4e11).astype(np.int64)
    moments = (1.3e15 + (uniform * 4.6e14)).astype(np.int64)
    return pa.table(
        {
            "path": pc.binary_join_element_wise(folders, names, "/"),
            "size": sizes,
            "mtime": pa.array(moments, pa.timestamp("us", "UTC")),
            "mode": np.where(uniform < 0.9, 0o644, 0o600).astype(np.int32),
            "uid": (1000 + (mixed % np.uint64(50)).astype(np.int64)),
            "gid": np.full(len(numbers), 100, np.int64),
            "type": pa.array(np.where(uniform < 0.999, "file", "symlink")),
        }
    )


def _normal(uniform: Any, other: Any) -> Any:
    """Turn two uniform numbers into a normal one (Box and Muller)."""
    import numpy as np

    return np.sqrt(-2.0 * np.log1p(-uniform)) * np.cos(2.0 * np.pi * other)


def _drifted(table: Any, chance: Any) -> Any:
    """Drop 15, add 5 and change 6 rows in 10,000."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    fate = chance.random(len(table))
    sizes = np.where((fate > 0.5) & (fate < 0.5006), table["size"].to_numpy() + 1, table["size"].to_numpy())
    table = table.set_column(1, "size", pa.array(sizes))
    extra = table.filter(pa.array((fate > 0.9) & (fate < 0.9005)))
    extra = extra.set_column(0, "path", pc.binary_join_element_wise(extra["path"], "~", ""))
    return pa.concat_tables([table.filter(pa.array(fate > 0.0015)), extra])
