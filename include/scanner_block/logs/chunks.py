"""Bounded streaming of a log, gzip or plain, into blocks of whole lines."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from zlib_ng import zlib_ng as zlib

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES: Final = 4 << 20
"""Text that is worked on at once: large enough for a client to come more than once, small enough for the caches."""

LONGEST_LINE: Final = 16 << 20
"""Bytes of a line; a longer one is skipped without being held."""

_PIECE: Final = 256 << 10
_GZIP_MAGIC: Final = b"\x1f\x8b\x08"
_DAMAGED: Final[Any] = zlib.error  # the library's own stub takes the class for an instance


PADDING: Final = 2048
"""Bytes behind a block's last line, so that whoever looks at a line from its beginning on needs no bounds."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: those of `text` before `end`; at least PADDING bytes without meaning follow."""

    text: bytes
    end: int

    @classmethod
    def of(cls, text: bytes) -> Block:
        """Return whole lines as a block."""
        return cls(text + bytes(PADDING), len(text))


@dataclass(frozen=True, slots=True)
class Flaw:
    """A line, or the rest of a file, that could not be had: why, and how it begins. It counts as one line."""

    reason: str
    beginning: bytes


def blocks(stream: BinaryIO, *, size: int = BLOCK_BYTES) -> Iterator[Block | Flaw]:
    r"""Yield the lines of a log in order, in blocks of about `size` bytes that each end with "\n".

    :param stream: gzip (known by its first bytes; several members are one text) or plain text.
    """
    lines = _LineBlocks(size)
    for piece in _pieces(stream):
        if isinstance(piece, Flaw):
            # What stands before the damage has no end: it is the cut line, not a line of its own.
            yield from lines.rest()
            yield Flaw(piece.reason, piece.beginning or lines.take_open_line())
            return
        yield from lines.add(piece)
    yield from lines.rest()
    if last := lines.take_open_line():
        yield Block.of(last + b"\n")


class _LineBlocks:
    """Pieces of text on their way to blocks of whole lines."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[bytes] = []
        self._bytes = 0
        self._skipping = False

    def add(self, piece: bytes) -> Iterator[Block | Flaw]:
        """Take the next piece and yield what is complete."""
        if self._skipping:
            end = piece.find(b"\n")
            if end < 0:
                return
            self._skipping = False
            piece = piece[end + 1 :]
        self._held.append(piece)
        self._bytes += len(piece)
        if self._bytes >= self._size:
            yield from self.rest()
            if self._bytes > LONGEST_LINE:
                beginning = self.take_open_line()[:200]
                self._skipping = True
                yield Flaw(f"the line is longer than {LONGEST_LINE >> 20} MiB", beginning)

    def rest(self) -> Iterator[Block]:
        """Yield the whole lines that are held and keep the open one."""
        if not any(b"\n" in piece for piece in self._held):
            return
        text = b"".join([*self._held, bytes(PADDING)])
        size = len(text) - PADDING
        end = text.rfind(b"\n", 0, size) + 1
        self._held = [text[end:size]] if end < size else []
        self._bytes = size - end
        yield Block(text, end)

    def take_open_line(self) -> bytes:
        """Return the beginning of a line whose end has not come, and hold it no longer."""
        text = b"".join(self._held)
        self._held, self._bytes = [], 0
        return text


def _pieces(stream: BinaryIO) -> Iterator[bytes | Flaw]:
    first = stream.read(_PIECE)
    while len(first) < len(_GZIP_MAGIC) and (more := stream.read(_PIECE)):
        first += more
    if first.startswith(_GZIP_MAGIC):
        yield from _gzip_pieces(stream, first)
        return
    while first:
        yield first
        first = stream.read(_PIECE)


def _gzip_pieces(stream: BinaryIO, packed: bytes) -> Iterator[bytes | Flaw]:
    """Yield the text of each member (RFC 1952); damage ends the file with a flaw."""
    while packed:
        member: Any = zlib.decompressobj(wbits=31)
        while not member.eof:
            before = member.copy()
            try:
                text = member.decompress(packed, _PIECE)
            except _DAMAGED as error:
                yield _before_damage(before, packed)
                yield Flaw(f"the gzip stream is damaged ({error})", b"")
                return
            if text:
                yield text
            packed = member.unconsumed_tail
            if not packed and not member.eof and not text:
                packed = stream.read(_PIECE)
                if not packed:
                    yield Flaw("the gzip stream ends early", b"")
                    return
        packed = _next_member(stream, member.unused_data)
        if packed and not packed.startswith(_GZIP_MAGIC):
            yield from _after_last(packed)
            return


def _before_damage(member: Any, packed: bytes) -> bytes:
    """Return the text up to the damaged byte: a wrong checksum at the very end must not cost what stands before."""
    text = bytearray()
    with suppress(_DAMAGED):
        for place in range(len(packed)):
            text += member.decompress(packed[place : place + 1])
    return bytes(text)


def _next_member(stream: BinaryIO, packed: bytes) -> bytes:
    """Return what follows a member, without the zeros that tapes and block copies add."""
    packed = packed.lstrip(b"\0")
    while len(packed) < len(_GZIP_MAGIC) and (more := stream.read(_PIECE)):
        packed = (packed + more).lstrip(b"\0")
    return packed


def _after_last(packed: bytes) -> Iterator[bytes | Flaw]:
    yield b"\n"
    yield Flaw("bytes that are no gzip follow the gzip stream", packed[:200])
