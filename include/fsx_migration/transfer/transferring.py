"""Move a migration on: finish the open pass, open the next one by the rule, until the rule is met.

Nothing here waits and nothing is remembered but in the passes' documents: `advance` may be killed at any line and
called again, by any worker. It reads what is, starts what is due, and says what to wait for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.client_name.switching import require_clients_on_source
from include.fsx_migration.partition.partitioning import COST_PER_FILE_BYTES
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.transfer import settling
from include.fsx_migration.transfer.convergence import Answer, DeltaPoint, Verdict, decide
from include.fsx_migration.transfer.insights import scan_logs
from include.fsx_migration.transfer.pass_model import PassKind
from include.fsx_migration.transfer.pass_openings import open_closing_pass, open_full_pass, open_incremental_pass
from include.fsx_migration.transfer.passes import change_pass, list_passes, read_passes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.fsx_migration.transfer.pass_model import Pass
    from include.fsx_migration.workplace import Workplace

CLOSINGS_AT_MOST: Final = 2
"""Closing passes of a run: a second one repairs what the first one's verification found."""
_LARGEST: Final = 3


class Kinds(StrEnum):
    """Which passes a task makes."""

    FULL = "full"
    INCREMENTAL = "incremental"
    CLOSING = "closing"
    FINAL = "final"
    """One incremental pass and a closing one, whatever the convergence says."""


class TransferStoppedError(RefusedError):
    """A person has to decide or mend something before the transfer goes on; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """What a run wants.

    :param run: `<dag id>/<run id>`: passes are counted for each run.
    :param passes_at_most: incremental passes of this run; None takes the definition's.
    """

    kinds: Kinds
    run: str
    passes_at_most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Executions of a pass run."""

    pass_number: int
    executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Everything that was ordered is done; `verdict` is about incremental passes."""

    passes: tuple[int, ...]
    verdict: Verdict | None = None


def begin(place: Workplace) -> None:
    """Take an open pass up again, because a person or Airflow started the task anew: what was stuck may try again.

    :raises RefusedError: clients already work on the target, whose files a pass would overwrite or delete.
    """
    require_clients_on_source(place)
    current = _unfinished(place)
    if current is not None:
        settling.forgive(place, settling.settle(place, current))


def advance(place: Workplace, order: TransferOrder) -> Waiting | Finished:
    """Settle what has ended, start what is due, open and end passes; return what to wait for, or that all is done.

    :raises TransferStoppedError: a part cannot go on by itself.
    :raises RefusedError: nothing can be opened, with the reason.
    """
    while True:
        current = _unfinished(place)
        if current is None:
            opened = _open_next(place, order)
            if isinstance(opened, Finished):
                return opened
            current = opened
        current = settling.settle(place, current)
        _refuse_stopped(place, current, only_grave=True)
        current = settling.start_due(place, current)
        waiting = len(settling.running(current))
        if waiting:
            return Waiting(pass_number=current.number, executions=waiting)
        _refuse_stopped(place, current, only_grave=False)
        _end(place, current)


def measured_rate(passes: Sequence[Pass]) -> float:
    """Return cost (bytes, and what a file costs besides) by second over the passes that moved most; 0 without any."""
    moved = [(_cost(one.files, one.bytes), transfer_seconds(one)) for one in passes if one.ended and one.files]
    largest = [pair for pair in sorted(moved, reverse=True)[:_LARGEST] if pair[1] > 0]
    seconds = sum(seconds for _, seconds in largest)
    return sum(cost for cost, _ in largest) / seconds if seconds else 0.0


def transfer_seconds(one: Pass) -> float:
    """Return the time from the first start to the last end of a pass's executions."""
    starts = [attempt.started for _, attempt in one.attempts() if attempt.started]
    ends = [attempt.ended for _, attempt in one.attempts() if attempt.ended]
    return max((max(ends) - min(starts)).total_seconds(), 0.0) if starts and ends else 0.0


def judge(place: Workplace, order: TransferOrder, passes: Sequence[Pass]) -> Verdict:
    """Decide by the incremental passes of this run."""
    rule = place.migration.convergence
    if order.passes_at_most is not None:
        rule = replace(rule, passes_at_most=order.passes_at_most)
    points = [
        DeltaPoint(
            number=one.number,
            files=one.files,
            bytes=one.bytes,
            cost=_cost(one.files, one.bytes),
            scan_seconds=one.scan_seconds,
            transfer_seconds=transfer_seconds(one),
        )
        for one in _own(passes, order, PassKind.INCREMENTAL)
    ]
    return decide(points, cost_per_second=measured_rate(passes), rule=rule)


def _unfinished(place: Workplace) -> Pass | None:
    """Return the pass that has not ended; there is one at most, for a pass opens when the one before has ended."""
    passes = list_passes(place.places)
    return passes[-1] if passes and passes[-1].ended is None else None


def _end(place: Workplace, one: Pass) -> None:
    at = place.now()
    key = place.places.transfer_pass(one.number, "log_errors.json")
    if one.parts and place.store.find_json(key) is None:
        place.store.put_json(key, scan_logs(place, start=one.opened, end=at))
    change_pass(place.places, one.number, lambda now: replace(now, ended=now.ended or at))


def _open_next(place: Workplace, order: TransferOrder) -> Pass | Finished:
    passes = list_passes(place.places)
    if order.kinds is Kinds.FULL:
        return Finished(passes=(1,)) if passes else open_full_pass(place, run=order.run)
    if not passes:
        raise RefusedError(f"Migration {place.migration.name} has no full pass yet: run fsx_migration_migrate first.")
    incremental, closing = (_own(passes, order, kind) for kind in (PassKind.INCREMENTAL, PassKind.CLOSING))
    if order.kinds is Kinds.INCREMENTAL:
        verdict = judge(place, order, passes)
        if verdict.answer is Answer.GO_ON:
            return open_incremental_pass(place, run=order.run)
        return Finished(passes=tuple(one.number for one in incremental), verdict=verdict)
    if order.kinds is Kinds.FINAL and not incremental:
        return open_incremental_pass(place, run=order.run)
    if not closing or (len(closing) < CLOSINGS_AT_MOST and read_passes(place)[-1].living_suspects):
        return open_closing_pass(place, run=order.run)
    own = [*incremental, *closing] if order.kinds is Kinds.FINAL else closing
    return Finished(passes=tuple(one.number for one in own))


def _own(passes: Sequence[Pass], order: TransferOrder, kind: PassKind) -> list[Pass]:
    return [one for one in passes if one.kind is kind and one.run == order.run]


def _refuse_stopped(place: Workplace, one: Pass, *, only_grave: bool) -> None:
    """Raise for parts that wait for a person: at once when it concerns all parts, else when the others have ended."""
    stuck = [part for part in one.parts if settling.is_stuck(part, attempts=place.migration.transfer.attempts)]
    grave = [part for part in stuck if part.last and part.last.state.value == "stopped"]
    chosen = grave if only_grave else stuck
    if not chosen:
        return
    reasons = dict.fromkeys(part.last.reason for part in chosen if part.last)
    told = "; ".join(list(reasons)[:3])
    left = len(settling.running(one))
    rest = f" {left} other executions go on in DataSync and are found again." if left else ""
    sentence = (
        f"Pass {one.number} of migration {place.migration.name} waits for a person: part "
        f"{', '.join(part.name for part in chosen[:10])} after {max(len(part.attempts) for part in chosen)} attempts: "
        f"{told}.{rest} Mend the cause, then clear this task."
    )
    change_pass(place.places, one.number, lambda now: replace(now, stopped=sentence))
    raise TransferStoppedError(sentence)


def _cost(files: int, size: int) -> int:
    return size + files * COST_PER_FILE_BYTES


def summary(place: Workplace, finished: Finished) -> dict[str, Any]:
    """Return counts and URIs of the passes that a task made."""
    chosen = [one for one in read_passes(place) if one.number in finished.passes]
    found: dict[str, Any] = {
        "passes": list(finished.passes),
        "files": sum(one.files for one in chosen),
        "bytes": sum(one.bytes for one in chosen),
        "failed": len(chosen[-1].failed) if chosen else 0,
        "suspects": len(chosen[-1].living_suspects) if chosen else 0,
        "retries": sum(len(part.attempts) - 1 for one in chosen for part in one.parts if part.attempts),
        "uri": f"s3://{place.store.bucket}/{place.places.key('passes')}/",
    }
    return found | (finished.verdict.to_dict() if finished.verdict else {})
