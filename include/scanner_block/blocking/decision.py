"""Who is to be blocked now: the last state, new offences, what people say and did, put together; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from include.scanner_block.addresses import Networks, cidr
from include.scanner_block.blocking.blocks import Block, blocks_of
from include.scanner_block.blocking.ip_sets import ByHand, HandEdits, SetPlan, hand_edits, plan_sets
from include.scanner_block.blocking.pardons import live_pardons
from include.scanner_block.blocking.state_model import Offences, SourceState
from include.scanner_block.blocking.states import Release, advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from include.scanner_block.blocking.ip_sets import SetContents
    from include.scanner_block.policy_model import LogFormat, Policy

NOT_READ: Final = "its log is no longer read"
NO_ROOM: Final = "no room: others are worse"
NOT_LISTED: Final = "not on the block list of that run"
SPARED_ENGINE: Final = "a confirmed search engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the last commit left, and what is in the sets.

    :param states: by source. :param pardons: by client, until when its offences do not count.
    :param written: by set, the CIDRs that were blocked there. :param intents: those of runs that may have died since.
    :param actual: by set, what WAF holds now. :param engines: clients that are a search engine's crawlers.
    """

    states: Mapping[str, SourceState] = field(default_factory=dict)
    pardons: Mapping[str, datetime] = field(default_factory=dict)
    written: SetContents = field(default_factory=dict)
    intents: Sequence[SetContents] = ()
    by_hand: ByHand = field(default_factory=ByHand)
    actual: SetContents = field(default_factory=dict)
    engines: frozenset[str] = frozenset()

    def pardoning(self, clients: Iterable[str], *, at: datetime) -> Known:
        """Return the same with pardons for what these clients did until a time."""
        return replace(self, pardons=_latest(self.pardons, dict.fromkeys(clients, at)))


@dataclass(frozen=True, slots=True)
class Permission:
    """What people said about mass changes.

    :param clients: those that an approval of the last hour lets block.
    :param is_asked: a question is open, so nobody is asked again.
    :param refused: clients that were not to be blocked, with the time of the answer: it pardons what they did before.
    """

    clients: frozenset[str] = frozenset()
    is_asked: bool = False
    refused: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What new logs say: outstanding clients by source, in the minutes they touched, and how many clients they name."""

    offences: Mapping[str, Offences] = field(default_factory=dict)
    clients: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What follows.

    :param blocks: everybody who is to be blocked, the worst first, whether there is room or not.
    :param added: blocks that come into the sets now, the worst first.
    :param removed: CIDRs that leave the sets, with the reason.
    :param held_back: blocks that wait for a person, the worst first; they are in the state, not in the sets.
    :param engines: clients that are a search engine's crawlers, those known before and those found now.
    :param share: `added` and `held_back` as a share of what is blocked.
    :param client_share: the same as a share of the clients in the new logs; 0 where those are too few to tell.
    """

    states: Mapping[str, SourceState]
    pardons: Mapping[str, datetime]
    blocks: tuple[Block, ...]
    plan: SetPlan
    edits: HandEdits
    added: tuple[Block, ...]
    removed: tuple[Release, ...]
    held_back: tuple[Block, ...]
    engines: frozenset[str]
    share: float
    client_share: float


def decide(
    known: Known,
    evidence: Evidence,
    *,
    policy: Policy,
    spared: Networks,
    now: datetime,
    permission: Permission | None = None,
    additions: frozenset[str] | None = None,
    confirm: Callable[[Sequence[str]], Iterable[str]] = lambda clients: (),
) -> Outcome:
    """Return who is blocked from now on.

    :param spared: approved and own networks: never blocked.
    :param permission: what people said about a mass change; None lets any number be blocked.
    :param additions: CIDRs that may come into the sets now; None: all that follow.
    :param confirm: returns those of the given clients that are search engines' crawlers.
    """
    edits = hand_edits(
        actual=known.actual,
        written=known.written,
        intents=known.intents,
        previous=known.by_hand,
        spared=spared,
        now=now,
    )
    judged = _Judged(known, evidence, policy=policy, edits=edits, spared=spared, permission=permission, now=now)
    first = judged.with_engines(known.engines)
    found = (
        known.engines | frozenset(confirm([block.client for block in first.added])) if first.added else known.engines
    )
    outcome = judged.with_engines(found) if found != known.engines else first
    if additions is not None:
        return judged.without(outcome, [block for block in outcome.added if cidr(block.client) not in additions])
    if permission is not None:
        return judged.limited(outcome, permission)
    return outcome


class _Judged:
    """One decision, made again as more becomes known: first who would be blocked, then without search engines."""

    def __init__(
        self,
        known: Known,
        evidence: Evidence,
        *,
        policy: Policy,
        edits: HandEdits,
        spared: Networks,
        permission: Permission | None,
        now: datetime,
    ) -> None:
        self._known, self._evidence, self._policy = known, evidence, policy
        self._edits, self._spared, self._now = edits, spared, now
        refused = dict(permission.refused) if permission else {}
        pardons = _latest(known.pardons, edits.by_hand.removed, refused)
        self._pardons = live_pardons(pardons, rules=policy.rules, now=now)
        self._formats: dict[str, LogFormat] = {source.name: source.log_format for source in policy.sources}

    def with_engines(self, engines: frozenset[str]) -> Outcome:
        """Decide, sparing these clients."""
        spared = self._spared | Networks.of(engines)
        states, reasons = self._states(spared)
        for client in engines:
            reasons[client] = SPARED_ENGINE
        blocks = blocks_of(states, formats=self._formats, rules=self._policy.rules)
        return self._outcome(states, blocks, reasons, engines=engines)

    def limited(self, outcome: Outcome, permission: Permission) -> Outcome:
        """Hold back what would be a mass change, unless a person allowed it for these clients."""
        limits, present = self._policy.limits, sum(map(len, self._known.actual.values()))
        share = len(outcome.added) / max(present, limits.change_floor)
        seen = self._evidence.clients
        client_share = len(outcome.added) / seen if seen >= limits.client_floor else 0.0
        marked = replace(outcome, share=share, client_share=client_share)
        if share <= limits.change_share and client_share <= limits.client_share:
            return marked
        held = tuple(block for block in outcome.added if block.client not in permission.clients)
        return replace(self.without(marked, held), held_back=held)

    def without(self, outcome: Outcome, out: Sequence[Block]) -> Outcome:
        """Plan the sets without these blocks; they stay in the state."""
        if not out:
            return outcome
        clients = {block.client for block in out}
        blocks = tuple(block for block in outcome.blocks if block.client not in clients)
        reasons = {release.client: release.reason for release in outcome.removed}
        again = self._outcome(outcome.states, blocks, reasons, engines=outcome.engines)
        return replace(again, blocks=outcome.blocks, share=outcome.share, client_share=outcome.client_share)

    def _states(self, spared: Networks) -> tuple[dict[str, SourceState], dict[str, str]]:
        states: dict[str, SourceState] = {}
        reasons: dict[str, str] = {}
        for source in self._policy.sources:
            moved = advance(
                self._known.states.get(source.name, SourceState()),
                self._evidence.offences.get(source.name, Offences()),
                rules=self._policy.rules,
                log_format=source.log_format,
                spared=spared,
                now=self._now,
                pardons=self._pardons,
            )
            states[source.name] = moved.state
            reasons |= {release.client: release.reason for release in moved.released}
        for name in self._known.states.keys() - states.keys():
            gone = self._known.states[name]
            reasons |= dict.fromkeys(
                (*gone.general, *(one for clients in gone.uri.values() for one in clients)), NOT_READ
            )
        return states, reasons

    def _outcome(
        self,
        states: Mapping[str, SourceState],
        blocks: tuple[Block, ...],
        reasons: Mapping[str, str],
        *,
        engines: frozenset[str],
    ) -> Outcome:
        plan = plan_sets(
            blocks,
            names=self._policy.ip_sets,
            limit=self._policy.rules.ipset_limit,
            actual=self._known.actual,
            by_hand=self._edits.by_hand.added,
        )
        coming = frozenset(plan.added)
        named = {cidr(client): reason for client, reason in reasons.items() if _is_client(client)}
        named |= dict.fromkeys(map(cidr, plan.left_out), NO_ROOM)
        named |= dict.fromkeys(self._edits.taken_off, "approved, though put in by hand")
        return Outcome(
            states=states,
            pardons=self._pardons,
            blocks=blocks,
            plan=plan,
            edits=self._edits,
            added=tuple(block for block in blocks if cidr(block.client) in coming),
            removed=tuple(Release(address, named.get(address, NOT_LISTED)) for address in plan.removed),
            held_back=(),
            engines=engines,
            share=0.0,
            client_share=0.0,
        )


def _latest(*pardons: Mapping[str, datetime]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for some in pardons:
        for client, at in some.items():
            found[client] = max(at, found.get(client, at))
    return found


def _is_client(text: str) -> bool:
    """Tell clients from what an old state held that is no address."""
    try:
        Networks.of([text])
    except ValueError:
        return False
    return True
