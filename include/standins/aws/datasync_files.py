"""A directory tree of this machine as one end of a transfer.

Everything is opened relative to the root's descriptor, so that the root's own path does not shorten the 4 KB a name may
have. Content goes to a folder `.aws-datasync` in the destination and is renamed from there, as the real service does
(user guide, "There's an /.aws-datasync folder in the destination location").
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from typing import TYPE_CHECKING, TypeVar

from include.standins.aws.datasync_trees import PRUNE, TAKE, Entry, Verdict, entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from include.standins.aws.datasync_options import Metadata
    from include.standins.aws.volumes import Volume

PARTS = b".aws-datasync"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_TRIES = 100
_NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
T = TypeVar("T")


class FileTree:
    """A source; raises OSError when the root is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)

    def scan(
        self, verdict: Callable[[bytes, bool], Verdict], failed: Callable[[bytes, OSError], None]
    ) -> Iterator[Entry]:
        """Walk the tree, deep first; what cannot be read is handed to `failed`."""
        waiting = [b""]
        while waiting:
            directory = waiting.pop()
            try:
                descriptor = os.open(directory or b".", _DIRECTORY, dir_fd=self._fd)
            except OSError as error:
                failed(directory, error)
                continue
            try:
                with os.scandir(descriptor) as found:
                    yield from self._in(directory, found, verdict, failed, waiting)
            except OSError as error:
                failed(directory, error)
            finally:
                os.close(descriptor)

    def _in(
        self,
        directory: bytes,
        found: Iterator[os.DirEntry[str]],
        verdict: Callable[[bytes, bool], Verdict],
        failed: Callable[[bytes, OSError], None],
        waiting: list[bytes],
    ) -> Iterator[Entry]:
        head = directory + b"/" if directory else b""
        for item in found:
            path = head + os.fsencode(item.name)
            is_directory = item.is_dir(follow_symlinks=False)
            says = verdict(path, is_directory)
            if says == PRUNE:
                continue
            if is_directory:
                waiting.append(path)
            if says != TAKE:
                continue
            try:
                entry = entry_of(path, item.stat(follow_symlinks=False))
            except OSError as error:
                failed(path, error)
                continue
            yield entry

    def find(self, path: bytes) -> Entry | None:
        """Give one entry by its name."""
        try:
            return entry_of(path, os.stat(path or b".", dir_fd=self._fd, follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: bytes) -> int:
        """Open a file for reading."""
        return os.open(path, _READ, dir_fd=self._fd)

    def target(self, path: bytes) -> bytes:
        """Give a symlink's text."""
        return os.readlink(path, dir_fd=self._fd)

    def unlink(self, path: bytes) -> None:
        """Delete a file (the fault `vanish`)."""
        os.unlink(path, dir_fd=self._fd)

    def append(self, path: bytes, data: bytes) -> None:
        """Add to a file (the fault `changing`)."""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND, dir_fd=self._fd)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the root."""
        os.close(self._fd)


class FileTarget(FileTree):
    """A destination; the root is made when it is missing, what dead executions left there is removed.

    :param alive: tells the ids of the executions that have not ended.
    """

    def __init__(
        self, root: Path, *, volume: Volume | None, execution_id: str, alive: Callable[[], Collection[str]]
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        super().__init__(root)
        self._volume = volume
        self._in_volume = os.fsencode(root.relative_to(volume.root)) if volume else b""
        self._directories = {b""}
        self._own = PARTS + b"/" + execution_id.encode()
        self._part = self._own + b"/part"
        self._is_root = os.geteuid() == 0
        self._sweep(root / os.fsdecode(PARTS), alive)

    def _sweep(self, parts: Path, alive: Callable[[], Collection[str]]) -> None:
        left = list(parts.iterdir()) if parts.is_dir() else []
        living = alive() if left else ()  # asked after the look: a folder that is made meanwhile is nobody's rest
        for folder in left:
            if folder.name not in living:
                shutil.rmtree(folder, ignore_errors=True)

    def _volume_path(self, path: bytes) -> bytes:
        return path if self._in_volume in (b"", b".") else self._in_volume + b"/" + path

    def _reserve(self, path: bytes, size: int) -> None:
        if self._volume:
            self._volume.reserve(self._volume_path(path), size)

    def _release(self, path: bytes) -> None:
        if self._volume:
            self._volume.release(self._volume_path(path))

    def begin(self, entry: Entry) -> int:
        """Take the room and open the part file; raises OSError ENOSPC when there is no room."""
        self._reserve(entry.path, entry.size)
        try:
            return self._in_own_folder(lambda: os.open(self._part, _NEW, 0o600, dir_fd=self._fd))
        except OSError:
            self._give_back(entry.path)
            raise

    def _in_own_folder(self, act: Callable[[], T]) -> T:
        """Do what needs this execution's folder; another one that ends may remove the empty folder above it."""
        for _ in range(_TRIES):
            with contextlib.suppress(FileNotFoundError):
                self._make_parents(self._part)
                return act()
            self._directories -= {PARTS, self._own}
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # the root itself is gone

    def commit(self, descriptor: int, entry: Entry, metadata: Metadata, *, times: bool) -> None:
        """Set owner and mode, close, rename."""
        try:
            self._own_and_mode(descriptor, entry, metadata)
            if times:
                self.set_times(descriptor, entry, metadata)
            self._make_parents(entry.path)
            self._rename_into(entry.path)
        except OSError:
            self.abort(descriptor, entry)
            raise
        os.close(descriptor)

    def _rename_into(self, path: bytes) -> None:
        try:
            os.rename(self._part, path, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except IsADirectoryError:
            os.rmdir(path, dir_fd=self._fd)  # empty, when what was in it is no longer in the source
            self._directories.discard(path)
            os.rename(self._part, path, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def abort(self, descriptor: int, entry: Entry) -> None:
        """Close, delete the part file, give the room back."""
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._part, dir_fd=self._fd)
        self._give_back(entry.path)

    def _give_back(self, path: bytes) -> None:
        held = self.find(path)
        if held is not None and held.kind == "R":
            with contextlib.suppress(OSError):
                self._reserve(path, held.size)
        else:
            self._release(path)

    def _own_and_mode(self, what: int | bytes, entry: Entry, metadata: Metadata) -> None:
        """Give a descriptor or a name its owner and mode; the owner only as root, who alone may give files away."""
        if self._is_root and (metadata.uid or metadata.gid):
            owner = entry.uid if metadata.uid else -1, entry.gid if metadata.gid else -1
            if isinstance(what, int):
                os.fchown(what, *owner)
            else:
                os.chown(what, *owner, dir_fd=self._fd)
        if metadata.mode:
            if isinstance(what, int):
                os.fchmod(what, entry.mode)
            else:
                os.chmod(what, entry.mode, dir_fd=self._fd)

    def set_times(self, descriptor: int, entry: Entry, metadata: Metadata) -> None:
        """Give an open file the entry's times."""
        if metadata.mtime:
            os.utime(descriptor, ns=(entry.atime_ns, entry.mtime_ns))

    def make_directory(self, entry: Entry) -> None:
        """Make a directory; in place of a file that the source no longer has by this name."""
        held = self.find(entry.path)
        if held is not None and held.kind != "D":
            self.remove(held)
        self._make_parents(entry.path + b"/")

    def make_link(self, entry: Entry, target: bytes, metadata: Metadata) -> None:
        """Make a symlink beside, and rename it into its place."""
        self._make_parents(entry.path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._part, dir_fd=self._fd)
        self._in_own_folder(lambda: os.symlink(target, self._part, dir_fd=self._fd))
        if self._is_root and (metadata.uid or metadata.gid):
            os.chown(self._part, entry.uid, entry.gid, dir_fd=self._fd, follow_symlinks=False)
        self._rename_into(entry.path)
        if metadata.mtime:
            times = (entry.atime_ns, entry.mtime_ns)
            os.utime(entry.path, ns=times, dir_fd=self._fd, follow_symlinks=False)

    def set_metadata(self, entry: Entry, metadata: Metadata) -> None:
        """Give a file or directory that is there its owner, mode and times."""
        if entry.kind == "L":
            self.make_link(entry, self.target(entry.path), metadata)
            return
        self._own_and_mode(entry.path, entry, metadata)
        if metadata.mtime:
            os.utime(entry.path, ns=(entry.atime_ns, entry.mtime_ns), dir_fd=self._fd)

    def remove(self, entry: Entry) -> None:
        """Delete an entry."""
        if entry.kind == "D":
            os.rmdir(entry.path, dir_fd=self._fd)
            self._directories.discard(entry.path)
        else:
            os.unlink(entry.path, dir_fd=self._fd)
            self._release(entry.path)

    def _make_parents(self, path: bytes) -> None:
        directory = path.rpartition(b"/")[0]
        if directory in self._directories:
            return
        self._make_parents(directory)
        try:
            os.mkdir(directory, dir_fd=self._fd)
        except FileExistsError:
            held = self.find(directory)
            if held is None:  # another execution has just removed it
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
            if held.kind != "D":
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
        self._directories.add(directory)

    def close(self) -> None:
        """Remove the folder of parts, unless another execution uses it, and let go of the root."""
        with contextlib.suppress(OSError):
            os.unlink(self._part, dir_fd=self._fd)
        for folder in (self._own, PARTS):
            with contextlib.suppress(OSError):
                os.rmdir(folder, dir_fd=self._fd)
        super().close()
