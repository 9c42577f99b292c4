"""A busy access log that nobody wrote: people, crawlers, an own monitor and scanners, the same bytes for the same wish.

For demos, tests and benchmarks. All addresses are of the documentation networks (RFC 5737, RFC 3849).
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from include.scanner_block.policy_model import LogFormat
from include.scanner_block.sample.lines import HEADERS, line_writer
from include.scanner_block.sample.traffic import Requests, busy_requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.scanner_block.sample.traffic import Scanner

GATEWAY: Final = "198.51.100.200"
"""The monitor that asks for many paths that are gone: it looks like a scanner and has to be approved."""

_PREFIXES: Final = {
    LogFormat.CLOUDFRONT: "cf/E2EXAMPLE.",
    LogFormat.ALB: "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/",
    LogFormat.WAF: "AWSLogs/111122223333/WAFLogs/eu-west-1/shop/",
}
Delivery: TypeAlias = tuple[str, bytes]
"""An object key and its gzip bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is asked for.

    :param start: the beginning (aware, whole minutes); `minutes` how long.
    :param requests_per_minute: of people and crawlers together.
    :param clients: different people, IPv4 and IPv6.
    :param gateway_per_minute: requests of `GATEWAY`, all of them errors; 0 leaves it out.
    :param objects: log files that share each delivery, so a client's minute lies in several.
    """

    start: datetime
    minutes: int
    requests_per_minute: int = 2_000
    clients: int = 4_000
    gateway_per_minute: int = 90
    scanners: tuple[Scanner, ...] = ()
    objects: int = 2
    seed: int = 1


def busy_log(
    traffic: Traffic, *, log_format: LogFormat = LogFormat.CLOUDFRONT, every_minutes: int = 5, prefix: str | None = None
) -> Iterator[Delivery]:
    """Yield the objects of each delivery as (key, gzip bytes), in the order of time.

    CloudFront objects are named after the hour of their requests and begin with `#Version` and `#Fields`; keys of all
    formats look as AWS writes them below `prefix`.

    :param every_minutes: time between deliveries; an hour is a multiple of it.
    """
    begin = _PREFIXES[log_format] if prefix is None else prefix
    for offset in range(0, traffic.minutes, every_minutes):
        start = traffic.start.astimezone(UTC) + timedelta(minutes=offset)
        minutes = min(every_minutes, traffic.minutes - offset)
        requests = busy_requests(
            start,
            minutes=minutes,
            per_minute=traffic.requests_per_minute,
            clients=traffic.clients,
            gateway=(GATEWAY, traffic.gateway_per_minute),
            scanners=traffic.scanners,
            seed=(traffic.seed, int(start.timestamp())),
        )
        write = line_writer(log_format, seed=(traffic.seed, int(start.timestamp()), 1))
        lines = write(requests)
        for part in range(traffic.objects):
            body = HEADERS[log_format] + _part(lines, requests, part, of=traffic.objects)
            end = start + timedelta(minutes=minutes)
            yield begin + _key(log_format, start, end, hashlib.sha256(body).hexdigest()[:8]), packed(body)


def packed(body: bytes) -> bytes:
    """Return gzip bytes without a time or name in them."""
    return gzip.compress(body, compresslevel=1, mtime=0)


def _part(lines: Sequence[str], requests: Requests, part: int, *, of: int) -> bytes:
    """Return the lines that one of several writers (edge locations, nodes) got."""
    edges = requests.edge.tolist()
    return "".join([line for line, edge in zip(lines, edges, strict=True) if edge % of == part]).encode()


def _key(log_format: LogFormat, start: datetime, end: datetime, unique: str) -> str:
    if log_format is LogFormat.CLOUDFRONT:
        return f"{start:%Y-%m-%d-%H}.{unique}.gz"
    if log_format is LogFormat.ALB:
        return (
            f"{end:%Y/%m/%d}/111122223333_elasticloadbalancing_eu-west-1_app.shop.0123456789abcdef_{end:%Y%m%dT%H%MZ}"
            f"_203.0.113.9_{unique}.log.gz"
        )
    return f"{start:%Y/%m/%d/%H/%M}/111122223333_waflogs_eu-west-1_shop_{start:%Y%m%dT%H%MZ}_{unique}.log.gz"
