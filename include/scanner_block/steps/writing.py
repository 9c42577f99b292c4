"""From a draft to the sets and into the journal: each step may be killed anywhere and run again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.addresses import is_ipv6
from include.scanner_block.blocking.block_times import until
from include.scanner_block.blocking.state_documents import state_from_document
from include.scanner_block.desk import read_inputs
from include.scanner_block.lake.block_rows import BlockRow, show_as_current, write_blocks
from include.scanner_block.lake.carried import save_carried
from include.scanner_block.lake.counts_store import hour_text
from include.scanner_block.lake.housekeeping import remove_old_versions
from include.scanner_block.lake.intents import Intent, keep_intent
from include.scanner_block.lake.journal import Commit, commit, last_commit, load_commit
from include.scanner_block.lake.ledger import load_ledger, save_ledger
from include.scanner_block.lake.plans import find_plan
from include.scanner_block.steps.collecting import load_tallies
from include.scanner_block.steps.drafts import load_draft
from include.scanner_block.steps.notices import RunNews, SourceReading, metric_data
from include.scanner_block.steps.updates import require_open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from include.scanner_block.addresses import Networks
    from include.scanner_block.desk import Desk, Inputs
    from include.scanner_block.lake.carried import Carried
    from include.scanner_block.steps.collecting import Tally
    from include.scanner_block.steps.drafts import Draft

SETS: Final = "scanner sets"
"""The subject of the lease that whoever writes the sets holds."""
_METRICS_AT_ONCE: Final = 1_000  # PutMetricData's limit


def write_sets(desk: Desk, version: str) -> dict[str, Any]:
    """Bring every set to what the draft wants; returns what each call did.

    The approved list is read once more: somebody may have been approved since the decision. What people changed in a
    set since then stays as they left it.

    :raises UpdateClosedError: another run was faster.
    """
    draft = load_draft(desk.store, version)
    require_open(draft.sequence, draft.version, last_commit(desk.store))
    inputs = read_inputs(desk, at=draft.as_of)
    if not draft.changes_sets:
        return {"calls": 0, "sets": {}}
    ours = {name: frozenset(cidrs) for name, cidrs in draft.carried.sets.items()}
    keep_intent(desk.store, Intent(sequence=draft.sequence, run_id=draft.run_id, as_of=draft.as_of, sets=ours))
    writer, written = desk.ip_sets(inputs.policy), {}
    for name in draft.wanted:
        done = writer.write(name, _wish(draft, name, spared=inputs.spared))
        written[name] = {
            "before": len(done.before),
            "after": len(done.after),
            "calls": done.calls,
            "conflicts": done.conflicts,
        }
    return {"calls": sum(each["calls"] for each in written.values()), "sets": written}


def commit_draft(desk: Desk, version: str, *, note: str | None, written: Mapping[str, Any] | None) -> dict[str, Any]:
    """Make a draft the last commit, publish its metrics, and return what people read; twice is once.

    :raises UpdateClosedError: another run was faster.
    """
    draft = load_draft(desk.store, version)
    require_open(draft.sequence, draft.version, last_commit(desk.store))
    inputs = read_inputs(desk, at=draft.as_of)
    before = load_commit(desk.store, draft.sequence - 1) if draft.sequence > 1 else None
    ledger_version = _keep_ledger(desk, draft, before.ledger if before else None)
    carried = _with_recent_counts(desk, draft, inputs, ledger_version)
    save_carried(desk.store, version, carried)
    write_blocks(desk.store, version, _rows(carried, inputs))
    tallies = load_tallies(desk.store, version) if draft.counts_in else {}
    facts = dict(draft.told) | {
        "note": note,
        "calls": (written or {}).get("calls", 0),
        "counts_in": draft.counts_in,
        "logs": {name: _reading(tally) for name, tally in sorted(tallies.items())},
    }
    entry = commit(
        desk.store,
        Commit(
            sequence=draft.sequence,
            version=version,
            run_id=draft.run_id,
            as_of=draft.as_of,
            kind=draft.kind,
            previous_version=before.version if before else None,
            ledger=ledger_version,
            facts=facts,
        ),
    )
    show_as_current(desk.store, version)
    _publish_metrics(desk, draft, tallies)
    remove_old_versions(desk.store, entry, files=carried.count_files)
    return {"sequence": entry.sequence, "version": version, **entry.facts}


def news_of(facts: Mapping[str, Any], draft: Draft, *, run: str, set_aside: tuple[str, ...] = ()) -> RunNews:
    """Return what a run tells people."""
    from include.scanner_block.steps.told import ToldBlock, ToldRelease

    by_hand = [f"{cidr} was put in" for cidr in facts["put_in_by_hand"]]
    by_hand += [f"{cidr} was taken out" for cidr in facts["taken_out_by_hand"]]
    by_hand += [f"{cidr} was put in although it is approved, and taken off" for cidr in facts["approved_but_put_in"]]
    return RunNews(
        run=run,
        at=draft.as_of,
        added=ToldBlock.of(facts["new_blocks"]),
        removed=ToldRelease.of(facts["released"]),
        blocked={4: facts["blocked"]["IPv4"], 6: facts["blocked"]["IPv6"]},
        left_out=facts["left_out"],
        by_hand=by_hand,
        set_aside=set_aside,
    )


def _wish(draft: Draft, name: str, *, spared: Networks) -> Callable[[frozenset[str]], frozenset[str]]:
    """Return what a set shall hold, given what it holds when it is written.

    What came or went since the decision and is none of ours is somebody's edit; a try of ours that died after its
    write left exactly what is wanted, so it looks like no edit.
    """
    seen, wanted = frozenset(draft.seen.get(name, ())), frozenset(draft.wanted[name])

    def wish(held: frozenset[str]) -> frozenset[str]:
        taken_out, put_in = seen - held, held - seen
        kept = (wanted - taken_out) | put_in
        return frozenset(cidr for cidr in kept if not spared.overlap(cidr))

    return wish


def _keep_ledger(desk: Desk, draft: Draft, before: str | None) -> str | None:
    """Enter what was read, when its counts are in; returns the version of the ledger that is valid then."""
    plan = find_plan(desk.store, draft.version)
    if plan is None or not draft.counts_in or not (plan.new.objects or plan.new.twins):
        return before
    ledger = plan.new.read_into(load_ledger(desk.store, before), as_of=draft.as_of)
    save_ledger(desk.store, draft.version, ledger)
    return draft.version


def _with_recent_counts(desk: Desk, draft: Draft, inputs: Inputs, ledger: str | None) -> Carried:
    """Forget counts to which no log can add any more."""
    sources = [source.name for source in inputs.policy.sources]
    since = load_ledger(desk.store, ledger).counts_from(sources, as_of=draft.as_of)
    return replace(draft.carried, count_files=draft.carried.count_files.since(hour_text(since), sources=sources))


def _rows(carried: Carried, inputs: Inputs) -> Iterator[BlockRow]:
    rules = inputs.policy.rules
    for source, document in carried.sources.items():
        state = state_from_document(document, rules=rules)
        places = [(None, state.general), *state.uri.items()]
        for uri, entries in places:
            for client, entry in entries.items():
                reason = f"{entry.max_per_minute} in one minute"
                yield BlockRow(
                    client=client,
                    source=source,
                    uri=uri,
                    max_per_minute=entry.max_per_minute,
                    updated_at=entry.updated_at,
                    until=until(entry, rules=rules),
                    reason=reason if uri is None else f"{reason} of {uri}",
                )


def _reading(tally: Tally) -> dict[str, Any]:
    document = tally.to_document()
    return {name: document[name] for name in ("objects", "size", "lines", "unreadable", "clients", "read_here")}


def _publish_metrics(desk: Desk, draft: Draft, tallies: Mapping[str, Tally]) -> None:
    blocked = {4: 0, 6: 0}
    for cidrs in draft.wanted.values():
        for cidr in cidrs:
            blocked[6 if is_ipv6(cidr) else 4] += 1
    readings = {
        name: SourceReading(
            objects=tally.objects, lines=tally.lines, unreadable=tally.unreadable, bytes_scanned=tally.size
        )
        for name, tally in tallies.items()
    }
    data = metric_data(
        at=draft.as_of,
        blocked=blocked,
        added=draft.told["added"],
        removed=draft.told["removed"],
        readings=readings,
    )
    for start in range(0, len(data), _METRICS_AT_ONCE):
        desk.clients("cloudwatch").put_metric_data(
            Namespace=desk.settings.metric_namespace, MetricData=data[start : start + _METRICS_AT_ONCE]
        )
