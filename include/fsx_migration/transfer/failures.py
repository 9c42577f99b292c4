"""What the end of an execution means: done, some files failed, worth another attempt, or a matter for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.fsx_migration.transfer.pass_model import AttemptState

if TYPE_CHECKING:
    from include.fsx_migration.transfer.execution_states import ExecutionState
    from include.fsx_migration.transfer.pass_model import FailedFile
    from include.fsx_migration.transfer.task_reports import ReportedFailures

# Words in DataSync's error texts and log lines (user guide, "Troubleshooting DataSync issues"), lower case.
_FULL: Final = ("no space left", "enospc", "disk quota exceeded", "edquot", "insufficient storage")
_REFUSED: Final = (
    "access denied",
    "accessdenied",
    "not authorized",
    "does not have permission",
    "unable to assume",
    "invalid credentials",
    "logon failure",
    "couldn't mount",
    "could not mount",
    "mount failed",
    "does not exist",
)
_CANCELLED: Final = ("cancelled", "canceled")
_TO_THE_END: Final = ("verification detected mismatches", "files skipped due to errors")
"""The service's words for a failed execution in which every file had its turn (user guide, the same page)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended, the files that it did not move, and why in one line."""

    state: AttemptState
    reason: str = ""
    files: tuple[FailedFile, ...] = ()


def classify(state: ExecutionState, report: ReportedFailures) -> Ending:
    """Judge an execution that is over.

    A full target stops at once: every other attempt fills it further. A refusal stops, because nobody but a person
    changes it. Failed files that are named are tried again by name; everything else is tried again as a whole. In
    Basic mode DataSync counts no failed files (API reference, FilesFailed): a SUCCESS without a report proves nothing.
    """
    if not state.succeeded and (grave := _grave(state.why)):
        return Ending(state=AttemptState.STOPPED, reason=grave, files=report.files)
    full = next((file for file in report.files if _has(file.reason, _FULL)), None)
    if full is not None:
        reason = f"the target is full ({full.path}: {full.reason}): give it room, then clear the task"
        return Ending(state=AttemptState.STOPPED, reason=reason, files=report.files)
    if not state.succeeded and _has(state.why, _CANCELLED):
        return Ending(state=AttemptState.CANCELLED, reason=state.why, files=report.files)
    return _by_files(state, report)


def _by_files(state: ExecutionState, report: ReportedFailures) -> Ending:
    """Judge an end that no single word explains."""
    named, counted = len(report.files), state.files_failed
    to_the_end = state.succeeded or _has(state.error_detail, _TO_THE_END)
    if report.overflow:
        reason = f"more than {named - 1} files failed, too many to be tried one by one"
    elif state.succeeded and not report.found and state.files_transferred + state.files_skipped:
        reason = f"its task report is missing, so nobody knows which files failed ({state.report_error or 'no reason'})"
    elif state.succeeded and not named and not counted:
        return Ending(state=AttemptState.DONE)
    elif to_the_end and named and named >= counted:
        reason = f"{named} files failed: {state.why}" if state.why else f"{named} files failed"
        return Ending(state=AttemptState.FILES_FAILED, reason=reason, files=report.files)
    elif to_the_end:
        reason = f"DataSync counts {counted} failed files and its report names {named}: {state.why or state.status}"
    else:
        reason = state.why or f"it ended in {state.status} without a reason"
    return Ending(state=AttemptState.FAILED, reason=reason, files=report.files)


def _grave(why: str) -> str:
    if _has(why, _FULL):
        return f"the target is full ({why}): give it room, then clear the task"
    if _has(why, _REFUSED):
        return f"DataSync is refused ({why}): mend the permission or the mount, then clear the task"
    return ""


def _has(text: str, words: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)
