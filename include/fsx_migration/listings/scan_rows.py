"""Rows of a scan: what the walk hands over becomes batches of Parquet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from include.fsx_migration.listings.checksums import checksum
from include.fsx_migration.listings.directories import FACTS, Chunk, Unreadable

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_BATCH: Final = 131_072
_TYPES: Final = ("file", "directory", "symlink", "other")


class ScanRows:
    """Turns chunks into Parquet, in batches, and counts what it sees; the last batch is written when it closes.

    :param top: descriptor of the tree's root, to read files for their checksums.
    :param readers: files that are read at once.
    """

    def __init__(
        self, top: int, target: Path, *, checksum_paths: Collection[str] | Literal["all"], readers: int
    ) -> None:
        self.written = 0
        self.counts = dict.fromkeys(_TYPES, 0)
        self.bytes = self.vanished = self.checksums = 0
        self.unreadable: list[Unreadable] = []
        self.mounts: list[str] = []
        self.others: list[str] = []
        self._top = top
        self._target = target
        self._wanted = checksum_paths if checksum_paths == "all" else frozenset(checksum_paths)
        self._readers = ThreadPoolExecutor(readers, "checksum")
        self._writer: Any = None
        self._chunks: list[Chunk] = []
        self._waiting = 0

    def __enter__(self) -> ScanRows:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self._target, _schema(checksums=bool(self._wanted)), compression="zstd")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._readers.shutdown(cancel_futures=True)
            self._writer.close()

    def add(self, chunk: Chunk) -> bool:
        """Take a chunk; tell whether rows were written."""
        self.unreadable += [Unreadable(*found) for found in chunk.unreadable]
        self.mounts += chunk.mounts
        self.vanished += chunk.vanished
        if chunk.names:
            self._chunks.append(chunk)
            self._waiting += len(chunk.times) // 8
        if self._waiting < _BATCH:
            return False
        self._write()
        return True

    def _write(self) -> None:
        import pyarrow.compute as pc

        chunks, self._chunks, self._waiting = self._chunks, [], 0
        if not chunks:
            return
        table = _table(chunks)
        other = pc.equal(table["type"], "other")
        if pc.any(other).as_py():
            self.others += table["path"].filter(other).to_pylist()
            table = table.filter(pc.invert(other))
        if self._wanted:
            table = self._with_checksums(table)
        for kind in pc.value_counts(table["type"]).to_pylist():
            self.counts[kind["values"]] += kind["counts"]
        self.bytes += pc.sum(table["size"].filter(pc.equal(table["type"], "file"))).as_py() or 0
        self.written += len(table)
        self._writer.write_table(table.cast(self._writer.schema))

    def _with_checksums(self, table: Any) -> Any:
        """Read the wanted files; rows of files that are gone by now are left out."""
        import pyarrow as pa

        paths, files = table["path"].to_pylist(), table["type"].to_pylist()
        places = [
            place
            for place, (path, kind) in enumerate(zip(paths, files, strict=True))
            if kind == "file" and (self._wanted == "all" or path in self._wanted)
        ]
        sizes, times = table["size"].to_numpy(), table["mtime"].cast(pa.int64()).to_numpy()
        found: list[str | None] = [None] * len(paths)
        kept = [True] * len(paths)
        read = partial(_checksum_at, self._top, paths, sizes, times)
        for place, answer in zip(places, self._readers.map(read, places), strict=True):
            if isinstance(answer, str):
                found[place] = answer
                self.checksums += 1
            elif answer is None:
                kept[place] = False
                self.vanished += 1
            else:
                self.unreadable.append(answer)
        return table.append_column("checksum", pa.array(found, pa.string())).filter(pa.array(kept))


def _checksum_at(top: int, paths: list[str], sizes: Any, times: Any, place: int) -> str | Unreadable | None:
    return checksum(top, paths[place], size=int(sizes[place]), mtime_us=int(times[place]))


def _schema(*, checksums: bool) -> Any:
    import pyarrow as pa

    fields = [
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("mtime", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("mode", pa.int32(), nullable=False),
        pa.field("uid", pa.int64(), nullable=False),
        pa.field("gid", pa.int64(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("inode", pa.int64()),
        pa.field("links", pa.int32()),
        pa.field("target", pa.string()),
    ]
    return pa.schema([*fields, pa.field("checksum", pa.string())] if checksums else fields)


def _table(chunks: list[Chunk]) -> Any:
    import numpy as np
    import pyarrow as pa

    numbers = np.frombuffer(b"".join(chunk.numbers for chunk in chunks), np.uint64).reshape(-1, len(FACTS)).T
    facts = dict(zip(FACTS, numbers, strict=True))
    times = np.frombuffer(b"".join(chunk.times for chunk in chunks), np.int64)
    kinds = np.full(len(times), 3, np.int8)
    for kind, bits in enumerate((0o100000, 0o040000, 0o120000)):
        kinds[(facts["mode"] & np.uint64(0o170000)) == bits] = kind
    sizes = np.where(kinds == 1, 0, facts["size"]).astype(np.int64)
    columns = {
        "path": _names(b"".join(chunk.names for chunk in chunks)),
        "size": pa.array(sizes),
        "mtime": pa.array(times // 1_000, pa.int64()).cast(pa.timestamp("us", "UTC")),
        "mode": pa.array((facts["mode"] & np.uint64(0o7777)).astype(np.int32)),
        "uid": pa.array(facts["uid"].astype(np.int64)),
        "gid": pa.array(facts["gid"].astype(np.int64)),
        "type": pa.array(_TYPES).take(pa.array(kinds)),
        # some file systems number beyond 2^63: the bits are kept, which is enough to find hard links
        "inode": pa.array(facts["inode"].astype(np.int64)),
        "links": pa.array(facts["links"].astype(np.int32)),
        "target": _targets(chunks),
    }
    return pa.table(columns)


def _names(text: bytes) -> Any:
    """Make an Arrow array of texts that are ended by NULs, without an object for each."""
    import numpy as np
    import pyarrow as pa

    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(letters == 0)
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    data = letters[letters != 0]
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))


def _targets(chunks: list[Chunk]) -> Any:
    import pyarrow as pa

    targets: list[str | None] = []
    for chunk in chunks:
        some = [None] * (len(chunk.times) // 8)
        targets += [chunk.targets.get(place) for place in range(len(some))] if chunk.targets else some
    return pa.array(targets, pa.string())
