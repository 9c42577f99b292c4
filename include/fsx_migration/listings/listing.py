"""Listings of file trees, as Parquet or CSV: read out of core, and refused with the row when they cannot be meant.

Columns: path (relative to the root, see `path_text`), size (bytes, int64), mtime (UTC, microseconds), mode (permission
bits), uid, gid, type (file, directory or symlink), and, where known, checksum, inode, links and target (of symbolic
links); others are ignored. In CSV the header names the columns, an empty field is a missing value, mtime is ISO 8601
(without a zone: UTC) or seconds since the epoch, and mode is octal text, with or without leading zeros, as `find`'s %m.
Rows are counted from 1, the header not included.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing_rows import (
    FAULTS,
    OPTIONAL,
    PATH_FAULTS,
    REQUIRED,
    TYPES,
    casts,
    wrong_columns,
)
from include.fsx_migration.listings.path_text import escape_path, unescape_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "Listing", "ListingFacts", "ListingRefusedError", "escape_path", "first_twin", "normalise", "open_listing",
    "out_of_core", "refuse_duplicates", "refuse_paths", "refuse_twin", "shown", "unescape_path",
]  # fmt: skip
_LONGEST_SHOWN: Final = 200
_BATCH: Final = 1 << 17


class ListingRefusedError(ValueError):
    """A listing cannot be used; the sentence says which row and why."""


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """How much a listing holds; `bytes` are those of files."""

    files: int
    directories: int
    symlinks: int
    bytes: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.files + self.directories + self.symlinks


@dataclass(frozen=True, slots=True)
class Listing:
    """An open listing: `sql` names a view of the connection with `columns` in canonical types, and `row_number`."""

    source: Path
    connection: Any
    sql: str
    columns: tuple[str, ...]
    facts: ListingFacts


@contextmanager
def out_of_core(*, memory_limit: str, threads: int | None = None) -> Iterator[Any]:
    """Open a DuckDB connection that keeps to a memory limit (as "1GB") and puts what is more in a temporary folder.

    :raises ListingRefusedError: what is done with it needs more memory or disk than there is.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="landfall-") as folder:
        settings: dict[str, Any] = {"memory_limit": memory_limit, "temp_directory": folder}
        if threads:
            settings["threads"] = threads
        try:
            connection = duckdb.connect(":memory:", config=settings)
        except duckdb.Error as error:
            raise ListingRefusedError(f"{memory_limit} is no memory limit ({error}): write it as 1GB.") from None
        try:
            connection.execute("SET TimeZone = 'UTC'").fetchall()
            yield connection
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise ListingRefusedError(
                f"{memory_limit} of memory and {folder} are too small ({_first_line(error)}): allow more."
            ) from error
        finally:
            connection.close()


def open_listing(connection: Any, source: Path, *, name: str = "listing", judge_paths: bool = True) -> Listing:
    """Check every row of a Parquet or CSV listing, duplicates excepted, and return it for queries.

    :param name: how the listing's view is called in the connection; letters and underscores.
    :param judge_paths: whether paths are checked now; who reads them all may call `refuse_paths` when one looks odd.
    :raises ListingRefusedError: it cannot be read, lacks a column, or a row cannot be meant; the first one is named.
    """
    import duckdb

    try:
        columns = _view(connection, source, name)
        faults = (*PATH_FAULTS, *FAULTS) if judge_paths else FAULTS
        _refuse_rows(connection, source, name, faults)
        counts = ", ".join(f"count(*) FILTER (WHERE type = '{kind}')" for kind in TYPES)
        size = "coalesce(sum(size) FILTER (WHERE type = 'file'), 0)"
        found = connection.view(name).aggregate(f"{counts}, {size}").fetchall()[0]
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except (duckdb.Error, OSError) as error:
        raise ListingRefusedError(f"{source} cannot be read as a listing: {_first_line(error)}") from None
    return Listing(source, connection, name, columns, ListingFacts(*(int(number) for number in found)))


def normalise(source: Path, out: Path, *, memory_limit: str = "1GB") -> ListingFacts:
    """Write a listing as canonical Parquet, in the order of its paths, and return what it holds.

    :param out: it appears when it is whole.
    :raises ListingRefusedError: see `open_listing`; also for a path that two rows have.
    """
    import pyarrow.parquet as pq

    part = out.with_name(f"{out.name}.part")
    with out_of_core(memory_limit=memory_limit) as connection:
        listing = open_listing(connection, source)
        # a table is sorted by all threads, a stream by one
        connection.view(listing.sql).project(", ".join(listing.columns)).order("path").create("sorted")
        reader, before = connection.table("sorted").to_arrow_reader(_BATCH), ""
        try:
            with pq.ParquetWriter(part, reader.schema, compression="zstd") as writer:
                for batch in reader:
                    paths = batch["path"]
                    if twin := before if paths[0].as_py() == before else first_twin(paths):
                        refuse_twin(listing, twin)
                    before = paths[-1].as_py()
                    writer.write_batch(batch)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        return listing.facts


def refuse_duplicates(listing: Listing) -> None:
    """Raise ListingRefusedError when two rows have one path, with both rows.

    Rows are counted by 128-bit digests first, which needs little memory; only a surplus is looked for by path.
    """
    view = listing.connection.view(listing.sql)
    if not view.aggregate("count(*) - count(DISTINCT md5_number(path))").fetchall()[0][0]:
        return
    twins = view.aggregate("path, count(*) AS times", "path").filter("times > 1").order("path").limit(1).fetchall()
    for path, _ in twins:
        refuse_twin(listing, path)


def refuse_paths(listing: Listing) -> None:
    """Raise ListingRefusedError when a row's path cannot be meant; only needed after `judge_paths=False`."""
    with _aside(listing) as connection:
        _refuse_rows(connection, listing.source, listing.sql, PATH_FAULTS)


def first_twin(paths: Any) -> str | None:
    """Return the first path that follows itself in an Arrow array of sorted paths, None when each stands once."""
    import pyarrow.compute as pc

    if len(paths) < 2:
        return None
    place = pc.index(pc.equal(paths[1:], paths[:-1]), value=True).as_py()
    return None if place < 0 else str(paths[place])


def refuse_twin(listing: Listing, path: str) -> None:
    """Raise ListingRefusedError for a path that stands twice, with the first two rows that have it."""
    query = f"FROM {listing.sql} SELECT row_number WHERE path = ? ORDER BY row_number LIMIT 2"
    with _aside(listing) as connection:
        (first,), (second,) = connection.execute(query, [path]).fetchall()
    raise ListingRefusedError(
        f"{listing.source}: rows {first} and {second} both are {shown(path)}: a listing names every path once."
    )


def shown(path: str | None) -> str:
    """Return a path for a message: quoted, without line breaks, cut when it is long."""
    text = repr(path)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text)} characters)"


@contextmanager
def _aside(listing: Listing) -> Iterator[Any]:
    """Open a second connection to the same database: the first may be in the middle of a result."""
    with listing.connection.cursor() as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        yield connection


def _view(connection: Any, source: Path, name: str) -> tuple[str, ...]:
    with source.open("rb") as file:
        is_csv = file.read(4) != b"PAR1"
    # brackets make the engine take a star or a bracket in the file's name as it is
    place = re.sub(r"([*?\[])", r"[\1]", str(source))
    if is_csv:
        rows = connection.read_csv(
            place, header=True, all_varchar=True, sep=",", quotechar='"', escapechar='"', strict_mode=True,
            null_padding=False, hive_partitioning=False, compression="auto_detect",
        )  # fmt: skip
    else:
        rows = connection.read_parquet(place, file_row_number=True, hive_partitioning=False)
    found = {column: str(kind) for column, kind in zip(rows.columns, rows.types, strict=True)}
    found.pop("file_row_number", None)
    if wrong := wrong_columns(found, is_csv=is_csv):
        raise ListingRefusedError(f"{source} {wrong}.")
    if is_csv:
        # rows are numbered once, in the file's order
        rows.project("*, row_number() OVER () AS row_number").create(f"{name}_rows")
        rows = connection.table(f"{name}_rows")
    number = "row_number" if is_csv else "file_row_number + 1 AS row_number"
    columns = (*REQUIRED, *(column for column in OPTIONAL if column in found))
    rows.project(f"{casts(columns, is_csv=is_csv)}, {number}").create_view(name)
    return columns


def _refuse_rows(connection: Any, source: Path, name: str, faults: tuple[tuple[str, str], ...]) -> None:
    """Look for the first row with any fault, and, only when there is one, for which it is."""
    view = connection.view(name)
    # a filter stops at the first condition that a row meets
    any_fault = " OR ".join(f"({condition})" for condition, _ in faults)
    row = view.filter(any_fault).aggregate("min(row_number)").fetchall()[0][0]
    if row is None:
        return
    conditions = ", ".join(f"({condition})" for condition, _ in faults)
    path, *answers = view.filter(f"row_number = {int(row)}").project(f"path, {conditions}").fetchall()[0]
    sentence = next(sentence for bad, (_, sentence) in zip(answers, faults, strict=True) if bad)
    raise ListingRefusedError(f"{source}, row {row} ({shown(path)}): {sentence}.")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
