"""Text objects as lines, as Trino's line reader gives them: any bytes, and a damaged object fails the query.

A line ends with a line feed, a carriage return or both (Trino, TextLineReader). RegexSerDe then reads a line as UTF-8,
with U+FFFD for what is none (Trino, RegexDeserializer); NUL, quotes and other control characters stay as they are.
Bytes behind a gzip member that are no further member are passed over, as Java's GZIPInputStream does.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from include.standins.aws.athena_errors import QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from include.standins.aws.object_store import StoredObject

_STORED_BLOCK: Final = 1024 * 1024
_MOST_AT_ONCE: Final = 8 * 1024 * 1024
_GZIP: Final = 31  # zlib's window bits for a gzip header and trailer
_MAGIC: Final = b"\x1f\x8b"


def line_batches(files: Sequence[StoredObject], *, compression: str, skip: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield the lines of objects, one after the other, with columns `line` and `file_index` (from 0).

    :param compression: `none` or `gzip`.
    :param skip: lines at the beginning of each object that are left out.
    :raises QueryFailedError: NOT_SUPPORTED for another compression, HIVE_CURSOR_ERROR with the address of an object
        that is damaged.
    """
    if compression not in ("none", "gzip"):
        raise QueryFailedError("NOT_SUPPORTED", f"Lines of {compression} objects are not modelled by the local Athena")
    for index, stored in enumerate(files):
        blocks = _plain(stored.path) if compression == "none" else _unpacked(stored)
        left_out = skip
        for whole in _whole_lines(blocks):
            lines = _lines(whole)
            kept = lines.slice(left_out)
            left_out -= len(lines) - len(kept)
            numbers = pa.array(np.full(len(kept), index, np.int64))
            yield pa.RecordBatch.from_arrays([kept, numbers], names=["line", "file_index"])


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_MOST_AT_ONCE):
            yield block


def _unpacked(stored: StoredObject) -> Iterator[bytes]:
    """Yield a gzip object's content; several members are one content."""
    with stored.path.open("rb") as stream:
        member = zlib.decompressobj(_GZIP)
        rest, read_any = stream.read(_STORED_BLOCK), False
        while rest:
            try:
                yield member.decompress(rest, _MOST_AT_ONCE)
            except zlib.error as error:
                raise _damaged(stored, "Not in GZIP format" if not read_any else str(error)) from error
            read_any = True
            rest = member.unconsumed_tail or member.unused_data or stream.read(_STORED_BLOCK)
            if member.eof and len(rest) < len(_MAGIC):
                rest += stream.read(_STORED_BLOCK)
            if member.eof and rest:
                if not rest.startswith(_MAGIC):
                    return
                member = zlib.decompressobj(_GZIP)
        while not member.eof and read_any and (more := member.decompress(b"", _MOST_AT_ONCE)):
            yield more
        if read_any and not member.eof:
            raise _damaged(stored, "Unexpected end of ZLIB input stream")


def _damaged(stored: StoredObject, why: str) -> QueryFailedError:
    return QueryFailedError("HIVE_CURSOR_ERROR", f"Failed to read file at {stored.uri}: {why}")


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks that end with a line feed and hold no carriage return; a last line gets its line feed."""
    carried: list[bytes] = []
    held_return = b""
    for read in blocks:
        block = held_return + read
        held_return = b"\r" if block.endswith(b"\r") else b""  # its line feed may come with the next block
        block = _line_feeds(block[: len(block) - len(held_return)])
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join([*carried, block[:end]])
            carried = []
        carried.append(block[end:])
    last = b"".join(carried) + (b"\n" if held_return else b"")
    if last:
        yield last if last.endswith(b"\n") else last + b"\n"


def _line_feeds(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block


def _lines(whole: bytes) -> pa.Array:
    """Cut text into its lines without a loop: line feeds are taken out, and their places are the offsets."""
    try:
        whole.decode()
    except UnicodeDecodeError:
        whole = whole.decode(errors="replace").encode()
    letters = np.frombuffer(whole, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    offsets = np.zeros(len(ends) + 1, np.int64)
    offsets[1:] = ends - np.arange(len(ends))
    text = letters[letters != ord("\n")]
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(text))
