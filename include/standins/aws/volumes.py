"""Where a location's files lie on this machine, and how much its file system still takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Volume(Protocol):
    """A local directory that stands for a file system; paths are relative to `root`, as bytes of the names."""

    root: Path

    def reserve(self, path: bytes, size: int) -> None:
        """Take `size` bytes for a file that is about to be written, instead of what it held before.

        :raises OSError: ENOSPC, when the storage target that holds the file, or the whole file system, is full.
        """
        ...

    def release(self, path: bytes) -> None:
        """Give back what a file held that was removed or could not be written."""
        ...


class Volumes(Protocol):
    """The FSx file systems of this account."""

    def of_file_system(self, arn: str) -> Volume:
        """Return the volume of a file system; raises AwsError when there is none or it is not AVAILABLE."""
        ...
