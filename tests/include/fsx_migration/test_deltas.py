"""What changed between two listings of a tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.transfer.deltas import find_delta

if TYPE_CHECKING:
    from pathlib import Path

    from include.fsx_migration.transfer.deltas import DeltaFacts


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "d").mkdir(parents=True)
    for name in ("a", "b", "d/c"):
        (root / name).write_bytes(name.encode() * 10)
    (root / "link").symlink_to("a")
    scan(root, tmp_path / "older.parquet")
    return root


def delta(tree: Path, *repairs: str) -> tuple[DeltaFacts, list[str]]:
    import pyarrow.parquet as pq

    folder = tree.parent
    scan(tree, folder / "newer.parquet")
    out = folder / "delta.parquet"
    facts = find_delta(folder / "older.parquet", folder / "newer.parquet", out, repairs=repairs)
    return facts, pq.read_table(out)["path"].to_pylist()


def test_an_untouched_tree_has_no_delta(tree: Path) -> None:
    facts, paths = delta(tree)
    assert (facts.new, facts.changed, facts.deleted, facts.files, paths) == (0, 0, 0, 0, [])


def test_new_changed_and_deleted_are_told_apart(tree: Path) -> None:
    (tree / "new").write_bytes(b"new")
    (tree / "a").write_bytes(b"longer than before, and newer")
    (tree / "b").chmod(0o600)
    (tree / "d" / "c").unlink()
    facts, paths = delta(tree)
    assert (facts.new, facts.changed, facts.deleted) == (1, 2, 1)
    assert paths == ["a", "b", "new"]
    assert facts.bytes == 3 + 29 + 10


def test_a_change_that_keeps_size_and_name_is_seen_by_its_time(tree: Path) -> None:
    os.utime(tree / "a", ns=(1, 1_000_000_001))
    assert delta(tree)[1] == ["a"]


def test_directories_are_counted_and_never_moved(tree: Path) -> None:
    (tree / "d").chmod(0o700)
    (tree / "more").mkdir()
    facts, paths = delta(tree)
    assert (facts.new, facts.changed, facts.files, paths) == (1, 1, 0, [])


def test_a_file_that_became_a_link_has_changed(tree: Path) -> None:
    (tree / "a").unlink()
    (tree / "a").symlink_to("b")
    assert delta(tree)[1] == ["a"]


def test_repairs_are_a_part_of_their_own_when_they_are_still_there(tree: Path) -> None:
    (tree / "a").write_bytes(b"changed")
    facts, paths = delta(tree, "a", "b", "gone")
    assert facts.repairs == (("a", 7), ("b", 10))
    assert (facts.changed, facts.files, paths) == (0, 2, [])


def test_names_that_no_manifest_can_hold_are_left_out_and_counted(tree: Path) -> None:
    with open(os.fsencode(tree) + b"/raw\xff", "wb"):  # noqa: PTH123 - a name that no Path of text can hold
        pass
    facts, _ = delta(tree)
    assert (facts.files, facts.left_out) == (1, 1)
