"""Manifests: any name goes in and comes back, or is refused by name."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.fsx_migration.listings.path_screening import look_over
from include.fsx_migration.listings.path_text import escape_path
from include.fsx_migration.partition import manifests
from include.fsx_migration.partition.manifests import manifest_can_hold, read_manifest, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: 0 not in name) | st.lists(
    st.sampled_from([b",", b'"', b"\n", b"\r", b" ", b"\t", b"a", b"\\", b"x5c", b"xff", "é".encode(), b"\xff"]),
    min_size=1,
).map(b"".join)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, max_size=8))
def test_names_come_back_as_they_went_in(tmp_path: Path, names: list[bytes]) -> None:
    paths = [path for path in map(escape_path, names) if manifest_can_hold(path)]
    write_manifest(tmp_path / "part.csv", paths)
    assert list(read_manifest(tmp_path / "part.csv")) == paths


@settings(max_examples=150)
@given(st.lists(NAMES, min_size=1, max_size=8), st.integers(0, 3))
def test_lines_made_by_the_thousand_are_those_made_one_by_one(names: list[bytes], skipped: int) -> None:
    paths = [escape_path(name) for name in names]
    array = pa.array(["before"] * skipped + paths, pa.string()).slice(skipped)
    letters = look_over(array)
    holds = manifests.writable(array, letters)
    assert list(holds) == [manifest_can_hold(path) for path in paths]
    lines = manifests.manifest_lines(array.filter(pa.array(holds)), letters)
    kept = [path for path in paths if manifest_can_hold(path)]
    assert "".join(lines.to_pylist()) == "".join(
        manifests._line(manifests.unescape_path(path).decode()) for path in kept
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("photos/picture1.png", "photos/picture1.png\n"),
        ("documents/résumé1.pdf", "documents/résumé1.pdf\n"),
        ("filename,with,commas.txt", '"filename,with,commas.txt"\n'),
        ("this\nis\na\nfilename.txt", '"this\nis\na\nfilename.txt"\n'),
        ('filename"with"quotes.txt', '"filename""with""quotes.txt"\n'),
        (" led and trailed ", '" led and trailed "\n'),
        ("single'quote", "single'quote\n"),
    ],
)
def test_lines_have_the_form_of_the_user_guide(tmp_path: Path, name: str, line: str) -> None:
    write_manifest(tmp_path / "part.csv", [name])
    written = (tmp_path / "part.csv").read_bytes().decode()
    assert written == line
    assert next(csv.reader([written], strict=True)) == [name]


def test_a_backslash_is_written_as_the_file_system_has_it(tmp_path: Path) -> None:
    write_manifest(tmp_path / "part.csv", [escape_path(rb"dos\xff"), escape_path(rb"a\b")])
    assert (tmp_path / "part.csv").read_bytes() == b"dos\\xff\na\\b\n"


def test_limits_are_counted_in_bytes_of_the_name(tmp_path: Path) -> None:
    assert manifest_can_hold("é" * 512)
    assert not manifest_can_hold("é" * 513)
    assert manifest_can_hold(escape_path(rb"\xff" * 256))
    with pytest.raises(ValueError, match="longer than 1024 bytes"):
        write_manifest(tmp_path / "part.csv", ["a" * 1025])
    with pytest.raises(ValueError, match="is no UTF-8"):
        write_manifest(tmp_path / "part.csv", [escape_path(b"latin-\xe9")])


def test_version_ids_beside_a_path_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "part.csv").write_bytes(b'picture1.png,111111\r\n"a,b",222\r\n\r\nplain\r\n')
    assert list(read_manifest(tmp_path / "part.csv")) == ["picture1.png", "a,b", "plain"]


@settings(max_examples=150)
@given(st.lists(st.text(st.sampled_from("/.-a ,\\\0\t"), max_size=6), max_size=6), st.integers(0, 2))
def test_a_look_over_all_paths_misses_nothing_that_any_of_them_holds(paths: list[str], skipped: int) -> None:
    letters = look_over(pa.array(["/./"] * skipped + paths, pa.string()).slice(skipped))
    assert letters.has_odd_pair >= any("//" in path or "./" in path for path in paths)
    assert letters.has_nul == any("\0" in path for path in paths)
    assert letters.has_backslash == any("\\" in path for path in paths)
    assert letters.has_any(b", \t") == any(letter in path for path in paths for letter in ", \t")
    assert letters.starts_with(b"/ ") >= any(path.startswith(("/", " ")) for path in paths)
    assert letters.ends_with(b"/.") >= any(path.endswith(("/", ".")) for path in paths)
    if "" not in paths:
        assert letters.starts_with(b"/ ") == any(path.startswith(("/", " ")) for path in paths)
        assert letters.ends_with(b"/.") == any(path.endswith(("/", ".")) for path in paths)
