"""Start what is due in a pass, and settle what has ended; every step may be killed and done again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.partition.manifests import refusal, write_manifest
from include.fsx_migration.planning.bandwidth import limit_at
from include.fsx_migration.resources.transfer_resources import load_resources
from include.fsx_migration.transfer.executions import ExecutionOrder, describe, find, split_bandwidth, start_once
from include.fsx_migration.transfer.failures import Ending, classify
from include.fsx_migration.transfer.pass_model import ALL, CHANGED, VERIFY, Attempt, AttemptState, PassKind
from include.fsx_migration.transfer.passes import change_pass, failures_key, list_passes, load_failures, save_failures
from include.fsx_migration.transfer.task_reports import read_failures
from include.workbench import workbench

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from include.fsx_migration.transfer.execution_states import ExecutionState
    from include.fsx_migration.transfer.pass_model import FailedFile, Pass, PassPart
    from include.fsx_migration.workplace import Workplace

REPORT_PATIENCE: Final = timedelta(minutes=15)
"""How long a task report may stay PENDING after the end of its execution, before it counts as missing."""
STUCK: Final = "stuck: "
"""How the reason begins for which a stuck execution is cancelled: another attempt follows."""
_COUNTERS: Final = (
    "bytes_transferred",
    "bytes_written",
    "files_transferred",
    "files_skipped",
    "files_verified",
    "files_deleted",
    "files_failed_prepare",
    "files_failed_transfer",
    "files_failed_verify",
    "files_failed_delete",
    "folders_transferred",
    "folders_skipped",
    "total_milliseconds",
)


def is_finished(part: PassPart, *, attempts: int) -> bool:
    """Tell whether a part has nothing left to try: done, or its attempts are used up and every failed file is named."""
    last = part.last
    if last is None:
        return False
    if last.state is AttemptState.DONE:
        return True
    return last.state is AttemptState.FILES_FAILED and (part.tried >= attempts or not last.retryable)


def is_stuck(part: PassPart, *, attempts: int) -> bool:
    """Tell whether a part waits for a person: what it failed for does not pass, or its attempts are used up."""
    last = part.last
    if last is None or part.forgiven >= len(part.attempts):
        return False
    if last.state in (AttemptState.STOPPED, AttemptState.CANCELLED):
        return True
    return last.state is AttemptState.FAILED and part.tried >= attempts


def running(one: Pass) -> list[tuple[PassPart, Attempt]]:
    """Return the attempts that have not ended."""
    return [(part, attempt) for part, attempt in one.attempts() if not attempt.state.is_over]


def settle(place: Workplace, one: Pass) -> Pass:
    """Ask DataSync for every attempt that runs, count those that have ended, and return the pass."""
    ended: dict[str, Attempt] = {}
    for part, attempt in running(one):
        if attempt.state is AttemptState.STARTED:
            state = describe(place, attempt.arn)
            if is_settled(state, now=place.now()):
                ended[part.name] = _counted(place, one, part, attempt, state)
    if not ended:
        return one
    return change_pass(place.places, one.number, lambda now: _with_attempts(now, ended))


def is_settled(state: ExecutionState, *, now: datetime) -> bool:
    """Tell whether an execution is over, and its report written or overdue."""
    if not state.is_over:
        return False
    overdue = state.ended is not None and now - state.ended > REPORT_PATIENCE
    return state.report_status != "PENDING" or overdue


def start_due(place: Workplace, one: Pass) -> Pass:
    """Start the next attempt of every part that is due; the intents are written first, the executions found again."""
    due = [part for part in one.parts if _is_due(place, one, part)]
    if due:
        made = {part.name: _next_attempt(place, one, part) for part in due}
        one = change_pass(place.places, one.number, lambda now: _with_attempts(now, made))
    intended = [(part, attempt) for part, attempt in running(one) if attempt.state is AttemptState.INTENDED]
    if not intended:
        return one
    tasks = sorted({part.task_arn for part, _ in intended})
    known = find(place, one.number, task_arns=tasks, skip=_known_arns(place))
    started: dict[str, Attempt] = {}
    for part, attempt in intended:
        arn = start_once(place, _order(place, one, part, attempt), found=known)
        started[part.name] = replace(attempt, state=AttemptState.STARTED, arn=arn, started=place.now())
    return change_pass(place.places, one.number, lambda now: _with_attempts(now, started))


def forgive(place: Workplace, one: Pass) -> Pass:
    """Let stuck parts try again, and those that are being cancelled, because a person cleared the task."""

    def change(now: Pass) -> Pass:
        for part in now.parts:
            ending = part.last is not None and not part.last.state.is_over and part.last.cancelled_for
            if ending or is_stuck(part, attempts=place.migration.transfer.attempts):
                now = now.with_part(replace(part, forgiven=len(part.attempts)))
        return replace(now, stopped="")

    return change_pass(place.places, one.number, change)


def _is_due(place: Workplace, one: Pass, part: PassPart) -> bool:
    attempts, last = place.migration.transfer.attempts, part.last
    if (last is not None and not last.state.is_over) or is_finished(part, attempts=attempts):
        return False
    if is_stuck(part, attempts=attempts):
        return False
    # Two executions must not write the same file at once: the whole tree waits for the parts.
    return bool(part.manifest_key) or all(other is part or is_finished(other, attempts=attempts) for other in one.parts)


def _next_attempt(place: Workplace, one: Pass, part: PassPart) -> Attempt:
    last, number = part.last, len(part.attempts) + 1
    manifest_key, by_files, mode = part.manifest_key, False, part.transfer_mode
    verify = place.migration.transfer.verify
    if last is not None and part.manifest_key:
        failures = load_failures(place.places, last)
        if _tried_by_files(last) and _retryable(failures):
            manifest_key, by_files, mode = _retry_manifest(place, one, part, failures), True, ALL
        elif place.migration.transfer.mode != "BASIC" or any(file.step == VERIFY for file in failures):
            mode = ALL
        elif mode == CHANGED:
            # What an ended execution left half written may look done: everything in the manifest is verified.
            verify = "POINT_IN_TIME_CONSISTENT"
    if mode == ALL and verify == "NONE":
        verify = "ONLY_FILES_TRANSFERRED"
    options = {"TransferMode": mode, "VerifyMode": verify, **_deletion(place, one, part), **_share(place)}
    return Attempt(number=number, intended=place.now(), manifest_key=manifest_key, by_files=by_files, options=options)


def _tried_by_files(last: Attempt) -> bool:
    """Tell whether the files that are left are known by name."""
    return last.state is AttemptState.FILES_FAILED or last.by_files


def _deletion(place: Workplace, one: Pass, part: PassPart) -> dict[str, str]:
    """DataSync deletes nothing by a manifest, and nothing with TransferMode ALL."""
    if part.manifest_key or one.kind is not PassKind.CLOSING:
        return {}
    return {"PreserveDeletedFiles": "REMOVE" if place.migration.transfer.delete_extra else "PRESERVE"}


def _retry_manifest(place: Workplace, one: Pass, part: PassPart, failures: Sequence[FailedFile]) -> str:
    """Write the manifest of the files that an attempt did not move, and return its key."""
    name = f"{part.name}-retry-{len(part.attempts) + 1}.csv"
    key = place.places.transfer_pass(one.number, "manifests", name)
    with workbench(place.store) as bench:
        write_manifest(bench.folder / name, _retryable(failures))
        bench.keep(bench.folder / name, key, content_type="text/csv")
    return key


def _known_arns(place: Workplace) -> frozenset[str]:
    """Return the executions that are in some pass already: looking at the tags of each again would cost a call."""
    return frozenset(attempt.arn for one in list_passes(place.places) for _, attempt in one.attempts() if attempt.arn)


def _share(place: Workplace) -> dict[str, int]:
    """Return the bandwidth that an execution starts with; while it runs, the trigger adjusts it."""
    limit = limit_at(place.migration.bandwidth, place.now())
    if limit is None:
        return {}
    shares = split_bandwidth(limit, [task.task_arn for task in load_resources(place).tasks])
    return {"BytesPerSecond": min(shares.values())}


def _retryable(failures: Sequence[FailedFile]) -> list[str]:
    """Return the failed files that a manifest can name; directories are the closing pass's."""
    return [file.path for file in failures if not file.directory and not refusal(file.path)]


def _order(place: Workplace, one: Pass, part: PassPart, attempt: Attempt) -> ExecutionOrder:
    return ExecutionOrder(
        task_arn=part.task_arn,
        pass_number=one.number,
        part=part.name,
        attempt=attempt.number,
        manifest_key=attempt.manifest_key or None,
        options=attempt.options,
        report_prefix=place.places.reports(),
    )


def _counted(place: Workplace, one: Pass, part: PassPart, attempt: Attempt, state: ExecutionState) -> Attempt:
    """Return an attempt with how it ended; its failed files are written before anybody counts it."""
    ending = _ending(place, part, attempt, state)
    key = failures_key(place.places, one.number, part.name, attempt.number) if ending.files else ""
    if key:
        save_failures(place.places, key, ending.files)
    return replace(
        attempt,
        state=ending.state,
        status=state.status,
        reason=ending.reason,
        started=state.started or attempt.started,
        ended=state.ended or place.now(),
        failed=len(ending.files),
        retryable=len(_retryable(ending.files)) if part.manifest_key else 0,
        failures_key=key,
        counters={name: getattr(state, name) for name in _COUNTERS},
    )


def _ending(place: Workplace, part: PassPart, attempt: Attempt, state: ExecutionState) -> Ending:
    report = read_failures(
        place.store,
        place.places.reports(),
        attempt.arn,
        part=part.name,
        attempt=attempt.number,
        from_manifest=bool(attempt.manifest_key),
    )
    before = next((one for one in part.attempts if one.number == attempt.number - 1), None)
    given = load_failures(place.places, before) if before is not None and attempt.by_files else ()
    ending = classify(state, report)
    if attempt.cancelled_for and ending.state in (AttemptState.CANCELLED, AttemptState.FAILED):
        # DataSync's own words for a cancelled execution are not documented: who cancelled it, knows it
        stuck = attempt.cancelled_for.startswith(STUCK)
        state_after = AttemptState.FAILED if stuck else AttemptState.CANCELLED
        ending = replace(ending, state=state_after, reason=attempt.cancelled_for)
    if attempt.by_files and not ending.state.tells_files:
        # nobody knows which of the given files were moved: all of them stay failed
        told = {file.path: file for file in (*given, *ending.files)}
        ending = replace(ending, files=tuple(told[path] for path in sorted(told)))
    return ending


def _with_attempts(one: Pass, attempts: Mapping[str, Any]) -> Pass:
    for name, attempt in attempts.items():
        one = one.with_part(one.part(name).with_attempt(attempt))
    return one
