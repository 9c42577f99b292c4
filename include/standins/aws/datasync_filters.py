r"""Include and exclude filters, SIMPLE_PATTERN.

Source: DataSync user guide, "Transferring specific files, objects, and folders by using filters": patterns are divided
by `|`, `*` stands for anything (slashes too), `\` makes the next letter plain; a pattern that fits a folder fits what
is in it; includes take `*` only as their last letter; some names are never transferred.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from include.standins.aws.datasync_trees import DESCEND, PRUNE, TAKE, Verdict
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OWN = (b".aws-datasync", b".awssync", b".zfs")
_PARTS = re.compile(r"\\(.)|(\*)|(\|)", re.DOTALL)


class Filters:
    """The filters of one execution; relative names, as bytes, in."""

    def __init__(self, includes: Any, excludes: Any) -> None:
        self._includes = [_compiled(pattern) for pattern in patterns(includes)]
        self._prefixes = [_literal(pattern) for pattern in patterns(includes)]
        self._excludes = [_compiled(pattern) for pattern in patterns(excludes)]
        self._plain = not self._includes and not self._excludes

    def verdict(self, path: bytes, is_directory: bool) -> Verdict:
        """Say what becomes of an entry."""
        if path.endswith(b".snapshot") or (path[:1] == b"." and path.partition(b"/")[0] in _OWN):
            return PRUNE
        if self._plain:
            return TAKE
        name = b"/" + path
        if any(pattern.fullmatch(name) for pattern in self._excludes):
            return PRUNE
        if not self._includes or any(pattern.fullmatch(name) for pattern in self._includes):
            return TAKE
        if is_directory and any(prefix.startswith(name + b"/") for prefix in self._prefixes):
            return DESCEND
        return PRUNE


def patterns(rules: Any) -> list[Sequence[str | None]]:
    """Split a FilterList into patterns; each is a list of letters, None standing for `*`."""
    found: list[Sequence[str | None]] = []
    for rule in rules or []:
        current: list[str | None] = []
        for kind, text in _tokens(rule.get("Value", "")):
            if kind == "|":
                found.append(current)
                current = []
            else:
                current.append(None if kind == "*" else text)
        found.append(current)
    return [pattern for pattern in found if pattern]


def _tokens(value: str) -> Iterable[tuple[str, str]]:
    at = 0
    for match in _PARTS.finditer(value):
        if match.start() > at:
            yield "text", value[at : match.start()]
        escaped, star, _ = match.groups()
        yield ("text", escaped) if escaped is not None else (("*" if star else "|"), "")
        at = match.end()
    if at < len(value):
        yield "text", value[at:]


def _compiled(pattern: Sequence[str | None]) -> re.Pattern[bytes]:
    pieces = [b".*" if piece is None else re.escape(piece.encode()) for piece in pattern]
    return re.compile(b"".join(pieces).removesuffix(b"/") + rb"(/.*)?", re.DOTALL)


def _literal(pattern: Sequence[str | None]) -> bytes:
    """Give what stands before the first `*`, for finding the way down to what is included."""
    pieces: list[str] = []
    for piece in pattern:
        if piece is None:
            break
        pieces.append(piece)
    return "".join(pieces).encode()


def check_includes(includes: Any) -> None:
    """Refuse an include with `*` anywhere but at its end; raises AwsError InvalidRequestException."""
    for pattern in patterns(includes):
        if None in pattern[:-1]:
            sentence = (
                "Include filters support the wildcard (*) character only as the rightmost character in a pattern."
            )
            raise AwsError("InvalidRequestException", sentence)
