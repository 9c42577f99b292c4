"""The shape of a URL: what stays the same when a phishing kit moves to the next throw-away host."""

import re
from urllib.parse import parse_qsl

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


def url_shape(path: str, query: str) -> str:
    """Return path and parameter names with every number as `0` and every token as `*`.

    A token is a segment of 20 characters or more, or one that mixes letters and digits; a short file extension is
    kept. `/track/3UjVBV46?id=7&k=x` gives `/track/*?id&k`.
    """
    names = sorted({name for name, _ in parse_qsl(query, keep_blank_values=True) if len(name) <= MAX_TOKEN})
    return "/".join(_segment(part) for part in path.split("/")) + (f"?{'&'.join(names)}" if names else "")


def is_distinctive(shape: str) -> bool:
    """Accept a shape that names something of its own: a word outside the generic ones, or three parameters."""
    if len(shape) < MIN_LENGTH:
        return False
    path, _, query = shape.partition("?")
    words = (word.lower() for word in re.split(r"[/._-]", path) if re.fullmatch(r"[A-Za-z]{4,}", word))
    return any(word not in GENERIC_WORDS for word in words) or query.count("&") >= MIN_PARAMETERS - 1


def _segment(segment: str) -> str:
    stem, dot, extension = segment.rpartition(".")
    if not stem:
        stem, dot, extension = segment, "", ""
    if len(stem) >= MAX_TOKEN or (re.search(r"\d", stem) and re.search(r"[A-Za-z]", stem)):
        stem = "*"
    return re.sub(r"\d+", "0", stem) + (f"{dot}{extension.lower()}" if dot else "")
