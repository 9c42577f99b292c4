"""Compare two listings row by row: an exact full join on paths, out of core.

Rows are paired by path. A path whose type differs (a file here, a directory there) is missing and extra at once: one
has to go before the other can come. Otherwise files, links and directories are compared by what means the same on
every file system: directories have no size, and their times follow their contents (compared only on demand), symbolic
links have no mode on Linux, and the contents of a link are its target. Checksums compare where both listings have one.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import (
    ListingRefusedError,
    open_listing,
    out_of_core,
    refuse_duplicates,
    refuse_paths,
    shown,
)
from include.fsx_migration.listings.listing_rows import PATH_FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from include.fsx_migration.listings.listing import Listing

KINDS: Final = ("size", "mtime", "mode", "owner", "checksum")
STEPS: Final = 4
_SHARE: Final = 0.88
"""Of a process's memory that DuckDB may count as its own; readers and Python take the rest (measured: 10 M rows)."""
_ROW_BYTES: Final = 130
"""Of a row in a hash join besides its path: facts, hash, pointers."""
_FOR_THE_JOIN: Final = 0.7
_TURNS_AT_MOST: Final = 8
_PATHS_LOOKED_AT: Final = 100_000
_CODES: Final = {"file": 0, "directory": 1, "symlink": 2}
_FILE, _DIRECTORY, _SYMLINK = _CODES.values()
_MODE_BITS: Final = 12
_TYPE_OF_S: Final = f"(s_bits >> {_MODE_BITS})"
_TYPE_OF_T: Final = f"(t_bits >> {_MODE_BITS})"
_BOTH: Final = f"path IS NOT NULL AND {_TYPE_OF_S} = {_TYPE_OF_T}"
_MISSING: Final = f"path IS NOT NULL AND s_bits IS NOT NULL AND {_TYPE_OF_S} IS DISTINCT FROM {_TYPE_OF_T}"
_EXTRA: Final = f"path IS NOT NULL AND t_bits IS NOT NULL AND {_TYPE_OF_S} IS DISTINCT FROM {_TYPE_OF_T}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What two listings have in common and what not, in rows of any type.

    :param changed: rows that differ, by kind; a row with two kinds counts in both.
    :param differing: rows that are on both sides with one type and differ in any kind.
    :param checksums: rows whose contents were compared.
    :param differences: the Parquet file: path, kind (missing, extra or one of `KINDS`), source_value, target_value.
    """

    same: int
    missing: int
    extra: int
    changed: dict[str, int]
    seconds: float
    differences: Path
    differing: int = 0
    checksums: int = 0
    source_rows: int = 0
    target_rows: int = 0

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.extra or self.differing)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of `landfall fsx reconcile --json`."""
        return {
            "same": self.same,
            "missing": self.missing,
            "extra": self.extra,
            "changed": dict(self.changed),
            "seconds": round(self.seconds, 3),
        }


def reconcile(
    source: Path,
    target: Path,
    *,
    out: Path,
    memory_limit: str = "1GB",
    mtime_tolerance_seconds: float = 0.0,
    compare: Collection[str] = frozenset(KINDS),
    directory_times: bool = False,
    announce: Callable[[int, str], None] | None = None,
) -> Reconciliation:
    """Compare two listings and write `out/differences.parquet`, ordered by path and kind.

    :param out: a folder; it is made.
    :param memory_limit: what this process keeps to, as 1GB; what is more goes through a temporary folder.
    :param mtime_tolerance_seconds: times this far apart count as equal.
    :param compare: kinds that count, of `KINDS`.
    :param directory_times: compare modification times of directories as well.
    :param announce: called with (steps done of `STEPS`, text).
    :raises ListingRefusedError: a listing cannot be meant, has a path twice, or the two have checksums of different
        algorithms.
    """
    started = time.perf_counter()
    tell = announce or (lambda _done, _text: None)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "differences.parquet"
    with out_of_core(memory_limit=_for_duckdb(memory_limit)) as connection:
        connection.execute("SET preserve_insertion_order = false").fetchall()
        tell(0, f"checking {source.name}")
        left = open_listing(connection, source, name="source")
        tell(1, f"checking {target.name}")
        # its paths are judged in the join: one that the source has as well was judged there
        right = open_listing(connection, target, name="target", judge_paths=False)
        tell(2, f"joining {left.facts.rows:,} and {right.facts.rows:,} rows")
        tests = _tests(mtime_tolerance_seconds, compare=compare, directory_times=directory_times)
        _join(connection, left, right, tests, turns=_turns(left, right, memory_limit))
        _refuse_odd(connection, right)
        counts = _counts(connection, tests)
        _refuse_twice(connection, left, right, counts)
        _refuse_algorithms(connection, left, right, tests)
        tell(3, "writing the differences")
        _write(connection, file, tests)
        tell(STEPS, "done")
    return Reconciliation(
        same=counts["same"],
        missing=counts["missing"],
        extra=counts["extra"],
        changed={kind: counts[kind] for kind in KINDS},
        differing=counts["differing"],
        checksums=counts["checksums"],
        source_rows=left.facts.rows,
        target_rows=right.facts.rows,
        differences=file,
        seconds=time.perf_counter() - started,
    )


def _tests(tolerance: float, *, compare: Collection[str], directory_times: bool) -> dict[str, str]:
    """Return the condition of each kind, for rows of one path and type; kinds that do not count are false."""
    microseconds = round(tolerance * 1_000_000)
    far = f"abs(epoch_us(s_mtime) - epoch_us(t_mtime)) > {microseconds}" if microseconds else "s_mtime <> t_mtime"
    tests = {
        "size": f"s_size <> t_size AND {_TYPE_OF_S} <> {_DIRECTORY}",
        "mtime": far if directory_times else f"{far} AND {_TYPE_OF_S} <> {_DIRECTORY}",
        "mode": f"s_bits <> t_bits AND {_TYPE_OF_S} <> {_SYMLINK}",
        "owner": "s_uid <> t_uid OR s_gid <> t_gid",
        "checksum": "coalesce(s_contents <> t_contents, false)",
    }
    return {kind: f"({test})" if kind in compare else "false" for kind, test in tests.items()}


def _join(connection: Any, left: Listing, right: Listing, tests: dict[str, str], *, turns: int) -> None:
    """Make the table `pairs`: one row for each path that differs, and some (path NULL) that count all others.

    The count of the others is what tells that no path stood twice in a listing, at the cost of one hash aggregate.
    Type and mode travel in one number: the join's memory goes by the width of a row.

    :param turns: the listings are read so many times, each time for another share of the paths.
    """
    known = all({"checksum", "target"} & set(listing.columns) for listing in (left, right))
    facts = ("bits", "size", "mtime", "uid", "gid", *(["contents"] if known else []))
    kept = ", ".join(f"any_value({side}_{fact}) FILTER (differs) AS {side}_{fact}" for fact in facts for side in "st")
    carried = ", ".join(f"{side}.{fact} AS {side}_{fact}" for fact in facts for side in "st")
    counted = [test for kind, test in tests.items() if known or kind != "checksum"]
    differs = " OR ".join(["s_bits IS NULL", "t_bits IS NULL", f"{_TYPE_OF_S} <> {_TYPE_OF_T}", *counted])
    read = f"{_TYPE_OF_S} = {_FILE} AND {_TYPE_OF_T} = {_FILE} AND s_contents IS NOT NULL AND t_contents IS NOT NULL"
    read = f"count(*) FILTER ({read})" if known else "NULL::VARCHAR AS s_contents, NULL::VARCHAR AS t_contents, 0"
    for turn in range(turns):
        share = f"hash(path) % {turns} = {turn}"
        ours, theirs = (_side(listing, contents=known, share=share) for listing in (left, right))
        joined = (
            f"FROM {ours} s FULL JOIN {theirs} t ON s.path = t.path SELECT coalesce(s.path, t.path) AS path, {carried}"
        )
        judged = f"FROM ({joined}) SELECT *, {differs} AS differs"
        chosen = "CASE WHEN differs THEN path END AS path, count(*) AS rows"
        begin = "INSERT INTO pairs" if turn else "CREATE TABLE pairs AS"
        connection.execute(f"{begin} FROM ({judged}) SELECT {chosen}, {kept}, {read} AS read GROUP BY 1").fetchall()


def _side(listing: Listing, *, contents: bool, share: str) -> str:
    """Return a listing with `bits` (mode, and the type above it) and `contents` (a checksum or a link's target)."""
    checksum = "nullif(checksum, '')" if "checksum" in listing.columns else "NULL"
    target = "nullif(target, '')" if "target" in listing.columns else "NULL"
    known = f", CAST(CASE type WHEN 'file' THEN {checksum} WHEN 'symlink' THEN {target} END AS VARCHAR) AS contents"
    codes = " ".join(f"WHEN '{name}' THEN {code << _MODE_BITS}" for name, code in _CODES.items())
    bits = f"mode + CASE type {codes} END AS bits"
    return f"(FROM {listing.sql} SELECT path, {bits}, size, mtime, uid, gid{known if contents else ''} WHERE {share})"


def _counts(connection: Any, tests: dict[str, str]) -> dict[str, int]:
    """Count rows by what became of them; `pairs` counts those with the path on both sides."""
    wanted = {
        "same": "path IS NULL",
        "missing": _MISSING,
        "extra": _EXTRA,
        "pairs": "path IS NULL OR (s_bits IS NOT NULL AND t_bits IS NOT NULL)",
        "differing": _BOTH,
        **{kind: f"{_BOTH} AND {test}" for kind, test in tests.items()},
    }
    sums = ", ".join(f"coalesce(sum(rows) FILTER ({condition}), 0)" for condition in wanted.values())
    (found,) = connection.execute(f"FROM pairs SELECT {sums}, coalesce(sum(read), 0)").fetchall()
    return {name: int(count) for name, count in zip((*wanted, "checksums"), found, strict=True)}


def _refuse_odd(connection: Any, right: Listing) -> None:
    faults = " OR ".join(f"({condition})" for condition, _ in PATH_FAULTS)
    query = f"FROM pairs SELECT count(*) WHERE path IS NOT NULL AND s_bits IS NULL AND ({faults})"
    if connection.execute(query).fetchall()[0][0]:
        refuse_paths(right)


def _refuse_twice(connection: Any, left: Listing, right: Listing, counts: dict[str, int]) -> None:
    """Refuse a listing with a path twice: then pairs and rows on one side alone do not add up to its rows."""
    for listing, here, there in ((left, "s_bits", "t_bits"), (right, "t_bits", "s_bits")):
        alone = f"{here} IS NOT NULL AND {there} IS NULL"
        query = f"FROM pairs SELECT coalesce(sum(rows), 0), coalesce(max(rows), 1) WHERE {alone}"
        ((rows, most),) = connection.execute(query).fetchall()
        if counts["pairs"] + int(rows) != listing.facts.rows or int(most) > 1:
            refuse_paths(right)  # a path that is NULL was counted with those that are the same
            refuse_duplicates(left)
            refuse_duplicates(right)


def _refuse_algorithms(connection: Any, left: Listing, right: Listing, tests: dict[str, str]) -> None:
    """Checksums are `<algorithm>:<digits>`; one without a colon is compared as it is."""
    by = "split_part({0}_contents, ':', 1)"
    ours, theirs = by.format("s"), by.format("t")
    named = f"contains(s_contents, ':') AND contains(t_contents, ':') AND {ours} <> {theirs}"
    found = connection.execute(
        f"FROM pairs SELECT path, {ours}, {theirs} "
        f"WHERE {_BOTH} AND {_TYPE_OF_S} = {_FILE} AND {tests['checksum']} AND {named} ORDER BY path LIMIT 1"
    ).fetchall()
    for path, ours, theirs in found:
        raise ListingRefusedError(
            f"{left.source} has checksums by {ours} and {right.source} by {theirs} (as of {shown(path)}): scan both "
            "with the same tool."
        )


def _write(connection: Any, file: Path, tests: dict[str, str]) -> None:
    """Write one row for each path and kind; values are text as people write them."""
    names = " ".join(f"WHEN {code} THEN '{name}'" for name, code in _CODES.items())
    type_text = f"CASE {{0}}_bits >> {_MODE_BITS} {names} END"
    values = {
        "size": "CAST({0}_size AS VARCHAR)",
        "mtime": "strftime({0}_mtime AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')",
        "mode": f"format('{{{{:04o}}}}', {{0}}_bits & {(1 << _MODE_BITS) - 1})",
        "owner": "{0}_uid || ':' || {0}_gid",
        "checksum": "{0}_contents",
    }
    selects = [_rows("missing", _MISSING, type_text), _rows("extra", _EXTRA, type_text)]
    selects += [_rows(kind, f"{_BOTH} AND {tests[kind]}", value) for kind, value in values.items()]
    ordered = f"FROM ({' UNION ALL '.join(selects)}) ORDER BY path, kind"
    quoted = str(file).replace("'", "''")
    connection.execute(f"COPY ({ordered}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)").fetchall()


def _rows(kind: str, condition: str, value: str) -> str:
    values = f"{value.format('s')} AS source_value, {value.format('t')} AS target_value"
    return f"(FROM pairs SELECT path, '{kind}' AS kind, {values} WHERE {condition})"


def _turns(left: Listing, right: Listing, memory_limit: str) -> int:
    """Return how often to read the listings so that a join's smaller side fits in memory.

    Reading again costs as much processor time as spilling to a disk, and no disk (measured: 10 M rows in 1 GB). More
    than a few turns cost more; then the join spills what is left.
    """
    smaller = min(left, right, key=lambda listing: listing.facts.rows)
    if not smaller.facts.rows:
        return 1
    view = smaller.connection.view(smaller.sql).limit(_PATHS_LOOKED_AT).aggregate("avg(strlen(path))")
    ((length,),) = view.fetchall()
    needed = smaller.facts.rows * (float(length) + _ROW_BYTES)
    return max(1, min(_TURNS_AT_MOST, math.ceil(needed / (_bytes(memory_limit) * _FOR_THE_JOIN))))


def _for_duckdb(memory_limit: str) -> str:
    """Return DuckDB's share of a limit for the whole process; text that is no size is left for DuckDB to refuse."""
    size = _bytes(memory_limit)
    return f"{size * _SHARE:.0f}B" if size else memory_limit


def _bytes(memory_limit: str) -> float:
    """Return a size as DuckDB reads it (GB is 10^9, GiB 2^30), 0 when it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B", memory_limit.strip(), re.IGNORECASE)
    if not found:
        return 0.0
    base = 1024 if found[3] else 1000
    return float(found[1]) * float(base ** ("KMGT".index(found[2].upper()) + 1))
