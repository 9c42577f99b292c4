"""Act on trouble: note it, cancel what is stuck or does harm, stop for a person where time does not help."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.fsx_migration.transfer.executions import cancel
from include.fsx_migration.transfer.passes import change_pass
from include.fsx_migration.transfer.settling import STUCK, running
from include.fsx_migration.transfer.transferring import TransferStoppedError
from include.fsx_migration.watch.troubles import Remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from include.fsx_migration.transfer.pass_model import Pass
    from include.fsx_migration.watch.troubles import Trouble
    from include.fsx_migration.workplace import Workplace


def act_on(place: Workplace, number: int, troubles: Sequence[Trouble]) -> None:
    """Do what the troubles' remedies say, and note the troubles, so that nobody is woken by them again.

    :raises TransferStoppedError: a person has to decide. The troubles that stop are not noted as long as they last:
        clearing the task meets them again.
    """
    stuck = {trouble.arn: trouble.sentence for trouble in troubles if trouble.remedy is Remedy.RETRY and trouble.arn}
    if stuck:
        cancel_for(place, number, stuck)
    told = {one.key: one.sentence for one in troubles if one.remedy in (Remedy.TELL, Remedy.RETRY)}
    change_pass(place.places, number, lambda now: replace(now, troubles={**now.troubles, **told}))
    stopping = [trouble for trouble in troubles if trouble.remedy in (Remedy.STOP, Remedy.STOP_ALL)]
    if stopping:
        _stop(place, number, stopping)


def cancel_for(place: Workplace, number: int, reasons: dict[str, str]) -> None:
    """Cancel executions that are stuck; their parts are tried again. The reasons are by ARN and written first."""
    change_pass(place.places, number, lambda now: _marked(now, {arn: STUCK + told for arn, told in reasons.items()}))
    cancel(place, reasons)


def _stop(place: Workplace, number: int, troubles: Sequence[Trouble]) -> None:
    told = " ".join(f"{trouble.sentence} {trouble.look}" for trouble in troubles)
    rest = "The executions go on in DataSync and are found again."
    if any(trouble.remedy is Remedy.STOP_ALL for trouble in troubles):
        reason = troubles[0].sentence
        one = change_pass(place.places, number, lambda now: _marked(now, _everything(now, reason)))
        asked = cancel(place, _everything(one, reason))
        rest = f"{len(asked)} executions were cancelled; clearing the task starts their parts again."
    sentence = f"Pass {number} of migration {place.migration.name} waits for a person: {told} {rest}"
    change_pass(place.places, number, lambda now: replace(now, stopped=sentence))
    raise TransferStoppedError(sentence)


def _everything(one: Pass, reason: str) -> dict[str, str]:
    return {attempt.arn: reason for _, attempt in running(one) if attempt.arn}


def _marked(one: Pass, reasons: dict[str, str]) -> Pass:
    """Note why attempts are cancelled; a reason that stands there already stays."""
    chosen: Collection[str] = reasons
    for part, attempt in list(one.attempts()):
        if attempt.arn in chosen and not attempt.state.is_over and not attempt.cancelled_for:
            after = replace(attempt, cancelled_for=reasons[attempt.arn])
            one = one.with_part(one.part(part.name).with_attempt(after))
    return one
