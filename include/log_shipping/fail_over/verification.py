"""Is the recovered database the one that was promised: rows, canary, and a write that comes back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping import tsql
from include.log_shipping.fail_over.approvals import find_losses
from include.log_shipping.fail_over.counting import beats_have_holes, count_rows, last_beat, last_beat_at
from include.log_shipping.fail_over.fencing import Fence, find_fence
from include.log_shipping.fail_over.steps import FailOver, StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.client import SqlServer
    from include.log_shipping.fail_over.plans import Move

SHOWN_TABLES: Final = 5


def verify_database(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Compare the recovered database with what was counted at the fence, and write to it.

    Without a tail nothing was counted on the old side; then rows are reported, and only holes in the canary's beats
    and a refused write are faults.

    The count is a lower bound: a client that got in between count and tail wrote more, and the tail has it. The proof
    of the chain, not the count, says that nothing is lost.

    :raises StepError: rows are missing, beats are missing in the middle, or it takes no writes.
    """
    loss = {loss.database: loss for loss in find_losses(work.workplace.records)}.get(move.database)
    fence = find_fence(work, move.database) if loss is not None and loss.with_tail else None
    with work.server(move.target) as server:
        rows = count_rows(server, move.database)
        beat, beat_at = last_beat(server, move.database), last_beat_at(server, move.database)
        holes = beats_have_holes(server, move.database)
        faults = differences(fence, rows=rows, beat=beat)
        if holes:
            faults.append("beats of the canary are missing in the middle")
        if faults:
            raise StepError(f"{move.database} on {move.target} is not what was fenced: {'; '.join(faults)}.")
        write_and_read_back(server, move.database, token=token_of(work, move))
    compared = "nothing to compare with" if fence is None or fence.rows is None else told_surplus(fence.rows, rows)
    evidence = {
        "rows": rows,
        "rows_compared": bool(fence and fence.rows is not None),
        "beat": beat,
        "beat_at": None if beat_at is None else beat_at.isoformat(),
    }
    return f"{move.database}: {sum(rows.values()):,} rows in {len(rows)} tables, {compared}; it takes writes.", evidence


def differences(fence: Fence | None, *, rows: Mapping[str, int], beat: int | None) -> list[str]:
    """Say where the database has less than the fence counted; the first tables, then the canary."""
    if fence is None or fence.rows is None:
        return []
    wrong = [name for name in sorted(fence.rows) if rows.get(name, -1) < fence.rows[name]]
    told = [f"{name} had {fence.rows[name]} rows, has {rows.get(name, 'no table')}" for name in wrong]
    more = [f"and {len(wrong) - SHOWN_TABLES} more tables"] if len(wrong) > SHOWN_TABLES else []
    lost_beats = fence.beat is not None and (beat is None or beat < fence.beat)
    beats = [f"the canary's last beat was {fence.beat}, is {beat}"] if lost_beats else []
    return told[:SHOWN_TABLES] + more + beats


def told_surplus(counted: Mapping[str, int], rows: Mapping[str, int]) -> str:
    """Say how the rows compare with those counted before the tail, none of which is missing."""
    surplus = sum(rows.values()) - sum(counted.values())
    if not surplus:
        return "as counted on the old side"
    return f"{surplus:,} more than counted on the old side: written between the count and the tail, which has them"


def write_and_read_back(server: SqlServer, database: str, *, token: str) -> None:
    """Write a row of our own, read it back, drop it; raises StepError when it does not come back."""
    server.run(tsql.write_probe(database, token=token), doing=f"writing a probe to {database}")
    row = server.one(tsql.read_probe(database, token=token), doing=f"reading the probe of {database}")
    if row is None or row["token"] != token:
        raise StepError(f"{database} on {server.name} took a row and does not give it back.")
    server.run(tsql.drop_probe(database), doing=f"dropping the probe of {database}")


def token_of(work: FailOver, move: Move) -> str:
    """Return the probe's token: the same for every try of a run."""
    return hashlib.sha256(f"{work.workplace.records.owner} {move.database}".encode()).hexdigest()[:32]
