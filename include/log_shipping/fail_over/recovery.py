"""RESTORE WITH RECOVERY: the one step without a way back. It looks once more, writes down what it does, and does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.log_shipping import tsql
from include.log_shipping.fail_over.approvals import changed_facts, find_losses
from include.log_shipping.fail_over.fencing import renew
from include.log_shipping.fail_over.steps import FailOver, StepError
from include.log_shipping.fleet import look_at, seen_in
from include.log_shipping.primaries import PrimaryRecord, find_primary, write_primary
from include.log_shipping.server_state import DatabaseState, read_state

if TYPE_CHECKING:
    from include.log_shipping.client import SqlServer
    from include.log_shipping.fail_over.loss import Loss
    from include.log_shipping.fail_over.plans import Move
    from include.log_shipping.roles import Seen

MULTI_USER = "MULTI_USER"
OUT_OF_REACH = "out of reach"


def source_seen(seen: Seen) -> str:
    """Return the old primary as an approval names it."""
    if isinstance(seen, DatabaseState):
        return seen.describe()
    return "without the database" if seen is None else OUT_OF_REACH


def recover_database(work: FailOver, move: Move, *, approved_by: str | None) -> tuple[str, dict[str, Any]]:
    """Recover a database on its target, unless the facts changed since the loss was stated.

    :raises StepError: the old primary or the restored LSN is not what the approval was given for, or somebody else
        recovered the database.
    """
    renew(work, move.database)
    stated = {loss.database: loss for loss in find_losses(work.workplace.records)}[move.database]
    seen = seen_in(look_at(work.workplace, move.source), move.database)
    with work.server(move.target) as server:
        state = _state(server, move)
        record = find_primary(work.workplace.store, move.database)
        mine = record is not None and record.run == work.workplace.records.owner
        if state.is_writable and not mine:
            raise StepError(
                f"{move.database} is ONLINE on {move.target} and this run did not recover it: find out who did."
            )
        if not state.is_writable or record is None:
            record = _recover(work, move, server=server, state=state, stated=stated, seen=seen, by=approved_by)
        state = _let_everybody_in(server, move)
    write_primary(work.workplace.store, replace(record, fork=state.recovery_fork))
    return (
        f"{move.database} is ONLINE on {move.target} since LSN {record.fork_lsn}.",
        {"fork": state.recovery_fork, "fork_lsn": str(record.fork_lsn)},
    )


def _recover(
    work: FailOver,
    move: Move,
    *,
    server: SqlServer,
    state: DatabaseState,
    stated: Loss,
    seen: Seen,
    by: str | None,
) -> PrimaryRecord:
    now = replace(stated, restored_lsn=state.redo_lsn or 0, fork=state.redo_fork or "", source_seen=source_seen(seen))
    changed = changed_facts(stated, now)
    if changed:
        raise StepError(
            f"{move.database} is not what was approved: {'; '.join(changed)}. Clear fence_primary with all that "
            "follows: the loss is stated anew and somebody is asked again."
        )
    record = PrimaryRecord(
        database=move.database,
        primary=move.target,
        former=move.source,
        run=work.workplace.records.owner,
        mode=work.plan.mode.value,
        at=work.workplace.clock(),
        fork_lsn=stated.restored_lsn,
        forked_from=stated.fork,
        with_tail=stated.with_tail,
        approved_by=by,
    )
    write_primary(work.workplace.store, record)
    server.run(tsql.recover(move.database), doing=f"RESTORE DATABASE {move.database} WITH RECOVERY")
    return record


def _let_everybody_in(server: SqlServer, move: Move) -> DatabaseState:
    """The fence's SINGLE_USER travelled with the log."""
    state = _state(server, move)
    if not state.is_writable or state.recovery_fork is None:
        raise StepError(f"{move.database} is {state.describe()} on {move.target} after RECOVERY; see its error log.")
    if state.user_access != MULTI_USER:
        server.run(tsql.set_multi_user(move.database), doing=f"SET MULTI_USER on {move.database}")
        state = _state(server, move)
    return state


def _state(server: SqlServer, move: Move) -> DatabaseState:
    state = read_state(server, move.database)
    if state is None:
        raise StepError(f"{move.target} has no database {move.database} any more; find out who dropped it.")
    return state
