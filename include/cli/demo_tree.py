"""The file tree of the FSx migration demo: what a department's share looks like after ten years, in small.

The same seed gives the same names, sizes, contents, modes and ages.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

FILES = 20_400
SEED = 20260214
EMPTY_DIRECTORIES = 60
SYMLINKS = 150
_TEAMS = ("aero", "civil", "control", "legal", "material", "optics", "sales", "thermal")
_STAGES = ("archive", "drawings", "measurements/raw", "measurements/clean", "reports", "minutes")
_PROJECTS_OF_A_TEAM = 6
_KINDS = (("txt", 0.3), ("csv", 0.3), ("pdf", 0.15), ("dwg", 0.1), ("log", 0.1), ("bak", 0.05))
_FILE_MODES = (0o644, 0o644, 0o644, 0o640, 0o600, 0o664, 0o755)
_DIRECTORY_MODES = (0o755, 0o775, 0o2775)
_LINKS = b"aero/project 1/links"
_USERS, _GROUPS = range(1001, 1013), range(2001, 2005)
_MEDIAN_BYTES, _SPREAD, _LARGEST_BYTES = 1_600, 1.9, 4_000_000
_EMPTY_SHARE = 0.02
_BLOCK_BYTES = 4 * _LARGEST_BYTES
_OLDEST_DAYS = 3_650.0

# Names that tools stumble over; the one in Latin-1 is no UTF-8 text, and no file system of Linux minds.
_ODD_NAMES = (
    b'5" disk, "as built".txt',
    b"left, right, and centre.csv",
    b"two\nlines.txt",
    b" leading space.txt",
    b"trailing dot.",
    "Größe, 尺寸, حجم.csv".encode(),
    "cafe\u0301 decomposed.txt".encode(),
    "café composed.txt".encode(),
    "caf\u00e9 of 1998.txt".encode("latin-1"),
    b"back\\slash.txt",
    b"$(not a command) & more.txt",
    b"x" * 251 + b".txt",
)
_DEEP = b"/".join(b"level %02d" % level for level in range(40)) + b"/at the bottom.txt"


class Planned(NamedTuple):
    """A file to be written: its path below the root, as the file system has it, and what it is like."""

    path: bytes
    size: int
    mode: int
    age_days: float
    owner: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What was made: files, directories (the root is none of them), symbolic links, and the bytes of the files."""

    files: int
    directories: int
    symlinks: int
    bytes: int


def planned_files(*, files: int = FILES, seed: int = SEED) -> Iterator[Planned]:
    """Yield the files of the tree, the odd ones first."""
    random = Random(seed)  # noqa: S311  # the tree shall be the same everywhere, not secret
    for number in range(files):
        if number < len(_ODD_NAMES):
            path = b"aero/project 1/odd names/" + _ODD_NAMES[number]
        elif number == len(_ODD_NAMES):
            path = b"aero/project 1/" + _DEEP
        else:
            path = _path(random, number).encode()
        yield Planned(
            path,
            _size(random),
            random.choice(_FILE_MODES),
            _OLDEST_DAYS * random.random() ** 2,
            (random.choice(_USERS), random.choice(_GROUPS)),
        )


def make_tree(root: Path, *, at: datetime, files: int = FILES, seed: int = SEED) -> Tree:
    """Write the tree into an empty or missing directory; a root user gives it many owners.

    :param at: the moment from which the files' ages are counted back.
    :raises FileExistsError: a file of this name is there.
    """
    random = Random(seed)  # noqa: S311  # as above
    block = memoryview(random.randbytes(_BLOCK_BYTES))
    owned, size = os.geteuid() == 0, 0
    root.mkdir(parents=True, exist_ok=True)
    made: set[bytes] = set()
    plan = list(planned_files(files=files, seed=seed))
    for file in plan:
        _make_directories(root, file.path.rpartition(b"/")[0], made)
        start = random.randrange(_BLOCK_BYTES - _LARGEST_BYTES)
        _write(within(root, file.path), block[start : start + file.size], file, at=at, owned=owned)
        size += file.size
    for number in range(EMPTY_DIRECTORIES):
        _make_directories(root, f"{_TEAMS[number % len(_TEAMS)]}/project 1/empty/{number:03d}".encode(), made)
    links = _link(root, plan, random)
    _age_directories(root, made, random, at=at)
    return Tree(files=len(plan) + 1, directories=len(made), symlinks=links, bytes=size + plan[-1].size)


def within(root: Path, path: bytes) -> Path:
    """Return the path of a file of the tree; bytes that are no UTF-8 travel as surrogates, as Python's own do."""
    return root / os.fsdecode(path)


def _path(random: Random, number: int) -> str:
    project = f"{random.choice(_TEAMS)}/project {random.randint(1, _PROJECTS_OF_A_TEAM)}"
    kind = random.choices([name for name, _ in _KINDS], [share for _, share in _KINDS])[0]
    return f"{project}/{random.choice(_STAGES)}/{random.randint(2016, 2026)}/item {number:05d}.{kind}"


def _size(random: Random) -> int:
    if random.random() < _EMPTY_SHARE:
        return 0
    return min(_LARGEST_BYTES, int(_MEDIAN_BYTES * random.lognormvariate(0, _SPREAD)))


def _write(path: Path, content: memoryview, file: Planned, *, at: datetime, owned: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        if owned:
            os.fchown(descriptor, *file.owner)
        os.fchmod(descriptor, file.mode)
        moment = int((at.timestamp() - file.age_days * 86_400) * 1e6) * 1_000  # microseconds, as listings hold them
        os.utime(descriptor, ns=(moment, moment))
    finally:
        os.close(descriptor)


def _make_directories(root: Path, path: bytes, made: set[bytes]) -> None:
    if not path or path in made:
        return
    _make_directories(root, path.rpartition(b"/")[0], made)
    within(root, path).mkdir()
    made.add(path)


def _link(root: Path, plan: list[Planned], random: Random) -> int:
    """Make symbolic links, one of them broken and one to a directory, and a second name of the last file."""
    folder = within(root, _LINKS)
    folder.mkdir()
    targets = [b"nowhere at all", b"../odd names"]
    targets += [b"../../../" + random.choice(plan).path for _ in range(SYMLINKS - len(targets))]
    for number, target in enumerate(targets):
        (folder / f"link {number:03d}").symlink_to(os.fsdecode(target))
    (folder / "second name").hardlink_to(within(root, plan[-1].path))
    return len(targets)


def _age_directories(root: Path, made: set[bytes], random: Random, *, at: datetime) -> None:
    """Give directories times and modes of their own, the deepest first."""
    made.add(_LINKS)
    for path in sorted(made, key=lambda path: (-path.count(b"/"), path)):
        moment = int((at.timestamp() - random.random() * _OLDEST_DAYS * 86_400) * 1e6) * 1_000
        directory = within(root, path)
        os.utime(directory, ns=(moment, moment))
        directory.chmod(random.choice(_DIRECTORY_MODES))
