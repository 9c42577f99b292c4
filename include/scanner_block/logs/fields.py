"""Positions and values of fields in a block of lines, for all its lines at once (numpy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.logs.chunks import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.logs.chunks import Block

NEWLINE: Final = 10
WINDOWS: Final = (512, PADDING)
"""Bytes from a line's beginning in which its fields are looked for, where the first look does not find them; lines
that need more are read one by one."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a block.

    :param text: the block; PADDING bytes follow its last line.
    :param array: the same bytes as uint8.
    :param starts: where the lines begin (int64).
    :param ends: where their newlines stand.
    :param numbers: their numbers in the file, from 1.
    """

    text: bytes
    array: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, block: Block, *, first: int = 1) -> Lines:
        """Find the lines of a block whose first one has the number `first`."""
        import numpy as np

        array = np.frombuffer(block.text, dtype=np.uint8)
        ends = np.flatnonzero(array[: block.end] == NEWLINE)
        starts = np.empty_like(ends)
        starts[:1] = 0
        starts[1:] = ends[:-1] + 1
        return cls(block.text, array, starts, ends, np.arange(first, first + len(ends)))

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, index: int) -> bytes:
        """Return one line without its newline."""
        return self.text[self.starts[index] : self.ends[index]]

    def some(self, chosen: Any) -> Lines:
        """Return the lines of a slice, of a mask or of indices."""
        return Lines(self.text, self.array, self.starts[chosen], self.ends[chosen], self.numbers[chosen])


def windows(array: NDArray[np.uint8], begins: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Return the `width` bytes from each position on, as rows."""
    import numpy as np

    view = np.ndarray((len(array) - width + 1, width), np.uint8, array, strides=(1, 1))
    return view[begins]


def separators(
    lines: Lines, separator: int, *, wanted: Sequence[int], first_window: int = 128, last_may_end_line: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the separators with the numbers `wanted` (from 0, ascending) in each line.

    :param first_window: bytes in which most lines have them all, a multiple of 64.
    :param last_may_end_line: the last one may be the newline.
    :returns: their positions (wanted, lines), and which lines have them all within the windows; the others are read
        one by one, and until then have all theirs at their beginning.
    """
    import numpy as np

    found = np.repeat(lines.starts[None, :], len(wanted), axis=0)
    good = np.zeros(len(lines), dtype=np.bool_)
    rows = np.arange(len(lines))
    for width in (first_window, *WINDOWS):
        if len(rows):
            within, enough = _in_windows(
                lines.some(rows), separator, wanted=wanted, width=width, last_may_end_line=last_may_end_line
            )
            complete = rows[enough]
            found[:, complete] = within
            good[complete] = True
            rows = rows[~enough]
            rows = rows[lines.ends[rows] - lines.starts[rows] >= width]
    return found, good


def _in_windows(
    lines: Lines, separator: int, *, wanted: Sequence[int], width: int, last_may_end_line: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find separators in the first `width` bytes: positions (wanted, lines that have them), and which lines do."""
    import numpy as np

    text = windows(lines.array, lines.starts, width)
    marks = text == separator
    if last_may_end_line:
        marks |= text == NEWLINE
    numbers = marks_of_rows(marks)
    enough = numbers > wanted[-1]
    places = np.flatnonzero(marks)
    firsts = np.cumsum(numbers) - numbers
    # Positions count from the first window on; this is where a line's window would begin in the block.
    shifts = lines.starts - np.arange(0, len(lines) * width, width)
    if not enough.all():
        firsts, shifts = firsts[enough], shifts[enough]
    within = np.array([places[firsts + number] for number in wanted], dtype=np.int64).reshape(len(wanted), -1)
    within += shifts
    in_line = within[-1] <= lines.ends[enough]
    if not in_line.all():
        within = within[:, in_line]
        enough[enough] = in_line
    return within, enough


def marks_of_rows(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many marks each row has; the rows' width is 16 or a multiple of 64."""
    import numpy as np

    word = np.uint16 if marks.shape[1] == 16 else np.uint64
    bits = np.bitwise_count(np.packbits(marks, axis=1).view(word))
    numbers: NDArray[np.int64] = bits[:, 0].astype(np.int64)
    # A sum along rows as short as these takes numpy several times as long.
    for column in range(1, bits.shape[1]):
        numbers += bits[:, column]
    return numbers


def words(array: NDArray[np.uint8], begins: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the eight bytes from each position on, the first one lowest."""
    import numpy as np

    return windows(array, begins, 8).view("<u8").ravel().astype(np.uint64, copy=False)


def seconds_of_day(clock: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read `HH:MM:SS` from eight bytes each: the second of the day, and whether it is one.

    All eight bytes are worked on at once inside a 64-bit word; no sum of two digits' bytes carries into the next.
    """
    import numpy as np

    digits = clock ^ np.uint64(0x30303A30303A3030)
    wrong = (digits | (digits + np.uint64(0x0606060606060606))) & np.uint64(0xF0F0F0F0F0F0F0F0)
    wrong |= digits & np.uint64(0x0000FF0000FF0000)
    pairs = digits * np.uint64(10) + (digits >> np.uint64(8))
    hours, minutes, seconds = ((pairs >> np.uint64(shift) & np.uint64(0xFF)).astype(np.int64) for shift in (0, 24, 48))
    good = (wrong == 0) & (hours < 24) & (minutes < 60) & (seconds < 60)
    return hours * _HOUR + minutes * _MINUTE + seconds, good


def days(array: NDArray[np.uint8], begins: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read `YYYY-MM-DD` at each position: Unix seconds of its midnight, and whether it is a day of the calendar."""
    import numpy as np
    import pyarrow as pa

    from include.scanner_block.logs.instants import midnight

    dates = windows(array, begins, 10)
    if len(dates) and bool((dates == dates[0]).all()):
        index, texts = np.zeros(len(dates), dtype=np.int64), [dates[0].tobytes()]
    else:
        buffers = [None, pa.py_buffer(dates)]
        coded = pa.FixedSizeBinaryArray.from_buffers(pa.binary(10), len(dates), buffers).dictionary_encode()
        index, texts = coded.indices.to_numpy(), coded.dictionary.to_pylist()
    return _looked_up((midnight(text) for text in texts), index)


def _looked_up(values: Iterable[int | None], index: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    import numpy as np

    known = list(values)
    numbers = np.array([value or 0 for value in known], dtype=np.int64)
    good = np.array([value is not None for value in known], dtype=np.bool_)
    return numbers[index], good[index]


def statuses(
    array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read three digits at each position: the number, and whether the field is that."""
    import numpy as np

    first, second, third = (windows(array, begins, 3) - np.uint8(48)).T
    good = (first <= 9) & (second <= 9) & (third <= 9) & (ends - begins == 3)
    numbers: NDArray[np.int64] = first.astype(np.int64) * 100 + second * np.uint8(10) + third
    return numbers, good
