"""The tree of the migration demo and the clients that work on it: the same everywhere, with what tools stumble over."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.cli.demo_tree import EMPTY_DIRECTORIES, FILES, SYMLINKS, make_tree, planned_files, within
from include.cli.share_clients import ShareClients, survival

AT = datetime(2026, 3, 1, tzinfo=UTC)
FEW = 400


def entries(root: Path) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for folder, directories, files in os.walk(os.fsencode(root)):
        for name in [*directories, *files]:
            path = folder + b"/" + name
            state = os.lstat(path)
            kept = (os.path.relpath(path, os.fsencode(root)), state.st_mode, state.st_uid, state.st_gid)
            moment = 0 if stat.S_ISLNK(state.st_mode) else state.st_mtime_ns
            found.append((*kept, 0 if stat.S_ISDIR(state.st_mode) else state.st_size, moment))
    return sorted(found, key=str)


def test_two_trees_of_one_seed_are_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_tree(tmp_path / name, at=AT, files=FEW)
    assert entries(tmp_path / "one") == entries(tmp_path / "two")
    path = next(file.path for file in planned_files(files=FEW) if file.size > 5_000)
    assert within(tmp_path / "one", path).read_bytes() == within(tmp_path / "two", path).read_bytes()


def test_the_counts_are_those_of_the_disk(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", at=AT, files=FEW)
    modes = [(entry[1], entry[4]) for entry in entries(tmp_path / "tree")]
    files = [size for mode, size in modes if stat.S_ISREG(mode)]
    assert (len(files), sum(files)) == (tree.files, tree.bytes)
    assert sum(stat.S_ISDIR(mode) for mode, _ in modes) == tree.directories
    assert sum(stat.S_ISLNK(mode) for mode, _ in modes) == tree.symlinks == SYMLINKS
    empty = [folder for folder, directories, names in os.walk(tmp_path / "tree") if not directories + names]
    assert len(empty) == EMPTY_DIRECTORIES


def test_the_whole_tree_has_what_a_migration_has_to_bear() -> None:
    plan = list(planned_files())
    sizes = [file.size for file in plan]
    assert len({file.path for file in plan}) == len(plan) == FILES >= 20_000
    assert 150e6 < sum(sizes) < 300e6
    assert min(sizes) == 0
    assert max(sizes) > 1e6
    names = b"".join(file.path for file in plan)
    assert all(odd in names for odd in (b'"', b",", b"\n", b"\\", b"\xe9"))
    with pytest.raises(UnicodeDecodeError):
        names.decode()


def test_what_clients_wrote_and_deleted_is_known_afterwards(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    make_tree(root, at=AT, files=FEW)
    clients = ShareClients(lambda: root, [file.path for file in planned_files(files=FEW)])
    clients.work(120)
    ledger = clients.ledger
    assert min(ledger.changed, ledger.added, ledger.moved, ledger.deleted) > 0
    found = survival(ledger, root)
    assert (found.lost, found.undead) == ((), ())
    assert found.kept == ledger.changed + ledger.added + ledger.moved

    written = next(path for path, digest in ledger.contents.items() if digest)
    deleted = next(path for path, digest in ledger.contents.items() if not digest)
    within(root, written).write_bytes(b"old content")
    within(root, deleted).write_bytes(b"")
    found = survival(ledger, root)
    assert (found.lost, found.undead) == ((written,), (deleted,))
