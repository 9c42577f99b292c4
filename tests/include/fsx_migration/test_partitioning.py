"""Partitions: every path once, balanced, the same for any order, within every limit."""

from __future__ import annotations

import csv
import random
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.listings.listing import ListingRefusedError
from include.fsx_migration.listings.path_text import escape_path
from include.fsx_migration.partition import sorted_lines
from include.fsx_migration.partition.balancing import deal, lower_bound
from include.fsx_migration.partition.look_ahead import look_ahead
from include.fsx_migration.partition.manifests import read_manifest
from include.fsx_migration.partition.partitioning import Partition, partition

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2026, 5, 31, tzinfo=UTC)


def heavy_tail(count: int, *, seed: int = 1) -> Any:
    chance = np.random.default_rng(seed)
    return np.minimum(np.exp(8.6 + 3.3 * chance.standard_normal(count)), 4e11).astype(np.int64)


def tree(target: Path, sizes: Any, *, order: list[int] | None = None, kinds: dict[int, str] | None = None) -> Path:
    """Write a listing with a file of each size, 30 in a directory."""
    order = list(range(len(sizes))) if order is None else order
    paths = [f"projects/reports-{number // 30:05d}/document-{number}.pdf" for number in order]
    return listing(
        target, paths, [int(sizes[number]) for number in order], [(kinds or {}).get(n, "file") for n in order]
    )


def listing(target: Path, paths: list[str], sizes: list[int], kinds: list[str] | None = None) -> Path:
    count = len(paths)
    columns = {
        "path": pa.array(paths, pa.string()),
        "size": pa.array(sizes, pa.int64()),
        "mtime": pa.array([MOMENT] * count, pa.timestamp("us", "UTC")),
        "mode": pa.array([0o644] * count, pa.int32()),
        "uid": pa.array([0] * count, pa.int64()),
        "gid": pa.array([0] * count, pa.int64()),
        "type": pa.array(kinds or ["file"] * count, pa.string()),
    }
    pq.write_table(pa.table(columns), target)
    return target


def named(made: Partition, out: Path) -> list[str]:
    return [path for part in made.parts for path in read_manifest(out / part.manifest)]


def texts(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_every_file_and_link_is_in_one_manifest_and_no_directory(tmp_path: Path) -> None:
    sizes = heavy_tail(3_000)
    source = tree(tmp_path / "l.parquet", sizes, kinds={7: "directory", 8: "symlink", 2_999: "directory"})
    made = partition(source, parts=7, out=tmp_path / "out")
    paths = pq.read_table(source).filter(pc.field("type") != "directory")["path"].to_pylist()
    assert sorted(named(made, tmp_path / "out")) == sorted(paths)
    assert (made.files, made.directories, made.left_out) == (2_998, 2, 0)
    assert made.bytes == sizes.sum() - sizes[7] - sizes[2_999]


def test_what_is_said_of_a_part_is_what_its_manifest_holds(tmp_path: Path) -> None:
    sizes = heavy_tail(2_000)
    source = tree(tmp_path / "l.parquet", sizes)
    made = partition(source, parts=5, out=tmp_path / "out", cost_per_file_bytes=100)
    table = pq.read_table(source)
    size_of = dict(zip(table["path"].to_pylist(), table["size"].to_pylist(), strict=True))
    for part in made.parts:
        paths = list(read_manifest(tmp_path / "out" / part.manifest))
        assert (part.files, part.bytes) == (len(paths), sum(size_of[path] for path in paths))
        assert part.cost == part.bytes + 100 * part.files
    costs = [part.cost for part in made.parts]
    assert made.max_over_mean == pytest.approx(max(costs) / (sum(costs) / 5))
    document = made.to_dict()
    assert document["parts"] == len(document["manifests"]) == 5
    assert sum(part["files"] for part in document["manifests"]) == document["files"] == 2_000


def test_another_order_of_rows_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, order = heavy_tail(5_000), list(range(5_000))
    partition(tree(tmp_path / "1.parquet", sizes), parts=9, out=tmp_path / "1")
    random.Random(5).shuffle(order)
    monkeypatch.setattr(sorted_lines, "_BATCH", 777)
    partition(tree(tmp_path / "2.parquet", sizes, order=order), parts=9, out=tmp_path / "2")
    assert texts(tmp_path / "1") == texts(tmp_path / "2")


@pytest.mark.parametrize("files", [30_000, 3_000])
def test_neighbours_stay_together_and_manifests_are_in_order(tmp_path: Path, files: int) -> None:
    made = partition(tree(tmp_path / "l.parquet", np.full(files, 1_000)), parts=8, out=tmp_path / "out")
    homes: dict[str, set[int]] = {}
    for part in made.parts:
        paths = list(read_manifest(tmp_path / "out" / part.manifest))
        assert paths == sorted(paths)
        for path in paths:
            homes.setdefault(path.rpartition("/")[0], set()).add(part.index)
    assert len(homes) == files // 30
    assert sum(len(parts) - 1 for parts in homes.values()) <= 7, "a directory is split only where two parts meet"


@pytest.mark.parametrize("parts", [16, 64, 256])
def test_a_heavy_tail_is_balanced_to_a_thousandth_of_the_bound(parts: int) -> None:
    costs = heavy_tail(400_000) + (1 << 20)
    loads = np.bincount(deal(costs, parts), weights=costs, minlength=parts)
    assert loads.max() / loads.mean() <= 1.001 * lower_bound(costs, parts)


@pytest.mark.parametrize("slack", [0, 1, 50, 5_000])
@pytest.mark.parametrize("shape", ["tail", "clustered"])
def test_a_limit_of_files_keeps_the_balance_near_the_bound(shape: str, slack: int) -> None:
    files, parts = 60_000, 24
    costs = heavy_tail(files) + (1 << 20)
    if shape == "clustered":  # a region of tiny files and one of large ones, which no pouring balances
        costs = np.repeat([1 << 20, 30 << 20], files // 2)
    limit = files // parts + slack
    chosen = deal(costs, parts, max_files=limit)
    loads, counts = np.bincount(chosen, weights=costs, minlength=parts), np.bincount(chosen, minlength=parts)
    assert counts.max() <= limit
    assert loads.max() / loads.mean() <= 1.001 * lower_bound(costs, parts, max_files=limit)


@settings(max_examples=150)
@given(st.lists(st.integers(1, 1_000) | st.integers(1, 10**15), min_size=1, max_size=60), st.data())
def test_any_files_are_dealt_within_the_limits_and_above_the_bound(sizes: list[int], data: st.DataObject) -> None:
    costs = np.array(sizes, np.int64)
    parts = data.draw(st.integers(1, len(sizes)))
    limit = data.draw(st.none() | st.integers(-(-len(sizes) // parts), len(sizes)))
    chosen = deal(costs, parts, max_files=limit)
    loads, counts = np.bincount(chosen, weights=costs, minlength=parts), np.bincount(chosen, minlength=parts)
    assert chosen.min() >= 0
    assert len(counts) == parts
    assert counts.max() <= (limit or len(sizes))
    bound, ratio = lower_bound(costs, parts, max_files=limit), loads.max() / loads.mean()
    assert 1.0 <= bound <= ratio * (1 + 1e-9)
    if limit is None:
        # pouring adds no more than one small file to what dealing the dearest first guarantees (4/3)
        assert ratio <= bound * 4 / 3 + 1 / 1000


def test_small_cases_have_the_bound_that_can_be_reached() -> None:
    assert lower_bound(np.array([4, 4, 4]), 2) == pytest.approx(8 / 6)
    assert lower_bound(np.array([10, 1, 1]), 3) == pytest.approx(10 / 4)
    # two parts of two files at most: the dearest file cannot be alone
    assert lower_bound(np.array([9, 2, 2, 3]), 2, max_files=2) == pytest.approx(11 / 8)
    assert lower_bound(np.array([5, 5]), 2) == 1.0


def test_too_many_files_for_the_parts_make_more_parts(tmp_path: Path) -> None:
    source = tree(tmp_path / "l.parquet", heavy_tail(1_001))
    made = partition(source, parts=3, max_files=100, out=tmp_path / "out")
    assert (len(made.parts), made.raised_from) == (11, 3)
    assert max(part.files for part in made.parts) <= 100
    assert len(set(named(made, tmp_path / "out"))) == 1_001
    assert partition(source, parts=11, max_files=100, out=tmp_path / "out").raised_from is None


def test_manifests_keep_to_their_size(tmp_path: Path) -> None:
    source = tree(tmp_path / "l.parquet", heavy_tail(2_000))
    made = partition(source, parts=2, max_manifest_bytes=9_000, out=tmp_path / "out")
    sizes = [(tmp_path / "out" / part.manifest).stat().st_size for part in made.parts]
    assert max(sizes) <= 9_000
    assert made.raised_from == 2
    assert made.files == 2_000
    with pytest.raises(ValueError, match="A name alone passes 10 bytes"):
        partition(source, parts=2, max_manifest_bytes=10, out=tmp_path / "other")


def test_more_parts_than_files_make_one_for_each(tmp_path: Path) -> None:
    made = partition(tree(tmp_path / "l.parquet", [1, 2, 3]), parts=5, out=tmp_path / "out")
    assert (len(made.parts), made.lowered_from, made.raised_from) == (3, 5, None)
    assert [part.files for part in made.parts] == [1, 1, 1]


def test_files_without_any_cost_are_dealt_by_number(tmp_path: Path) -> None:
    made = partition(tree(tmp_path / "l.parquet", [0] * 90), parts=3, cost_per_file_bytes=0, out=tmp_path / "out")
    assert [part.files for part in made.parts] == [30, 30, 30]
    assert (made.max_over_mean, made.lower_bound) == (1.0, 1.0)


def test_sums_are_exact_beyond_what_doubles_hold(tmp_path: Path) -> None:
    sizes = [2**62 - 1, 1, 3]
    made = partition(tree(tmp_path / "l.parquet", sizes), parts=2, out=tmp_path / "out", cost_per_file_bytes=1)
    assert sorted(part.bytes for part in made.parts) == [4, 2**62 - 1]
    assert made.bytes == sum(sizes)


def test_names_no_manifest_can_hold_are_named_and_counted(tmp_path: Path) -> None:
    good = ["a,b", 'say "hi"', "two\nlines", "cr\r", " led", escape_path(rb"dos\xff"), "é", "d/" + "x" * 250]
    bad = [escape_path(b"latin-\xe9"), "/".join(["y" * 200] * 6)]
    source = listing(tmp_path / "l.parquet", [*good, *bad, "directory"], [1] * 11, ["file"] * 10 + ["directory"])
    made = partition(source, parts=2, out=tmp_path / "out")
    assert sorted(named(made, tmp_path / "out")) == sorted(good)
    with (tmp_path / "out" / "left-out.csv").open(encoding="utf-8", newline="") as stream:
        assert dict(csv.reader(stream)) == {
            bad[0]: "the name is no UTF-8",
            bad[1]: "the path is longer than 1024 bytes",
        }
    assert (made.left_out, made.files, made.bytes) == (2, 8, 8)


def test_a_second_run_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = listing(tmp_path / "1.parquet", [escape_path(b"\xff"), "a", "b", "c"], [1] * 4)
    partition(source, parts=3, out=out)
    (out / "notes.txt").write_text("mine")
    partition(listing(tmp_path / "2.parquet", ["a", "b", "c"], [1] * 3), parts=1, out=out)
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", "part-0000.csv"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("/etc/passwd", "row 3 .*absolute"),
        ("../x", "row 3 .*goes through"),
        ("a/./x", "row 3 .*goes through"),
        ("a/..", "row 3 .*goes through"),
        ("a//x", "row 3 .*empty part"),
        ("a/", "row 3 .*empty part"),
        ("", "row 3 .*empty"),
        ("nul\0", "row 3 .*NUL"),
        ("b", "rows 2 and 3 both are 'b'"),
    ],
)
def test_a_listing_that_cannot_be_meant_is_refused_with_its_row(
    tmp_path: Path, bad: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = listing(tmp_path / "l.parquet", ["a", "b", bad, "c"], [1] * 4)
    for batch in (1, 1 << 18):
        monkeypatch.setattr(sorted_lines, "_BATCH", batch)
        with pytest.raises(ListingRefusedError, match=sentence):
            partition(source, parts=2, out=tmp_path / "out")


def test_odd_names_that_are_fine_are_not_refused(tmp_path: Path) -> None:
    paths = ["a.", "a./b", "x/...", "..y", "z/.git/config"]
    made = partition(listing(tmp_path / "l.parquet", paths, [1] * 5), parts=1, out=tmp_path / "out")
    assert named(made, tmp_path / "out") == sorted(paths)


def test_a_listing_without_files_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for number, source in enumerate(
        (listing(tmp_path / "1", [], []), listing(tmp_path / "2", ["d"], [0], ["directory"]))
    ):
        with pytest.raises(ListingRefusedError, match="there is nothing to partition"):
            partition(source, parts=2, out=tmp_path / f"out-{number}")


@pytest.mark.parametrize("wrong", [{"parts": 0}, {"parts": 10_001}, {"max_files": 0}, {"cost_per_file_bytes": -1}])
def test_numbers_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    source = tree(tmp_path / "l.parquet", [1, 2, 3])
    with pytest.raises(ValueError, match="choose"):
        partition(source, out=tmp_path / "out", **{"parts": 1, **wrong})
    with pytest.raises(ValueError, match="more than 10000 parts"):
        partition(tree(tmp_path / "l.parquet", [1] * 10_001), parts=1, max_files=1, out=tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot be made a folder"):
        partition(source, parts=1, out=tmp_path / "file" / "below")


def test_less_memory_than_the_listing_needs_is_enough(tmp_path: Path) -> None:
    count = 300_000
    paths = [f"{'deep/' * 12}document-{number:07d}" for number in range(count)]
    random.Random(1).shuffle(paths)
    made = partition(
        listing(tmp_path / "l.parquet", paths, [1] * count), parts=4, out=tmp_path / "out", memory_limit="64MB"
    )
    assert made.files == count
    lines = Counter(line for path in (tmp_path / "out").iterdir() for line in path.read_text().splitlines())
    assert len(lines) == sum(lines.values()) == count


def test_work_ahead_comes_in_order_and_its_failure_is_raised() -> None:
    assert list(look_ahead(lambda number: number * 2, range(50), threads=4, waiting=7)) == list(range(0, 100, 2))

    def fail(number: int) -> int:
        return 1 // (number - 3)

    with pytest.raises(ZeroDivisionError):
        list(look_ahead(fail, range(10)))
