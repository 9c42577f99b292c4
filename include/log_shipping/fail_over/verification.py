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

    :raises StepError: rows are missing or too many, beats are missing in the middle, or it takes no writes.
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
    compared = "as counted on the old side" if fence and fence.rows is not None else "nothing to compare with"
    evidence = {
        "rows": rows,
        "rows_compared": bool(fence and fence.rows is not None),
        "beat": beat,
        "beat_at": None if beat_at is None else beat_at.isoformat(),
    }
    return f"{move.database}: {sum(rows.values()):,} rows in {len(rows)} tables, {compared}; it takes writes.", evidence


def differences(fence: Fence | None, *, rows: Mapping[str, int], beat: int | None) -> list[str]:
    """Say where the database differs from what the fence counted; the first tables, then the canary."""
    if fence is None or fence.rows is None:
        return []
    names = sorted(fence.rows.keys() | rows.keys())
    wrong = [name for name in names if fence.rows.get(name) != rows.get(name)]
    told = [f"{name} had {fence.rows.get(name, 'no table')} rows, has {rows.get(name, 'no table')}" for name in wrong]
    more = [f"and {len(wrong) - SHOWN_TABLES} more tables"] if len(wrong) > SHOWN_TABLES else []
    beats = [f"the canary's last beat was {fence.beat}, is {beat}"] if fence.beat not in {None, beat} else []
    return told[:SHOWN_TABLES] + more + beats


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
