r"""Names of files as text: every byte string has one text, and ordinary names stay as they are.

Bytes are read as UTF-8. A byte that is no part of it is written `\xHH` (lower case, 80 to ff). A backslash is written
`\x5c` only where an `x` and two hexadecimal digits in lower case follow, otherwise as itself.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\x([89a-f][0-9a-f]|5c)")
_AMBIGUOUS: Final = re.compile(r"\\(?=x[0-9a-f]{2})")
_UNDECODABLE: Final = re.compile(r"\\x[89a-f][0-9a-f]")


def escape_path(name: bytes) -> str:
    """Return the text of a name as the operating system gives it."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = name.decode(errors="surrogateescape")
        text = _AMBIGUOUS.sub(r"\\x5c", text)
        return "".join(_escaped(letter) for letter in text)
    return _AMBIGUOUS.sub(r"\\x5c", text) if "\\x" in text else text


def unescape_path(text: str) -> bytes:
    """Return the name that a text stands for; the inverse of `escape_path`."""
    if "\\x" not in text:
        return text.encode()
    marked = _ESCAPE.sub(lambda found: chr(0xDC00 + int(found[1], 16)) if found[1] != "5c" else "\\", text)
    return marked.encode(errors="surrogateescape")


def is_undecodable(text: str) -> bool:
    """Tell whether the name behind a text is no UTF-8."""
    return "\\x" in text and _UNDECODABLE.search(text) is not None


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else letter
