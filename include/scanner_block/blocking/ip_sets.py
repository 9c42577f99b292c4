"""What each WAF IP set is to hold, and what people changed in the sets by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeAlias

from include.scanner_block.addresses import address_order, cidr, is_ipv6

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from include.scanner_block.addresses import Networks
    from include.scanner_block.blocking.blocks import Block
    from include.scanner_block.policy_model import IpSets

SetContents: TypeAlias = Mapping[str, frozenset[str]]
"""By the name of an IP set: its CIDRs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """What the sets are to hold.

    :param wanted: by set, everything in it, sorted by number: what was blocked here and what people put in.
    :param ours: by set, of that only what was blocked here; this is what journals and intents keep.
    :param left_out: blocked clients without room in a set, the worst first; they stay in the state.
    :param added: CIDRs that come into the sets, sorted; one that only changes sets is not among them.
    :param removed: CIDRs that leave the sets, sorted.
    """

    wanted: dict[str, tuple[str, ...]]
    ours: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What people did to the sets: CIDRs they put in (by set), and CIDRs they took out (and when that was seen)."""

    added: SetContents = field(default_factory=dict)
    removed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEdits:
    """What people changed in the sets, by what lies in them.

    :param by_hand: all of it, to be remembered; its `added` stay in the sets, its `removed` are pardons.
    :param added: what was not known before, sorted.
    :param removed: what was not known before, sorted.
    :param taken_off: CIDRs put in by hand that would block somebody who is spared: they have to go, sorted.
    """

    by_hand: ByHand
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    taken_off: tuple[str, ...] = ()


def plan_sets(
    blocks: Sequence[Block], *, names: IpSets, limit: int, actual: SetContents, by_hand: SetContents
) -> SetPlan:
    """Return what each set is to hold: the worst within the limit, each in the set where it lies already.

    New addresses go to the first set with room; what people put in stays and takes room.

    :param blocks: the worst first, as `blocks.blocks_of` returns them.
    :param limit: CIDRs per set.
    :param actual: what lies in the sets now, in any spelling.
    :param by_hand: what of that people put in, as `hand_edits` says.
    """
    now, kept = _spelled(actual), _spelled(by_hand)
    ours: dict[str, list[str]] = {}
    left_out: list[str] = []
    for version, sets in ((False, names.ipv4), (True, names.ipv6)):
        present = _all({name: kept.get(name, frozenset()) for name in sets})
        clients = {cidr(block.client): block.client for block in blocks if is_ipv6(block.client) is version}
        candidates = [address for address in clients if address not in present]
        rooms = {name: max(limit - len(kept.get(name, ())), 0) for name in sets}
        room = sum(rooms.values())
        ours |= _placed(candidates[:room], rooms=rooms, actual=now)
        left_out += [clients[address] for address in candidates[room:]]
    wanted = {name: kept.get(name, frozenset()).union(own) for name, own in ours.items()}
    before, after = _all({name: now.get(name, frozenset()) for name in wanted}), _all(wanted)
    ranks = {block.client: rank for rank, block in enumerate(blocks)}
    return SetPlan(
        wanted={name: _sorted(addresses) for name, addresses in wanted.items()},
        ours={name: _sorted(addresses) for name, addresses in ours.items()},
        left_out=tuple(sorted(left_out, key=ranks.__getitem__)),
        added=_sorted(after - before),
        removed=_sorted(before - after),
    )


def hand_edits(
    *,
    actual: SetContents,
    written: SetContents,
    intents: Sequence[SetContents],
    previous: ByHand,
    spared: Networks,
    now: datetime,
) -> HandEdits:
    """Return what people put into our sets and took out of them.

    Spellings do not matter: WAF gives IPv6 back in its own. A set that `actual` lacks could not be read and says
    nothing. What somebody moved from one of our sets to another is still ours.

    :param written: `SetPlan.ours` of the last commit.
    :param intents: `SetPlan.ours` of the runs since then that were to write and may have died doing so. Contents with
        what people put in would make that ours.
    :param previous: `HandEdits.by_hand` of the last commit.
    :param spared: approved and own networks.
    :param now: when this is seen; from then on what was taken out counts as pardoned.
    """
    present = _spelled(actual)
    everywhere = _all(present)
    ours = _all(_spelled(written)).union(*(_all(_spelled(intent)) for intent in intents))
    known = _all(_spelled(previous.added))
    added = {name: frozenset(c for c in held if c in known or c not in ours) for name, held in present.items()}
    taken_off = {address for address in _all(added) if spared.overlap(address)}
    readable = {name: held for name, held in _spelled(written).items() if name in present}
    hand_readable = {name: held for name, held in _spelled(previous.added).items() if name in present}
    meant = [_all(_spelled(intent)) for intent in intents if intent.keys() & present.keys()]
    gone = {address for address in _all(readable) - everywhere if all(address in intent for intent in meant)}
    gone |= _all(hand_readable) - everywhere
    earlier = {_spelling(address): at for address, at in previous.removed.items()}
    return HandEdits(
        by_hand=ByHand(
            added={name: held - taken_off for name, held in added.items() if held - taken_off},
            removed={c: at for c, at in earlier.items() if c not in everywhere} | dict.fromkeys(_sorted(gone), now),
        ),
        added=_sorted(_all(added) - known),
        removed=_sorted(gone),
        taken_off=_sorted(taken_off),
    )


def _placed(chosen: Sequence[str], *, rooms: Mapping[str, int], actual: SetContents) -> dict[str, list[str]]:
    """Distribute addresses (no more than there is room) over sets: first those that can stay, then the others."""
    placed: dict[str, list[str]] = {name: [] for name in rooms}
    homes = {address: name for name in reversed(list(rooms)) for address in actual.get(name, ())}
    moving = []
    for address in chosen:
        home = homes.get(address)
        if home is not None and len(placed[home]) < rooms[home]:
            placed[home].append(address)
        else:
            moving.append(address)
    places = iter([name for name, room in rooms.items() for _ in range(room - len(placed[name]))])
    for address, name in zip(moving, places, strict=False):
        placed[name].append(address)
    return placed


def _spelled(contents: SetContents) -> dict[str, frozenset[str]]:
    return {name: frozenset(map(_spelling, held)) for name, held in contents.items()}


def _spelling(address: str) -> str:
    """Return a CIDR in Python's spelling; within a set of IPv6 a mapped IPv4 address stays IPv6."""
    return str(ip_network(address, strict=False))


def _all(contents: Mapping[str, Iterable[str]]) -> frozenset[str]:
    return frozenset[str]().union(*contents.values())


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=address_order))
