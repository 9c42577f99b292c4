"""Copy a backup file so that its name never stands for anything but a whole, equal copy."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHUNK_BYTES: Final = 1 << 20
"""Memory of one copy, whatever the size of the file."""
PARTIAL: Final = ".part"
SAME_MOMENT_NS: Final = 1_000_000
"""Times of one file on two file systems differ by their resolution: NTFS keeps 100 ns, SMB passes it on."""
_FULL_CODES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class CopyError(RuntimeError):
    """A file could not be copied; nothing stands under its name in the target folder."""


class SourceMissingError(CopyError):
    """The file that should be copied is not there."""

    is_final = True


class SourceChangedError(CopyError):
    """The file was written to while it was copied."""


class CopyDiffersError(CopyError):
    """What was read back from the target is not what was read from the source."""


class ShareFullError(CopyError):
    """The target has no room for the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFile:
    """A whole copy. `sha256` is empty when an equal copy stood there before (`copied` is False)."""

    name: str
    size: int
    sha256: str
    copied: bool


def copy_file(
    source: Path, target: Path, *, again: bool = False, progress: Callable[[int], None] | None = None
) -> CopiedFile:
    """Copy a file: temporary name, fsync, size and SHA-256 read back and compared, then renamed.

    A target of the same size and modification time (which the copy takes over) is the copy of an earlier run. Another
    target of that name was copied from an unfinished file and is replaced.

    :param again: copy although an equal file stands there, as after the server found it damaged.
    :param progress: called with the bytes copied so far.
    :raises CopyError: nothing was renamed; the message says what to do.
    """
    before = _stat(source)
    if not again and is_copied(source, target):
        return CopiedFile(name=target.name, size=before.st_size, sha256="", copied=False)
    _require_room(target.parent, before.st_size, name=source.name)
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        digest = _write(source, partial, size=before.st_size, progress=progress or (lambda _: None))
        _require_unchanged(source, before)
        _require_equal(partial, digest, size=before.st_size)
        os.utime(partial, ns=(before.st_atime_ns, before.st_mtime_ns))
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise _explained(error, source=source, target=target) from error
    finally:
        partial.unlink(missing_ok=True)
    return CopiedFile(name=target.name, size=before.st_size, sha256=digest, copied=True)


def is_copied(source: Path, target: Path) -> bool:
    """Whether the target is a copy of the source as it is now: same size, same modification time."""
    try:
        here, there = source.stat(), target.stat()
    except FileNotFoundError:
        return False
    same_moment = abs(here.st_mtime_ns - there.st_mtime_ns) <= SAME_MOMENT_NS
    return here.st_size == there.st_size and same_moment


def remove_leftovers(folder: Path, *, prefix: str) -> list[str]:
    """Remove what killed copies left behind of files that begin with `prefix`; return the names.

    Call it only while nobody else copies these files (under the database's lease).
    """
    leftovers = [path for path in folder.iterdir() if path.name.startswith(prefix) and path.name.endswith(PARTIAL)]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return sorted(path.name for path in leftovers)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write(source: Path, partial: Path, *, size: int, progress: Callable[[int], None]) -> str:
    """Write the first `size` bytes: a source that still grows must not be followed without end."""
    digest, written = hashlib.sha256(), 0
    with source.open("rb") as reading, partial.open("xb") as writing:
        while chunk := reading.read(min(CHUNK_BYTES, size - written)):
            writing.write(chunk)
            digest.update(chunk)
            written += len(chunk)
            progress(written)
        _sync(writing)
    return digest.hexdigest()


def _sync(writing: BinaryIO) -> None:
    writing.flush()
    os.fsync(writing.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; network file systems that cannot sync a folder make it so by themselves."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _stat(source: Path) -> os.stat_result:
    try:
        return source.stat()
    except OSError as error:
        raise SourceMissingError(
            f"{source} cannot be read ({error.strerror}): look for it in the backup folder; if it was deleted, "
            "shipping goes on from a differential or needs a reseed."
        ) from error


def _require_room(folder: Path, size: int, *, name: str) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise CopyError(f"{folder} cannot be reached ({error.strerror}): check that the share is mounted.") from error
    if free < size:
        raise ShareFullError(_full_sentence(folder, name=name, size=size, free=free))


def _require_unchanged(source: Path, before: os.stat_result) -> None:
    after = _stat(source)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise SourceChangedError(
            f"{source} was written to while it was copied: it is still being backed up; the next run copies it whole."
        )


def _require_equal(partial: Path, digest: str, *, size: int) -> None:
    if partial.stat().st_size != size or sha256_of(partial) != digest:
        raise CopyDiffersError(
            f"{partial.parent} gave back other bytes than were written for {partial.name}: check the share's disk; "
            "the next run copies the file again."
        )


def _explained(error: OSError, *, source: Path, target: Path) -> CopyError:
    if error.errno in _FULL_CODES:
        free = shutil.disk_usage(target.parent).free
        size = source.stat().st_size
        return ShareFullError(_full_sentence(target.parent, name=source.name, size=size, free=free))
    if isinstance(error, FileNotFoundError) and not source.exists():
        return SourceMissingError(f"{source} disappeared while it was copied: look for it in the backup folder.")
    return CopyError(f"{source.name} could not be copied to {target.parent}: {error.strerror}; check rights and share.")


def _full_sentence(folder: Path, *, name: str, size: int, free: int) -> str:
    return (
        f"{folder} is full: {name} needs {size:,} bytes, {free:,} are free. Free space on the share; "
        "the next run copies what is missing."
    )
