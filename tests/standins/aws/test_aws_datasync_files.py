"""Two executions that write to one place at once: neither loses its folder of parts to the other."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from include.standins.aws.datasync_files import PARTS, FileTarget
from include.standins.aws.datasync_options import Metadata
from include.standins.aws.datasync_trees import entry_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import pytest

ALL = Metadata(uid=False, gid=False, mode=True, mtime=True)


def target(root: Path, name: str, alive: Collection[str] = ()) -> FileTarget:
    return FileTarget(root, volume=None, execution_id=name, alive=lambda: alive)


def write(into: FileTarget, source: Path, name: bytes) -> None:
    entry = entry_of(name, source.stat())
    descriptor = into.begin(entry)
    os.write(descriptor, source.read_bytes())
    into.commit(descriptor, entry, ALL, times=True)


def test_an_execution_that_ends_takes_nothing_from_one_that_runs(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"content")
    root = tmp_path / "target"
    running = target(root, "exec-1")
    write(running, tmp_path / "f", b"a")
    shutil.rmtree(root / os.fsdecode(PARTS))  # as an execution that ends does, in the worst moment
    write(running, tmp_path / "f", b"b")
    running.close()
    assert sorted(path.name for path in root.iterdir()) == ["a", "b"]


def test_a_folder_that_goes_between_two_looks_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"content")
    running = target(tmp_path / "target", "exec-1")
    mkdir, refused = os.mkdir, []

    def exists_and_is_gone(path: bytes, **more: int) -> None:
        if path == PARTS and not refused:
            refused.append(path)  # another execution's folder, which it removes before anybody looks
            raise FileExistsError
        mkdir(path, **more)

    monkeypatch.setattr(os, "mkdir", exists_and_is_gone)
    write(running, tmp_path / "f", b"a")
    assert refused
    assert (tmp_path / "target" / "a").read_bytes() == b"content"


def test_what_the_dead_left_goes_and_what_began_meanwhile_stays(tmp_path: Path) -> None:
    parts = tmp_path / os.fsdecode(PARTS)
    for name in ("dead", "living"):
        (parts / name).mkdir(parents=True)

    def alive() -> set[str]:
        (parts / "newborn").mkdir()  # an execution that starts between the look and the question
        return {"living"}

    FileTarget(tmp_path, volume=None, execution_id="mine", alive=alive)
    assert sorted(path.name for path in parts.iterdir()) == ["living", "newborn"]
