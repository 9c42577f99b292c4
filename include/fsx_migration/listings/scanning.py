"""Scan a mounted tree into a listing: one Parquet row for each file, directory and symbolic link below the root.

Nothing is hidden: directories that cannot be read, other file systems mounted inside, names that vanish meanwhile and
what is no file (sockets, pipes, devices) are counted and named. Directories have size 0: theirs is a matter of the file
system, and says nothing about contents.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from include.fsx_migration.listings.scan_rows import ScanRows
from include.fsx_migration.listings.walking import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from include.fsx_migration.listings.directories import Unreadable

WORKERS: Final = 4
NAMED_AT_MOST: Final = 1_000
"""How many names the JSON document gives of each list; the counts are whole."""


class ScanRefusedError(ValueError):
    """A tree cannot be scanned at all; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What a scan found.

    :param others: how many sockets, pipes and devices; they are in no listing.
    :param other_paths: their names.
    :param bytes: of files, as a reader sees them; holes count.
    :param unreadable: directories that could not be listed, and files without the checksum that was asked for.
    :param mounts: directories on which another file system is mounted; listed, not entered.
    :param vanished: names that were gone when their turn came.
    :param checksums: files with a checksum.
    """

    files: int
    directories: int
    symlinks: int
    others: int
    bytes: int
    unreadable: tuple[Unreadable, ...]
    seconds: float
    other_paths: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    vanished: int = 0
    checksums: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether everything below the root was seen."""
        return not (self.unreadable or self.mounts)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; lists are cut at `NAMED_AT_MOST` names."""
        numbers = ("files", "directories", "symlinks", "others", "bytes", "vanished", "checksums", "seconds")
        return {
            **{name: getattr(self, name) for name in numbers},
            "unreadable": len(self.unreadable),
            "unreadable_paths": [found._asdict() for found in self.unreadable[:NAMED_AT_MOST]],
            "mounts": len(self.mounts),
            "mount_paths": list(self.mounts[:NAMED_AT_MOST]),
            "other_paths": list(self.other_paths[:NAMED_AT_MOST]),
        }


def scan(
    root: Path,
    out: Path,
    *,
    checksum_paths: Collection[str] | Literal["all"] | None = None,
    one_file_system: bool = True,
    workers: int = WORKERS,
    announce: Callable[[int, str], None] | None = None,
) -> ScanResult:
    """List a tree into a Parquet file, in the order it is found; memory stays bounded.

    :param out: the listing; it appears when it is whole. It must not lie in the tree.
    :param checksum_paths: files to read for their checksum, as text of the listing; "all" reads every file, None none.
    :param one_file_system: stay on the root's file system.
    :param workers: directories listed at once; large trees get a process for each.
    :param announce: called with (rows, text) from time to time.
    :raises ScanRefusedError: the root is no readable directory, or `out` lies in it or cannot be written.
    :raises WorkerLostError: a process of the scan was killed.
    """
    started = time.perf_counter()
    top = _open_root(root, out)
    part = out.with_name(f"{out.name}.part")
    try:
        with (
            ScanRows(top, part, checksum_paths=checksum_paths or frozenset(), readers=workers) as rows,
            closing(walk(top, workers=workers, one_file_system=one_file_system)) as chunks,
        ):
            for chunk in chunks:
                if rows.add(chunk) and announce:
                    announce(rows.written, f"{rows.written:,} names")
        part.replace(out)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ScanRefusedError(f"{out} cannot be written ({error.strerror}): name a file in a folder.") from error
        raise
    finally:
        os.close(top)
    return _result(rows, time.perf_counter() - started)


def _open_root(root: Path, out: Path) -> int:
    if out.resolve().is_relative_to(root.resolve()):
        raise ScanRefusedError(f"{out} lies in the tree to scan, {root}: write the listing elsewhere.")
    if not out.parent.is_dir():
        raise ScanRefusedError(f"{out.parent} is no folder: make it, or write the listing elsewhere.")
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ScanRefusedError(f"{root} cannot be scanned ({error.strerror}): give a readable directory.") from None
    try:
        os.scandir(top).close()
    except OSError as error:
        os.close(top)
        raise ScanRefusedError(f"{root} cannot be scanned ({error.strerror}): give a readable directory.") from None
    return top


def _result(rows: ScanRows, seconds: float) -> ScanResult:
    """Sort the lists, for the walk has no order."""
    return ScanResult(
        files=rows.counts["file"],
        directories=rows.counts["directory"],
        symlinks=rows.counts["symlink"],
        others=len(rows.others),
        bytes=rows.bytes,
        unreadable=tuple(sorted(rows.unreadable)),
        seconds=seconds,
        other_paths=tuple(sorted(rows.others)),
        mounts=tuple(sorted(rows.mounts)),
        vanished=rows.vanished,
        checksums=rows.checksums,
    )
