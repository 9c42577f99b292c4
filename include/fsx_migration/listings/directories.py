"""List one directory by its descriptor: no symbolic link is followed, what goes wrong is part of the answer.

Entries come as bytes and machine numbers, not as objects: a process hands over a hundred thousand a second.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from array import array
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from include.fsx_migration.listings.path_text import escape_path

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRIES: Final = 4_096
"""Entries of one chunk: a directory of millions is handed over in pieces."""
FACTS: Final = ("mode", "inode", "device", "links", "uid", "gid", "size")
"""What `Chunk.numbers` has of each entry: the beginning of `os.stat_result`."""
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PATH_AT_ONCE: Final = 4_000
"""Linux opens paths below 4,096 bytes; a longer one is opened piece by piece."""
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_UTF8: Final = sys.getfilesystemencoding() == "utf-8"


class Unreadable(NamedTuple):
    """A name below the root (text as in a listing) and why it could not be read."""

    path: str
    reason: str


@dataclass(slots=True)
class Chunk:
    """Some entries of one directory.

    :param names: paths below the root (text as in a listing) in UTF-8, each ended by a NUL.
    :param numbers: uint64, the `FACTS` of one entry after those of another.
    :param times: int64, the modification time of each entry in nanoseconds since the epoch.
    :param targets: of symbolic links, by the place of the entry.
    :param below: directories among the entries, as (path, text).
    """

    names: bytes = b""
    numbers: bytes = b""
    times: bytes = b""
    targets: dict[int, str] = field(default_factory=dict)
    below: list[tuple[bytes, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)
    vanished: int = 0


def list_directory(root: int, path: bytes, text: str, *, device: int | None) -> Iterator[Chunk]:
    """Yield the entries of a directory below an open root.

    :param text: the path as listings write it.
    :param device: the only device whose directories are listed; None lists all.
    """
    try:
        here = open_below(root, path or b".")
    except OSError as error:
        yield _not_listed(text, error)
        return
    try:
        if device is not None and os.fstat(here).st_dev != device:
            yield Chunk(mounts=[text])
            return
        with os.scandir(here) as entries:
            while some := list(islice(entries, ENTRIES)):
                yield _chunk(here, path, text, some)
    except OSError as error:
        yield _not_listed(text, error)
    finally:
        os.close(here)


def open_below(root: int, path: bytes, flags: int = _OPEN) -> int:
    """Open a path below a directory without following a link at its end; longer than the system's limit, too."""
    here, pieces = root, _pieces(path)
    try:
        for piece in pieces[:-1]:
            step = os.open(piece, _OPEN | os.O_NOFOLLOW, dir_fd=here)
            if here != root:
                os.close(here)
            here = step
        return os.open(pieces[-1], flags | os.O_NOFOLLOW, dir_fd=here)
    finally:
        if here != root:
            os.close(here)


def _pieces(path: bytes) -> list[bytes]:
    pieces = []
    while len(path) > _PATH_AT_ONCE:
        cut = path.rindex(b"/", 0, _PATH_AT_ONCE)
        pieces.append(path[:cut])
        path = path[cut + 1 :]
    return [*pieces, path]


def _chunk(here: int, path: bytes, text: str, entries: list[os.DirEntry[str]]) -> Chunk:
    chunk = Chunk()
    try:
        stats = [entry.stat(follow_symlinks=False) for entry in entries]
    except OSError:
        entries, stats = _stats_one_by_one(entries, text, chunk)
    if not entries:
        return chunk
    names = _texts([entry.name for entry in entries])
    ending = f"\0{text}/" if text else "\0"
    chunk.names = (ending.join(["", *names])[1:] + "\0").encode()
    chunk.numbers = array("Q", chain.from_iterable([facts[:7] for facts in stats])).tobytes()
    chunk.times = array("q", [facts.st_mtime_ns for facts in stats]).tobytes()
    for place, facts in enumerate(stats):
        kind = facts[0] & 0o170000
        if kind == stat.S_IFDIR:
            name = os.fsencode(entries[place].name)
            below = f"{text}/{names[place]}" if text else names[place]
            chunk.below.append((path + b"/" + name if path else name, below))
        elif kind == stat.S_IFLNK:
            chunk.targets[place] = _target(entries[place].name, here)
    return chunk


def _not_listed(text: str, error: OSError) -> Chunk:
    if error.errno in _GONE and text:
        return Chunk(vanished=1)
    return Chunk(unreadable=[(text or ".", error.strerror or str(error))])


def _stats_one_by_one(
    entries: list[os.DirEntry[str]], text: str, chunk: Chunk
) -> tuple[list[os.DirEntry[str]], list[os.stat_result]]:
    """Ask each entry again: some went away or may not be looked at, and the others count."""
    kept, stats = [], []
    for entry in entries:
        try:
            stats.append(entry.stat(follow_symlinks=False))
            kept.append(entry)
        except OSError as error:
            if error.errno in _GONE:
                chunk.vanished += 1
            else:
                name = escape_path(os.fsencode(entry.name))
                chunk.unreadable.append((f"{text}/{name}" if text else name, error.strerror or str(error)))
    return kept, stats


def _texts(names: list[str]) -> list[str]:
    r"""Return names as listings write them; most directories need no look at each name.

    A surrogate (a byte that is no UTF-8) fails to encode, and only a name with `\x` needs an escape.
    """
    together = "/".join(names)
    if _UTF8 and "\\x" not in together:
        try:
            together.encode()
        except UnicodeEncodeError:
            pass
        else:
            return names
    return [escape_path(os.fsencode(name)) for name in names]


def _target(name: str, here: int) -> str:
    try:
        return escape_path(os.fsencode(os.readlink(name, dir_fd=here)))
    except OSError:
        return ""
