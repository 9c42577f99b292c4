"""Compare headers as people write them: case, spaces, underscores, marks and trailing units do not matter."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_NOISE: Final = re.compile(r"[\s_\u00a0\u202f\u200b\ufeff*]+")
_OPTIONAL: Final = re.compile(r"\((?:optional|required)\)\s*$", re.IGNORECASE)
_SIZE: Final = re.compile(r"(?:[\s_.(\[]|In|_in_|^|(?<=[a-z]))*(?P<unit>bytes|[kmgtp]i?b)\s*[)\]]?\s*$", re.IGNORECASE)
_RATE: Final = re.compile(
    r"[\s_(\[]+(?:in[\s_])?(?P<unit>(?:bytes|[kmg]i?b|[kmg]?bits?|[kmg]?b)\s*(?:/|_?per[\s_]|p)\s*s(?:ec(?:ond)?)?)"
    r"\s*[)\]]?\s*$",
    re.IGNORECASE,
)
_PERCENT: Final = re.compile(r"[\s_(\[]*(?P<unit>%|pct)\s*[)\]]?\s*$", re.IGNORECASE)
_UNITS: Final = {"size": (_SIZE,), "rate": (_RATE,), "percent": (_PERCENT,)}


@lru_cache(maxsize=65_536)
def plain(header: str) -> str:
    """Return a header without what does not matter."""
    return _NOISE.sub("", _OPTIONAL.sub("", header)).lower()


@lru_cache(maxsize=65_536)
def without_unit(header: str, kind: str) -> tuple[str, str]:
    """Return the plain header without its trailing unit, and that unit as written; '' where there is none."""
    for pattern in _UNITS.get(kind, ()):
        found = pattern.search(header.strip())
        if found and found.start() > 0:
            return plain(header.strip()[: found.start()]), found["unit"]
    return plain(header), ""
