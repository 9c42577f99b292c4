"""Clients as 128-bit numbers: IPv4 as its IPv4-mapped IPv6, so that each address is one number and each number one."""

from __future__ import annotations

from socket import AF_INET6, inet_ntop, inet_pton
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.addresses import canonical, client_key
from include.scanner_block.logs.fields import marks_of_rows, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

MAPPED: Final = 0xFFFF
"""The upper half of an IPv4 client's lower word; its higher word is 0."""

LONGEST_CLIENT: Final = 47
"""`[` 39 characters of IPv6 `]:65535`; with one byte for the length a row of three words of 16 bytes."""

_REMEMBERED: Final = 50_000


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
        self._read = read
        self._known: dict[bytes, tuple[int, int] | None] = {}
        self._places: dict[bytes, int] = {}
        self._numbers: Any = None

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
        import pyarrow as pa

        lengths = ends - begins
        width = 16 if not len(lengths) or int(lengths.max()) < 16 else LONGEST_CLIENT + 1
        texts = windows(array, begins, width)
        sizes = np.minimum(lengths, 255).astype(np.uint8)
        texts *= np.arange(width, dtype=np.uint8) < sizes[:, None]
        # The length tells a text from the same one followed by NUL bytes.
        texts[:, -1] = sizes
        rows = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(texts), [None, pa.py_buffer(texts)])
        coded = rows.dictionary_encode()
        distinct = np.frombuffer(coded.dictionary.buffers()[1], dtype=np.uint8)[: len(coded.dictionary) * width]
        numbers, good = self._distinct(distinct.reshape(-1, width))
        index = coded.indices.to_numpy().astype(np.int64)
        index[~good[index]] = -1
        return numbers, index

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

        if self._numbers is None or len(self._places) + len(rows) > len(self._numbers):
            self._places.clear()
            self._numbers = np.zeros((max(_REMEMBERED, len(rows)), 3), dtype=np.uint64)
        places = [self._places.get(row, -1) for row in rows]
        for index, place in enumerate(places):
            if place < 0:
                row = rows[index]
                size = row[-1] if row else 0
                number = self.number(row[:size]) if size < width else None
                places[index] = self._places[row] = len(self._places)
                self._numbers[places[index]] = (0, 0, 0) if number is None else (*number, 1)
        found: NDArray[np.uint64] = self._numbers[places]
        return found


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
