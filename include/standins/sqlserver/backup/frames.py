"""The frames of a backup file: media header, set headers, data, log, set trailers; each with checksums."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import failures
from include.standins.sqlserver.storage import records
from include.standins.sqlserver.storage.records import DamagedRecordError, RecordHeader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_HEADER = struct.Struct("<4sBBHIII")
HEADER_BYTES = _HEADER.size
_MAGIC = b"LFFR"
_MAX_PAYLOAD_BYTES = 1 << 26


class FrameKind(IntEnum):
    """What a frame carries."""

    MEDIA = 1
    SET = 2
    DATA = 3
    LOG = 4
    END = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame's place: `offset` is where its payload begins."""

    kind: FrameKind
    compressed: bool
    offset: int
    length: int
    crc: int

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.offset + self.length


def encode(kind: FrameKind, payload: bytes, *, compress: bool = False) -> bytes:
    """Write a frame."""
    stored = zlib.compress(payload, 1) if compress else payload
    head = _HEADER.pack(_MAGIC, kind, int(compress), 0, len(stored), zlib.crc32(stored), 0)
    return head[:-4] + struct.pack("<I", zlib.crc32(head[:-4])) + stored


def frame_at(descriptor: int, offset: int, *, path: Path, size: int) -> Frame:
    """Find the frame at an offset of a file of `size` bytes.

    :raises SqlError: 3203 the file ends too early, 3241 no frame is there.
    """
    head = os.pread(descriptor, HEADER_BYTES, offset)
    if len(head) < HEADER_BYTES:
        raise failures.read_failed(path)
    magic, kind, compressed, _, length, crc, head_crc = _HEADER.unpack(head)
    if magic != _MAGIC or zlib.crc32(head[:-4]) != head_crc or length > _MAX_PAYLOAD_BYTES:
        raise failures.malformed_media(path)
    if offset + HEADER_BYTES + length > size:
        raise failures.read_failed(path)
    return Frame(FrameKind(kind), bool(compressed), offset + HEADER_BYTES, length, crc)


def payload(descriptor: int, frame: Frame) -> bytes:
    """Read a frame's payload.

    :raises SqlError: 3189 when it is not what was written.
    """
    stored = os.pread(descriptor, frame.length, frame.offset)
    if len(stored) < frame.length or zlib.crc32(stored) != frame.crc:
        raise failures.damaged_set()
    return zlib.decompress(stored) if frame.compressed else stored


def pack_pages(pages: Sequence[tuple[int, bytes]]) -> bytes:
    """Write data pages as one payload: count, numbers, images."""
    numbers = struct.pack(f"<{len(pages) + 1}I", len(pages), *(number for number, _ in pages))
    return numbers + b"".join(image for _, image in pages)


def unpack_pages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read data pages."""
    (count,) = struct.unpack_from("<I", data)
    numbers = struct.unpack_from(f"<{count}I", data, 4)
    start = 4 + 4 * count
    for index, number in enumerate(numbers):
        begin = start + index * records.PAGE_BYTES
        yield number, data[begin : begin + records.PAGE_BYTES]


def unpack_records(data: bytes) -> Iterator[tuple[RecordHeader, bytes]]:
    """Read log records.

    :raises SqlError: 3189 when one is harmed.
    """
    view, offset = memoryview(data), 0
    while offset < len(data):
        try:
            header = records.check(view[offset:])
        except DamagedRecordError as damage:
            raise failures.damaged_set() from damage
        yield header, bytes(view[offset : offset + header.length])
        offset += header.length
