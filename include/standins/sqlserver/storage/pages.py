"""SQLite's pages: committed frames of the write-ahead log, page writes to a file, the map of changed pages.

The write-ahead log and its index are read as https://www.sqlite.org/walformat.html describes them. The index names the
last valid frame, so stale frames behind it (of a rolled-back transaction) are never taken for committed ones.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import durable
from include.standins.sqlserver.storage.records import PAGE_BYTES, PAGES_PER_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_INDEX = struct.Struct("<12xBBHII8x8s")
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_FRAME_BYTES = _FRAME_HEADER_BYTES + PAGE_BYTES
_FRAMES_PER_READ = 512


class PageFormatError(Exception):
    """The write-ahead log or its index is not what this module understands."""


@dataclass(frozen=True, slots=True)
class WalIndex:
    """What SQLite's shared index says of the write-ahead log: generation, last valid frame, size of the database."""

    salt: bytes
    last_frame: int
    database_pages: int


def read_index(descriptor: int) -> WalIndex:
    """Read the index of an open -shm file.

    :raises PageFormatError: it is not initialised, or of another page size.
    """
    initialised, _, page_size, last_frame, database_pages, salt = _INDEX.unpack(os.pread(descriptor, _INDEX.size, 0))
    if not initialised or (last_frame and page_size != PAGE_BYTES):  # an empty log has no page size yet
        raise PageFormatError(f"The page size is {page_size}, not {PAGE_BYTES}.")
    return WalIndex(salt=salt, last_frame=last_frame, database_pages=database_pages)


def committed_pages(descriptor: int, *, after_frame: int, index: WalIndex) -> Iterator[list[tuple[int, bytes]]]:
    """Yield the newest image of each page in the frames after `after_frame`, in lists of bounded length.

    :raises PageFormatError: a frame belongs to another generation.
    """
    newest = _newest_frames(descriptor, after_frame=after_frame, index=index)
    numbers = iter(sorted(newest))
    while batch := list(islice(numbers, PAGES_PER_RECORD)):
        yield [(number, _frame_image(descriptor, newest[number])) for number in batch]


def _newest_frames(descriptor: int, *, after_frame: int, index: WalIndex) -> dict[int, int]:
    newest: dict[int, int] = {}
    for first in range(after_frame, index.last_frame, _FRAMES_PER_READ):
        count = min(_FRAMES_PER_READ, index.last_frame - first)
        block = os.pread(descriptor, count * _FRAME_BYTES, _WAL_HEADER_BYTES + first * _FRAME_BYTES)
        for position in range(count):
            number, _, salt = struct.unpack_from(">II8s", block, position * _FRAME_BYTES)
            if salt != index.salt:
                raise PageFormatError(f"Frame {first + position + 1} is of another generation.")
            newest[number] = first + position
    return newest


def _frame_image(descriptor: int, frame: int) -> bytes:
    return os.pread(descriptor, PAGE_BYTES, _WAL_HEADER_BYTES + frame * _FRAME_BYTES + _FRAME_HEADER_BYTES)


def write_pages(descriptor: int, pages: Iterable[tuple[int, bytes]], *, database_pages: int) -> None:
    """Write pages to a database file; a size other than 0 becomes the file's size.

    Writing them again changes nothing.
    """
    for number, image in pages:
        durable.write_all(descriptor, image, (number - 1) * PAGE_BYTES)
    if database_pages:
        os.ftruncate(descriptor, database_pages * PAGE_BYTES)


def is_database_file(path: Path) -> bool:
    """Whether a file begins as an SQLite file of this page size does, and is whole pages long."""
    with path.open("rb") as file:
        head = file.read(18)
    size = path.stat().st_size
    return head[:16] == b"SQLite format 3\0" and head[16:18] == struct.pack(">H", PAGE_BYTES) and size % PAGE_BYTES == 0


class PageMap:
    """A set of page numbers, one bit each: the pages changed since the last full backup."""

    def __init__(self, packed: bytes = b"") -> None:
        self._bits = bytearray(zlib.decompress(packed) if packed else b"")

    def add(self, numbers: Iterable[int]) -> None:
        """Mark pages."""
        for number in numbers:
            place = number >> 3
            if place >= len(self._bits):
                self._bits.extend(bytes(place + 1 - len(self._bits)))
            self._bits[place] |= 1 << (number & 7)

    def __iter__(self) -> Iterator[int]:
        for place, byte in enumerate(self._bits):
            if byte:
                yield from (place * 8 + bit for bit in range(8) if byte >> bit & 1)

    def __len__(self) -> int:
        return sum(byte.bit_count() for byte in self._bits)

    def packed(self) -> bytes:
        """Return it compressed, for `PageMap(packed)`."""
        return zlib.compress(bytes(self._bits), 1)
