"""The shape of a URL: what stays the same when a phishing kit moves to the next throw-away host."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

MIN_LENGTH = 8
MAX_TOKEN = 20
MIN_PARAMETERS = 3

GENERIC_WORDS = frozenset(
    "index images image logo logos banner icon icons unsubscribe optout product products assets static content "
    "includes uploads upload media email mail mailing mailings click clicks track tracking open opens pixel view "
    "public files file fonts font html home main default page pages site link links redirect admin user users login "
    "account news blog category search temp theme themes style styles script scripts header footer http https jpeg "
    "aspx webp".split()
)
"""Words that stand in the paths of ordinary web sites and mailing software: alone they tell nothing."""


_SEPARATED_WORD = re.compile(r"(?<![^/._-])[A-Za-z]{4,}(?![^/._-])")
_DIGITS = re.compile(r"\d+")
_LETTER = re.compile(r"[A-Za-z]")


def url_shape(path: str, query: str) -> str:
    """Return path and parameter names with every number as `0` and every token as `*`.

    A token is a segment of 20 characters or more, or one that mixes letters and digits; a short file extension is
    kept. `/track/3UjVBV46?id=7&k=x` gives `/track/*?id&k`.
    """
    shape = "/".join(_segment(part) for part in path.split("/"))
    names = sorted({name for name in _parameter_names(query) if len(name) <= MAX_TOKEN})
    return f"{shape}?{'&'.join(names)}" if names else shape


@lru_cache(maxsize=4096)
def is_distinctive(shape: str) -> bool:
    """Accept a shape that names something of its own: a word outside the generic ones, or three parameters."""
    if len(shape) < MIN_LENGTH:
        return False
    path, _, query = shape.partition("?")
    words = _SEPARATED_WORD.findall(path)
    return any(word.lower() not in GENERIC_WORDS for word in words) or query.count("&") >= MIN_PARAMETERS - 1


def _parameter_names(query: str) -> Iterator[str]:
    """Yield what urllib's parse_qsl calls the names, without decoding the values."""
    for parameter in query.split("&"):
        if parameter:
            name = parameter.partition("=")[0].replace("+", " ")
            yield unquote(name) if "%" in name else name


@lru_cache(maxsize=4096)
def _segment(segment: str) -> str:
    stem, dot, extension = segment.rpartition(".")
    if not stem:
        stem, dot, extension = segment, "", ""
    if len(stem) >= MAX_TOKEN or (_DIGITS.search(stem) and _LETTER.search(stem)):
        stem = "*"
    return _DIGITS.sub("0", stem) + (f"{dot}{extension.lower()}" if dot else "")
