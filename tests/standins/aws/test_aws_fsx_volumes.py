"""How full a file system is, target by target."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.standins.aws.fsx_volumes import GIB, FsxVolume, target_count

if TYPE_CHECKING:
    from pathlib import Path


def volume(root: Path, *, capacity: int = 1000, targets: int = 2) -> FsxVolume:
    return FsxVolume(root, capacity=capacity, targets=targets)


def write(root: Path, name: str, size: int) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


@pytest.mark.parametrize(("gib", "targets"), [(1200, 1), (2400, 2), (4800, 4), (1 << 20, 874)])
def test_lustre_has_one_target_for_each_1200_gib(gib: int, targets: int) -> None:
    assert target_count(gib, lustre=True) == targets


def test_windows_has_one_target() -> None:
    assert target_count(65536, lustre=False) == 1


def test_a_giant_file_finds_no_target_although_the_sum_would_hold_it(tmp_path: Path) -> None:
    share = volume(tmp_path)

    with pytest.raises(OSError, match="giant") as full:
        share.reserve(b"giant", 501)

    assert full.value.errno == errno.ENOSPC
    assert share.free() == [500, 500]
    share.reserve(b"fits", 500)


def test_a_file_written_again_gives_its_old_room_back_and_keeps_it_when_the_new_does_not_fit(tmp_path: Path) -> None:
    share = volume(tmp_path, targets=1)
    share.reserve(b"a", 900)

    share.reserve(b"a", 1000)
    with pytest.raises(OSError, match="a"):
        share.reserve(b"a", 1001)

    assert share.free() == [0]
    share.release(b"./a")
    assert share.free() == [1000]


def test_new_files_go_where_most_room_is(tmp_path: Path) -> None:
    share = volume(tmp_path, targets=2)
    share.reserve(b"big", 400)
    for number in range(4):
        share.reserve(b"small%d" % number, 100)

    assert share.free() == [100, 100]


def test_a_restart_finds_what_the_directory_holds(tmp_path: Path) -> None:
    write(tmp_path, "a/b", 300)
    write(tmp_path, "c", 100)
    (tmp_path / "link").symlink_to("c")

    assert sum(volume(tmp_path).free()) == 600


def test_what_clients_write_and_delete_behind_our_back_is_seen(tmp_path: Path) -> None:
    share = volume(tmp_path, targets=1)
    write(tmp_path, "direct", 200)
    share.walk(force=True)
    assert share.free() == [800]
    assert share.take_traffic().written == 200

    (tmp_path / "direct").unlink()
    share.walk(force=True)
    assert share.free() == [1000]


def test_a_reservation_stays_while_its_file_is_still_a_part(tmp_path: Path) -> None:
    share = volume(tmp_path, targets=1)
    share.reserve(b"late", 400)
    write(tmp_path, ".aws-datasync/exec-1/part", 150)

    share.walk(force=True)
    assert share.free() == [600]

    write(tmp_path, "late", 400)
    share.walk(force=True)
    assert share.free() == [600]


def test_growing_the_file_system_keeps_what_lies_in_it(tmp_path: Path) -> None:
    share = volume(tmp_path, capacity=1200 * GIB, targets=1)
    share.reserve(b"a", 100)
    share.reserve(b"b", 50)

    share.resize(capacity=2400 * GIB, targets=2)

    assert sum(share.free()) == 2400 * GIB - 150
    assert sorted(share.free()) == [1200 * GIB - 100, 1200 * GIB - 50]


@settings(derandomize=True, max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c/d", b"e"]), st.none() | st.integers(0, 700)), max_size=25
    ),
    targets=st.integers(1, 4),
)
def test_free_space_is_capacity_less_what_is_held(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bytes, int | None]], targets: int
) -> None:
    share = volume(tmp_path_factory.mktemp("volume"), targets=targets)
    held: dict[bytes, int] = {}
    for path, size in steps:
        if size is None:
            share.release(path)
            held.pop(path, None)
            continue
        with suppress(OSError):  # no room
            share.reserve(path, size)
            held[path] = size
    assert sum(share.free()) == 1000 - sum(held.values())
    assert min(share.free()) >= 0
