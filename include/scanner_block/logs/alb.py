"""Access logs of Application Load Balancers: fields with blanks between them, the request in quotes.

Fields and their order: "Access log entries", User Guide for Application Load Balancers: type, time, elb, client:port,
target:port, three processing times, elb_status_code, target_status_code, received and sent bytes, "request", ...
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from include.scanner_block.addresses import alb_client, canonical
from include.scanner_block.logs.clients import ClientReader
from include.scanner_block.logs.fields import days, seconds_of_day, separators, statuses, windows, words
from include.scanner_block.logs.instants import iso_instant
from include.scanner_block.logs.readings import Reading, Readings, UnreadableLineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.logs.fields import Lines
    from include.scanner_block.policy_model import Rules

TIME, CLIENT, TARGET_STATUS, REQUEST = 1, 3, 9, 12
"""Places of the fields, from 0."""

_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REQUEST: Final = re.compile(
    rb"[^ \\]+ (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?# \\]*)?(/[^?# ]*)?(?:[?#].*)? HTTP/[0-9.]+", re.DOTALL
)
_BLANK, _DASH, _COLON = 32, 45, 58
_BLANKS: Final = (TIME - 1, TIME, CLIENT - 1, CLIENT, TARGET_STATUS - 1, TARGET_STATUS)
_USUAL_HEAD: Final = 192
_IPV4_AND_PORT, _ADDRESS_AND_PORT = 24, 56
_USUAL_TIME: Final = len("2026-11-24T05:06:07.123456Z")


def path_of(request_on: bytes) -> bytes:
    r"""Return the path of the request that a text begins with, `"GET https://host:443/path?query HTTP/1.1"`.

    Without scheme, host, query and fragment; empty where the request is malformed. `\"` does not end the request.
    """
    quoted = _QUOTED.match(request_on)
    request = _REQUEST.fullmatch(quoted[1]) if quoted else None
    return (request[1] or b"") if request else b""


class AlbReader:
    """Reads lines of a load balancer's log."""

    def __init__(self, rules: Rules) -> None:
        import numpy as np

        self._statuses = rules.error_statuses
        self._counts = np.zeros(1000, dtype=np.bool_)
        self._counts[sorted(self._statuses)] = True
        self._clients = ClientReader(alb_client)
        self._addresses_alone = ClientReader(_alone)

    def changes_order(self, _line: bytes) -> bool:
        """Return False: no comment changes how these logs are read."""
        return False

    def change_order(self, line: bytes) -> None:
        """Do nothing: no comment changes how these logs are read."""

    def read_line(self, line: bytes) -> Reading:
        """Read any one line."""
        fields = line.removesuffix(b"\r").split(b" ", REQUEST)
        if len(fields) <= TARGET_STATUS:
            raise UnreadableLineError(f"it has only {len(fields)} fields")
        second = iso_instant(fields[TIME])
        if second is None:
            raise UnreadableLineError("time is none")
        client = self._clients.number(fields[CLIENT])
        if client is None:
            raise UnreadableLineError("client:port is no address")
        status = fields[TARGET_STATUS]
        if status != b"-" and (len(status) != 3 or not status.isdigit()):
            raise UnreadableLineError("target_status_code is no status")
        counts = status != b"-" and int(status) in self._statuses
        return Reading(second, client, counts, path_of(fields[REQUEST]) if len(fields) > REQUEST else b"")

    def read_block(self, lines: Lines) -> Readings:
        """Read lines that are as usual, all at once."""
        import numpy as np

        blanks, good = separators(lines, _BLANK, wanted=_BLANKS, first_window=_USUAL_HEAD)
        before_time, after_time, before_client, after_client, before_status, after_status = blanks
        seconds, real_times = _instants(lines.array, before_time + 1, after_time)
        distinct, client = self._addresses(lines.array, before_client + 1, after_client)
        status = before_status + 1
        numbers, real_statuses = statuses(lines.array, status, after_status)
        none = (lines.array[status] == _DASH) & (after_status - status == 1)
        good &= real_times & (real_statuses | none) & (client >= 0)
        counts = self._counts[np.where(good & ~none, numbers, 0)] & good & ~none

        def path(index: int) -> bytes:
            fields = lines.text[status[index] : lines.ends[index]].split(b" ", REQUEST - TARGET_STATUS)
            return path_of(fields[-1]) if len(fields) > REQUEST - TARGET_STATUS else b""

        return Readings(good, seconds, distinct, client, counts, path)

    def _addresses(
        self, array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Read `client:port` without the port, which would make nearly every text a new one.

        Where what stands before the last colon is no address by itself, the field is left to `alb_client`.
        """
        import numpy as np

        lengths = ends - begins
        width = _IPV4_AND_PORT if not len(lengths) or int(lengths.max()) < _IPV4_AND_PORT else _ADDRESS_AND_PORT
        texts = windows(array, begins, width)
        colons = (texts == _COLON) & (np.arange(width) < lengths[:, None])
        place = width - 1 - colons[:, ::-1].argmax(axis=1)
        numbers, index = self._addresses_alone.numbers(array, begins, begins + place)
        usual = colons.any(axis=1) & (lengths < width) & _is_port(texts, place + 1, lengths)
        return numbers, np.where(usual, index, -1)


def _alone(text: str) -> str | None:
    """Return an address that has no port and no brackets, canonical."""
    return None if "[" in text or text.count(":") == 1 else canonical(text)


def _is_port(texts: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which rows have a port from `begins` to `ends`: 0 to 65535 without leading zeros."""
    import numpy as np

    sizes = ends - begins
    digits = texts - np.uint8(48)
    rows, width = np.arange(len(texts)), texts.shape[1]
    value = np.zeros(len(texts), dtype=np.int64)
    good = (sizes >= 1) & (sizes <= 5)
    for place in range(5):
        digit = digits[rows, np.minimum(begins + place, width - 1)].astype(np.int64)
        here = place < sizes
        good &= ~here | (digit <= 9)
        value = np.where(here, value * 10 + digit, value)
    first = digits[rows, np.minimum(begins, width - 1)]
    ports: NDArray[np.bool_] = good & (value <= 65_535) & ((sizes == 1) | (first != 0))
    return ports


def _instants(
    array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read times with six digits of fraction: whole Unix seconds, and whether the field is that."""
    import numpy as np

    text = windows(array, begins, _USUAL_TIME)
    good = (
        (ends - begins == _USUAL_TIME)
        & (text[:, 10] == ord("T"))
        & (text[:, 19] == ord("."))
        & (text[:, 26] == ord("Z"))
    )
    good &= ((text[:, 20:26] - np.uint8(48)) <= 9).all(axis=1)
    midnights, real_days = days(array, begins)
    seconds, real_times = seconds_of_day(words(array, begins + 11))
    return midnights + seconds, good & real_days & real_times
