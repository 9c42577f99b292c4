"""What both ends of a transfer look like: entries, and the operations of a source and of a destination.

Names are bytes, relative to the location's root, without a slash at either end. Contents pass as file descriptors.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from include.standins.aws.datasync_options import Metadata

Verdict = int
PRUNE, DESCEND, TAKE = 0, 1, 2
"""What a filter says of an entry: neither it nor what is below it; only what is below it; it."""


class Entry(NamedTuple):
    """One name: `kind` is R (file), D (directory), L (symlink) or O (anything else); times in nanoseconds."""

    path: bytes
    kind: str
    size: int
    mtime_ns: int
    atime_ns: int
    mode: int
    uid: int
    gid: int


def entry_of(path: bytes, found: os.stat_result) -> Entry:
    """Make an entry from a stat result."""
    mode = found.st_mode
    if stat.S_ISREG(mode):
        kind = "R"
    elif stat.S_ISDIR(mode):
        kind = "D"
    else:
        kind = "L" if stat.S_ISLNK(mode) else "O"
    size = found.st_size if kind in "RL" else 0
    return Entry(path, kind, size, found.st_mtime_ns, found.st_atime_ns, mode & 0o7777, found.st_uid, found.st_gid)


class Source(Protocol):
    """Where files are read."""

    def scan(
        self, verdict: Callable[[bytes, bool], Verdict], failed: Callable[[bytes, OSError], None]
    ) -> Iterator[Entry]:
        """Give every entry below the root that the verdict takes, directories before what is in them."""
        ...

    def find(self, path: bytes) -> Entry | None:
        """Give one entry, None when there is none; raises OSError when it cannot be told."""
        ...

    def open(self, path: bytes) -> int:
        """Open a file for reading; raises OSError."""
        ...

    def target(self, path: bytes) -> bytes:
        """Give a symlink's text; raises OSError."""
        ...

    def close(self) -> None:
        """Let go of the root."""
        ...


class Destination(Source, Protocol):
    """Where files are written; every method raises OSError for what the file system refuses."""

    def begin(self, entry: Entry) -> int:
        """Take the room of a file and open a descriptor for its content, out of everybody's sight."""
        ...

    def commit(self, descriptor: int, entry: Entry, metadata: Metadata, *, times: bool) -> None:
        """Close the descriptor and put the file in its place; `times` also sets its times."""
        ...

    def abort(self, descriptor: int, entry: Entry) -> None:
        """Close the descriptor and forget what was written."""
        ...

    def make_directory(self, entry: Entry) -> None:
        """Make a directory, or leave the one that is there."""
        ...

    def make_link(self, entry: Entry, target: bytes, metadata: Metadata) -> None:
        """Make a symlink, in place of what is there."""
        ...

    def set_metadata(self, entry: Entry, metadata: Metadata) -> None:
        """Give what is there the entry's owner, mode and times, as far as the metadata options ask."""
        ...

    def set_times(self, descriptor: int, entry: Entry, metadata: Metadata) -> None:
        """Give an open file the entry's times."""
        ...

    def remove(self, entry: Entry) -> None:
        """Delete an entry; a directory has to be empty."""
        ...
