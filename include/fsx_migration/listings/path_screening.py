"""Look over thousands of paths in one: their bytes lie side by side in an Arrow array, and most hold nothing special.

A look at the bytes of all is many times faster than a look at each path. What it finds may lie across two paths or be
harmless where it stands: it says that a closer look is due, never what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_BLOCK: Final = 1 << 20
"""Bytes that are compared at once: their answers stay in the processor's cache."""
_BELOW_ALL_PLAIN: Final = ord("-")
"""Quotes, commas, spaces, line breaks and NUL all stand before the hyphen in ASCII; so do a few harmless letters."""


@dataclass(frozen=True, slots=True)
class Letters:
    """What the paths of an array hold; `text` is all of their bytes, made only where anything may be special.

    :param has_odd_pair: whether `//` or `./` stands anywhere.
    :param firsts: the first byte of each path, as a numpy array; of an empty path, some other byte.
    :param lasts: the last byte of each path, likewise.
    """

    has_odd_pair: bool
    has_backslash: bool
    text: bytes
    firsts: Any
    lasts: Any

    @property
    def has_nul(self) -> bool:
        """Whether a NUL stands anywhere."""
        return b"\0" in self.text

    def has_any(self, letters: bytes) -> bool:
        """Whether any of some letters, each before the hyphen in ASCII, stands anywhere."""
        return bool(self.text) and any(letter in self.text for letter in letters)

    def starts_with(self, letters: bytes) -> bool:
        """Whether any path starts with one of some letters."""
        return any(bool((self.firsts == letter).any()) for letter in letters)

    def ends_with(self, letters: bytes) -> bool:
        """Whether any path ends with one of some letters."""
        return any(bool((self.lasts == letter).any()) for letter in letters)


def offsets(texts: Any) -> Any:
    """Return where each text of an Arrow array begins in its data, and where the last one ends, as an int32 array."""
    import numpy as np

    return np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]


def look_over(paths: Any) -> Letters:
    """Return what an Arrow array of paths (type string, no NULs needed) holds."""
    import numpy as np

    ends = offsets(paths)
    data = np.frombuffer(paths.buffers()[2] or b"", np.uint8)
    letters = data[ends[0] : ends[-1]]
    places = (ends - ends[0]).clip(max=max(len(letters) - 1, 0))
    low = _any_equal(letters, _BELOW_ALL_PLAIN, below=True)
    edges = letters if len(letters) else np.zeros(1, np.uint8)
    return Letters(
        has_odd_pair=_has_pair(letters, b"//") or _has_pair(letters, b"./"),
        has_backslash=_any_equal(letters, ord("\\")),
        text=letters.tobytes() if low else b"",
        firsts=edges[places[:-1]],
        lasts=edges[(ends[1:] - ends[0] - 1).clip(min=0)],
    )


def _has_pair(letters: Any, pair: bytes) -> bool:
    """Look for two bytes side by side, at even places and at odd ones."""
    import numpy as np

    (wanted,) = np.frombuffer(pair, np.uint16)
    even = len(letters) // 2 * 2
    odd = (len(letters) - 1) // 2 * 2 + 1 if len(letters) else 0
    return any(_any_equal(letters[start:stop].view(np.uint16), wanted) for start, stop in ((0, even), (1, odd)))


def _any_equal(values: Any, wanted: int, *, below: bool = False) -> bool:
    import numpy as np

    compare = np.less if below else np.equal
    answers = np.empty(min(_BLOCK, len(values)), bool)
    for start in range(0, len(values), _BLOCK):
        some = values[start : start + _BLOCK]
        if compare(some, wanted, out=answers[: len(some)]).any():
            return True
    return False
