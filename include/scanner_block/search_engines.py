"""Crawlers of search engines, known by their names in DNS in both directions; never by what a client says of itself."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, Protocol

from include.scanner_block.addresses import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DATA: Final = Path(__file__).parent / "data" / "search_engines.json"
_MOST_NAMES: Final = 3  # of one address; an owner of the reverse zone may list hundreds


class Resolver(Protocol):
    """Looks names up; what is not known, or not in time, is an empty tuple."""

    def names(self, address: str) -> tuple[str, ...]:
        """Return the names of an address (PTR)."""

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a name (A and AAAA)."""


@dataclass(frozen=True, slots=True)
class CrawlerNames:
    """How the names of an engine's crawlers end (below `domain`) and begin."""

    engine: str
    domain: str
    begins: str = ""

    def cover(self, name: str) -> bool:
        """Say whether a lower-case name without its last dot is one of them."""
        return name.endswith(f".{self.domain}") and name.startswith(self.begins)


@cache
def crawler_names() -> tuple[CrawlerNames, ...]:
    """Return the documented names; sources and dates are in data/search_engines.json."""
    engines = json.loads(_DATA.read_text(encoding="utf-8"))["engines"]
    return tuple(
        CrawlerNames(engine["engine"], name["domain"], name.get("begins", ""))
        for engine in engines
        for name in engine["names"]
    )


def confirm(address: str, *, resolver: Resolver) -> str | None:
    """Return the engine whose crawler a canonical address is, or None.

    The reverse name must be one that the engine documents, and that name must lead back to the address: whoever owns an
    address may give it any reverse name. A network (`2001:db8::/64`) has no name and is never confirmed.
    """
    if "/" in address:
        return None
    for name in resolver.names(address)[:_MOST_NAMES]:
        plain = name.rstrip(".").lower()
        engine = next((names.engine for names in crawler_names() if names.cover(plain)), None)
        if engine is not None and any(canonical(found) == address for found in resolver.addresses(plain)):
            return engine
    return None


def confirm_each(addresses: Iterable[str], *, resolver: Resolver, workers: int = 16) -> dict[str, str]:
    """Return the engine by address for those that are confirmed; `workers` are looked up at the same time."""
    wanted = tuple(dict.fromkeys(addresses))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="search-engines") as pool:
        engines = pool.map(lambda address: confirm(address, resolver=resolver), wanted)
        return {address: engine for address, engine in zip(wanted, engines, strict=True) if engine is not None}


@dataclass(slots=True)
class SystemResolver:
    """The resolver of the operating system, with limits: an unknown client is not spared, so failures are answers.

    :param seconds: for one look-up; the system's own limits are longer and cannot be set.
    :param most: look-ups in the life of this object.
    :param all_seconds: for all look-ups, from the first one.
    """

    seconds: float = 2.0
    most: int = 1_000
    all_seconds: float = 30.0
    monotonic: Callable[[], float] = time.monotonic
    _asked: int = 0
    _ends: float | None = None
    _lock: Lock = field(default_factory=Lock)

    def names(self, address: str) -> tuple[str, ...]:
        """Return the names of an address; empty when unknown, late, or over the limits."""
        return self._within(lambda: _names(address))

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a name; empty when unknown, late, or over the limits."""
        return self._within(lambda: _addresses(name))

    def _within(self, look_up: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        if not self._may_ask():
            return ()
        answers: list[tuple[str, ...]] = []
        # A look-up cannot be stopped; a daemon that is still waiting does not keep the worker from ending.
        thread = Thread(target=lambda: answers.append(look_up()), daemon=True, name="name-look-up")
        thread.start()
        thread.join(self.seconds)
        return answers[0] if answers else ()

    def _may_ask(self) -> bool:
        with self._lock:
            now = self.monotonic()
            if self._ends is None:
                self._ends = now + self.all_seconds
            if self._asked >= self.most or now >= self._ends:
                return False
            self._asked += 1
            return True


def _names(address: str) -> tuple[str, ...]:
    try:
        name, aliases, _ = socket.gethostbyaddr(address)
    except (OSError, UnicodeError):
        return ()
    return (name, *aliases)


def _addresses(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return ()
    return tuple(str(address[0]) for *_, address in found)
