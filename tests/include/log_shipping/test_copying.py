"""A name in the copy folder never stands for anything but a whole, equal copy."""

import errno
import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from include.log_shipping import copying
from include.log_shipping.copying import (
    CopyDiffersError,
    CopyError,
    ShareFullError,
    SourceChangedError,
    SourceMissingError,
    copy_file,
    is_copied,
    remove_leftovers,
)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("backups", "copies"):
        (tmp_path / name).mkdir()
    source = tmp_path / "backups" / "sales.trn"
    source.write_bytes(os.urandom(3 * copying.CHUNK_BYTES + 17))
    return source, tmp_path / "copies" / "sales.trn"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_copy_has_the_bytes_the_size_and_the_time_of_its_source(folders: tuple[Path, Path]) -> None:
    source, target = folders
    seen: list[int] = []
    copied = copy_file(source, target, progress=seen.append)
    assert target.read_bytes() == source.read_bytes()
    assert (copied.copied, copied.size) == (True, source.stat().st_size)
    assert copied.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert target.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert seen[-1] == copied.size
    assert names(target.parent) == ["sales.trn"]


def test_a_file_that_was_copied_before_is_not_copied_again(folders: tuple[Path, Path]) -> None:
    source, target = folders
    copy_file(source, target)
    inode = target.stat().st_ino
    again = copy_file(source, target)
    assert (again.copied, target.stat().st_ino) == (False, inode)


def test_a_damaged_copy_is_copied_again_when_asked(folders: tuple[Path, Path]) -> None:
    source, target = folders
    copy_file(source, target)
    times = target.stat()
    with target.open("r+b") as damaged:
        damaged.write(b"flip")
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert is_copied(source, target)
    assert copy_file(source, target, again=True).copied
    assert target.read_bytes() == source.read_bytes()


def test_a_copy_of_an_unfinished_file_is_replaced(folders: tuple[Path, Path]) -> None:
    source, target = folders
    target.write_bytes(source.read_bytes()[:100])
    assert copy_file(source, target).copied
    assert target.read_bytes() == source.read_bytes()


def test_a_source_that_grows_while_it_is_copied_is_refused(folders: tuple[Path, Path]) -> None:
    source, target = folders

    def grow(_: int) -> None:
        with source.open("ab") as growing:
            growing.write(b"more")

    with pytest.raises(SourceChangedError, match="was written to while it was copied"):
        copy_file(source, target, progress=grow)
    assert names(target.parent) == []


def test_a_deleted_source_is_named(folders: tuple[Path, Path]) -> None:
    source, target = folders
    source.unlink()
    with pytest.raises(SourceMissingError, match=r"sales\.trn cannot be read"):
        copy_file(source, target)


def test_a_full_share_is_told_before_anything_is_written(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda _: _Free(10))
    with pytest.raises(ShareFullError, match=r"is full: sales\.trn needs 3,145,745 bytes, 10 are free"):
        copy_file(source, target)
    assert names(target.parent) == []


class _Free:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_share_that_fills_up_meanwhile_leaves_no_piece(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders

    def refuse(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying, "_sync", refuse)
    with pytest.raises(ShareFullError):
        copy_file(source, target)
    assert names(target.parent) == []


def test_a_disk_that_gives_back_other_bytes_gets_no_name(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    monkeypatch.setattr(copying, "sha256_of", lambda _: "0" * 64)
    with pytest.raises(CopyDiffersError, match="gave back other bytes"):
        copy_file(source, target)
    assert names(target.parent) == []


def test_an_absent_target_folder_is_said(folders: tuple[Path, Path]) -> None:
    source, target = folders
    with pytest.raises(CopyError, match="check that the share is mounted"):
        copy_file(source, target.parent / "absent" / target.name)


def test_leftovers_of_killed_copies_go_and_other_files_stay(folders: tuple[Path, Path]) -> None:
    folder = folders[1].parent
    for name in ("sales_1.trn.0a1b2c3d.part", "sales_1.trn", "hr_1.trn.0a1b2c3d.part"):
        (folder / name).touch()
    assert remove_leftovers(folder, prefix="sales_") == ["sales_1.trn.0a1b2c3d.part"]
    assert names(folder) == ["hr_1.trn.0a1b2c3d.part", "sales_1.trn"]


def test_memory_does_not_grow_with_the_file(folders: tuple[Path, Path]) -> None:
    source, target = folders
    with source.open("r+b") as large:
        large.truncate(64 * copying.CHUNK_BYTES)
    tracemalloc.start()
    copy_file(source, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * copying.CHUNK_BYTES
