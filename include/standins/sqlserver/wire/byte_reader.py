"""Read little-endian fields from a message without ever reading past its end."""

from __future__ import annotations

import struct

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class ProtocolError(Exception):
    """The client sent bytes that are no TDS, or more than is allowed; its connection or request ends."""


class ByteReader:
    """A position in a message; every read past the end raises ProtocolError."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self.position = position

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.position

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if not 0 <= count <= self.remaining:
            raise ProtocolError(f"a field of {count} bytes at {self.position} runs past the end of its message")
        start = self.position
        self.position = start + count
        return self._data[start : self.position]

    def peek(self) -> int:
        """The next byte, which stays."""
        if self.remaining < 1:
            raise ProtocolError("the message ends too early")
        return self._data[self.position]

    def u8(self) -> int:
        """BYTE."""
        return self.take(1)[0]

    def u16(self) -> int:
        """USHORT."""
        return int(_U16.unpack(self.take(2))[0])

    def u32(self) -> int:
        """ULONG."""
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        """ULONGLONG."""
        return int(_U64.unpack(self.take(8))[0])

    def text(self, characters: int) -> str:
        """UTF-16 text of so many code units."""
        return self.take(characters * 2).decode("utf-16-le", "surrogatepass")

    def b_varchar(self) -> str:
        """Text with its length in a byte."""
        return self.text(self.u8())

    def us_varchar(self) -> str:
        """Text with its length in two bytes."""
        return self.text(self.u16())
