"""Scans of real trees: what is there is listed, and what is not listed is said."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.listings import checksums, directories, scan_worker, walking
from include.fsx_migration.listings.path_text import escape_path, unescape_path
from include.fsx_migration.listings.scanning import ScanRefusedError, ScanResult, scan

# A quarter of a second past, to the microsecond; before 1970, too.
MOMENT = 1_700_000_000_123_456_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    return root


def scanned(root: Path, **how: Any) -> tuple[ScanResult, dict[str, dict[str, Any]]]:
    out = root.parent / "listing.parquet"
    result = scan(root, out, **how)
    rows = pq.read_table(out).to_pylist()
    listed = {row["path"]: row for row in rows}
    assert len(listed) == len(rows), "a name was listed twice"
    return result, listed


def test_a_row_says_what_the_file_system_says(tree: Path) -> None:
    (tree / "a").mkdir(mode=0o2750)
    file = tree / "a" / "b.bin"
    file.write_bytes(b"12345")
    file.chmod(0o4751)
    os.utime(file, ns=(0, MOMENT))
    facts = file.stat()
    result, rows = scanned(tree)
    row = rows["a/b.bin"]
    assert (row["size"], row["mode"], row["uid"], row["gid"], row["type"]) == (
        5,
        0o4751,
        facts.st_uid,
        facts.st_gid,
        "file",
    )
    assert row["mtime"].timestamp() == pytest.approx(MOMENT / 1e9, abs=1e-7)
    assert (row["inode"], row["links"], row["target"]) == (facts.st_ino, 1, None)
    assert (rows["a"]["type"], rows["a"]["size"]) == ("directory", 0)
    assert (result.files, result.directories, result.bytes, result.is_whole) == (1, 1, 5, True)


def test_times_before_1970_are_rounded_down_like_all_others(tree: Path) -> None:
    (tree / "old").touch()
    os.utime(tree / "old", ns=(0, -1_500))
    scanned(tree)
    column = pq.read_table(tree.parent / "listing.parquet")["mtime"]
    assert column.cast("int64").to_pylist() == [-2]
    assert str(column.type) == "timestamp[us, tz=UTC]"


def test_links_are_listed_and_never_followed(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    (tree / "to-directory").symlink_to(outside)
    (tree / "round").symlink_to(".")
    (tree / "broken").symlink_to("nothing")
    result, rows = scanned(tree)
    assert set(rows) == {"to-directory", "round", "broken"}
    assert {row["type"] for row in rows.values()} == {"symlink"}
    assert rows["broken"]["target"] == "nothing"
    assert (result.symlinks, result.files) == (3, 0)


def test_hard_links_share_their_inode(tree: Path) -> None:
    (tree / "one").write_text("x")
    (tree / "two").hardlink_to(tree / "one")
    _, rows = scanned(tree)
    assert rows["one"]["inode"] == rows["two"]["inode"]
    assert rows["one"]["links"] == 2


def test_sockets_and_pipes_are_named_but_not_listed(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "socket"))
        (tree / "file").touch()
        result, rows = scanned(tree)
    assert set(rows) == {"file"}
    assert (result.others, result.other_paths) == (2, ("pipe", "socket"))
    assert result.is_whole


@pytest.mark.parametrize(
    "name",
    [
        b"line\nbreak",
        b"carriage\rreturn",
        b'quo"te',
        b"comma,",
        b" space ",
        b"latin-\xe9",
        b"back\\xff",
        b"back\\x5c",
        "é".encode(),
    ],
)
def test_names_of_every_kind_are_listed_and_found_again(tree: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(tree) + b"/" + name))).mkdir()
    inside = os.fsencode(tree) + b"/" + name + b"/" + name
    Path(os.fsdecode(inside)).write_bytes(b"abc")
    result, rows = scanned(tree, checksum_paths="all")
    assert set(map(unescape_path, rows)) == {name, name + b"/" + name}
    assert (result.files, result.checksums, result.unreadable) == (1, 1, ())


@settings(max_examples=40)
@given(st.lists(st.binary(min_size=1, max_size=12).filter(lambda name: not {0, 47} & set(name)), unique=True))
def test_names_become_text_as_escape_path_says(names: list[bytes]) -> None:
    assert directories._texts([os.fsdecode(name) for name in names]) == [escape_path(name) for name in names]


def test_a_tree_deeper_than_the_system_opens_at_once_is_listed_whole(tree: Path) -> None:
    part, depth = b"d" * 200, 30
    here = os.open(tree, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(part, dir_fd=here)
        below = os.open(part, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with os.fdopen(os.open(b"end", os.O_CREAT | os.O_WRONLY, dir_fd=here), "wb") as file:
        file.write(b"x")
    os.close(here)
    result, rows = scanned(tree, checksum_paths="all")
    deepest = b"/".join([part] * depth + [b"end"])
    assert len(deepest) > 6_000
    assert rows[deepest.decode()]["checksum"].startswith("blake2b:")
    assert (result.files, result.directories) == (1, depth)


def test_many_threads_and_small_batches_list_every_name_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.fsx_migration.listings.scan_rows._BATCH", 50)
    monkeypatch.setattr(directories, "ENTRIES", 7)
    monkeypatch.setattr(walking, "_CHUNKS_WAITING", 1)
    expected = set()
    for directory in range(20):
        (tree / f"d{directory}" / "deep").mkdir(parents=True)
        expected |= {f"d{directory}", f"d{directory}/deep"}
        for number in range(15):
            (tree / f"d{directory}" / "deep" / f"f{number}").touch()
            expected.add(f"d{directory}/deep/f{number}")
    said: list[int] = []
    result, rows = scanned(tree, workers=8, announce=lambda done, _text: said.append(done))
    assert set(rows) == expected
    assert (result.files, result.directories) == (300, 40)
    assert said == sorted(said)
    assert said[-1] <= len(expected)


def test_processes_list_what_threads_list(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (b"plain", b"latin-\xe9", b"line\nbreak", b"back\\xff"):
        place = tree / os.fsdecode(name)
        (place / "below").mkdir(parents=True)
        for number in range(12):
            (place / f"f{number}").touch()
        (place / "link").symlink_to("f1")
    _, by_threads = scanned(tree, workers=1)
    monkeypatch.setattr(walking, "SMALL_TREE", -1)
    monkeypatch.setattr(walking, "_AT_ONCE", 2)
    result, by_processes = scanned(tree, workers=3)
    assert by_processes == by_threads
    assert (result.files, result.symlinks, result.directories, result.is_whole) == (48, 4, 8, True)


def test_a_killed_process_ends_the_scan_and_leaves_the_older_listing(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tree.parent / "listing.parquet"
    out.write_text("older")
    (tree / "a").mkdir()
    monkeypatch.setattr(walking, "SMALL_TREE", -1)
    real = scan_worker.ScanWorker.list

    def killed(worker: scan_worker.ScanWorker, some: list[tuple[bytes, str]]) -> Any:
        worker._process.kill()
        worker._process.wait()
        return real(worker, some)

    monkeypatch.setattr(scan_worker.ScanWorker, "list", killed)
    with pytest.raises(scan_worker.WorkerLostError, match="ended with -9 before its work did: scan again"):
        scan(tree, out, workers=2)
    assert out.read_text() == "older"


def test_checksums_are_read_for_the_named_files_alone(tree: Path) -> None:
    for name in ("one", "two"):
        (tree / name).write_bytes(name.encode() * 400_000)
    result, rows = scanned(tree, checksum_paths={"two", "missing"})
    expected = hashlib.blake2b(b"two" * 400_000, digest_size=32).hexdigest()
    assert rows["two"]["checksum"] == f"blake2b:{expected}"
    assert rows["one"]["checksum"] is None
    assert result.checksums == 1


def test_without_checksums_the_column_is_not_there(tree: Path) -> None:
    (tree / "one").touch()
    _, rows = scanned(tree)
    assert "checksum" not in rows["one"]


def test_a_file_that_changes_under_the_reader_has_no_checksum(tree: Path) -> None:
    (tree / "log").write_bytes(b"first")
    top = os.open(tree, os.O_RDONLY)
    try:
        facts = (tree / "log").stat()
        answer = checksums.checksum(top, "log", size=facts.st_size + 1, mtime_us=facts.st_mtime_ns // 1000)
    finally:
        os.close(top)
    assert answer == directories.Unreadable("log", "it changed while it was read")


def test_a_file_that_vanishes_before_it_is_read_is_counted_not_listed(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "gone").write_text("x")
    (tree / "stays").write_text("x")
    real = checksums.checksum

    def remove_first(top: int, path: str, *, size: int, mtime_us: int) -> Any:
        (tree / "gone").unlink(missing_ok=True)
        return real(top, path, size=size, mtime_us=mtime_us)

    monkeypatch.setattr("include.fsx_migration.listings.scan_rows.checksum", remove_first)
    result, rows = scanned(tree, checksum_paths="all", workers=1)
    assert set(rows) == {"stays"}
    assert (result.files, result.vanished) == (1, 1)


def test_a_directory_that_vanishes_during_the_walk_is_counted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "gone").mkdir()
    real = directories.open_below

    def remove_first(root: int, path: bytes, *flags: int) -> int:
        if path == b"gone":
            (tree / "gone").rmdir()
        return real(root, path, *flags)

    monkeypatch.setattr(directories, "open_below", remove_first)
    result, _ = scanned(tree)
    assert (result.vanished, result.unreadable) == (1, ())


def test_a_directory_replaced_by_a_link_is_not_entered(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "was").mkdir()
    (tree.parent / "elsewhere").mkdir()
    (tree.parent / "elsewhere" / "secret").touch()
    real = directories.open_below

    def replace_first(root: int, path: bytes, *flags: int) -> int:
        if path == b"was":
            (tree / "was").rmdir()
            (tree / "was").symlink_to(tree.parent / "elsewhere")
        return real(root, path, *flags)

    monkeypatch.setattr(directories, "open_below", replace_first)
    result, rows = scanned(tree)
    assert set(rows) == {"was"}
    assert result.vanished == 1


def test_a_directory_that_may_not_be_read_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "open").mkdir()
    (tree / "open" / "file").touch()
    (tree / "closed").mkdir()
    real = directories.open_below

    def refuse(root: int, path: bytes, *flags: int) -> int:
        if path == b"closed":
            raise PermissionError(13, "Permission denied")
        return real(root, path, *flags)

    monkeypatch.setattr(directories, "open_below", refuse)
    result, rows = scanned(tree)
    assert set(rows) == {"open", "open/file", "closed"}
    assert result.unreadable == (directories.Unreadable("closed", "Permission denied"),)
    assert not result.is_whole
    assert result.to_dict()["unreadable_paths"] == [{"path": "closed", "reason": "Permission denied"}]


def test_another_file_system_is_named_and_entered_only_when_asked(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "mounted").mkdir()
    (tree / "mounted" / "file").touch()
    real = os.fstat
    inside = (tree / "mounted").stat().st_ino

    def elsewhere(file: int) -> os.stat_result:
        facts = real(file)
        return facts if facts.st_ino != inside else os.stat_result((*facts[:2], facts.st_dev + 1, *facts[3:]))

    monkeypatch.setattr(os, "fstat", elsewhere)
    result, rows = scanned(tree)
    assert set(rows) == {"mounted"}
    assert (result.mounts, result.is_whole) == (("mounted",), False)
    result, rows = scanned(tree, one_file_system=False)
    assert set(rows) == {"mounted", "mounted/file"}
    assert result.is_whole


def test_an_entry_that_cannot_be_looked_at_leaves_its_neighbours_listed(tree: Path) -> None:
    class Entry:
        def __init__(self, name: str, error: OSError | None) -> None:
            self.name, self.error = name, error

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            assert not follow_symlinks
            if self.error:
                raise self.error
            return tree.stat()

    entries: Any = [Entry("a", None), Entry("b", FileNotFoundError(2, "gone")), Entry("c", OSError(5, "I/O error"))]
    chunk = directories.Chunk()
    kept, stats = directories._stats_one_by_one(entries, "below", chunk)
    assert [entry.name for entry in kept] == ["a"]
    assert len(stats) == 1
    assert (chunk.vanished, chunk.unreadable) == (1, [("below/c", "I/O error")])


def test_an_empty_tree_gives_an_empty_listing(tree: Path) -> None:
    result, rows = scanned(tree)
    assert (rows, result.files, result.is_whole) == ({}, 0, True)


@pytest.mark.parametrize("place", ["missing", "file"])
def test_a_root_that_is_no_directory_is_refused(tree: Path, place: str) -> None:
    (tree / "file").touch()
    with pytest.raises(ScanRefusedError, match="cannot be scanned"):
        scan(tree / place, tree.parent / "out.parquet")
    assert not (tree.parent / "out.parquet").exists()


def test_a_listing_within_the_tree_is_refused(tree: Path) -> None:
    with pytest.raises(ScanRefusedError, match="lies in the tree to scan"):
        scan(tree, tree / "out.parquet")
    with pytest.raises(ScanRefusedError, match="is no folder"):
        scan(tree, tree.parent / "nowhere" / "out.parquet")


def test_a_scan_that_fails_leaves_the_older_listing_as_it_was(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tree.parent / "listing.parquet"
    out.write_text("older")
    (tree / "file").touch()

    def fail(*_arguments: object) -> object:
        raise RuntimeError("the walk broke")

    monkeypatch.setattr(directories, "_texts", fail)
    with pytest.raises(RuntimeError, match="the walk broke"):
        scan(tree, out)
    assert out.read_text() == "older"
    assert [path.name for path in tree.parent.iterdir() if path.suffix == ".part"] == []


def test_permission_bits_come_without_the_type(tree: Path) -> None:
    (tree / "file").touch()
    (tree / "file").chmod(0o1777)
    _, rows = scanned(tree)
    assert rows["file"]["mode"] == 0o1777
    assert not stat.S_IFMT(rows["file"]["mode"])
