"""How a run ends: what it fenced and did not recover is given back to its old primary, and the leases are released."""

from __future__ import annotations

from typing import Any

from include.log_shipping import tsql
from include.log_shipping.fail_over.approvals import is_recovery_approved
from include.log_shipping.fail_over.drill import drop_copy
from include.log_shipping.fail_over.fencing import find_fence
from include.log_shipping.fail_over.plans import Mode, Move
from include.log_shipping.fail_over.readiness import release
from include.log_shipping.fail_over.recovery import MULTI_USER
from include.log_shipping.fail_over.steps import FailOver, StepError, StepReport, find_step, run_step
from include.log_shipping.fleet import look_at, seen_in
from include.log_shipping.primaries import find_primary
from include.log_shipping.roles import Unreachable
from include.log_shipping.server_state import DatabaseState, read_state


def give_back(work: FailOver) -> StepReport:
    """End a run, however it went; what cannot be given back is an outcome that needs a person."""
    copied = find_step(work, "restore_copies")

    def end(move: Move) -> tuple[str, dict[str, Any]]:
        if work.plan.mode is not Mode.DRILL:
            return undo_fence(work, move)
        outcome = copied.outcomes.get(move.database) if copied else None
        return drop_copy(work, move, before=outcome.evidence.get("production") if outcome else None)

    report = run_step(work, "give_back", moves=work.plan.moves, act=end)
    if work.plan.mode is not Mode.DRILL:
        release_leases(work)
    return report


def undo_fence(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Bring the old primary back if this run fenced it and nothing was recovered, so that no business is left down.

    RESTORE WITH RECOVERY on the old primary begins a new recovery fork exactly where its tail ended. The secondary,
    which restored at most that tail, takes the next log across the fork: shipping goes on without a reseed.

    :raises StepError: the target may have been recovered, so that two primaries could come of it.
    """
    if not fence_is_to_be_undone(work, move):
        return f"{move.database}: there is nothing to undo.", {"undone": False}
    target = seen_in(look_at(work.workplace, move.target), move.database)
    if isinstance(target, Unreachable):
        raise StepError(
            f"{move.database} stays fenced: {move.target} is out of reach, so nobody knows that it is not primary. "
            "Undo the fence by the runbook once that is known."
        )
    if isinstance(target, DatabaseState) and target.is_writable:
        raise StepError(f"{move.database} stays fenced on {move.source}: it is ONLINE on {move.target}.")
    with work.server(move.source) as server:
        state = read_state(server, move.database)
        if state is not None and state.takes_logs:
            server.run(tsql.recover(move.database), doing=f"RESTORE DATABASE {move.database} WITH RECOVERY")
            state = read_state(server, move.database)
        if state is not None and state.is_writable and state.user_access != MULTI_USER:
            server.run(tsql.set_multi_user(move.database), doing=f"SET MULTI_USER on {move.database}")
            state = read_state(server, move.database)
    if state is None or not state.is_writable:
        told = "gone" if state is None else state.describe()
        raise StepError(f"{move.database} is {told} on {move.source} after the fence was undone; see the runbook.")
    return f"{move.database} is ONLINE on {move.source} again, on a new recovery fork.", {
        "undone": True,
        "fork": state.recovery_fork,
    }


def fence_is_to_be_undone(work: FailOver, move: Move) -> bool:
    """Whether this run stopped the database in a mode with a living primary and did not begin to recover it.

    After an approval nothing is undone: what stopped then goes on when the failed task is cleared.
    """
    if work.plan.mode in {Mode.DRILL, Mode.DISASTER} or find_fence(work, move.database) is None:
        return False
    if is_recovery_approved(work):
        return False
    record = find_primary(work.workplace.store, move.database)
    return record is None or record.run != work.workplace.records.owner


def release_leases(work: FailOver) -> None:
    """Give the databases back to shipping, except those that are fenced and wait for somebody to go on."""
    kept = {move.database for move in work.plan.moves if _waits(work, move)}
    release(work.workplace, [move.database for move in work.plan.moves if move.database not in kept])


def _waits(work: FailOver, move: Move) -> bool:
    """Approved, fenced, and not recovered: shipping must not touch it before that is over."""
    if work.plan.mode is Mode.DRILL or not is_recovery_approved(work):
        return False
    record = find_primary(work.workplace.store, move.database)
    return record is None or record.run != work.workplace.records.owner or not record.is_complete
