"""Counted requests and clients of a log, summed as they come: memory for what is distinct, not for lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.counts import LogCounts, UnreadableLine, counts_schema
from include.scanner_block.logs.clients import MAPPED, client_of
from include.scanner_block.logs.paths import NO_URI

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.policy_model import Rules

MOST_EXAMPLES: Final = 5
_BEGINNING: Final = 80
_WAITING: Final = 1 << 17
_KEYS: Final = ("at", "high", "low", "uri", "path")


def printable(line: bytes) -> str:
    """Return the beginning of a line that can be shown: at most 80 characters, "." for what cannot be printed."""
    text = line[: _BEGINNING * 4].decode("utf-8", "replace")[:_BEGINNING]
    return "".join(character if character.isprintable() else "." for character in text)


class Tally:
    """What one log has given so far."""

    def __init__(self, rules: Rules, uris: Sequence[str], *, digests: bool, place: str) -> None:
        """Take the rules, the paths by index, whether paths are told apart, and the log's name for examples."""
        self._unit = 1 if rules.sliding_minute else 60
        self._prefix = rules.ipv6_prefix
        self._uris, self._digests, self._place = list(uris), digests, place
        self._lines = self._unreadable = 0
        self._examples: list[UnreadableLine] = []
        self._clients = _Distinct()
        self._rows: Any = None
        self._new_rows: list[Any] = []
        self._waiting = 0

    def add_lines(self, count: int) -> None:
        """Count lines, readable or not."""
        self._lines += count

    def add_unreadable(self, number: int, reason: str, beginning: bytes) -> None:
        """Count one of the lines as unreadable."""
        self._unreadable += 1
        if len(self._examples) < MOST_EXAMPLES:
            place = f"{self._place}:{number}" if self._place else str(number)
            self._examples.append(UnreadableLine(place, reason, printable(beginning)))

    def add_clients(self, numbers: NDArray[np.uint64]) -> None:
        """Add clients of readable lines (k, 2)."""
        self._clients.add(numbers)

    def add_requests(
        self,
        seconds: NDArray[np.int64],
        clients: NDArray[np.uint64],
        uris: NDArray[np.int32],
        digests: NDArray[np.uint64],
    ) -> None:
        """Add counted requests: Unix seconds, clients' numbers (n, 2), indices of paths, digests of paths."""
        import numpy as np
        import pyarrow as pa

        low = clients[:, 1]
        if self._prefix < 128:
            ipv4 = (clients[:, 0] == 0) & (low >> np.uint64(32) == MAPPED)
            low = np.where(ipv4, low, np.uint64(0))
        columns = (seconds // self._unit * self._unit, np.ascontiguousarray(clients[:, 0]), low, uris, digests)
        rows = pa.table([*columns, seconds, np.ones(len(seconds), dtype=np.int64)], names=[*_KEYS, "last", "requests"])
        self._new_rows.append(rows)
        self._waiting += len(seconds)
        known = 0 if self._rows is None else self._rows.num_rows
        if self._waiting >= max(_WAITING, known):
            self._sum()

    def counts(self) -> LogCounts:
        """Return everything as counts."""
        self._sum()
        clients, examples = len(self._clients), tuple(self._examples)
        return LogCounts(self._table(), self._lines, self._unreadable, clients, examples, self._clients.known())

    def _sum(self) -> None:
        import pyarrow as pa

        tables = [*([] if self._rows is None else [self._rows]), *self._new_rows]
        self._new_rows, self._waiting = [], 0
        if tables:
            groups = pa.concat_tables(tables).group_by(list(_KEYS), use_threads=False)
            summed = groups.aggregate([("last", "max"), ("requests", "sum")])
            self._rows = summed.rename_columns([*_KEYS, "last", "requests"])

    def _table(self) -> Any:
        import pyarrow as pa

        rows = self._rows
        if rows is None:
            return counts_schema().empty_table()
        uris = pa.array([*self._uris, None], type=pa.string())
        places = rows["uri"].to_numpy()
        places = pa.array([len(self._uris) if place == NO_URI else place for place in places.tolist()], type=pa.int64())
        columns = [rows["at"], rows["last"], self._texts(rows), uris.take(places), self._paths(rows), rows["requests"]]
        return in_order(pa.table(columns, schema=counts_schema()))

    def _texts(self, rows: Any) -> Any:
        """Return the clients' texts, each distinct one written once."""
        import numpy as np
        import pyarrow as pa
        from pyarrow import compute

        pairs = rows.group_by(["high", "low"], use_threads=False).aggregate([])
        numbers = zip(pairs["high"].to_pylist(), pairs["low"].to_pylist(), strict=True)
        texts = pa.array((client_of(high, low, ipv6_prefix=self._prefix) for high, low in numbers), type=pa.string())
        keyed, known = (_keys(np.column_stack((some["high"], some["low"]))) for some in (rows, pairs))
        return texts.take(compute.index_in(keyed, value_set=known))

    def _paths(self, rows: Any) -> Any:
        import pyarrow as pa

        if not self._digests:
            return pa.nulls(rows.num_rows, type=pa.string())
        return pa.array((f"{digest:016x}" for digest in rows["path"].to_pylist()), type=pa.string())


def in_order(table: Any) -> Any:
    """Sort counts: the same counts are the same bytes."""
    order = [(name, "ascending") for name in ("at", "client", "uri", "path")]
    return table.sort_by(order).combine_chunks()


def _keys(words: NDArray[np.uint64]) -> Any:
    """Return pairs of 64-bit words (k, 2) as one array of 16 bytes each."""
    import pyarrow as pa

    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(words), [None, pa.py_buffer(words)])


class _Distinct:
    """Distinct clients' numbers, 16 bytes each."""

    def __init__(self) -> None:
        self._known: Any = None
        self._new: list[Any] = []
        self._waiting = 0

    def add(self, numbers: NDArray[np.uint64]) -> None:
        """Add numbers (k, 2)."""
        if len(numbers):
            self._new.append(_keys(numbers))
            self._waiting += len(numbers)
            if self._waiting >= max(_WAITING, 0 if self._known is None else len(self._known)):
                self._unite()

    def __len__(self) -> int:
        self._unite()
        return 0 if self._known is None else len(self._known)

    def known(self) -> Any:
        """Return all of them as one array of 16 bytes each; None for none."""
        self._unite()
        return self._known

    def _unite(self) -> None:
        import pyarrow as pa

        arrays = [*([] if self._known is None else [self._known]), *self._new]
        self._new, self._waiting = [], 0
        if arrays:
            self._known = pa.chunked_array(arrays).unique()
