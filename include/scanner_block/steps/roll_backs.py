"""Return the sets to those of an earlier run, as they would stand today; what happened since is pardoned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.scanner_block.blocking.decision import Evidence, decide
from include.scanner_block.desk import read_inputs
from include.scanner_block.lake.carried import CarriedStateDamagedError, load_carried
from include.scanner_block.lake.intents import intents_since
from include.scanner_block.lake.journal import CommitMissingError, last_commit, load_commit, open_version
from include.scanner_block.steps.drafts import Draft, carried_of, known_of, save_draft, told_of
from include.scanner_block.steps.told import ToldBlock, code_span
from include.scanner_block.steps.updates import actual_sets, in_order

if TYPE_CHECKING:
    from datetime import datetime

    from include.scanner_block.blocking.state_model import SourceState
    from include.scanner_block.desk import Desk

SHOWN = 20


class RunUnknownError(ValueError):
    """There is no run of that number to return to."""


def draft_roll_back(desk: Desk, *, sequence: int, run_id: str, at: datetime, reason: str, by: str) -> dict[str, Any]:
    """Decide what going back changes, keep the draft, and return its version with the brief for the approver.

    Blocks of that run whose time has ended since, and approved clients, do not come back. Clients that were blocked
    after it are pardoned for what they did until now; the counts that were read stay read.

    :raises RunUnknownError: no run of that number is kept.
    """
    last = last_commit(desk.store)
    try:
        target = load_carried(desk.store, load_commit(desk.store, sequence).version)
    except (CommitMissingError, CarriedStateDamagedError) as error:
        raise RunUnknownError(f"The block list of run {sequence} is not kept: {error}") from None
    if last is None:
        raise RunUnknownError("No run has been committed yet, so there is nothing to return to.")
    at = max(at, last.as_of)
    inputs, current = read_inputs(desk, at=at), load_carried(desk.store, last.version)
    rules, actual = inputs.policy.rules, actual_sets(desk, inputs.policy)
    intents = intents_since(desk.store, last.sequence)
    now = known_of(current, rules=rules, intents=intents, actual=actual, now=at)
    then = known_of(target, rules=rules, intents=intents, actual=actual, now=at)
    since = _clients(now.states) - _clients(then.states)
    known = replace(now, states=then.states).pardoning(since, at=at)
    outcome = decide(
        known,
        Evidence(),
        policy=inputs.policy,
        spared=inputs.spared,
        now=at,
        additions=frozenset(cidr for cidrs in target.sets.values() for cidr in cidrs),
    )
    _, version = open_version(run_id, last)
    told = told_of(outcome, now=at) | {
        "inputs": inputs.digest,
        "rolled_back_to": sequence,
        "reason": reason,
        "by": by,
    }
    draft = Draft(
        version=version,
        sequence=last.sequence + 1,
        run_id=run_id,
        as_of=at,
        kind="roll_back",
        seen=in_order(actual),
        wanted=outcome.plan.wanted,
        carried=carried_of(outcome, current, count_files=current.count_files, now=at),
        told=told,
    )
    save_draft(desk.store, draft)
    return {"version": version, "brief": _brief(told, target_sequence=sequence, commits_since=last.sequence - sequence)}


def _clients(states: Any) -> frozenset[str]:
    return frozenset(client for state in states.values() for client in _of(state))


def _of(state: SourceState) -> set[str]:
    return set(state.general).union(*state.uri.values())


def _brief(told: dict[str, Any], *, target_sequence: int, commits_since: int) -> str:
    counts = f"{told['added']:,} addresses come in, {told['removed']:,} leave the sets"
    lines = [
        f"**Return to run {target_sequence}** ({commits_since} runs ago): {counts}.",
        "",
        f"Asked by {code_span(told['by'])}: {code_span(told['reason'])}",
        "",
        "Clients that were blocked since are pardoned until their next offence.",
        "",
        *(
            f"- in: `{block.client}`, until {block.until:%Y-%m-%d %H:%M} UTC"
            for block in ToldBlock.of(told["new_blocks"][:SHOWN])
        ),
        *(f"- out: `{one['client']}`" for one in told["released"][:SHOWN]),
    ]
    return "\n".join(lines)
