"""What the gate before RECOVERY judges: one row per database, from the proof and from the server's state right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.log_shipping.fail_over.plans import Mode, Move
from include.log_shipping.fail_over.steps import FailOver, StepReport, find_step, write_step
from include.log_shipping.fleet import look, seen_in
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.log_shipping.roles import Seen

RESTORE_STEPS = {Mode.DRILL: "restore_copies"}
RESTORE_TAIL = "restore_tail"


def restore_report(work: FailOver) -> StepReport:
    """Return what the step that restored said; raises LookupError before it ended."""
    name = RESTORE_STEPS.get(work.plan.mode, RESTORE_TAIL)
    report = find_step(work, name)
    if report is None:
        raise LookupError(f"{name} left no report: clear it.")
    return report


def proof_rows(work: FailOver) -> list[dict[str, Any]]:
    """Return a row per database that was restored.

    A proof counts only as long as the server stands where it stood then: LSN and fork are read again.
    """
    report = restore_report(work)
    moves = [move for move in work.plan.moves if move.database in report.done]
    states = look(work.workplace, [move.target for move in moves])
    return [
        _row(
            move,
            proof=report.outcomes[move.database].evidence["proof"],
            seen=seen_in(states[move.target], move.copy or move.database),
        )
        for move in moves
    ]


def proof_outcomes(work: FailOver, step: str, rows: Sequence[Mapping[str, Any]]) -> StepReport:
    """Keep what the gate is about to judge: an unproven database is set aside, whatever the gate says of the others."""
    at = work.workplace.clock()
    outcomes = [
        Outcome(
            database=row["database"],
            step=step,
            status=Status.DONE if is_proven(row) else Status.QUARANTINED,
            reason=f"proven up to LSN {row['redo_lsn']}." if is_proven(row) else f"not proven: {row['why_not']}",
            started=at,
            finished=at,
            evidence=dict(row),
        )
        for row in rows
    ]
    return write_step(work, step, outcomes=outcomes, started=at, inside_seconds=0.0)


def is_proven(row: Mapping[str, Any]) -> bool:
    """Whether a database may be recovered; the suite of the gate expects the same four claims."""
    return all(row[name] for name in ("takes_logs", "chain_is_proven", "lsn_is_as_proven", "fork_is_as_proven"))


def _row(move: Move, *, proof: dict[str, Any], seen: Seen) -> dict[str, Any]:
    state = seen if isinstance(seen, DatabaseState) else None
    lsn = None if state is None or state.redo_lsn is None else str(state.redo_lsn)
    return {
        "database": move.database,
        "restored_on": move.target,
        "takes_logs": state is not None and state.takes_logs,
        "chain_is_proven": bool(proof["proven"]),
        "redo_lsn": lsn or "unknown",
        "lsn_is_as_proven": lsn is not None and lsn == proof["redo_lsn"],
        "fork_is_as_proven": state is not None and state.redo_fork is not None and state.redo_fork == proof["fork"],
        "why_not": proof["reason"] or "",
    }
