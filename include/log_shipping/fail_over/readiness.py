"""May these databases move, and from where to where: decided by what both servers say now."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from include import leases
from include.log_shipping.fail_back import fail_back_refusal
from include.log_shipping.fail_over.plans import FailOverPlan, Mode, Move, find_plan, write_plan
from include.log_shipping.fail_over.steps import THREADS, RunRefusedError
from include.log_shipping.fleet import States, Workplace, chosen, look, roles_in, seen_in
from include.log_shipping.lanes import each
from include.log_shipping.primaries import find_primary
from include.log_shipping.roles import Roles, Seen, Situation, Unreachable
from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from include.log_shipping.configuration import DatabaseSettings

RUN_LEASE: Final = timedelta(hours=8)
"""How long a run holds its databases at most: both approvals may take hours, and nothing may be shipped meanwhile."""
LEASE_PATIENCE: Final = timedelta(seconds=90)
"""How long a run waits for a shipping step to end; one that died is overtaken when its lease ends."""
LONGEST_NAME: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asked for.

    :ivar databases: names, empty for all of the configuration.
    """

    mode: Mode
    databases: Sequence[str]
    reason: str
    asked_by: str | None
    asked_at: datetime
    rollback_backup: bool = False


def check_readiness(
    workplace: Workplace, order: Order, *, pause: Callable[[float], None] = time.sleep
) -> tuple[FailOverPlan, dict[str, str]]:
    """Decide the moves, take the databases' leases, and write the plan; returns it with a sentence per database.

    A run that has a plan keeps it: after a fence the servers no longer show what was asked for.

    :raises RunRefusedError: nothing may move; each database's sentence says why and what to do.
    """
    found = find_plan(workplace.records)
    if found is not None:
        return found, {move.database: "planned by an earlier try of this run." for move in found.moves}
    wanted = chosen(workplace.configuration, order.databases)
    states = look(workplace, [name for settings in wanted for name in (settings.primary, settings.secondary)])
    moves, told, refused = _judge(workplace, order, wanted=wanted, states=states)
    if refused and (order.mode.needs_source or not moves):
        raise RunRefusedError(" ".join(refused.values()))
    if order.mode is not Mode.DRILL:
        hold(workplace, [move.database for move in moves], purpose=f"{order.mode} move", pause=pause)
    plan = FailOverPlan(
        mode=order.mode,
        reason=order.reason,
        asked_by=order.asked_by,
        asked_at=order.asked_at,
        moves=tuple(moves),
        rollback_backup=order.rollback_backup,
        refused=refused,
    )
    write_plan(workplace.records, plan)
    return plan, told


def hold(
    workplace: Workplace, databases: Sequence[str], *, purpose: str, pause: Callable[[float], None] = time.sleep
) -> None:
    """Take the leases of all databases for the whole run; waits a little for shipping steps to end.

    :raises RunRefusedError: somebody holds one for longer; the others are given back.
    """
    deadline = workplace.clock() + LEASE_PATIENCE

    def take(database: str) -> str:
        while True:
            at = workplace.clock()
            try:
                leases.take(
                    workplace.store,
                    database,
                    owner=workplace.records.owner,
                    purpose=purpose,
                    at=at,
                    keep_for=RUN_LEASE,
                    is_over=workplace.is_over,
                )
            except leases.LeaseHeldError as error:
                if at >= deadline:
                    return str(error)
                pause(1.0)
            else:
                return ""

    sentences = [sentence for sentence in each(databases, take, threads=THREADS) if sentence]
    if sentences:
        release(workplace, databases)
        raise RunRefusedError(" ".join(sentences))


def release(workplace: Workplace, databases: Sequence[str]) -> None:
    """Give the leases of this run back."""
    owner = workplace.records.owner
    each(databases, lambda name: leases.release(workplace.store, name, owner=owner), threads=THREADS)


def _judge(
    workplace: Workplace, order: Order, *, wanted: Sequence[DatabaseSettings], states: Mapping[str, States]
) -> tuple[list[Move], dict[str, str], dict[str, str]]:
    moves, told, refused = [], {}, {}
    for settings in wanted:
        roles = _with_record(workplace, settings, roles_in(settings, states))
        seen = {name: seen_in(states[name], settings.name) for name in (settings.primary, settings.secondary)}
        if order.mode.is_fail_back:
            roles = replace(roles, source=settings.secondary, target=settings.primary)
            record = find_primary(workplace.store, settings.name)
            sentence = fail_back_refusal(order.mode, settings, seen=seen, record=record)
        else:
            sentence = refusal(order.mode, roles, seen=seen)
        if sentence:
            refused[settings.name] = f"{settings.name} cannot move: {sentence} ({roles.sentence})"
            continue
        copy = copy_name(settings.name, at=order.asked_at) if order.mode is Mode.DRILL else ""
        moves.append(Move(database=settings.name, source=roles.source, target=roles.target, copy=copy))
        told[settings.name] = roles.sentence
    return moves, told, refused


def refusal(mode: Mode, roles: Roles, *, seen: Mapping[str, Seen]) -> str | None:
    """Say why a database cannot move in this mode, or None when it can.

    The target has to take logs. The source has to write, except after a disaster, or when an earlier run fenced it.
    """
    source, target = seen[roles.source], seen[roles.target]
    if roles.situation is Situation.SPLIT_BRAIN:
        return "both servers take writes; a person decides which one is right, then run log_shipping_fail_back."
    if isinstance(target, Unreachable):
        return f"{roles.target} is out of reach ({target.reason})."
    if not isinstance(target, DatabaseState) or not target.takes_logs:
        return f"{roles.target} takes no logs; run log_shipping_configure to seed it."
    return _source_refusal(roles, source=source) if mode.needs_source else None


def _source_refusal(roles: Roles, *, source: Seen) -> str | None:
    if roles.is_reversed:
        return f"it has failed over to {roles.source} already; log_shipping_fail_back moves it back."
    if isinstance(source, Unreachable):
        return f"{roles.source} is out of reach; wait for it, or choose mode disaster."
    ready = isinstance(source, DatabaseState) and (source.is_writable or source.takes_logs)
    return None if ready else f"{roles.source} is in no state to hand over; mend it, or choose mode disaster."


def copy_name(database: str, *, at: datetime) -> str:
    """Return the name of a drill's scratch copy: `<database>_drill_<yyyymmddhhmm>`."""
    ending = f"_drill_{at:%Y%m%d%H%M}"
    return database[: LONGEST_NAME - len(ending)] + ending


def _with_record(workplace: Workplace, settings: DatabaseSettings, roles: Roles) -> Roles:
    """Where neither side writes, the states do not say who wrote last: the record of the last move does."""
    if roles.situation is not Situation.NOBODY_WRITES:
        return roles
    record = find_primary(workplace.store, settings.name)
    if record is None or not record.is_complete or record.primary == roles.source:
        return roles
    target = settings.other(record.primary)
    return replace(roles, source=record.primary, target=target, is_reversed=record.primary != settings.primary)
