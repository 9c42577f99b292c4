"""File-name patterns of attachments, and names that contradict what the file is."""

import re
from collections.abc import Iterator

MAX_NAME_LENGTH = 255

EXPECTED_TYPES = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "zip": "application/zip",
    "html": "text/html",
    "htm": "text/html",
    "txt": "text/plain",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "ics": "text/calendar",
}
"""Registered media type by extension (IANA media types); only types that detection tells apart without doubt."""

NEUTRAL_TYPES = frozenset({"application/octet-stream", "application/x-empty", "text/plain", ""})
"""Types that a detector gives when it does not know: they contradict nothing."""


def file_name_keys(filename: str | None, mime_type: str | None) -> Iterator[str]:
    """Yield the name's pattern and, where name and detected type disagree, the mismatch as `pdf is text/html`."""
    stem, dot, extension = (filename or "")[:MAX_NAME_LENGTH].lower().rpartition(".")
    if not dot or not re.fullmatch(r"[a-z0-9]{1,8}", extension):
        return
    pattern = name_pattern(stem)
    if re.search(r"[^\W\d_]{4,}", pattern):  # "0.pdf" and "*.html" would name half of all attachments
        yield f"{pattern}.{extension}"
    expected, detected = EXPECTED_TYPES.get(extension), (mime_type or "").split(";")[0].strip().lower()
    if expected and detected not in NEUTRAL_TYPES and detected != expected:
        yield f"{extension} is {detected}"


def name_pattern(stem: str) -> str:
    """Fold what a sender varies: long hexadecimal runs to `*`, numbers to `0`, separators to one dash."""
    folded = re.sub(r"(?=[a-f]*\d)[0-9a-f]{8,}", "*", stem)
    return re.sub(r"[\s_\-.]+", "-", re.sub(r"\d+", "0", folded)).strip("-")
