"""Clients as 128-bit numbers: IPv4 as its IPv4-mapped IPv6, so that each address is one number and each number one."""

from __future__ import annotations

from socket import AF_INET6, inet_ntop, inet_pton
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.addresses import canonical, client_key
from include.scanner_block.logs.fields import marks_of_rows, windows
from include.scanner_block.logs.text_memory import TextMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

MAPPED: Final = 0xFFFF
"""The upper half of an IPv4 client's lower word; its higher word is 0."""

LONGEST_CLIENT: Final = 47
"""`[` 39 characters of IPv6 `]:65535`; with one byte for the length a row of three words of 16 bytes."""

SHORT: Final = 16
"""Bytes of a text with its length that holds every IPv4 address."""

_REMEMBERED: Final = 50_000
_PLACES: Final = 1 << 18
"""Texts that have a place at a time."""


def number_of(address: str) -> tuple[int, int]:
    """Return the two 64-bit words of a canonical address, the higher one first."""
    text = address if ":" in address else f"::ffff:{address}"
    packed = inet_pton(AF_INET6, text)
    return int.from_bytes(packed[:8], "big"), int.from_bytes(packed[8:], "big")


def packed_clients(addresses: Iterable[str]) -> Any:
    """Return canonical addresses as an array of 16 bytes each, as `counts.LogCounts.seen` holds them."""
    import numpy as np
    import pyarrow as pa

    numbers = np.array([number_of(address) for address in addresses], dtype=np.uint64).reshape(-1, 2)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(numbers), [None, pa.py_buffer(numbers)])


def client_of(high: int, low: int, *, ipv6_prefix: int) -> str:
    """Return the client of a number: the canonical address or its network."""
    packed = high.to_bytes(8, "big") + low.to_bytes(8, "big")
    address = canonical(inet_ntop(AF_INET6, packed))
    if address is None:
        raise ValueError(f"{packed.hex()} is no address: no client was given this number.")
    return client_key(address, ipv6_prefix=ipv6_prefix)


class ClientReader:
    """Reads the addresses of a block: each distinct text once, IPv4 by arithmetic, the rest by `addresses`."""

    def __init__(self, read: Callable[[str], str | None] = canonical) -> None:
        """Take the function that judges one text: `canonical`, or `alb_client` where a port follows."""
        import numpy as np

        self._read = read
        self._known: dict[bytes, tuple[int, int] | None] = {}
        self._long_places: dict[bytes, int] = {}
        self._long_numbers: Any = None
        self._short, self._long = TextMemory(SHORT), TextMemory(LONGEST_CLIENT + 1)
        self._numbers, self._good = np.zeros((0, 2), dtype=np.uint64), np.zeros(0, dtype=np.bool_)
        self._count = 0

    def number(self, text: bytes) -> tuple[int, int] | None:
        """Return the number of one address, or None where the text is none."""
        try:
            return self._known[text]
        except KeyError:
            pass
        address = self._read(text.decode("ascii")) if text.isascii() else None
        number = None if address is None else number_of(address)
        if len(text) <= LONGEST_CLIENT:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = number
        return number

    def numbers(
        self, array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Read the fields from `begins` to `ends`.

        :returns: the distinct numbers (k, 2), and for each field its row there, -1 where it is no address.
        """
        import numpy as np

        lengths = ends - begins
        self._make_room(len(lengths))
        places = np.empty(len(lengths), dtype=np.int64)
        short = lengths < SHORT
        for memory, rows in ((self._short, np.flatnonzero(short)), (self._long, np.flatnonzero(~short))):
            if len(rows):
                places[rows] = self._places_of(memory, _texts(array, begins[rows], lengths[rows], memory.width))
        places[~self._good[places]] = -1
        return self._numbers[: self._count], places

    def _make_room(self, lines: int) -> None:
        """Forget all places when a block could need more than are left."""
        import numpy as np

        if self._count + lines <= len(self._numbers):
            return
        size = max(_PLACES, 2 * lines)
        self._numbers, self._good = np.zeros((size, 2), dtype=np.uint64), np.zeros(size, dtype=np.bool_)
        self._count = 0
        self._short.forget()
        self._long.forget()

    def _places_of(self, memory: TextMemory, texts: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the place of each text; each distinct one that is not remembered is judged once."""
        import numpy as np
        import pyarrow as pa

        places, slots = memory.find(texts)
        unknown = np.flatnonzero(places < 0)
        if not len(unknown):
            return places
        new, width = np.ascontiguousarray(texts[unknown]), memory.width
        rows = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(new), [None, pa.py_buffer(new)])
        coded = rows.dictionary_encode()
        distinct = np.frombuffer(coded.dictionary.buffers()[1], dtype=np.uint8)[: len(coded.dictionary) * width]
        begin, end = self._count, self._count + len(coded.dictionary)
        self._numbers[begin:end], self._good[begin:end] = self._distinct(distinct.reshape(-1, width))
        self._count = end
        places[unknown] = coded.indices.to_numpy() + begin
        memory.keep(new, slots[unknown], places[unknown])
        return places

    def _distinct(self, texts: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        import numpy as np

        numbers, good = _ipv4(texts)
        rest = np.flatnonzero(~good)
        if len(rest):
            # The last byte, the length, is never 0: numpy, which cuts NUL bytes off the end of texts, keeps all of it.
            width = texts.shape[1]
            found = self._remembered(np.ascontiguousarray(texts[rest]).view(f"S{width}").ravel().tolist(), width)
            numbers[rest], good[rest] = found[:, :2], found[:, 2] == 1
        return numbers, good

    def _remembered(self, rows: list[bytes], width: int) -> NDArray[np.uint64]:
        """Return the number of each row of text with its length, and 1 where it is an address: (rows, 3)."""
        import numpy as np

        if self._long_numbers is None or len(self._long_places) + len(rows) > len(self._long_numbers):
            self._long_places.clear()
            self._long_numbers = np.zeros((max(_REMEMBERED, len(rows)), 3), dtype=np.uint64)
        places = [self._long_places.get(row, -1) for row in rows]
        for index, place in enumerate(places):
            if place < 0:
                row = rows[index]
                size = row[-1] if row else 0
                number = self.number(row[:size]) if size < width else None
                places[index] = self._long_places[row] = len(self._long_places)
                self._long_numbers[places[index]] = (0, 0, 0) if number is None else (*number, 1)
        found: NDArray[np.uint64] = self._long_numbers[places]
        return found


def _texts(
    array: NDArray[np.uint8], begins: NDArray[np.int64], lengths: NDArray[np.int64], width: int
) -> NDArray[np.uint8]:
    """Return fields as rows of bytes: the text, NUL bytes, and the length (at most 255) in the last one.

    The length tells a text from the same one followed by NUL bytes, and one that is longer than the row from others.
    """
    import numpy as np

    texts = windows(array, begins, width)
    sizes = np.minimum(lengths, 255).astype(np.uint8)
    texts *= np.arange(width, dtype=np.uint8) < sizes[:, None]
    texts[:, -1] = sizes
    return texts


def _ipv4(texts: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Read dotted quads from rows of text whose last byte is the length: numbers, and which rows are one."""
    import numpy as np

    numbers = np.zeros((len(texts), 2), dtype=np.uint64)
    good = np.zeros(len(texts), dtype=np.bool_)
    short = np.ascontiguousarray(texts[:, :16])
    dots = short == ord(".")
    dots[:, 15] = False
    digits = short - np.uint8(ord("0"))
    lengths = texts[:, -1].astype(np.int64)
    fits = (lengths < 16) & (marks_of_rows(dots) == 3)
    fits &= marks_of_rows(digits <= 9) + 3 == lengths
    rows = np.flatnonzero(fits)
    if not len(rows):
        return numbers, good
    places = (np.flatnonzero(dots[rows]) % 16).reshape(-1, 3)
    ends = np.concatenate((places, lengths[rows][:, None]), axis=1)
    begins = np.concatenate((np.zeros((len(rows), 1), dtype=np.int64), places + 1), axis=1)
    octets, right = _octets(digits[rows], begins, ends)
    powers = np.array([1 << 24, 1 << 16, 1 << 8, 1], dtype=np.int64)
    numbers[rows, 1] = (octets @ powers).astype(np.uint64) | np.uint64(MAPPED << 32)
    good[rows] = right
    return numbers, good


def _octets(
    digits: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read the four numbers of each row: (rows, 4), and whether all are at most 255 without leading zeros."""
    import numpy as np

    sizes = ends - begins
    row = np.arange(len(digits))[:, None]
    values = digits[row, ends - 1].astype(np.int64)
    values += np.where(sizes > 1, digits[row, ends - 2], 0).astype(np.int64) * 10
    values += np.where(sizes > 2, digits[row, ends - 3], 0).astype(np.int64) * 100
    leading = (sizes > 1) & (digits[row, np.minimum(begins, 14)] == 0)
    return values, ((sizes >= 1) & (sizes <= 3) & (values <= 255) & ~leading).all(axis=1)
