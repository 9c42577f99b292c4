"""The clients of a state in one spelling, whoever wrote it and whatever was grouped when it was written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.scanner_block.addresses import canonical, client_key
from include.scanner_block.blocking.state_model import Entry, SourceState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def state_client(text: str, *, ipv6_prefix: int) -> str | None:
    """Return the client that a state's text names, grouped as today's rules say; None where it is no address.

    A /64 of earlier rules stays a /64: its addresses are not known any more.
    """
    address, slash, length = text.partition("/")
    found = canonical(address)
    if found is None or length not in {"", "32", "64", "128"} or bool(slash) is not bool(length):
        return None
    if length == "64":
        return client_key(found, ipv6_prefix=64) if ":" in found else None
    if length and (length == "32") is (":" in found):
        return None
    return client_key(found, ipv6_prefix=ipv6_prefix)


def with_canonical_clients(state: SourceState, *, ipv6_prefix: int) -> tuple[SourceState, tuple[str, ...]]:
    """Return the state with one spelling per client, spellings of one client merged, and the texts that are no address.

    Merged entries keep the larger counts and the later times.
    """
    general, strangers = _entries(state.general, ipv6_prefix=ipv6_prefix)
    uris = {}
    for uri, entries in state.uri.items():
        uris[uri], others = _entries(entries, ipv6_prefix=ipv6_prefix)
        strangers |= others
    past: dict[str, tuple[int, datetime]] = {}
    for text, (times, end) in state.past.items():
        client = state_client(text, ipv6_prefix=ipv6_prefix)
        if client is not None:
            before = past.get(client, (times, end))
            past[client] = max(times, before[0]), max(end, before[1])
    return SourceState(general=general, uri=uris, past=past), tuple(sorted(strangers))


def merged(one: Entry, other: Entry) -> Entry:
    """Return the entry of one client from two spellings: the larger counts, the later offence."""
    paths = [entry.distinct_error_paths for entry in (one, other) if entry.distinct_error_paths is not None]
    return replace(
        one,
        max_per_minute=max(one.max_per_minute, other.max_per_minute),
        updated_at=max(one.updated_at, other.updated_at),
        distinct_error_paths=max(paths, default=None),
        times=max(one.times, other.times),
    )


def _entries(entries: Mapping[str, Entry], *, ipv6_prefix: int) -> tuple[dict[str, Entry], set[str]]:
    found: dict[str, Entry] = {}
    strangers: set[str] = set()
    for text, entry in entries.items():
        client = state_client(text, ipv6_prefix=ipv6_prefix)
        if client is None:
            strangers.add(text)
        else:
            found[client] = merged(found[client], entry) if client in found else entry
    return found, strangers
