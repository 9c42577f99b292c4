"""What a listing tells about its tree."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.fsx_migration.planning.profile import Profile, profile
from tests.include.fsx_migration.plan_samples import MIB, NOW, write_listing


def profiled(folder: Path, rows: list[dict[str, Any]], *, parts: int = 1) -> Profile:
    return profile(write_listing(folder / "l.parquet", rows), now=NOW, parts=parts, cost_per_file_bytes=MIB)


def files(*paths: str) -> list[dict[str, Any]]:
    return [{"path": path} for path in paths]


def test_counts_and_sizes_are_those_of_files(tmp_path: Path) -> None:
    found = profiled(
        tmp_path,
        [
            {"path": "d", "type": "directory", "size": 4096},
            {"path": "l", "type": "symlink", "size": 3},
            {"path": "d/empty", "size": 0},
            {"path": "d/one", "size": 1},
            {"path": "d/k", "size": 1024},
            {"path": "d/more", "size": 2047},
        ],
    )
    assert (found.files, found.directories, found.symlinks, found.bytes) == (4, 1, 1, 3072)
    assert found.sizes == {-1: (1, 0), 0: (1, 1), 10: (2, 3071)}
    assert found.largest[0] == ("d/more", 2047)
    assert found.fullest == (("d", 4), ("", 2))
    assert found.deepest[0] == ("d/empty", 2)


def test_ages_count_from_the_moment_given(tmp_path: Path) -> None:
    days = {"future": -1, "today": 0.5, "week": 3, "two": 500, "old": 9000}
    found = profiled(
        tmp_path,
        [{"path": name, "size": 10, "mtime": NOW - timedelta(days=age)} for name, age in days.items()],
    )
    assert {label: count for label, count, _ in found.ages if count} == {
        "in the future": 1,
        "< 1 day": 1,
        "1 day - 1 week": 1,
        "1 - 2 years": 1,
        "> 10 years": 1,
    }
    assert sum(size for _, _, size in found.ages) == 50


@pytest.mark.parametrize(
    ("kind", "odd", "plain"),
    [
        ("line_break", ["a\nb", "c/d\re/f"], ["a b"]),
        ("control", ["a\tb", "bell\x07", "del\x7f"], ["ü"]),
        ("quote", ['say "x"', "it's"], ["x"]),
        ("backslash", ["a\\b", "end\\", "raw\\x5c41", "hex\\x41"], ["raw\\xff"]),
        ("not_utf8", ["raw\\xff", "d\\x80/f"], ["hex\\x41", "raw\\x5cff"]),
        ("edge", [" lead", "d/ lead", "trail ", "dot.", "dir./f"], ["in side", ".hidden", "a.b"]),
        ("windows_letter", ["a:b", "a<", "q?", "s*", "p|p"], ["a;b"]),
        ("windows_reserved", ["con", "d/NUL.txt", "com1/f", "x/aux"], ["console", "com10", "xcon", "nul2.txt"]),
        ("long_name", ["n" * 256, "d/" + "ä" * 128], ["n" * 255, "/".join(["n" * 200] * 3), "\\xff" * 200]),
        ("path_over_1024", ["/".join(["p" * 200] * 6)], ["/".join(["p" * 200] * 5)]),
        ("path_over_4096", ["/".join(["p" * 200] * 21)], ["/".join(["p" * 200] * 20)]),
    ],
)
def test_odd_names_are_told_from_plain_ones(kind: str, odd: list[str], plain: list[str], tmp_path: Path) -> None:
    found = profiled(tmp_path, files(*odd, *plain))
    assert found.odd_count(kind) == len(odd)
    assert set(found.odd[kind].examples) == set(odd[:5]) or len(odd) > 5


def test_names_that_differ_by_case_alone_are_twins(tmp_path: Path) -> None:
    found = profiled(tmp_path, files("a/Readme", "a/README", "b/readme", "Ä/x", "ä/x"))
    assert found.odd["case_twins"].count == 4
    assert found.odd["case_twins"].examples == ("a/README", "a/Readme", "Ä/x", "ä/x")


def test_hard_links_count_what_their_further_names_take(tmp_path: Path) -> None:
    rows = [
        {"path": "a", "size": 100, "inode": 7, "links": 3},
        {"path": "b", "size": 100, "inode": 7, "links": 3},
        {"path": "c", "size": 50, "inode": 8, "links": 2},  # its other name is outside the tree
        {"path": "d", "size": 9, "inode": 9, "links": 1},
    ]
    found = profiled(tmp_path, rows)
    assert (found.links, found.link_bytes) == (2, 100)
    assert profiled(tmp_path, files("a")).links is None


def test_files_above_the_fair_share_are_counted(tmp_path: Path) -> None:
    rows = [{"path": "big", "size": 100 * MIB}, *({"path": f"s{at}", "size": MIB} for at in range(10))]
    found = profiled(tmp_path, rows, parts=4)
    assert found.fair_share == (110 + 11) * MIB / 4
    assert found.above_share == 1


def test_a_tree_of_directories_alone_has_a_profile(tmp_path: Path) -> None:
    found = profiled(tmp_path, [{"path": "d", "type": "directory", "size": 0}])
    assert (found.files, found.bytes, found.largest, found.oldest) == (0, 0, (), "")
    assert found.to_dict()["sizes"] == {}
