"""The local directory of a file system, and how full each of its storage targets is.

The rule, which is ours: a Lustre file system has one object storage target (OST) for each 1,200 GiB or part of it, a
Windows one has a single target; capacity is spread evenly. A file lies whole on one target: the one with the most free
space when it is written. So one giant file can find every target too small although their sum would hold it, as on
FSx for Lustre with a stripe count of one. Directories and links take no space. After a restart, and now and then, the
directory is walked again: clients write to it without asking.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from include.standins.aws.datasync_files import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIB = 1 << 30
TARGET_GIB = 1200
WALK_AGAIN_SECONDS = 2.0
WALK_SHARE = 50  # walks take at most one part in fifty of the time
ABANDONED_SECONDS = 3600.0  # a reservation whose file never appeared


def target_count(storage_gib: int, *, lustre: bool) -> int:
    """Tell how many storage targets a file system has."""
    return max(1, -(-storage_gib // TARGET_GIB)) if lustre else 1


class _Held(NamedTuple):
    size: int
    target: int
    reserved_at: float  # 0 once the file was seen in the directory


@dataclass
class Traffic:
    """What was read and written; whoever reads it starts a new one."""

    written: int = 0
    read: int = 0
    writes: int = 0
    reads: int = 0


@dataclass
class FsxVolume:
    """Implements `volumes.Volume`; safe to use from many threads.

    :param capacity: bytes of all targets together.
    """

    root: Path
    capacity: int
    targets: int
    changed: bool = True
    _files: dict[bytes, _Held] = field(default_factory=dict)
    _free: list[int] = field(default_factory=list)
    _touched: set[bytes] = field(default_factory=set)
    _traffic: Traffic = field(default_factory=Traffic)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _walk_lock: threading.Lock = field(default_factory=threading.Lock)
    _walk_due: float = 0.0

    def __post_init__(self) -> None:
        """Make the directory and see what it holds."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._free = self._empty()
        self.walk(force=True)
        self._traffic = Traffic()

    def _empty(self) -> list[int]:
        each, rest = divmod(self.capacity, self.targets)
        return [each + (number < rest) for number in range(self.targets)]

    def resize(self, *, capacity: int, targets: int) -> None:
        """Give the file system another size; files are placed anew when the number of targets changes."""
        with self._lock:
            same = targets == self.targets
            self.capacity, self.targets, self.changed = capacity, targets, True
            self._free = self._empty()
            for path, held in sorted(self._files.items(), key=lambda item: (-item[1].size, item[0])):
                target = held.target if same else self._roomiest()
                self._files[path] = held._replace(target=target)
                self._free[target] -= held.size

    def reserve(self, path: bytes, size: int) -> None:
        """Take room for a file that is about to be written, instead of what it held before; raises OSError ENOSPC."""
        path = _normal(path)
        with self._lock:
            before = self._files.pop(path, None)
            if before:
                self._free[before.target] += before.size
            target = self._roomiest()
            if self._free[target] < size:
                if before:
                    self._place(path, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fsdecode(path))
            self._place(path, _Held(size, target, time.monotonic()))
            self._touched.add(path)
            self._traffic.written += size
            self._traffic.writes += 1
            self.changed = True

    def release(self, path: bytes) -> None:
        """Give back what a file held."""
        path = _normal(path)
        with self._lock:
            held = self._files.pop(path, None)
            if held:
                self._free[held.target] += held.size
                self._touched.add(path)
                self.changed = True

    def note_read(self, size: int) -> None:
        """Count bytes that were read from the file system."""
        with self._lock:
            self._traffic.read += size
            self._traffic.reads += 1
            self.changed = True

    def free(self) -> list[int]:
        """Tell the free bytes of each target; a target that was overfilled behind our back has 0."""
        with self._lock:
            return [max(0, free) for free in self._free]

    def take_traffic(self) -> Traffic:
        """Give what was read and written since the last call."""
        with self._lock:
            traffic, self._traffic, self.changed = self._traffic, Traffic(), False
            return traffic

    def walk(self, *, force: bool = False) -> None:
        """See what the directory holds now, unless that was done a moment ago."""
        with self._walk_lock:
            start = time.monotonic()
            if not force and start < self._walk_due:
                return
            with self._lock:
                self._touched.clear()
            seen = dict(_sizes(os.fsencode(self.root)))
            with self._lock:
                self._compare(seen, time.monotonic())
            took = time.monotonic() - start
            self._walk_due = time.monotonic() + max(WALK_AGAIN_SECONDS, WALK_SHARE * took)

    def _compare(self, seen: dict[bytes, int], now: float) -> None:
        for path in [path for path in self._files if path not in seen and path not in self._touched]:
            held = self._files[path]
            if not held.reserved_at or now - held.reserved_at > ABANDONED_SECONDS:
                del self._files[path]
                self._free[held.target] += held.size
                self.changed = True
        for path, size in seen.items():
            if path not in self._touched:
                self._found(path, size)

    def _found(self, path: bytes, size: int) -> None:
        held = self._files.pop(path, None)
        if held:
            self._free[held.target] += held.size
        self._place(path, _Held(size, held.target if held else self._roomiest(), 0.0))
        if held is None or held.size != size:
            grown = size - (held.size if held else 0)
            self._traffic.written += max(0, grown)
            self._traffic.writes += 1
            self.changed = True

    def _place(self, path: bytes, held: _Held) -> None:
        self._files[path] = held
        self._free[held.target] -= held.size

    def _roomiest(self) -> int:
        return max(range(self.targets), key=self._free.__getitem__)


def _normal(path: bytes) -> bytes:
    return b"/".join(part for part in path.split(b"/") if part not in (b"", b"."))


def _sizes(root: bytes) -> Iterator[tuple[bytes, int]]:
    """Give (path relative to the root, size) of every regular file; what vanishes meanwhile is left out.

    Parts that DataSync is writing are left out too: their room is reserved under the name they will get.
    """
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118 - names are bytes
                for entry in entries:
                    path = folder + b"/" + entry.name if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != PARTS:
                            waiting.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        yield path, entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
