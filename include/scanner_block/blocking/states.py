"""Who is blocked after new counts: blocks begin, are renewed, end, and never touch who is spared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from include.scanner_block.addresses import Networks, address_order
from include.scanner_block.blocking.block_times import until
from include.scanner_block.blocking.judge import Judge, Place
from include.scanner_block.blocking.pardons import Pardons, live_pardons
from include.scanner_block.blocking.state_clients import with_canonical_clients
from include.scanner_block.blocking.state_documents import StateRefusedError, state_from_document, state_to_document
from include.scanner_block.blocking.state_model import Entry, Offences, SourceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.scanner_block.policy_model import LogFormat, Rules

__all__ = [
    "Advance", "Release", "StateRefusedError",
    "advance", "live_pardons", "state_from_document", "state_to_document", "until",
]  # fmt: skip

NO_ADDRESS: Final = "no address"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Release:
    """A client that this source does not block any more, and why; what was no address keeps its text."""

    client: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """The next state.

    :param released: clients of the old state that have no block left here, by address.
    :param kept_out: spared clients that offended, by address.
    """

    state: SourceState
    released: tuple[Release, ...] = ()
    kept_out: tuple[str, ...] = ()


def advance(
    state: SourceState,
    offences: Offences,
    *,
    rules: Rules,
    log_format: LogFormat,
    spared: Networks,
    now: datetime,
    pardons: Mapping[str, datetime] = MappingProxyType({}),
) -> Advance:
    """Return who is blocked now: old blocks with the new offences, without those that ended.

    The same offences again change nothing, so reopened minutes may be given as often as they are read.

    :param spared: approved and own networks: never blocked, and released when they were.
    :param now: with its zone; a block is over at exactly `until` = now. Later times of logs (clock skew) count as now.
    :param pardons: addresses or networks taken out by a person, and when: offences up to then do not count.
    """
    judge = Judge(rules, log_format, spared, Pardons.of(pardons), now.astimezone(UTC))
    old, strangers = with_canonical_clients(state, ipv6_prefix=rules.ipv6_prefix)
    blocked, offended = _by_client(old.general, old.uri), _by_client(offences.general, offences.uri)
    entries: dict[Place, dict[str, Entry]] = {}
    past, released, kept_out = judge.remembered(old.past), [], []
    for client in sorted(blocked.keys() | offended.keys(), key=address_order):
        verdict = judge.judge(client, blocked.get(client, {}), offended.get(client, {}), old.past.get(client))
        for place, entry in verdict.entries.items():
            entries.setdefault(place, {})[client] = entry
        if verdict.entries:
            past.pop(client, None)
        elif verdict.ended is not None:
            past[client] = verdict.ended
        if verdict.left is not None:
            released.append(Release(client, verdict.left))
        if verdict.kept_out:
            kept_out.append(client)
    return Advance(
        state=SourceState(
            general=entries.pop(None, {}),
            uri={place: found for place, found in sorted(entries.items(), key=str) if place is not None},
            past=past,
        ),
        released=(*released, *(Release(text, NO_ADDRESS) for text in strangers)),
        kept_out=tuple(kept_out),
    )


def _by_client(general: Mapping[str, _T], uri: Mapping[str, Mapping[str, _T]]) -> dict[str, dict[Place, _T]]:
    places: Iterable[tuple[Place, Mapping[str, _T]]] = [(None, general), *uri.items()]
    found: dict[str, dict[Place, _T]] = {}
    for place, clients in places:
        for client, value in clients.items():
            found.setdefault(client, {})[place] = value
    return found
