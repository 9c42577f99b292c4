"""Look through a text file's bytes once: which encoding, and whether it is plain enough for the fast reader."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from include.discovery.sources.problems import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK: Final = 1 << 22
_BINARY: Final = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b", b"\x89PNG")
_ODD_LINES: Final = re.compile(rb"\n\r?\n|\r(?!\n)")
UTF_8: Final = "utf-8"


@dataclass(frozen=True, slots=True)
class Look:
    """What the bytes tell.

    :param is_clean: valid UTF-8 without NUL bytes, blank lines or lone carriage returns.
    """

    encoding: str
    is_clean: bool


def look(path: Path, shown: str) -> Look:
    """Return the encoding of a text file: utf-8, utf-16 (either order) or, by its bytes, cp1252.

    :raises RefusedError: it is no text.
    """
    with path.open("rb") as stream:
        head = stream.read(65_536)
        wide = _utf_16(head)
        if wide:
            return Look(wide, is_clean=False)
        if head.startswith(_BINARY) or head.count(b"\0") > len(head) // 10:
            raise RefusedError(f"{shown} is no text file, whatever its name says; export it as CSV or as a workbook.")
        stream.seek(0)
        return _scan(stream)


def _utf_16(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(len(head) // 2, 1)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.4 and odd < half * 0.1 else ""


def _scan(stream: IO[bytes]) -> Look:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    is_clean, is_utf_8, before = True, True, b""
    while chunk := stream.read(_CHUNK):
        if is_utf_8 and not (chunk.isascii() and not decoder.getstate()[0]):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf_8 = False
        is_clean = is_clean and is_utf_8 and _is_plain(before + chunk)
        before = chunk[-1:] if not chunk.endswith(b"\r\n") else chunk[-2:]
        if not is_utf_8:
            return Look("cp1252", is_clean=False)
    return Look(UTF_8, is_clean) if not decoder.getstate()[0] else Look("cp1252", is_clean=False)


def _is_plain(chunk: bytes) -> bool:
    """Whether no NUL, blank line or lone carriage return is in it; the last byte is judged with the next chunk."""
    if b"\0" in chunk:
        return False
    if b"\r" not in chunk:
        return b"\n\n" not in chunk
    return _ODD_LINES.search(chunk, 0, len(chunk) - 1) is None
