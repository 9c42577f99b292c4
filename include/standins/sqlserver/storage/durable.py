"""Files that survive a crash: synced directories, atomic replacement."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make creations, renames and removals in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(temporary: Path, target: Path) -> None:
    """Put a finished, synced file in a target's place, atomically and durably."""
    temporary.replace(target)
    sync_directory(target.parent)


def remove(*paths: Path) -> None:
    """Remove what exists of these files."""
    for path in paths:
        path.unlink(missing_ok=True)


def write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Write at an offset, however many calls it takes."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
