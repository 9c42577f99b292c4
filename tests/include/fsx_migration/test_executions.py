"""An execution is started once for its pass, part and attempt, whoever asks and whatever answer was lost."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from include.fsx_migration.clients import call_once
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources
from include.fsx_migration.transfer.execution_states import ExecutionState
from include.fsx_migration.transfer.executions import (
    ExecutionOrder,
    cancel,
    describe,
    find,
    read_state,
    set_bandwidth,
    split_bandwidth,
    start_once,
)
from tests.include.fsx_migration.fake_aws import AT, FakeAws, migration, workplace

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def place(aws: FakeAws) -> Workplace:
    found = workplace(aws)
    ensure_transfer_resources(found)
    return found


def order(aws: FakeAws, part: str = "0000", **changes: Any) -> ExecutionOrder:
    plain = ExecutionOrder(
        task_arn=next(iter(aws.tasks)),
        pass_number=1,
        part=part,
        attempt=1,
        manifest_key=f"fsx_migration/projects/passes/0001/manifests/part-{part}.csv",
        options={"TransferMode": "ALL"},
        report_prefix="fsx_migration/projects/task-reports/pass-0001",
    )
    return replace(plain, **changes)


def test_the_same_order_twice_is_one_execution(aws: FakeAws, place: Workplace) -> None:
    assert start_once(place, order(aws)) == start_once(place, order(aws))
    assert len(aws.executions) == 1


def test_another_part_attempt_or_pass_is_another_execution(aws: FakeAws, place: Workplace) -> None:
    orders = [order(aws), order(aws, "0001"), order(aws, attempt=2), order(aws, pass_number=2)]
    assert len({start_once(place, wanted) for wanted in orders}) == 4


def test_a_lost_answer_starts_nothing_twice(aws: FakeAws, place: Workplace) -> None:
    aws.fail("StartTaskExecution", code="InternalException", answered=True)
    with pytest.raises(ClientError):
        start_once(place, order(aws))
    assert [start_once(place, order(aws))] == list(aws.executions)


def test_a_start_goes_out_over_the_client_that_sends_once(aws: FakeAws, place: Workplace) -> None:
    asked = []

    def once(service: str) -> Any:
        asked.append(service)
        return aws.client(service)

    start_once(replace(place, single_try=once), order(aws))
    assert asked == ["datasync"]


def test_throttling_is_waited_out_and_nothing_else_is() -> None:
    def refusing(code: str, times: int) -> Any:
        left = [ClientError({"Error": {"Code": code, "Message": "no"}}, "StartTaskExecution")] * times
        return lambda: (_ for _ in ()).throw(left.pop()) if left else "done"

    slept: list[float] = []
    assert call_once(refusing("ThrottlingException", 3), pause=slept.append) == "done"
    assert slept == [0.5, 1.0, 2.0]
    with pytest.raises(ClientError):
        call_once(refusing("InternalException", 1), pause=slept.append)
    assert len(slept) == 3


def test_the_manifest_the_report_and_the_options_are_the_orders(aws: FakeAws, place: Workplace) -> None:
    found = aws.executions[start_once(place, order(aws))]
    source = found["ManifestConfig"]["Source"]["S3"]
    assert source["ManifestObjectPath"].endswith("manifests/part-0000.csv")
    assert source["S3BucketArn"] == "arn:aws:s3:::lake"
    assert found["TaskReportConfig"]["Destination"]["S3"]["Subdirectory"].endswith("task-reports/pass-0001")
    assert found["Options"]["TransferMode"] == "ALL"
    assert found["Options"]["VerifyMode"] == "ONLY_FILES_TRANSFERRED"


def test_a_closing_execution_has_no_manifest(aws: FakeAws, place: Workplace) -> None:
    arn = start_once(place, order(aws, "closing", manifest_key=None, options={"PreserveDeletedFiles": "REMOVE"}))
    assert "ManifestConfig" not in aws.executions[arn]


def test_a_refused_start_says_what_and_why(aws: FakeAws, place: Workplace) -> None:
    aws.fail("StartTaskExecution", code="InvalidRequestException", message="The manifest is empty.")
    with pytest.raises(RefusedError, match=r"part 0000 of pass 1 .*: The manifest is empty\."):
        start_once(place, order(aws))


def test_executions_are_found_by_their_tags_over_all_pages(aws: FakeAws, place: Workplace) -> None:
    tasks = list(aws.tasks)
    started = {
        (part, 1): start_once(place, order(aws, part, task_arn=tasks[number % 2]))
        for number, part in enumerate(f"{n:04d}" for n in range(7))
    }
    start_once(place, order(aws, pass_number=2))
    assert find(place, 1) == started


def test_another_migrations_executions_are_not_found(aws: FakeAws, place: Workplace) -> None:
    start_once(workplace(aws, migration(name="archive")), order(aws))
    assert find(place, 1) == {}


def test_known_executions_cost_no_call_for_their_tags(aws: FakeAws, place: Workplace) -> None:
    arns = [start_once(place, order(aws, f"{n:04d}")) for n in range(4)]
    before = len([name for name, _ in aws.calls if name == "ListTagsForResource"])
    assert find(place, 1, skip=arns) == {}
    assert len([name for name, _ in aws.calls if name == "ListTagsForResource"]) == before
    known = {("0000", 1): arns[0]}
    assert start_once(place, order(aws), found=known) == arns[0]
    assert len([name for name, _ in aws.calls if name == "ListTagsForResource"]) == before


def test_every_counter_of_an_execution_is_read() -> None:
    import botocore.session

    shape = botocore.session.get_session().get_service_model("datasync").operation_model("DescribeTaskExecution")
    values: dict[str, int] = {}

    def fill(member: Any, path: str) -> Any:
        if member.type_name == "structure":
            return {name: fill(inner, f"{path}.{name}") for name, inner in member.members.items()}
        if member.type_name in ("long", "integer"):
            values[path] = len(values) + 1
            return values[path]
        return [] if member.type_name == "list" else AT if member.type_name == "timestamp" else path

    state = read_state(fill(shape.output_shape, ""))
    read = {getattr(state, name.name) for name in fields(ExecutionState)}
    left_out = {path for path, value in values.items() if value not in read}
    assert left_out == set()
    assert state.started == AT
    assert state.why == ".Result.ErrorCode: .Result.ErrorDetail"


def test_an_execution_is_over_only_in_success_or_error(aws: FakeAws, place: Workplace) -> None:
    arn = start_once(place, order(aws))
    for status in ("QUEUED", "LAUNCHING", "PREPARING", "TRANSFERRING", "VERIFYING", "CANCELLING"):
        aws.finish(arn, status=status)
        assert not describe(place, arn).is_over
    aws.finish(arn, FilesFailed={"Verify": 2, "Transfer": 1}, FoldersFailed={"List": 4})
    state = describe(place, arn)
    assert (state.is_over, state.succeeded, state.files_failed) == (True, True, 7)
    assert state.to_dict()["ended"] == AT.isoformat()


def test_only_what_runs_is_cancelled_or_throttled(aws: FakeAws, place: Workplace) -> None:
    one, two = start_once(place, order(aws)), start_once(place, order(aws, "0001"))
    aws.finish(two)
    assert set_bandwidth(place, {one: 5_000_000, two: 5_000_000}) == (one,)
    assert describe(place, one).bytes_per_second == 5_000_000
    assert cancel(place, [one, two]) == (one,)
    assert describe(place, one).status == "CANCELLING"


def test_a_refused_cancel_of_a_running_execution_is_an_error(aws: FakeAws, place: Workplace) -> None:
    arn = start_once(place, order(aws))
    aws.fail("CancelTaskExecution", code="InvalidRequestException")
    with pytest.raises(ClientError):
        cancel(place, [arn])


def test_a_limit_is_shared_and_never_becomes_none() -> None:
    assert split_bandwidth(10e6, ["a", "b"]) == {"a": 5_000_000, "b": 5_000_000}
    assert split_bandwidth(None, ["a"]) == {"a": -1}
    assert split_bandwidth(0, ["a", "b"]) == {"a": 1024, "b": 1024}
    assert split_bandwidth(10e6, []) == {}
