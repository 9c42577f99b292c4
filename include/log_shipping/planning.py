"""Which databases one ship run works on, in which direction, and which it cannot ship and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from include.leases import lease_of
from include.log_shipping.fleet import LoginRefused, States, Workplace, chosen, look, roles_in, seen_in
from include.log_shipping.header_book import load_book
from include.log_shipping.headers import BackupType
from include.log_shipping.lanes import deal
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.primaries import PrimaryRecord, find_primary
from include.log_shipping.roles import Roles, Situation, Unreachable
from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.log_shipping.configuration_model import DatabaseSettings

PLAN = "plan_shipping"
SHIP_EVERY_MINUTES = 5
"""How often log_shipping_ship is scheduled: nothing is backed up more often than that, except by hand."""
SHIPPABLE = frozenset({Situation.SHIPPING, Situation.SOURCE_UNREACHABLE, Situation.TARGET_UNREACHABLE})


def plan_shipping(workplace: Workplace, *, databases: Iterable[str], only_due: bool = False) -> dict[str, Any]:
    """Judge every chosen database, keep an outcome for each, and deal those that can be shipped over lanes.

    :param only_due: leave out databases whose last log backup is younger than their `backup_every_minutes`.
    :raises ValueError: a name is not configured.
    """
    wanted = chosen(workplace.configuration, databases)
    states = look(workplace, [name for settings in wanted for name in (settings.primary, settings.secondary)])
    going = []
    for settings in wanted:
        outcome = judge(workplace, settings, states=states)
        if only_due and outcome.status is Status.DONE and not is_due(workplace, settings):
            told = f"Its last log backup is younger than {settings.backup_every_minutes} minutes."
            outcome = replace(outcome, reason=told, evidence={**outcome.evidence, "due": False})
        workplace.records.put(outcome)
        if outcome.status is Status.DONE and outcome.evidence.get("due", True):
            going.append(settings.name)
    return {"lanes": deal(going), "databases": len(wanted), "shippable": len(going), "records": workplace.records.uri}


def is_due(workplace: Workplace, settings: DatabaseSettings) -> bool:
    """Whether a scheduled run backs the log up now; one that comes up to a minute early counts as in time."""
    if settings.backup_every_minutes <= SHIP_EVERY_MINUTES:
        return True
    logs = [header for header in load_book(workplace.store, settings.name).headers() if header.type is BackupType.LOG]
    newest = max((header.finished for header in logs), default=None)
    wait = timedelta(minutes=settings.backup_every_minutes - 1)
    return newest is None or workplace.clock() - newest >= wait


def judge(workplace: Workplace, settings: DatabaseSettings, *, states: Mapping[str, States]) -> Outcome:
    """Say whether and in which direction a database can be shipped now."""
    started, roles = workplace.clock(), roles_in(settings, states)
    record = find_primary(workplace.store, settings.name)
    status, reason = Status.DONE, roles.sentence
    refusal = _refusal(roles, states=states, settings=settings, record=record)
    if refusal is not None:
        status, reason = Status.FAILED, refusal
        lease = lease_of(workplace.store, settings.name)
        if lease and not lease.is_free(at=started) and lease.owner != workplace.records.owner:
            status, reason = Status.WAITING, f"{refusal} {lease.owner} ({lease.purpose}) is at work on it."
    return Outcome(
        database=settings.name,
        step=PLAN,
        status=status,
        reason=reason,
        started=started,
        finished=workplace.clock(),
        evidence={"source": roles.source, "target": roles.target, "situation": roles.situation.value},
    )


def _refusal(
    roles: Roles, *, states: Mapping[str, States], settings: DatabaseSettings, record: PrimaryRecord | None
) -> str | None:
    refused = [found for found in states.values() if isinstance(found, LoginRefused)]
    pair = [states[name] for name in (settings.primary, settings.secondary)]
    for found in refused:
        if found in pair:
            return found.reason
    if roles.situation not in SHIPPABLE:
        return roles.sentence
    return former_primary_writes(roles, record) or _simple(roles, states=states, database=settings.name)


def former_primary_writes(roles: Roles, record: PrimaryRecord | None) -> str | None:
    """Say that the server that writes is one that a failover replaced: it came back, and must not be shipped from."""
    if record is None or not roles.can_back_up or roles.source == record.primary:
        return None
    return (
        f"{record.database} takes writes on {roles.source}, but {record.primary} is its primary since "
        f"{record.at:%Y-%m-%d %H:%M:%S} ({record.run}): keep clients away from {roles.source}, and run "
        "log_shipping_fail_back once both servers answer. Nothing is shipped from it."
    )


def _simple(roles: Roles, *, states: Mapping[str, States], database: str) -> str | None:
    found = states[roles.source]
    state = None if isinstance(found, Unreachable) else seen_in(found, database)
    if not isinstance(state, DatabaseState) or not roles.can_back_up or state.recovery_model != "SIMPLE":
        return None
    return (
        f"{database} on {roles.source} has recovery model SIMPLE, which keeps no log to ship: set it to FULL and run "
        "log_shipping_configure with reseed."
    )
