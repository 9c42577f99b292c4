"""Who asks for what in a busy log: columns of requests, by fixed shares and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    Integers: TypeAlias = NDArray[np.int64]


class Answer(NamedTuple):
    """A path and what the site says to it."""

    path: str
    status: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """A client that tries out paths at a steady rate from `starts` to before `ends` (aware)."""

    address: str
    starts: datetime
    ends: datetime
    per_minute: int = 300


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests in the order of time; each number is a place in `addresses`, `answers` or `AGENTS`.

    :param milliseconds: Unix milliseconds, UTC. :param edge: which edge location answered.
    """

    addresses: tuple[str, ...]
    answers: tuple[Answer, ...]
    milliseconds: Integers
    client: Integers
    answer: Integers
    agent: Integers
    edge: Integers


AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://example.com/bot)",
    "example-monitor/1.0",
    "Mozilla/5.0 (compatible; scanner)",
)
EDGES: Final = ("FRA56-P4", "DUB56-P1", "LHR50-P2", "CDG52-P3", "MAD53-P1", "ARN56-P2", "IAD89-P3", "SIN2-P1")
_PEOPLE_AGENTS, _CRAWLER, _MONITOR, _SCANNER = 3, 3, 4, 5
_CRAWLERS: Final = tuple(f"2001:db8:c0::{number:x}" for number in range(1, 13))
_IPV4_NETWORKS: Final = ("192.0.2.", "198.51.100.", "203.0.113.")


@lru_cache(maxsize=1)
def _site() -> tuple[tuple[Answer, ...], int, int]:
    """Return all answers, how many are pages that people ask for, and how many of these are no errors."""
    good = [Answer("/", 200, 18_211), Answer("/checkout", 200, 22_950), Answer("/login", 200, 4_120)]
    good += [Answer(f"/products/{number}", 200, 14_000 + 37 * number) for number in range(400)]
    good += [Answer(f"/static/{number:04x}.css", 304 if number % 3 else 200, 0) for number in range(40)]
    good += [Answer(f"/static/{number:04x}.js", 304 if number % 4 else 200, 900 + number) for number in range(80)]
    good += [Answer(f"/images/{number}.webp", 200, 30_000 + 211 * number) for number in range(300)]
    bad = [Answer(f"/products/{number}", 404, 1_245) for number in range(900, 960)]
    bad += [Answer("/favicon.ico", 404, 1_245), Answer("/account", 401, 310), Answer("/api/cart", 503, 0)]
    names = (
        "wp-login",
        ".env",
        ".git/config",
        "phpmyadmin/index",
        "admin",
        "backup",
        "shell",
        "config",
        "xmlrpc",
        "id",
    )
    probes = [
        Answer(f"/{folder}{name}{end}", 403 if len(name) % 5 == 0 else 404, 919)
        for folder in ("", "old/", "new/", "test/", "wp/", "blog/", "site/", "shop/", "v1/", "tmp/", "www/", "cgi-bin/")
        for name in names
        for end in ("", ".php", ".bak", ".zip")
    ]
    return (*good, *bad, *probes), len(good) + len(bad), len(good)


@lru_cache(maxsize=4)
def _people(clients: int) -> tuple[str, ...]:
    """Return different addresses: IPv4 as far as its documentation networks go, at most every third; the rest IPv6."""
    ipv4 = [f"{network}{host}" for host in range(1, 190) for network in _IPV4_NETWORKS][: clients // 3]
    networks = range(clients - len(ipv4))
    return (*ipv4, *(str(ip_address(f"2001:db8:{n >> 12:x}:{n & 0xFFF:x}::{n % 7 + 1:x}")) for n in networks))


def busy_requests(
    start: datetime,
    *,
    minutes: int,
    per_minute: int,
    clients: int,
    gateway: tuple[str, int],
    scanners: Sequence[Scanner],
    seed: tuple[int, ...],
) -> Requests:
    """Return the requests of some minutes from `start` (aware), in the order of time.

    Of 100 requests of people and crawlers, 8 are of crawlers and about 3 are errors; a few people ask much more often
    than most, as in real logs.

    :param gateway: an own monitor and its requests per minute, all for pages that are gone.
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64(seed))
    answers, asked, good = _site()
    people = _people(clients)
    addresses = (*people, *_CRAWLERS, gateway[0], *(scanner.address for scanner in scanners))
    first, length = int(start.timestamp() * 1000), minutes * 60_000
    count, monitored = per_minute * minutes, gateway[1] * minutes
    crawls = random.random(count) < 0.08
    client = np.where(crawls, len(people) + _below(random, len(_CRAWLERS), count), _often(random, len(people), count))
    errors = random.random(count) < 0.03
    answer = np.where(errors, good + _below(random, asked - good, count), _often(random, good, count))
    columns = [
        (first + _below(random, length, count), client, answer, np.where(crawls, _CRAWLER, client % _PEOPLE_AGENTS)),
        _steady(first, length, monitored, len(people) + len(_CRAWLERS), good + _below(random, 60, monitored), _MONITOR),
    ]
    for place, scanner in enumerate(scanners, len(people) + len(_CRAWLERS) + 1):
        begin = max(first, int(scanner.starts.timestamp() * 1000))
        lasts = max(min(first + length, int(scanner.ends.timestamp() * 1000)) - begin, 0)
        tried = scanner.per_minute * lasts // 60_000
        probes = asked + _below(random, len(answers) - asked, tried)
        columns.append(_steady(begin, lasts, tried, place, probes, _SCANNER))
    whole = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    order = np.argsort(whole[0], kind="stable")
    milliseconds, client, answer, agent = (column[order] for column in whole)
    edge = _below(random, len(EDGES), len(order))
    return Requests(addresses, answers, milliseconds, client, answer, agent, edge)


def _below(random: np.random.Generator, limit: int, count: int) -> Integers:
    found: Integers = (random.random(count) * limit).astype("int64")
    return found


def _often(random: np.random.Generator, limit: int, count: int) -> Integers:
    """Return places of which the first come up more often than the last."""
    found: Integers = (random.random(count) ** 1.6 * limit).astype("int64")
    return found


def _steady(
    first: int, length: int, count: int, client: int, answer: Integers, agent: int
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return requests of one client at even distances."""
    import numpy as np

    at = first + np.arange(count, dtype=np.int64) * length // max(count, 1)
    return at, np.full(count, client, dtype=np.int64), answer, np.full(count, agent, dtype=np.int64)
