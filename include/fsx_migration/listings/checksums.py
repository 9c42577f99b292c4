"""Checksums of files below an open directory; a file that changes under the reader gets none."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import Final

from include.fsx_migration.listings.directories import Unreadable, open_below
from include.fsx_migration.listings.path_text import unescape_path

ALGORITHM: Final = "blake2b"
"""RFC 7693, 256 bits; about 1 GB/s on one core, and hashing lets other threads run."""
_BLOCK: Final = 1 << 20
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
CHANGED: Final = "it changed while it was read"


def checksum(root: int, path: str, *, size: int, mtime_us: int) -> str | Unreadable | None:
    """Return `blake2b:<hex>` of a file, why it has none, or None when it is gone.

    :param path: text as in a listing.
    :param size: what the listing says; another size or time after reading means that the file changes.
    :param mtime_us: microseconds since the epoch.
    """
    try:
        file = open_below(root, unescape_path(path), _READ)
    except OSError as error:
        return None if error.errno in (errno.ENOENT, errno.ENOTDIR) else _unreadable(path, error)
    try:
        digest = hashlib.blake2b(digest_size=32)
        while block := os.read(file, _BLOCK):
            digest.update(block)
        after = os.fstat(file)
    except OSError as error:
        return _unreadable(path, error)
    finally:
        os.close(file)
    if (after.st_size, after.st_mtime_ns // 1_000) != (size, mtime_us):
        return Unreadable(path, CHANGED)
    return f"{ALGORITHM}:{digest.hexdigest()}"


def _unreadable(path: str, error: OSError) -> Unreadable:
    return Unreadable(path, error.strerror or str(error))
