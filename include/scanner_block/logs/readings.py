"""What a reader of one format gives: of all lines of a block that are as usual, and of one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.logs.fields import Lines


class UnreadableLineError(ValueError):
    """A line lacks what every line needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: Unix seconds, the client's number, whether its status counts, and the path as logged."""

    second: int
    client: tuple[int, int]
    counts: bool
    path: bytes


@dataclass(frozen=True, slots=True)
class Readings:
    """The lines of a block.

    :param good: which lines were read; the others are as if not here, and are read one by one.
    :param seconds: Unix seconds.
    :param distinct: the clients' numbers (k, 2).
    :param client: for each line its row in `distinct`.
    :param counts: whether the line's status counts.
    :param path: gives the path of the line at an index.
    """

    good: NDArray[np.bool_]
    seconds: NDArray[np.int64]
    distinct: NDArray[np.uint64]
    client: NDArray[np.int64]
    counts: NDArray[np.bool_]
    path: Callable[[int], bytes]


class LineReader(Protocol):
    """Reads the lines of one format."""

    def changes_order(self, line: bytes) -> bool:
        """Look at a line that begins with `#`, return whether lines after it are read in another way."""

    def change_order(self, line: bytes) -> None:
        """Read the lines from now on as the comment says."""

    def read_block(self, lines: Lines) -> Readings:
        """Read lines that are as usual, all at once."""

    def read_line(self, line: bytes) -> Reading:
        """Read any one line that is neither blank nor a comment.

        :raises UnreadableLineError: the line lacks what every line needs.
        """
