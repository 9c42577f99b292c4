"""The answer of a person, kept with the facts it was given for; recovery goes on only by such an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.log_shipping.fail_over.loss import Loss, digest_of
from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.fail_over.steps import FailOver, RunRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.log_shipping.outcomes import RunRecords

LOSSES, ANSWER, OVERWRITE = "losses.json", "answer.json", "overwrite_answer.json"


def write_losses(work: FailOver, losses: Sequence[Loss]) -> str:
    """Keep the stated losses of a run and return their URI."""
    records = work.workplace.records
    document = {"losses": [loss.to_dict() for loss in losses], "digest": digest_of(losses)}
    return records.store.put_json(records.key(LOSSES), document)


def find_losses(records: RunRecords) -> list[Loss]:
    """Return the stated losses, none before they were assessed."""
    found = records.store.find_json(records.key(LOSSES)) or {"losses": []}
    return [Loss.from_dict(document) for document in found["losses"]]


def record_answer(records: RunRecords, answer: Mapping[str, Any], *, name: str = ANSWER) -> None:
    """Keep who answered what, with the facts that stood in the question; an earlier answer is kept beside it."""
    document = {**answer, "digest": digest_of(find_losses(records))}
    records.store.put_json(records.key("answers", f"{answer.get('at') or 'nobody'}.json"), document)
    records.store.put_json(records.key(name), document)


def find_answer(records: RunRecords, *, name: str = ANSWER) -> dict[str, Any] | None:
    """Return the last answer, None before anybody was asked."""
    found: dict[str, Any] | None = records.store.find_json(records.key(name))
    return found


def is_approved(records: RunRecords, *, name: str = ANSWER) -> bool:
    """Whether a person said yes."""
    answer = find_answer(records, name=name)
    return bool(answer and answer["approved"])


def require_approval(work: FailOver) -> dict[str, Any]:
    """Return the approval of the stated losses; a drill needs none.

    :raises RunRefusedError: nobody approved, or the losses were assessed again since, or a disaster's approval is not
        from a second person.
    """
    if work.plan.mode is Mode.DRILL:
        return {"by": None}
    records = work.workplace.records
    answer = find_answer(records)
    if answer is None or not answer["approved"]:
        raise RunRefusedError("Nobody has approved this recovery: clear the approval task and let a person answer.")
    if answer["digest"] != digest_of(find_losses(records)):
        raise RunRefusedError(
            "The losses were stated anew since the approval: clear the approval task and let a person answer again."
        )
    if work.plan.mode is Mode.DISASTER and answer["by"] in {None, work.plan.asked_by}:
        raise RunRefusedError(
            f"{answer['by'] or 'Nobody known'} cannot accept a loss alone: clear the approval, a second person answers."
        )
    return answer


def is_recovery_approved(work: FailOver) -> bool:
    """Whether an approval that holds was given: for these losses, by the right person."""
    try:
        require_approval(work)
    except RunRefusedError:
        return False
    return True


def changed_facts(stated: Loss, now: Loss) -> list[str]:
    """Say what changed since a loss was stated; empty when the approval still holds."""
    names = {
        "with_tail": "the tail",
        "restored_lsn": "the LSN that is restored",
        "fork": "the recovery fork",
        "source_seen": "the old primary",
    }
    before, after = stated.facts(), now.facts()
    return [f"{said} was {before[key]}, is {after[key]}" for key, said in names.items() if before[key] != after[key]]
