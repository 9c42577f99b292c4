"""CloudFront standard logs: tab-separated fields in the order of the `#Fields` header.

Fields and their order: "Standard logging reference", Amazon CloudFront Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.scanner_block.logs.clients import ClientReader
from include.scanner_block.logs.fields import days, seconds_of_day, separators, statuses, words
from include.scanner_block.logs.instants import instant
from include.scanner_block.logs.readings import Reading, Readings, UnreadableLineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.scanner_block.logs.fields import Lines
    from include.scanner_block.policy_model import Rules

STANDARD_ORDER: Final = tuple(
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)"
    " cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
    " x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status"
    " fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    " sc-range-start sc-range-end".split()
)
NEEDED: Final = ("date", "time", "c-ip", "cs-uri-stem", "sc-status")
DETAIL: Final = "x-edge-detailed-result-type"
WAF_BLOCKED: Final = b"InvalidRequestBlocked"
"""A request that WAF blocked: "Access to the requested resource is blocked" among the values of the field."""

_HEADER: Final = b"#Fields:"
_TAB: Final = 9
_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class FieldOrder:
    """Where the fields stand: those of NEEDED in its order, the detailed result (or -1), and how many there are."""

    needed: tuple[int, ...]
    detail: int
    fields: int

    @property
    def tabs(self) -> tuple[int, ...]:
        """The numbers of the tabs around the needed fields."""
        return tuple(sorted({place for field in self.needed for place in (field - 1, field) if place >= 0}))

    @classmethod
    def of(cls, names: tuple[str, ...]) -> FieldOrder | str:
        """Find the fields among the names of a header, or say which one is missing."""
        if missing := [name for name in NEEDED if name not in names]:
            return f"the #Fields header has no {missing[0]}"
        detail = names.index(DETAIL) if DETAIL in names else -1
        return cls(tuple(names.index(name) for name in NEEDED), detail, len(names))


class CloudFrontReader:
    """Reads lines of CloudFront's logs."""

    def __init__(self, rules: Rules) -> None:
        import numpy as np

        self._statuses = rules.error_statuses
        self._ignore_waf = rules.ignore_waf_blocks
        self._clients = ClientReader()
        self._order = FieldOrder.of(STANDARD_ORDER)
        self._counts = np.zeros(1000, dtype=np.bool_)
        self._counts[sorted(self._statuses)] = True

    def changes_order(self, line: bytes) -> bool:
        """Return whether a comment is a `#Fields` header with another order."""
        return line.startswith(_HEADER) and _order(line) != self._order

    def change_order(self, line: bytes) -> None:
        """Read lines in the order of a header from now on."""
        self._order = _order(line)

    def read_line(self, line: bytes) -> Reading:
        """Read any one line."""
        order = self._order
        if isinstance(order, str):
            raise UnreadableLineError(order)
        fields = line.removesuffix(b"\r").split(b"\t")
        if len(fields) <= max(order.needed):
            raise UnreadableLineError(f"it has only {len(fields)} fields")
        day, clock, address, path, status = (fields[place] for place in order.needed)
        second = instant(day, clock)
        if second is None:
            raise UnreadableLineError("date and time are none")
        client = self._clients.number(address)
        if client is None:
            raise UnreadableLineError("c-ip is no address")
        if len(status) != 3 or not status.isdigit():
            raise UnreadableLineError("sc-status is no status")
        counts = int(status) in self._statuses
        if counts and int(status) == _FORBIDDEN and self._ignore_waf and 0 <= order.detail < len(fields):
            counts = fields[order.detail] != WAF_BLOCKED
        return Reading(second, client, counts, path)

    def read_block(self, lines: Lines) -> Readings:
        """Read lines that are as usual, all at once."""
        import numpy as np

        order = self._order
        if isinstance(order, str):
            nothing = np.zeros(len(lines), dtype=np.int64)
            unread = np.zeros(len(lines), dtype=np.bool_)
            return Readings(unread, nothing, np.zeros((1, 2), dtype=np.uint64), nothing, unread, lines.line)
        tabs, good = separators(lines, _TAB, wanted=order.tabs, last_may_end_line=order.tabs[-1] + 1 == order.fields)
        places = [_bounds(lines, tabs, field, order.tabs) for field in order.needed]
        (day, day_end), (clock, clock_end), (address, address_end), (path, path_end), (status, status_end) = places
        midnights, real_days = days(lines.array, day)
        seconds, real_times = seconds_of_day(words(lines.array, clock))
        distinct, client = self._clients.numbers(lines.array, address, address_end)
        numbers, real_statuses = statuses(lines.array, status, status_end)
        good &= real_days & real_times & real_statuses & (client >= 0)
        good &= (day_end - day == 10) & (clock_end - clock == 8)
        counts = self._counts[np.where(good, numbers, 0)] & good
        self._spare_waf_blocks(lines, counts, numbers, order.detail)

        def path_of(index: int) -> bytes:
            text = lines.text[path[index] : path_end[index]]
            return text.removesuffix(b"\r") if path_end[index] == lines.ends[index] else text

        return Readings(good, midnights + seconds, distinct, client, counts, path_of)

    def _spare_waf_blocks(
        self, lines: Lines, counts: NDArray[np.bool_], numbers: NDArray[np.int64], detail: int
    ) -> None:
        """Take out the 403s that WAF made."""
        import numpy as np

        if not self._ignore_waf or detail < 0:
            return
        for index in np.flatnonzero(counts & (numbers == _FORBIDDEN)).tolist():
            if lines.text.find(WAF_BLOCKED, lines.starts[index], lines.ends[index]) < 0:
                continue
            fields = lines.line(index).removesuffix(b"\r").split(b"\t", detail + 1)
            if detail < len(fields) and fields[detail] == WAF_BLOCKED:
                counts[index] = False


def _order(header: bytes) -> FieldOrder | str:
    return FieldOrder.of(tuple(header[len(_HEADER) :].decode("utf-8", "replace").split()))


def _bounds(
    lines: Lines, tabs: NDArray[np.int64], field: int, numbers: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where a field begins and ends, from the positions of the tabs with these numbers."""
    begins = tabs[numbers.index(field - 1)] + 1 if field else lines.starts
    return begins, tabs[numbers.index(field)]
