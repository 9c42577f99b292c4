"""State what would be lost, for all databases of a run at once: kept, and put into the approval's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.log_shipping.fail_over.approvals import write_losses
from include.log_shipping.fail_over.loss import brief, digest_of, headline
from include.log_shipping.fail_over.proving import restore_report
from include.log_shipping.fail_over.tail import losses_in

if TYPE_CHECKING:
    from include.log_shipping.fail_over.steps import FailOver


def assess_loss(work: FailOver) -> dict[str, Any]:
    """Keep the losses of a run and return the approval's `subject` and `brief`, with counts.

    Databases that could not be restored stay where they are, and the brief says so.
    """
    report = restore_report(work)
    done = {name: outcome for name, outcome in report.outcomes.items() if name in report.done}
    losses = losses_in(done)
    uri = write_losses(work, losses)
    left = {**work.plan.refused, **{outcome.database: _left(outcome) for outcome in report.failed}}
    moves = [move for move in work.plan.moves if move.database in done]
    places = sorted({f"{move.source} to {move.target}" for move in moves})
    return {
        "subject": f"Recover {_names(list(done))} ({', '.join(places)}, {work.plan.mode}): {headline(losses)}?",
        "brief": brief(losses, refused=left, reason=work.plan.reason, report_uri=uri),
        "losses": uri,
        "digest": digest_of(losses),
        "databases": len(losses),
        "lossy": sum(1 for loss in losses if not loss.with_tail),
    }


def _left(outcome: Any) -> str:
    return f"{outcome.database} cannot move: {outcome.reason}"


def _names(databases: list[str]) -> str:
    return databases[0] if len(databases) == 1 else f"{len(databases)} databases"
