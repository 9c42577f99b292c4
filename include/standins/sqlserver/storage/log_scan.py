"""Reading a log file: its header, its records, where a crash left it half-written."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, TypeAlias

from include.standins.sqlserver.storage import records
from include.standins.sqlserver.storage.records import DamagedRecordError, RecordHeader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DATA_OFFSET = 64
"""Where the first record is."""

Entry: TypeAlias = tuple[RecordHeader, int]
"""A record's header and its place in the file."""

_FILE_HEADER = struct.Struct("<8s16sI")
_MAGIC = b"LFLOG001"
_SEARCH_BYTES = 1 << 20


class DamagedLogError(Exception):
    """The log file is missing, is no log, or is harmed before its end."""


def file_header(start_lsn: int) -> bytes:
    """Write the header of a log that begins at an LSN."""
    head = _FILE_HEADER.pack(_MAGIC, start_lsn.to_bytes(16, "little"), 0)[:-4]
    return (head + struct.pack("<I", zlib.crc32(head))).ljust(DATA_OFFSET, b"\0")


def start_lsn(descriptor: int, path: Path) -> int:
    """Read a log's header.

    :raises DamagedLogError: it is none.
    """
    head = os.pread(descriptor, DATA_OFFSET, 0)
    if len(head) == DATA_OFFSET:
        magic, start, crc = _FILE_HEADER.unpack_from(head)
        if magic == _MAGIC and zlib.crc32(head[: _FILE_HEADER.size - 4]) == crc:
            return int.from_bytes(start, "little")
    raise DamagedLogError(f"{path} is no log file of the local SQL Server.")


def whole_commits(descriptor: int, path: Path, *, start: int) -> Sequence[Entry]:
    """Return the records of all commits that are whole, in order; what a crash half-wrote behind them is left out.

    :raises DamagedLogError: a sound record stands behind a harmed one, so it is no crash's doing.
    """
    whole: list[Entry] = []
    run: list[Entry] = []
    offset, expected = DATA_OFFSET, start
    while (header := _sound_record(descriptor, offset)) is not None and header.lsn == expected:
        run.append((header, offset))
        offset, expected = offset + header.length, header.next_lsn
        if header.ends_commit:
            whole += run
            run = []
    if _is_followed(descriptor, offset, lsn=expected):
        raise DamagedLogError(f"{path} is damaged at byte {offset}, before its end.")
    return whole


def _is_followed(descriptor: int, offset: int, *, lsn: int) -> bool:
    """Whether a sound record of a later LSN is anywhere behind an offset."""
    position = offset + 1
    while block := os.pread(descriptor, _SEARCH_BYTES, position):
        at = block.find(records.MAGIC)
        while at >= 0:
            header = _sound_record(descriptor, position + at)
            if header is not None and header.lsn > lsn:
                return True
            at = block.find(records.MAGIC, at + 1)
        if len(block) < _SEARCH_BYTES:
            return False
        position += len(block) - len(records.MAGIC) + 1
    return False


def _sound_record(descriptor: int, offset: int) -> RecordHeader | None:
    try:
        header = records.decode_header(os.pread(descriptor, records.HEADER_BYTES, offset))
        return records.check(os.pread(descriptor, header.length, offset))
    except DamagedRecordError:
        return None
