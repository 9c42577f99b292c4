"""WAF's logs: a JSON object on each line, of which `timestamp` and two members of `httpRequest` are read.

The members: "Log fields for protection pack (web ACL) traffic", AWS WAF Developer Guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.logs.clients import ClientReader
from include.scanner_block.logs.readings import Reading, Readings, UnreadableLineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.logs.fields import Lines

LAST_TIMESTAMP: Final = 253_402_300_799_999
"""The end of the year 9999, in milliseconds."""

_FEWEST: Final = 32


class WafReader:
    """Reads lines of WAF's logs; every request counts."""

    def __init__(self) -> None:
        self._clients = ClientReader()

    def changes_order(self, _line: bytes) -> bool:
        """Return False: no comment changes how these logs are read."""
        return False

    def change_order(self, line: bytes) -> None:
        """Do nothing: no comment changes how these logs are read."""

    def read_line(self, line: bytes) -> Reading:
        """Read any one line."""
        try:
            document = json.loads(line.decode())
        except (ValueError, RecursionError):
            raise UnreadableLineError("it is no JSON document") from None
        if not isinstance(document, dict):
            raise UnreadableLineError("it is no JSON object")
        stamp = document.get("timestamp")
        if not isinstance(stamp, int) or isinstance(stamp, bool) or not 0 <= stamp <= LAST_TIMESTAMP:
            raise UnreadableLineError("timestamp is none")
        request = document.get("httpRequest")
        if not isinstance(request, dict):
            raise UnreadableLineError("it has no httpRequest")
        address, uri = request.get("clientIp"), request.get("uri")
        client = self._clients.number(_bytes(address)) if isinstance(address, str) else None
        if client is None:
            raise UnreadableLineError("clientIp is no address")
        return Reading(stamp // 1000, client, True, _bytes(uri) if isinstance(uri, str) else b"")

    def read_block(self, lines: Lines) -> Readings:
        """Read lines that are as usual, all at once.

        Only lines that begin with `{` and end with `}` are given to the parser, and its answer is used only if it
        found as many objects as there are lines. Then each line is one object: none can go on over a line's end,
        because behind a `}` JSON allows neither a string's rest (no control characters in it) nor another `{`.
        """
        import numpy as np
        import pyarrow as pa

        good = np.zeros(len(lines), dtype=np.bool_)
        seconds, client = np.zeros((2, len(lines)), dtype=np.int64)
        rows, table = _parsed(lines, _objects(lines))
        stamps, request = (table.column(name).combine_chunks() for name in ("timestamp", "httpRequest"))
        addresses, uris = (request.field(name).cast(pa.binary()) for name in ("clientIp", "uri"))
        coded = addresses.dictionary_encode()
        found = [None if text is None else self._clients.number(text) for text in coded.dictionary.to_pylist()]
        distinct = np.array([number or (0, 0) for number in [*found, None]], dtype=np.uint64)
        known = np.array([number is not None for number in [*found, None]], dtype=np.bool_)
        client[rows] = coded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
        stamp = stamps.fill_null(-1).to_numpy(zero_copy_only=False)
        seconds[rows] = np.maximum(stamp, 0) // 1000
        good[rows] = known[client[rows]] & (stamp >= 0) & (stamp <= LAST_TIMESTAMP) & _readable(request)
        places = np.zeros(len(lines), dtype=np.int64)
        places[rows] = np.arange(len(rows))

        def path(index: int) -> bytes:
            text: bytes | None = uris[int(places[index])].as_py()
            return text or b""

        return Readings(good, seconds, distinct, client, good.copy(), path)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _readable(request: Any) -> Any:
    """Say where `httpRequest` is an object."""
    return request.is_valid().to_numpy(zero_copy_only=False)


def _objects(lines: Lines) -> NDArray[np.int64]:
    """Return the lines that begin and end as objects, in UTF-8, without the `Inf` that only the parser knows."""
    import numpy as np

    rows = np.flatnonzero((lines.array[lines.starts] == ord("{")) & (lines.array[lines.ends - 1] == ord("}")))
    if lines.text.isascii() and b"Inf" not in lines.text:
        return rows
    return np.array([row for row in rows.tolist() if _usual(lines.line(row))], dtype=np.int64)


def _usual(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return b"Inf" not in line


def _parsed(lines: Lines, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Any]:
    """Parse lines, without the few around one that the parser refuses: their indices and a table with a row each."""
    import numpy as np
    import pyarrow as pa

    request = pa.struct([("clientIp", pa.string()), ("uri", pa.string())])
    schema = pa.schema([("timestamp", pa.int64()), ("httpRequest", request)])
    done, tables, waiting = [np.zeros(0, dtype=np.int64)], [schema.empty_table()], [rows]
    while waiting:
        some = waiting.pop()
        if not len(some):
            continue
        table = _table(_text(lines, some), schema)
        if table is not None and table.num_rows == len(some):
            done.append(some)
            tables.append(table)
        elif len(some) > _FEWEST:
            waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
    return np.concatenate(done), pa.concat_tables(tables)


def _text(lines: Lines, rows: NDArray[np.int64]) -> bytes:
    """Return lines one after the other."""
    starts, ends = lines.starts[rows], lines.ends[rows]
    if bool((starts[1:] == ends[:-1] + 1).all()):
        return lines.text[starts[0] : ends[-1] + 1]
    return b"".join([lines.text[start : end + 1] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)])


def _table(text: bytes, schema: Any) -> Any:
    """Parse objects, or return None where the parser refuses one."""
    import pyarrow as pa
    from pyarrow import json as parser

    reading = parser.ReadOptions(use_threads=False, block_size=len(text) + 1)
    parsing = parser.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        return parser.read_json(pa.BufferReader(text), read_options=reading, parse_options=parsing)
    except pa.ArrowInvalid:
        return None
