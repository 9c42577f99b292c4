"""How strings compare: case does not count, accents do, trailing spaces do not.

Models SQL_Latin1_General_CP1_CI_AS: punctuation before digits before letters, an accented letter after its plain one.
Full Unicode ordering (ignorable hyphens, contractions) is not modelled; equality is what counts here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

COLLATION = "CI_AS"
"""The name under which every connection registers `compare`."""


@lru_cache(maxsize=65536)
def sort_key(text: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Return what decides equality and order of a string."""
    stripped = text.rstrip(" ")
    if stripped.isascii():
        folded = stripped.lower()
        return tuple(map(_rank, folded)), ""
    folded = unicodedata.normalize("NFC", stripped).casefold()
    base = "".join(char for char in unicodedata.normalize("NFD", folded) if not unicodedata.combining(char))
    return tuple(map(_rank, base)), folded


def _rank(char: str) -> tuple[int, str]:
    if char.isalpha():
        return 2, char
    return (1 if char.isdigit() else 0), char


def compare(left: str, right: str) -> int:
    """Order two strings for SQLite: negative, zero or positive."""
    if left == right:
        return 0
    a, b = sort_key(left), sort_key(right)
    return (a > b) - (a < b)


@lru_cache(maxsize=4096)
def like_pattern(pattern: str, escape: str | None) -> re.Pattern[str]:
    """Return LIKE's pattern as a regular expression: % _ [a-z] [^a-z] and the escape character."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if escape is not None and char == escape and at + 1 < len(pattern):
            parts.append(re.escape(pattern[at + 1]))
            at += 2
            continue
        end = pattern.find("]", at + 2) if char == "[" else -1
        if end > 0:
            parts.append(_character_class(pattern[at + 1 : end]))
            at = end + 1
            continue
        parts.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
        at += 1
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _character_class(body: str) -> str:
    negated = body.startswith("^")
    inner = body[1:] if negated else body
    escaped = re.sub(r"([\\\]\[^&~|])", r"\\\1", inner)
    return f"[{'^' if negated else ''}{escaped}]"


def like(text: str | None, pattern: str | None, escape: str | None = None) -> int | None:
    """Apply LIKE; trailing spaces of the text may be left unmatched."""
    if text is None or pattern is None:
        return None
    found = like_pattern(pattern, escape)
    return int(found.fullmatch(text) is not None or found.fullmatch(text.rstrip(" ")) is not None)
