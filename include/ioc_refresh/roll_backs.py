"""Go back to a published snapshot, and keep refreshes from undoing it before its cause is mended."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from include.ioc_refresh.briefs import brief
from include.ioc_refresh.changes import RemovalReason, diff
from include.ioc_refresh.collect import keep_plan, load_open_plan, load_plan
from include.ioc_refresh.drafts import keep_draft, write_draft
from include.ioc_refresh.holds import put_hold
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.publishing import publish
from include.ioc_refresh.refreshes import RefreshConflictError, RefreshPlan, commit_key, last_commit
from include.ioc_refresh.snapshots import load_snapshot
from include.ioc_refresh.table import IndicatorTable


class NoSuchSnapshotError(ValueError):
    """The snapshot to return to was never published."""


def draft_roll_back(
    lake: Lake, table: IndicatorTable, *, snapshot: int, run_id: str, at: datetime, reason: str, asked_by: str | None
) -> dict[str, Any]:
    """Compare a snapshot with the table and keep the difference; returns its summary and the approver's brief.

    Indicators of the snapshot that have expired by now stay out. Raises NoSuchSnapshotError.
    """
    last = last_commit(lake)
    if last is None or snapshot >= last["sequence"] + 1:
        raise NoSuchSnapshotError(
            f"Snapshot {snapshot} does not exist; the last one is {(last or {}).get('sequence', 0)}."
        )
    plan = roll_back_plan(last, run_id=run_id, at=at)
    wanted = [replace(one, refresh=plan.sequence) for one in load_snapshot(lake, snapshot)]
    current = table.read_all()
    changes = diff(current, wanted, as_of=plan.as_of, reasons=dict.fromkeys(current, RemovalReason.ROLLED_BACK))
    previous = sum(entry.indicator is not None for entry in current.values())
    return {
        **keep_plan(lake, plan),
        **keep_draft(lake, plan.version, changes),
        **changes.summary(),
        "snapshot": snapshot,
        "reason": reason,
        "asked_by": asked_by,
        "brief": f"{_quoted(asked_by or 'Somebody unknown')} asks: {_quoted(reason)}\n\n"
        + brief(changes, previous=previous),
    }


def roll_back_plan(last: Mapping[str, Any], *, run_id: str, at: datetime) -> RefreshPlan:
    """Return the plan of the next sequence that reads nothing new and keeps the memory of the last commit."""
    return RefreshPlan(
        sequence=last["sequence"] + 1,
        run_id=run_id,
        as_of=max(at.astimezone(UTC), datetime.fromisoformat(last["as_of"])),
        previous_version=last["version"],
        mail_objects=(),
        verdict_objects=(),
        pending=last["pending"],
        new_day=False,
        watched={name: tuple(keys) for name, keys in last["watched"].items()},
    )


def write_roll_back(
    lake: Lake, table: IndicatorTable, draft: Mapping[str, Any], *, at: datetime, hold_hours: float
) -> dict[str, Any]:
    """Hold refreshes, then write the drafted difference; run again it does the same.

    Raises RefreshClosedError when a refresh was committed since the comparison.
    """
    plan = load_open_plan(lake, draft["version"])
    by, reason = (
        draft["asked_by"] or "somebody unknown",
        f"rolled back to snapshot {draft['snapshot']}: {draft['reason']}",
    )
    hold = put_hold(lake, at=at, hours=hold_hours, by=by, reason=reason)
    written = write_draft(lake, table, version=plan.version, sequence=plan.sequence)
    return {**written, "held_until": hold.until.isoformat()}


def commit_roll_back(
    lake: Lake, table: IndicatorTable, draft: Mapping[str, Any], *, written: Mapping[str, Any]
) -> dict[str, Any]:
    """Publish the result and make the roll-back the last refresh; state and memory stay those of the refresh before.

    Committing twice is allowed; raises RefreshConflictError when another run holds the sequence.
    """
    plan = load_plan(lake, draft["version"])
    summary = publish(
        lake, table, version=plan.version, sequence=plan.sequence, results={"write_changes": dict(written)}
    )
    before = lake.get_json(commit_key(lake, plan.sequence - 1))
    entry = {
        **before,
        "sequence": plan.sequence,
        "run_id": plan.run_id,
        "indicators": summary["indicators"],
        "note": draft["reason"],
        "rolled_back_to": draft["snapshot"],
        "rolled_back_at": plan.as_of.isoformat(),
    }
    key = commit_key(lake, plan.sequence)
    if not lake.put_if_absent(key, entry) and (winner := lake.get_json(key))["run_id"] != plan.run_id:
        raise RefreshConflictError(
            f"Refresh {plan.sequence} was committed by run {winner['run_id']!r} meanwhile: trigger the roll-back again."
        )
    return {**summary, "rolled_back_to": draft["snapshot"]}


def _quoted(text: str) -> str:
    """Show a person's words as a code span: an approver must not be led astray by Markdown in them."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
