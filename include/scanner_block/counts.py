"""What is counted in logs: one table, whoever counted it (Athena, or this machine)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def counts_schema() -> pa.Schema:
    """Return the columns of a table of counts; one row for each distinct (at, client, uri, path).

    `at`: the beginning of the minute, or the second where the rules count in sliding minutes (Unix seconds, UTC).
    `last`: the last request of the row (Unix seconds, UTC). `client`: the canonical address or its /64 network.
    `uri`: the path of `uri_thresholds` that the requests asked for, else null. `path`: the first 16 hex digits of the
    MD5 of the path where distinct error paths are counted, else null. `requests`: how many counted.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("at", pa.int64()),
            ("last", pa.int64()),
            ("client", pa.string()),
            ("uri", pa.string()),
            ("path", pa.string()),
            ("requests", pa.int64()),
        ]
    )


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that the rules could not read: where, why, and its beginning (printable characters, at most 80)."""

    place: str
    reason: str
    beginning: str


@dataclass(frozen=True, slots=True)
class LogCounts:
    """What one or several logs gave.

    :param table: as `counts_schema` says.
    :param lines: lines without comments and blank ones.
    :param unreadable: those among them that could not be read.
    :param clients: distinct clients in readable lines, errors or not.
    :param examples: a few unreadable lines.
    :param seen: those clients, 16 bytes each (IPv4 as its mapped IPv6), so that several logs can be counted together;
        None where nobody needs them.
    """

    table: Any
    lines: int = 0
    unreadable: int = 0
    clients: int = 0
    examples: tuple[UnreadableLine, ...] = ()
    seen: Any = None
