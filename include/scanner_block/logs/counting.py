"""Counting requests in access logs on this machine: the same table as Athena's, line for line."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from include.scanner_block.counts import LogCounts, counts_schema
from include.scanner_block.logs.alb import AlbReader
from include.scanner_block.logs.chunks import BLOCK_BYTES, Block, Flaw, blocks
from include.scanner_block.logs.cloudfront import CloudFrontReader
from include.scanner_block.logs.fields import Lines
from include.scanner_block.logs.paths import NO_URI, PathJudge
from include.scanner_block.logs.readings import UnreadableLineError
from include.scanner_block.logs.tally import MOST_EXAMPLES, Tally, in_order
from include.scanner_block.logs.waf import WafReader
from include.scanner_block.policy_model import LogFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.logs.readings import LineReader, Readings
    from include.scanner_block.policy_model import Rules

_FEW: Final = 32
"""Lines that are read faster one by one than all at once."""

_COMMENT: Final = ord("#")


def count_file(path: Path, *, log_format: LogFormat, rules: Rules, place: str = "") -> LogCounts:
    """Count the requests of a file, gzip or plain; `place` names it in examples (its own name where it is empty).

    :raises OSError: the file cannot be opened or read.
    """
    with path.open("rb") as stream:
        return count_stream(stream, log_format=log_format, rules=rules, place=place or path.name)


def count_stream(
    stream: BinaryIO, *, log_format: LogFormat, rules: Rules, place: str, block_bytes: int = BLOCK_BYTES
) -> LogCounts:
    """Count the requests of a log, gzip (also of several members) or plain, as it streams in.

    Memory is a block and what is distinct in the log, whatever its length. A line that cannot be read is counted and
    costs nothing else; so does a gzip stream's damage, which ends the log.

    :param place: the log's name in examples of unreadable lines.
    :param block_bytes: how much text is worked on at once.
    """
    counter = _Counter(log_format, rules, place)
    for block in blocks(stream, size=block_bytes):
        counter.add(block)
    return counter.tally.counts()


def merge_counts(parts: Iterable[LogCounts]) -> LogCounts:
    """Add counts of several logs: rows with the same key are summed, and so are `lines` and `unreadable`.

    A client in two logs is one of `clients`.
    """
    import pyarrow as pa

    known = list(parts)
    if not known:
        return LogCounts(counts_schema().empty_table())
    tables = pa.concat_tables([part.table for part in known])
    keys = ["at", "client", "uri", "path"]
    summed = tables.group_by(keys, use_threads=False).aggregate([("last", "max"), ("requests", "sum")])
    table = summed.rename_columns([*keys, "last", "requests"]).select(counts_schema().names).cast(counts_schema())
    lines, unreadable = (sum(getattr(part, name) for part in known) for name in ("lines", "unreadable"))
    examples = tuple(example for part in known for example in part.examples)[:MOST_EXAMPLES]
    arrays = [part.seen for part in known if part.seen is not None]
    seen = pa.chunked_array(arrays).unique() if arrays else None
    return LogCounts(in_order(table), lines, unreadable, 0 if seen is None else len(seen), examples, seen)


def _reader(log_format: LogFormat, rules: Rules) -> LineReader:
    if log_format is LogFormat.CLOUDFRONT:
        return CloudFrontReader(rules)
    return AlbReader(rules) if log_format is LogFormat.ALB else WafReader()


class _Counter:
    """Takes the blocks of one log in turn."""

    def __init__(self, log_format: LogFormat, rules: Rules, place: str) -> None:
        self._reader = _reader(log_format, rules)
        self._paths = PathJudge(rules, log_format)
        self.tally = Tally(rules, self._paths.uris, digests=self._paths.digests, place=place)
        self._next_line = 1

    def add(self, block: Block | Flaw) -> None:
        """Count the next block."""
        if isinstance(block, Flaw):
            self.tally.add_lines(1)
            self.tally.add_unreadable(self._next_line, block.reason, block.beginning)
            self._next_line += 1
            return
        lines = Lines.of(block, first=self._next_line)
        self._next_line += len(lines)
        for some in self._same_order(lines):
            self._count(some)

    def _same_order(self, lines: Lines) -> Iterator[Lines]:
        """Yield the lines between headers that change the order of the fields, without comments."""
        import numpy as np

        marked = lines.array[lines.starts] == _COMMENT
        begin = 0
        for index in np.flatnonzero(marked).tolist():
            line = lines.line(index)
            if self._reader.changes_order(line):
                yield lines.some(np.flatnonzero(~marked[begin:index]) + begin)
                self._reader.change_order(line)
                begin = index + 1
        yield lines.some(np.flatnonzero(~marked[begin:]) + begin) if marked.any() else lines

    def _count(self, lines: Lines) -> None:
        import numpy as np

        if len(lines) < _FEW:
            self._count_singly(lines)
            return
        readings = self._reader.read_block(lines)
        good = np.flatnonzero(readings.good)
        self.tally.add_lines(len(good))
        used = np.zeros(len(readings.distinct), dtype=np.bool_)
        used[readings.client[good]] = True
        self.tally.add_clients(readings.distinct[used])
        self._count_requests(readings, np.flatnonzero(readings.counts))
        if len(good) < len(lines):
            self._count_singly(lines.some(~readings.good))

    def _count_requests(self, readings: Readings, rows: NDArray[np.int64]) -> None:
        import numpy as np

        uris = np.full(len(rows), NO_URI, dtype=np.int32)
        digests = np.zeros(len(rows), dtype=np.uint64)
        if self._paths.needed and len(rows):
            meanings = [self._paths.meaning(readings.path(row)) for row in rows.tolist()]
            kept = np.array([not meaning.ignored for meaning in meanings], dtype=np.bool_)
            uris = np.array([meaning.uri for meaning in meanings], dtype=np.int32)[kept]
            digests = np.array([meaning.digest for meaning in meanings], dtype=np.uint64)[kept]
            rows = rows[kept]
        if len(rows):
            clients = readings.distinct[readings.client[rows]]
            self.tally.add_requests(readings.seconds[rows], clients, uris, digests)

    def _count_singly(self, lines: Lines) -> None:
        """Count lines that are not as usual, each by itself."""
        import numpy as np

        clients, rows = [], []
        for index in range(len(lines)):
            line = lines.line(index)
            if not line.strip():
                continue
            self.tally.add_lines(1)
            try:
                reading = self._reader.read_line(line)
            except UnreadableLineError as error:
                self.tally.add_unreadable(int(lines.numbers[index]), str(error), line)
                continue
            clients.append(reading.client)
            meaning = self._paths.meaning(reading.path)
            if reading.counts and not meaning.ignored:
                rows.append((reading.second, reading.client, meaning.uri, meaning.digest))
        if clients:
            self.tally.add_clients(np.array(clients, dtype=np.uint64))
        if rows:
            seconds, numbers, uris, digests = zip(*rows, strict=True)
            self.tally.add_requests(
                np.array(seconds, dtype=np.int64),
                np.array(numbers, dtype=np.uint64),
                np.array(uris, dtype=np.int32),
                np.array(digests, dtype=np.uint64),
            )
