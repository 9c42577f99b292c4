"""A log record: some page images of one commit, with LSN, commit time and checksums.

A large commit is a run of records with the same commit time; only its last one states the database's size, and only a
run that has its last record counts.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import lsn as lsns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE_BYTES = 4096
PAGES_PER_RECORD = 1024

_HEADER = struct.Struct("<4sI16s16sqIIII")
HEADER_BYTES = _HEADER.size
MAGIC = b"LFR1"
"""How every record begins."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_COMPRESSION = 1


class DamagedRecordError(Exception):
    """The bytes are no whole, unharmed record."""


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """What stands before the pages. `database_pages` is 0 but in the last record of a commit."""

    lsn: int
    next_lsn: int
    commit_time: datetime
    database_pages: int
    page_count: int
    body_length: int
    body_crc: int

    @property
    def length(self) -> int:
        """Bytes of the whole record."""
        return HEADER_BYTES + self.body_length

    @property
    def ends_commit(self) -> bool:
        """Whether this is the last record of its commit."""
        return self.database_pages > 0


def encode(*, lsn: int, commit_time: datetime, database_pages: int, pages: Sequence[tuple[int, bytes]]) -> bytes:
    """Write one record; `pages` are numbers, counted from 1, with images of PAGE_BYTES."""
    numbers = struct.pack(f"<{len(pages)}I", *(number for number, _ in pages))
    body = numbers + zlib.compress(b"".join(image for _, image in pages), _COMPRESSION)
    microseconds = (commit_time - _EPOCH) // timedelta(microseconds=1)
    next_lsn = lsns.after(lsn, HEADER_BYTES + len(body))
    head = _HEADER.pack(
        MAGIC,
        len(body),
        lsn.to_bytes(16, "little"),
        next_lsn.to_bytes(16, "little"),
        microseconds,
        database_pages,
        len(pages),
        zlib.crc32(body),
        0,
    )
    return head[:-4] + struct.pack("<I", zlib.crc32(head[:-4])) + body


def decode_header(data: bytes | memoryview) -> RecordHeader:
    """Read the header.

    :raises DamagedRecordError: it is short, zero or harmed.
    """
    if len(data) < HEADER_BYTES or bytes(data[:4]) != MAGIC:
        raise DamagedRecordError
    _, length, lsn, next_lsn, microseconds, database_pages, page_count, body_crc, crc = _HEADER.unpack_from(data)
    if zlib.crc32(bytes(data[: HEADER_BYTES - 4])) != crc:
        raise DamagedRecordError
    return RecordHeader(
        lsn=int.from_bytes(lsn, "little"),
        next_lsn=int.from_bytes(next_lsn, "little"),
        commit_time=_EPOCH + timedelta(microseconds=microseconds),
        database_pages=database_pages,
        page_count=page_count,
        body_length=length,
        body_crc=body_crc,
    )


def check(record: bytes | memoryview) -> RecordHeader:
    """Read the header and prove the body.

    :raises DamagedRecordError: one of them is short or harmed.
    """
    header = decode_header(record)
    if len(record) < header.length:
        raise DamagedRecordError
    if zlib.crc32(record[HEADER_BYTES : header.length]) != header.body_crc:
        raise DamagedRecordError
    return header


def page_numbers(record: bytes | memoryview, header: RecordHeader) -> tuple[int, ...]:
    """Return which pages the record holds, without unpacking them."""
    return struct.unpack_from(f"<{header.page_count}I", record, HEADER_BYTES)


def pages(record: bytes | memoryview, header: RecordHeader) -> Iterator[tuple[int, bytes]]:
    """Yield page numbers and images."""
    images = zlib.decompress(record[HEADER_BYTES + 4 * header.page_count : header.length])
    for index, number in enumerate(page_numbers(record, header)):
        yield number, images[index * PAGE_BYTES : (index + 1) * PAGE_BYTES]
