"""The steps of an update: what is new, what it says of clients, and the decision that follows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.scanner_block.blocking.decision import Evidence, decide
from include.scanner_block.desk import read_inputs
from include.scanner_block.lake.carried import load_carried
from include.scanner_block.lake.intents import intents_since
from include.scanner_block.lake.journal import last_commit, open_version
from include.scanner_block.lake.ledger import load_ledger
from include.scanner_block.lake.objects import find_new_objects
from include.scanner_block.lake.permissions import ask, standing
from include.scanner_block.lake.plans import Plan, find_plan, keep_plan
from include.scanner_block.steps.collecting import load_tallies
from include.scanner_block.steps.drafts import Draft, carried_of, known_of, save_draft, told_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from include.scanner_block.blocking.state_model import Offences
    from include.scanner_block.desk import Desk, Inputs
    from include.scanner_block.lake.carried import Carried
    from include.scanner_block.lake.count_files import CountFiles
    from include.scanner_block.lake.journal import Commit
    from include.scanner_block.policy_model import Policy
    from include.scanner_block.steps.collecting import Tally


class UpdateClosedError(RuntimeError):
    """A task of a run that another one has overtaken was run again."""

    is_final = True


def plan_update(desk: Desk, *, run_id: str, at: datetime) -> dict[str, Any]:
    """Find what is new and keep the plan; returns what tasks need to find it, or {} when nothing is to be done.

    Time never runs back: a run older than the last commit, cleared hours later, takes the commit's time.

    :raises ApprovedListError, PolicyRefusedError: nothing may change until a person has mended the file.
    """
    inputs = read_inputs(desk, at=at)
    last = last_commit(desk.store)
    as_of = max(at.astimezone(UTC), last.as_of) if last else at.astimezone(UTC)
    policy = inputs.policy
    new = find_new_objects(
        desk.clients("s3"),
        sources=policy.sources,
        ledger=load_ledger(desk.store, last.ledger if last else None),
        now=as_of,
        late_hours=policy.late_hours,
        most_objects=policy.most_objects,
    )
    if not new.objects and not new.twins and last and _is_quiet(desk, inputs, last, as_of=as_of):
        return {}
    sequence, version = open_version(run_id, last)
    plan = keep_plan(desk.store, Plan(sequence=sequence, version=version, run_id=run_id, as_of=as_of, new=new))
    return {
        "version": plan.version,
        "sequence": plan.sequence,
        "as_of": plan.as_of.isoformat(),
        "objects": len(plan.new.objects),
        "bytes": sum(found.size for found in plan.new.objects),
        "same_content": len(plan.new.twins),
        "waiting": plan.new.waiting,
    }


def open_plan(desk: Desk, version: str) -> Plan:
    """Return the plan of a version that may still write; raises UpdateClosedError once its sequence is taken."""
    plan, last = find_plan(desk.store, version), last_commit(desk.store)
    if plan is None:
        raise UpdateClosedError(f"The plan of {version} was cleared away: trigger a new run.")
    require_open(plan.sequence, plan.version, last)
    return plan


def require_open(sequence: int, version: str, last: Commit | None) -> None:
    """Raise UpdateClosedError when another run has committed a sequence meanwhile."""
    if last and last.sequence >= sequence and last.version != version:
        raise UpdateClosedError(
            f"Run {last.run_id!r} ({last.kind}) committed {last.sequence} meanwhile, so nothing of {version} is "
            "written; the next run decides anew."
        )


def decide_update(desk: Desk, version: str, *, use_logs: bool) -> dict[str, Any]:
    """Decide and keep the draft; returns what people are told.

    :param use_logs: False decides as if no new log had come: clients only leave.
    """
    plan = open_plan(desk, version)
    inputs, last = read_inputs(desk, at=plan.as_of), last_commit(desk.store)
    carried = load_carried(desk.store, last.version if last else None)
    tallies = load_tallies(desk.store, version) if use_logs else {}
    files = carried.count_files
    for source, tally in tallies.items():
        files = files.adding(source, version, tally.hours)
    actual = actual_sets(desk, inputs.policy)
    outcome = decide(
        known_of(
            carried,
            rules=inputs.policy.rules,
            intents=intents_since(desk.store, last.sequence if last else 0),
            actual=actual,
            now=plan.as_of,
        ),
        _evidence(desk, tallies, inputs.policy, files),
        policy=inputs.policy,
        spared=inputs.spared,
        now=plan.as_of,
        permission=standing(desk.store, at=plan.as_of),
        confirm=_confirm(desk, inputs.policy),
    )
    told = told_of(outcome, now=plan.as_of) | {"inputs": inputs.digest}
    asked = [block.client for block in outcome.held_back]
    told["asks"] = bool(asked) and ask(desk.store, version=version, clients=asked, at=plan.as_of)
    draft = Draft(
        version=version,
        sequence=plan.sequence,
        run_id=plan.run_id,
        as_of=plan.as_of,
        kind="update",
        seen=in_order(actual),
        wanted=outcome.plan.wanted,
        carried=carried_of(outcome, carried, count_files=files, now=plan.as_of),
        told=told,
        counts_in=use_logs,
    )
    save_draft(desk.store, draft)
    return told


def actual_sets(desk: Desk, policy: Policy) -> dict[str, frozenset[str]]:
    """Return what WAF holds, by set."""
    writer = desk.ip_sets(policy)
    return {name: writer.read(name).addresses for name in (*policy.ip_sets.ipv4, *policy.ip_sets.ipv6)}


def in_order(sets: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """Return the sets with their CIDRs sorted, so that the same sets are the same bytes."""
    return {name: tuple(sorted(held)) for name, held in sorted(sets.items())}


def _is_quiet(desk: Desk, inputs: Inputs, last: Commit, *, as_of: datetime) -> bool:
    """Whether the last commit still says everything: same files, same sets, nobody due, no answer to act on."""
    facts = last.facts
    due = facts.get("next_due")
    if facts.get("inputs") != inputs.digest or (due and datetime.fromisoformat(due) <= as_of):
        return False
    if facts.get("held_back") and not standing(desk.store, at=as_of).is_asked:
        return False
    carried = load_carried(desk.store, last.version)
    return actual_sets(desk, inputs.policy) == _left(carried, inputs.policy)


def _left(carried: Carried, policy: Policy) -> dict[str, frozenset[str]]:
    """Return what the last commit left in the sets."""
    names = (*policy.ip_sets.ipv4, *policy.ip_sets.ipv6)
    return {name: frozenset(carried.sets.get(name, ())) | set(carried.by_hand.added.get(name, ())) for name in names}


def _evidence(desk: Desk, tallies: Mapping[str, Tally], policy: Policy, files: CountFiles) -> Evidence:
    offences = {source: _offences(desk, source, tally, policy, files) for source, tally in tallies.items()}
    return Evidence(offences, sum(tally.clients for tally in tallies.values()))


def _offences(desk: Desk, source: str, tally: Tally, policy: Policy, files: CountFiles) -> Offences:
    """Judge the hours that new logs touched, with everything that was counted in them before."""
    from include.scanner_block.blocking.offences import find_offences
    from include.scanner_block.lake.counts_store import read_hours, touched_hours

    hours = touched_hours(tally.hours, sliding_minute=policy.rules.sliding_minute)
    log_format = next(one.log_format for one in policy.sources if one.name == source)
    return find_offences(read_hours(desk.store, source, hours, files=files), rules=policy.rules, log_format=log_format)


def _confirm(desk: Desk, policy: Policy) -> Callable[[Sequence[str]], Iterable[str]]:
    """Return what tells search engines' crawlers from others."""
    resolver = desk.resolver
    if resolver is None or not policy.spare_search_engines:
        return lambda clients: ()

    def confirmed(clients: Sequence[str]) -> Iterable[str]:
        from include.scanner_block.search_engines import confirm_each

        return confirm_each(clients, resolver=resolver)

    return confirmed
