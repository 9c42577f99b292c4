"""Walk a large JSON object member by member, without holding more than one member in memory."""

from __future__ import annotations

import json
import re
from typing import IO, TYPE_CHECKING, Any, Final

from include.discovery.catalogue.model import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_CHUNK: Final = 1 << 20
_LARGEST_MEMBER: Final = 16 << 20
_GAP: Final = re.compile(r"[\s,:]*")
_SKIPPED: Final = ("Reserved",)


def walk(
    file: IO[str], name: str, *, descend: Collection[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yield (path, key, value) of the members of the objects at the root and at the paths to descend into.

    A member named "Reserved" is announced with the value None and ends the walk: what follows is not wanted.

    :raises CatalogueError: the text is no such JSON, is cut off, or has a member over 16 million characters.
    """
    source = _Source(file, name)
    source.expect("{")
    path: tuple[str, ...] = ()
    while True:
        if source.peek() == "}":
            source.expect("}")
            if not path:
                return
            path = path[:-1]
            continue
        key = str(source.value())
        inner = (*path, key)
        if key in _SKIPPED:
            yield path, key, None
            return
        if inner in descend:
            source.expect("{")
            path = inner
        else:
            yield path, key, source.value()


class _Source:
    """A window on the text that grows until one value fits and forgets what was read."""

    def __init__(self, file: IO[str], name: str) -> None:
        self._file, self._name, self._text, self._at = file, name, "", 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Return the next character that means something, without taking it."""
        while True:
            gap = _GAP.match(self._text, self._at)
            self._at = gap.end() if gap else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            self._grow()

    def expect(self, character: str) -> None:
        """Take one character that must be next."""
        if self.peek() != character:
            raise CatalogueError(f"{self._name} is no price list as AWS writes it: a {character} is missing.")
        self._at += 1

    def value(self) -> Any:
        """Take the next whole value; bare numbers, which could go on behind the window, do not occur in this format."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > _LARGEST_MEMBER:
                    raise CatalogueError(f"{self._name} has a member over 16 MB or is broken ({error.msg}).") from error
                self._grow()
                continue
            self._at = end
            return value

    def _grow(self) -> None:
        more = self._file.read(_CHUNK)
        if not more:
            raise CatalogueError(f"{self._name} ends in the middle: download it again.")
        self._text, self._at = self._text[self._at :] + more, 0
