"""What the end of an execution means, and what its task report says of single files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.fsx_migration.transfer.execution_states import ExecutionState
from include.fsx_migration.transfer.failures import classify
from include.fsx_migration.transfer.pass_model import AttemptState, FailedFile
from include.fsx_migration.transfer.task_reports import ReportedFailures, read_failures
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory

ARN = "arn:aws:datasync:us-east-1:123456789012:task/task-01/execution/exec-02"
SKIPPED = "Transfer and verification completed. Selected files transferred except for files skipped due to errors."
MISMATCH = "Transfer and verification completed. Verification detected mismatches."


def state(status: str = "SUCCESS", **fields: Any) -> ExecutionState:
    return ExecutionState(arn=ARN, status=status, **{"files_transferred": 5, **fields})


def report(*files: FailedFile, found: bool = True, overflow: bool = False) -> ReportedFailures:
    return ReportedFailures(files=files, found=found, overflow=overflow)


FILE = FailedFile(path="a/b", step="transfer", reason="Permission denied")
ENDINGS = [
    (state(), report(), AttemptState.DONE),
    (state(), report(FILE), AttemptState.FILES_FAILED),
    (state("ERROR", error_code="FilesSkipped", error_detail=SKIPPED), report(FILE), AttemptState.FILES_FAILED),
    (state("ERROR", error_code="VerificationFailed", error_detail=MISMATCH), report(FILE), AttemptState.FILES_FAILED),
    # it broke off: the files that are named are not all
    (state("ERROR", error_code="ConnectionLost", error_detail="reset by peer"), report(FILE), AttemptState.FAILED),
    (state("ERROR"), report(), AttemptState.FAILED),
    # more are counted than named
    (state(files_failed_transfer=2), report(FILE), AttemptState.FAILED),
    (state("ERROR", error_detail=SKIPPED), report(), AttemptState.FAILED),
    # a SUCCESS that nothing proves: Basic mode counts no failures
    (state(report_status="ERROR"), report(found=False), AttemptState.FAILED),
    (state(files_transferred=0), report(found=False), AttemptState.DONE),
    (state(), report(FILE, overflow=True), AttemptState.FAILED),
    (state("ERROR", error_detail="No space left on device"), report(), AttemptState.STOPPED),
    (
        state("ERROR", error_detail=SKIPPED),
        report(FailedFile(path="x", step="transfer", reason="write: No space left on device")),
        AttemptState.STOPPED,
    ),
    (state("ERROR", error_detail="Access denied to the bucket"), report(), AttemptState.STOPPED),
    (state("ERROR", error_code="Cancelled", error_detail="was cancelled"), report(FILE), AttemptState.CANCELLED),
]


@pytest.mark.parametrize(("found", "told", "expected"), ENDINGS)
def test_an_ending_is(found: ExecutionState, told: ReportedFailures, expected: AttemptState) -> None:
    assert classify(found, told).state is expected


@pytest.mark.parametrize(("found", "told", "expected"), ENDINGS)
def test_every_ending_but_done_says_why(found: ExecutionState, told: ReportedFailures, expected: AttemptState) -> None:
    assert bool(classify(found, told).reason) is (expected is not AttemptState.DONE)


def lake_with(
    section: str, *entries: dict[str, Any], number: int = 1, lake: LakeInMemory | None = None
) -> LakeInMemory:
    found = lake or LakeInMemory()
    found.root = "fsx_migration"
    name = f"exec-02.files-{section.lower()}-v1-{number:05d}-0123456789abcdef0.json"
    key = found.key("projects", "task-reports", "Detailed-Reports", "task-01", "exec-02", name)
    found.put_json(key, {"TaskExecutionId": "exec-02", section: list(entries)})
    return found


def failures_in(lake: LakeInMemory, *, from_manifest: bool = True) -> ReportedFailures:
    prefix = lake.key("projects", "task-reports")
    return read_failures(lake, prefix, ARN, part="0001", attempt=2, from_manifest=from_manifest)


def failed(path: str, verb: str = "Transfer", **fields: Any) -> dict[str, Any]:
    return {"RelativePath": path, f"{verb}Status": "FAILED", "FailureReason": "no", "FailureCode": 40961, **fields}


def test_failures_of_a_basic_task_are_named() -> None:
    lake = lake_with("Transferred", failed("/a/b"), {"RelativePath": "/c", "TransferStatus": "SUCCESS"})
    expected = FailedFile(path="a/b", step="transfer", reason="no", code="40961", part="0001", attempt=2)
    assert failures_in(lake) == report(expected)


def test_failures_of_an_enhanced_task_are_named() -> None:
    entry = {"RelativePath": "a/b", "TransferStatus": "FAILED", "ErrorCode": "Denied", "ErrorDetail": "may not"}
    (found,) = failures_in(lake_with("Transferred", entry)).files
    assert (found.path, found.reason, found.code) == ("a/b", "may not", "Denied")


def test_a_failed_verification_is_not_hidden_by_another_failure() -> None:
    lake = lake_with("Verified", failed("/a", "Verify"))
    lake_with("Transferred", failed("/a"), lake=lake)
    (found,) = failures_in(lake).files
    assert found.step == "verify"


def test_every_object_of_a_report_is_read() -> None:
    lake = lake_with("Transferred", failed("/a"))
    lake_with("Transferred", failed("/b"), number=2, lake=lake)
    assert [file.path for file in failures_in(lake).files] == ["a", "b"]


def test_directories_are_known_as_such() -> None:
    lake = lake_with("Transferred", failed("/d", SrcMetadata={"Type": "Directory"}))
    assert failures_in(lake).files[0].directory


def test_a_backslash_in_a_name_of_a_manifest_is_no_escape() -> None:
    lake = lake_with("Transferred", failed("/a\\xff"))
    assert failures_in(lake).files[0].path == "a\\x5cxff"
    assert failures_in(lake, from_manifest=False).files[0].path == "a\\xff"


def test_an_absent_report_is_told_from_an_empty_one() -> None:
    empty = lake_with("Transferred", {"RelativePath": "/c", "TransferStatus": "SUCCESS"})
    assert failures_in(empty).found
    assert not failures_in(LakeInMemory()).found


def test_a_report_of_other_executions_is_not_read() -> None:
    lake = lake_with("Transferred", failed("/a"))
    prefix = lake.key("projects", "task-reports")
    other = read_failures(lake, prefix, ARN[:-1] + "3", part="", attempt=1, from_manifest=True)
    assert json.dumps([file.path for file in other.files]) == "[]"


def test_a_part_in_which_everything_fails_is_not_kept_name_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.fsx_migration.transfer.task_reports.NAMED_AT_MOST", 3)
    found = failures_in(lake_with("Transferred", *(failed(f"/{number}") for number in range(9))))
    assert found.overflow
    assert len(found.files) == 4
