"""How an execution goes through its phases and ends.

Details of the two endings with failed files are the service's words (user guide, "Troubleshooting data verification
issues": both end the execution with an error); the codes are this stand-in's own, as nothing documents them:
VerificationFailed, FilesSkipped, Cancelled, NoSpace, ConnectionLost, LocationUnreachable, ManifestNotFound,
ManifestTooLarge, InvalidManifest, LocalAwsStopped, InternalError.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from include.standins.aws.datasync_copy import transfer
from include.standins.aws.datasync_prepare import prepare
from include.standins.aws.datasync_records import ENDED
from include.standins.aws.datasync_run import AbortedError, CancelledError, Run, in_phase
from include.standins.aws.datasync_verify import verify
from include.standins.aws.object_store import NoSuchBucketError

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.datasync_sides import Sides

log = logging.getLogger(__name__)

MISMATCHES = (
    "Transfer and verification completed. Verification detected mismatches. Files with mismatches are listed in "
    "Cloud Watch Logs"
)
SKIPPED = (
    "Transfer and verification completed. Selected files transferred except for files skipped due to errors. If no "
    "skipped files are listed in Cloud Watch Logs, please contact AWS Support for further assistance."
)

CANCELLED = ("Cancelled", "The task execution was cancelled.")
STOPPED = ("LocalAwsStopped", "The local AWS was stopped while the task execution was running; start it again.")


def carry_out(run: Run, sides: Sides) -> None:
    """Run to the end; whatever happens, the execution has a result afterwards."""
    failure: tuple[str, str] | None = None
    try:
        _phases(run, sides)
        if run.failures["Verify"]:
            failure = ("VerificationFailed", MISMATCHES)
        elif any(run.failures.values()):
            failure = ("FilesSkipped", SKIPPED)
    except CancelledError:
        failure = STOPPED if run.halted else CANCELLED
    except AbortedError as error:
        failure = (error.code, error.detail)
    except Exception as error:
        log.exception("%s crashed", run.execution.arn)
        failure = ("InternalError", f"The local AWS crashed: {error!r}; see its log.")
    finish(run, failure)


def _phases(run: Run, sides: Sides) -> None:
    records, task, ident = run.around.records, run.task, run.execution.id
    run.journal.say("INFO", f"Started task execution {ident} of {run.execution.task_id}.")
    with contextlib.ExitStack() as open_sides:
        run.source = sides.source(records.locations.get(task.source), execution_id=ident)
        open_sides.callback(run.source.close)

        def alive() -> set[str]:
            return {one.id for one in records.executions.all(lambda one: one.status not in ENDED)}

        target = records.locations.get(task.destination)
        run.destination = sides.destination(target, execution_id=ident, alive=alive)
        open_sides.callback(run.destination.close)
        plan = _result(run, "Prepare", "PREPARING", lambda: prepare(run))
        copied = _result(run, "Transfer", "TRANSFERRING", lambda: transfer(run, plan))
        if run.verifies:
            in_phase(run, "Verify", "VERIFYING", lambda: verify(run, plan, copied))


def _result(run: Run, name: str, status: str, work: Callable[[], Any]) -> Any:
    made: list[Any] = []
    in_phase(run, name, status, lambda: made.append(work()))
    return made[0]


def finish(run: Run, failure: tuple[str, str] | None) -> None:
    """Give the execution its result, its reports and its last status, in this order."""
    execution = run.execution
    execution.ended = time.time()
    status = "ERROR" if failure else "SUCCESS"
    if failure:
        execution.result |= {"ErrorCode": failure[0], "ErrorDetail": failure[1]}
        run.journal.say("ERROR", failure[1])
    execution.result["TotalDuration"] = round((execution.ended - (execution.launched or execution.created)) * 1000)
    _upload_report(run, status)
    words = {"SUCCESS": "Success", "ERROR": "Error"}
    run.journal.say("INFO", f"Execution {execution.id} finished with status {words[status]}.")
    run.beat()
    with run.changing:
        execution.status = status
    run.around.records.executions.save(execution)


def _upload_report(run: Run, status: str) -> None:
    execution = run.execution
    if not (execution.settings.get("TaskReportConfig") or {}).get("Destination"):
        return
    try:
        run.report.upload(run.around.store, _summary(run, status))
    except (NoSuchBucketError, OSError) as error:
        detail = f"Failed to upload Task Report(s) to S3 due to an invalid bucket or IAM role: {error}"
        execution.report = {"Status": "ERROR", "ErrorCode": "ReportUploadFailed", "ErrorDetail": detail}
    else:
        execution.report = {"Status": "SUCCESS"}


def _summary(run: Run, status: str) -> dict[str, Any]:
    execution, task = run.execution, run.task
    return {
        "TaskExecutionId": execution.id,
        "AccountId": run.around.records.account,
        "SourceLocation": task.source,
        "DestinationLocation": task.destination,
        "TaskExecutionStatus": status,
        "StartTime": execution.created,
        "EndTime": execution.ended,
        "Options": execution.options,
        "Counters": dict(sorted(execution.counts.items())),
        "Result": execution.result,
    }
