"""Two listings are compared exactly: every row is counted once, and every difference is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.listings.listing import ListingRefusedError, open_listing, out_of_core
from include.fsx_migration.reconciliation import reconciling
from include.fsx_migration.reconciliation.reconciling import KINDS, reconcile

if TYPE_CHECKING:
    from pathlib import Path

    from include.fsx_migration.reconciliation.reconciling import Reconciliation

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("size", pa.int64()),
        ("mtime", pa.timestamp("us", "UTC")),
        ("mode", pa.int32()),
        ("uid", pa.int64()),
        ("gid", pa.int64()),
        ("type", pa.string()),
        ("checksum", pa.string()),
        ("target", pa.string()),
    ]
)


def row(path: str, **facts: Any) -> dict[str, Any]:
    plain = {"size": 10, "mtime": AT, "mode": 0o644, "uid": 1000, "gid": 100, "type": "file"}
    return {"path": path, **plain, "checksum": None, "target": None, **facts}


def write(path: Path, rows: list[dict[str, Any]], *, without: tuple[str, ...] = ()) -> Path:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table.drop_columns(list(without)), path)
    return path


def compare(
    folder: Path, left: list[dict[str, Any]], right: list[dict[str, Any]], **options: Any
) -> tuple[Reconciliation, list[tuple[Any, ...]]]:
    source, target = write(folder / "source.parquet", left), write(folder / "target.parquet", right)
    found = reconcile(source, target, out=folder / "out", **options)
    return found, [tuple(difference.values()) for difference in pq.read_table(found.differences).to_pylist()]


def test_equal_listings_have_no_difference_in_any_order(tmp_path: Path) -> None:
    rows = [row(f"d/{number}") for number in range(50)]
    found, differences = compare(tmp_path, rows, rows[::-1])
    assert (found.same, found.missing, found.extra, found.is_same, differences) == (50, 0, 0, True, [])


def test_every_kind_of_difference_is_written_with_both_values(tmp_path: Path) -> None:
    left = [
        row("a"),
        row("gone"),
        row("both", size=11, mtime=AT + timedelta(microseconds=1)),
        row("mode", mode=0o600),
        row("owner", gid=7),
        row("sum", checksum="blake2b:aa"),
    ]
    right = [
        row("a"),
        row("new", type="symlink"),
        row("both"),
        row("mode", mode=0o4755),
        row("owner"),
        row("sum", checksum="blake2b:ab"),
    ]
    found, differences = compare(tmp_path, left, right)
    assert found.to_dict() | {"seconds": 0} == {
        "same": 1,
        "missing": 1,
        "extra": 1,
        "changed": {"size": 1, "mtime": 1, "mode": 1, "owner": 1, "checksum": 1},
        "seconds": 0,
    }
    assert found.differing == 4
    assert differences == [
        ("both", "mtime", "2026-03-01T12:00:00.000001Z", "2026-03-01T12:00:00.000000Z"),
        ("both", "size", "11", "10"),
        ("gone", "missing", "file", None),
        ("mode", "mode", "0600", "4755"),
        ("new", "extra", None, "symlink"),
        ("owner", "owner", "1000:7", "1000:100"),
        ("sum", "checksum", "blake2b:aa", "blake2b:ab"),
    ]


def test_a_path_of_another_type_is_missing_and_extra(tmp_path: Path) -> None:
    found, differences = compare(tmp_path, [row("a")], [row("a", type="directory")])
    assert (found.same, found.missing, found.extra, found.differing) == (0, 1, 1, 0)
    assert differences == [("a", "extra", "file", "directory"), ("a", "missing", "file", "directory")]


def test_size_and_time_of_a_directory_say_nothing_unless_asked(tmp_path: Path) -> None:
    left = [row("d", type="directory", size=4096), row("e", type="directory", mode=0o700)]
    right = [row("d", type="directory", mtime=AT + timedelta(hours=1)), row("e", type="directory", mode=0o755)]
    assert compare(tmp_path, left, right)[0].changed == dict.fromkeys(KINDS, 0) | {"mode": 1}
    assert compare(tmp_path, left, right, directory_times=True)[0].changed["mtime"] == 1


def test_the_contents_of_a_link_are_its_target_and_its_mode_is_none(tmp_path: Path) -> None:
    left = [row("l", type="symlink", target="a"), row("m", type="symlink", mode=0o777, target="a")]
    right = [row("l", type="symlink", target="b"), row("m", type="symlink", mode=0o755, target="")]
    found, differences = compare(tmp_path, left, right)
    assert differences == [("l", "checksum", "a", "b")]
    assert found.checksums == 0


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 1), (0.5, 1), (1.0, 0), (2.0, 0)])
def test_times_within_the_tolerance_are_equal(tmp_path: Path, seconds: float, expected: int) -> None:
    options = {"mtime_tolerance_seconds": seconds}
    found, _ = compare(tmp_path, [row("a")], [row("a", mtime=AT - timedelta(seconds=1))], **options)
    assert found.changed["mtime"] == expected


def test_contents_are_compared_only_where_both_sides_were_read(tmp_path: Path) -> None:
    left = [row("a", checksum="blake2b:1"), row("b", checksum="blake2b:1"), row("c"), row("d", checksum="")]
    right = [row("a", checksum="blake2b:1"), row("b"), row("c", checksum="blake2b:1"), row("d", checksum="blake2b:1")]
    found, differences = compare(tmp_path, left, right)
    assert (found.checksums, found.same, differences) == (1, 4, [])


def test_a_kind_that_does_not_count_makes_no_difference(tmp_path: Path) -> None:
    found, differences = compare(tmp_path, [row("a", mode=0, uid=1)], [row("a")], compare={"size", "mode"})
    assert found.changed == dict.fromkeys(KINDS, 0) | {"mode": 1}
    assert [kind for _, kind, _, _ in differences] == ["mode"]


def test_checksums_of_different_algorithms_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ListingRefusedError, match=r"by md5 and .* by blake2b"):
        compare(tmp_path, [row("a", checksum="md5:1")], [row("a", checksum="blake2b:1")])


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("where", ["both", "alone", "differing"])
def test_a_path_that_stands_twice_is_refused_with_its_rows(tmp_path: Path, side: str, where: str) -> None:
    once = [row("a"), row("b", size=1 if where == "differing" else 10)]
    twice = [row("a"), row("b"), row("b")]
    other = [row("a")] if where == "alone" else once
    left, right = (twice, other) if side == "source" else (other, twice)
    with pytest.raises(ListingRefusedError, match=rf"{side}.parquet: rows 2 and 3 both are 'b'"):
        compare(tmp_path, left, right)


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(("path", "told"), [("../b", "goes through"), ("/b", "is absolute"), (None, "is empty")])
def test_a_path_that_cannot_be_meant_is_refused_on_either_side(
    tmp_path: Path, side: str, path: str | None, told: str
) -> None:
    good, bad = [row("a"), row("b")], [row("a"), row("b") | {"path": path}]
    left, right = (bad, good) if side == "source" else (good, bad)
    with pytest.raises(ListingRefusedError, match=rf"{side}.parquet, row 2 .*{told}"):
        compare(tmp_path, left, right)


def test_listings_without_optional_columns_are_compared_as_well(tmp_path: Path) -> None:
    source = write(tmp_path / "source.parquet", [row("a", checksum="blake2b:1"), row("b")])
    target = write(tmp_path / "target.parquet", [row("a"), row("b", size=3)], without=("checksum", "target"))
    found = reconcile(source, target, out=tmp_path / "out")
    assert (found.same, found.changed["size"], found.checksums) == (1, 1, 0)


def test_nothing_against_nothing_is_the_same(tmp_path: Path) -> None:
    found, differences = compare(tmp_path, [], [])
    assert (found.is_same, found.same, differences) == (True, 0, [])


def test_a_memory_limit_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListingRefusedError, match="plenty is no memory limit"):
        compare(tmp_path, [row("a")], [row("a")], memory_limit="plenty")


def test_a_folder_with_a_quote_in_its_name_takes_the_differences(tmp_path: Path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    assert compare(folder, [row("a'b")], [])[1] == [("a'b", "missing", "file", None)]


FACTS = st.fixed_dictionaries(
    {
        "size": st.integers(0, 2),
        "mtime": st.sampled_from([AT, AT + timedelta(seconds=1)]),
        "mode": st.sampled_from([0o644, 0o7777]),
        "uid": st.integers(0, 1),
        "gid": st.sampled_from([0, 2**40]),
        "type": st.sampled_from(["file", "directory", "symlink"]),
        "checksum": st.sampled_from([None, "blake2b:1", "blake2b:2"]),
    }
)
TREES = st.dictionaries(st.sampled_from(["a", "b", "a/b", "ü", "x\ny", 'q"', "\\xff"]), FACTS)


@given(left=TREES, right=TREES)
@settings(derandomize=True, max_examples=20, deadline=None)
def test_it_agrees_with_a_comparison_by_hand(tmp_path_factory: Any, left: Any, right: Any) -> None:
    expected = {(path, "missing") for path in left if path not in right}
    expected |= {(path, "extra") for path in right if path not in left}
    for path in left.keys() & right.keys():
        expected |= {(path, kind) for kind in by_hand(left[path], right[path])}
    sides = ([row(path, **facts) for path, facts in tree.items()] for tree in (left, right))
    found, differences = compare(tmp_path_factory.mktemp("pair"), *sides)
    assert {(path, kind) for path, kind, _, _ in differences} == expected
    assert len(differences) == len(expected)
    assert found.same + found.missing + found.differing == len(left)
    assert found.same + found.extra + found.differing == len(right)


def test_listings_that_are_read_in_several_turns_are_compared_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_turns", lambda *_: 3)
    left = [row(f"d/{number:05d}", size=number) for number in range(3_000)]
    right = [row(f"d/{number:05d}", size=number + (number == 7)) for number in range(1, 3_001)]
    found, differences = compare(tmp_path, left, right)
    assert (found.same, found.missing, found.extra, found.differing) == (2_998, 1, 1, 1)
    assert [path for path, *_ in differences] == ["d/00000", "d/00007", "d/03000"]
    with pytest.raises(ListingRefusedError, match="rows 1 and 3001 both are 'd/00000'"):
        compare(tmp_path, [*left, left[0]], right)


@pytest.mark.parametrize(("limit", "turns"), [("1GB", 1), ("70KB", 3), ("0.07MB", 3), ("1KiB", 8)])
def test_a_listing_is_read_again_only_when_a_join_does_not_fit(tmp_path: Path, limit: str, turns: int) -> None:
    file = write(tmp_path / "listing.parquet", [row(f"d/{number:06d}") for number in range(1_000)])
    with out_of_core(memory_limit="1GB") as connection:
        sides = (open_listing(connection, file, name=name) for name in ("source", "target"))
        assert reconciling._turns(*sides, limit) == turns


def by_hand(ours: dict[str, Any], theirs: dict[str, Any]) -> set[str]:
    kind = ours["type"]
    if kind != theirs["type"]:
        return {"missing", "extra"}
    differs = {name: ours[name] != theirs[name] for name in ("size", "mtime", "mode")}
    differs["owner"] = (ours["uid"], ours["gid"]) != (theirs["uid"], theirs["gid"])
    sums = {ours["checksum"], theirs["checksum"]}
    differs["checksum"] = kind == "file" and None not in sums and len(sums) == 2
    silent = {"directory": {"size", "mtime"}, "symlink": {"mode"}, "file": set[str]()}[kind]
    return {name for name, value in differs.items() if value} - silent
