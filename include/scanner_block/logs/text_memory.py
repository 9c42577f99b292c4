"""Texts that were judged before, found again by arithmetic: a client comes in every block of a busy log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BITS: Final = 17
_FACTORS: Final = (
    0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F,
    0xE7037ED1A0B428DB,
)  # fmt: skip
"""Odd numbers with bits all over, one for each word of a text."""


class TextMemory:
    """A place for each text of one width; each slot keeps its latest text, and one that was lost is judged again.

    A text is found only when all its bytes are the same: slots that several texts share cost time, never truth.

    :param width: bytes of a text, a multiple of 8, at most 48.
    """

    def __init__(self, width: int) -> None:
        import numpy as np

        self.width = width
        self._words = np.zeros((1 << _BITS, width // 8), dtype=np.uint64)
        self._places = np.full(1 << _BITS, -1, dtype=np.int64)

    def find(self, texts: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return for each row of text its place, -1 where it is not remembered, and its slot."""
        import numpy as np

        words = texts.view(np.uint64)
        mixed = words[:, 0] * np.uint64(_FACTORS[0])
        for column in range(1, words.shape[1]):
            mixed += words[:, column] * np.uint64(_FACTORS[column])
        slots = (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
        places = self._places[slots]
        kept = self._words[slots]
        for column in range(words.shape[1]):
            places[kept[:, column] != words[:, column]] = -1
        return places, slots

    def keep(self, texts: NDArray[np.uint8], slots: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        """Remember texts at their slots."""
        import numpy as np

        slots, first = np.unique(slots, return_index=True)  # of texts that share a slot one, in both arrays the same
        self._words[slots] = texts.view(np.uint64)[first]
        self._places[slots] = places[first]

    def forget(self) -> None:
        """Remember nothing."""
        self._places[:] = -1
