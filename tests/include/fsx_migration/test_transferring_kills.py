"""A worker killed before or after any call while a pass starts and settles: no execution twice, no part lost."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from include.fsx_migration.resources.tagging import ATTEMPT, PART, tag_map
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources
from include.fsx_migration.transfer.pass_model import AttemptState, Pass, PassKind, PassPart
from include.fsx_migration.transfer.passes import create_pass, list_passes, read_passes
from include.fsx_migration.transfer.settling import is_finished, running, settle, start_due
from include.fsx_migration.transfer.transferring import (
    Finished,
    Kinds,
    TransferOrder,
    TransferStoppedError,
    Waiting,
    advance,
    begin,
)
from include.fsx_migration.watch.remedies import act_on
from include.fsx_migration.watch.troubles import Remedy, Trouble
from tests.include.fsx_migration.fake_aws import AT, FakeAws, KilledError, workplace

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace

BROKEN = {"Status": "ERROR", "Result": {"ErrorCode": "ConnectionLost", "ErrorDetail": "reset by peer"}}
SKIPPED = {
    "ErrorCode": "FilesSkipped",
    "ErrorDetail": "Selected files transferred except for files skipped due to errors.",
}
# part -> how its first attempt ends; every later one ends well
FIRST = {"0000": {}, "0001": {"failed": ["a"]}, "0002": BROKEN, "0003": {}}
STARTS = 6
ORDER = TransferOrder(kinds=Kinds.FULL, run="fsx_migration_migrate/manual__1")


class Logs(FakeAws):
    """The fake with Insights, which finds nothing."""

    def _logs_start_query(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"queryId": "q"}

    def _logs_get_query_results(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Complete", "results": []}


def world(parts: int = 4) -> tuple[Logs, Workplace]:
    """A migration whose full pass is open and not started; from here on every writing call may kill."""
    aws = Logs()
    place = workplace(aws)
    tasks = ensure_transfer_resources(place).tasks
    made = tuple(
        PassPart(
            name=f"{number:04d}",
            agent=tasks[number % 2].agent,
            task_arn=tasks[number % 2].task_arn,
            manifest_key=f"part-{number:04d}.csv",
            files=2,
            bytes=20,
        )
        for number in range(parts)
    )
    one = Pass(number=1, kind=PassKind.FULL, run=ORDER.run, plan_id="p", listing_key="l", opened=AT, parts=made)
    create_pass(place.places, one)
    aws.writes.clear()

    def upload(path: str, _bucket: str, key: str, **_: Any) -> None:
        place.store.objects[key] = Path(path).read_bytes()

    place.store.client = SimpleNamespace(upload_file=aws.guard(upload))
    for name in ("put_if_absent", "put_if_unchanged", "put_json"):
        setattr(place.store, name, aws.guard(getattr(place.store, name)))
    return aws, place


def let_them_end(aws: Logs, place: Workplace, first: dict[str, Any] | None = None) -> None:
    """What DataSync does meanwhile: every execution that runs comes to its end and writes its report."""
    for arn, execution in aws.executions.items():
        if execution["Status"] in ("SUCCESS", "ERROR"):
            continue
        tags = tag_map(aws.tags[arn])
        ending = (first or FIRST).get(tags[PART], {}) if tags[ATTEMPT] == "1" else {}
        failed = ending.get("failed", [])
        entries = [{"RelativePath": f"/{path}", "VerifyStatus": "FAILED", "FailureReason": "no"} for path in failed]
        task, _, name = arn.rpartition(":task/")[2].partition("/execution/")
        folder = place.places.key("task-reports", "Detailed-Reports", task, name)
        document = f'{{"Verified": {str(entries or [{"VerifyStatus": "SUCCESS"}]).replace(chr(39), chr(34))}}}'
        place.store.objects[f"{folder}/{name}.files-verified-v1-00001-0.json"] = document.encode()
        status = {"Status": "ERROR", "Result": SKIPPED} if failed else {name: ending[name] for name in ending}
        aws.finish(arn, **{"FilesTransferred": 2, "status": status.pop("Status", "SUCCESS"), **status})


def drive(aws: Logs, place: Workplace) -> Pass:
    for _ in range(20):
        step = advance(place, ORDER)
        if isinstance(step, Finished):
            return list_passes(place.places)[0]
        let_them_end(aws, place)
    raise AssertionError("the pass does not end")


def is_sound(aws: Logs, place: Workplace) -> None:
    tags = Counter((found[PART], found[ATTEMPT]) for found in map(tag_map, (aws.tags[arn] for arn in aws.executions)))
    assert set(tags.values()) == {1}, "an execution was started twice"
    assert sum(tags.values()) == aws.writes["StartTaskExecution"] == STARTS
    (one,) = read_passes(place)
    assert all(is_finished(part, attempts=3) for part in one.parts)
    assert [len(part.attempts) for part in one.parts] == [1, 2, 2, 1]
    assert (one.failed, one.suspects) == ((), ())
    assert one.ended


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_worker_killed_at_any_call_starts_nothing_twice_and_loses_nothing(answered: bool) -> None:
    for at in range(1, 200):
        aws, place = world()
        aws.kill(at=at, answered=answered)
        with suppress(KilledError):
            drive(aws, place)
        killed = aws.revive()
        begin(place)
        drive(aws, place)
        is_sound(aws, place)
        if not killed:
            assert at > 15
            return
    raise AssertionError("the worker was always killed")


@pytest.mark.parametrize(
    "operation", ["StartTaskExecution", "DescribeTaskExecution", "ListTaskExecutions", "ListTagsForResource"]
)
@pytest.mark.parametrize("answered", [False, True])
def test_a_call_that_fails_is_made_again_by_the_next_try(operation: str, answered: bool) -> None:
    aws, place = world()
    aws.fail(operation, code="InternalException", times=2, answered=answered)
    for _ in range(3):
        with suppress(ClientError):
            drive(aws, place)
    is_sound(aws, place)


def test_failed_files_are_tried_again_by_name_and_everything_else_as_a_whole() -> None:
    aws, place = world()
    one = drive(aws, place)
    retried, whole = one.parts[1].attempts[1], one.parts[2].attempts[1]
    assert (retried.by_files, retried.options["TransferMode"]) == (True, "ALL")
    assert place.store.objects[retried.manifest_key] == b"a\n"
    assert (whole.manifest_key, whole.options["VerifyMode"]) == ("part-0002.csv", "POINT_IN_TIME_CONSISTENT")


def test_a_retry_that_breaks_off_keeps_its_files_failed() -> None:
    aws, place = world(1)
    start_due(place, list_passes(place.places)[0])
    let_them_end(aws, place, {"0000": {"failed": ["a", "b"]}})
    start_due(place, settle(place, list_passes(place.places)[0]))
    (arn,) = [arn for arn, execution in aws.executions.items() if execution["Status"] == "LAUNCHING"]
    aws.finish(arn, status="ERROR", Result=BROKEN["Result"])
    one = settle(place, list_passes(place.places)[0])
    assert one.parts[0].attempts[1].state is AttemptState.FAILED
    (found,) = read_passes(place)
    assert [file.path for file in found.failed] == ["a", "b"]
    assert found.suspects == ("a", "b")
    after = start_due(place, one).parts[0].attempts[2]
    assert (after.by_files, place.store.objects[after.manifest_key]) == (True, b"a\nb\n")


def test_a_report_that_is_still_being_written_is_waited_for() -> None:
    aws, place = world(1)
    start_due(place, list_passes(place.places)[0])
    (arn,) = aws.executions
    aws.finish(arn, ReportResult={"Status": "PENDING"})
    assert running(settle(place, list_passes(place.places)[0]))


def test_an_execution_that_somebody_cancelled_in_aws_is_not_started_again_unasked() -> None:
    aws, place = world(1)
    assert isinstance(advance(place, ORDER), Waiting)
    (arn,) = aws.executions
    aws.finish(arn, status="ERROR", Result={"ErrorCode": "Cancelled", "ErrorDetail": "The execution was cancelled."})
    with pytest.raises(TransferStoppedError, match="cancelled"):
        advance(place, ORDER)
    assert len(aws.executions) == 1
    begin(place)
    assert isinstance(advance(place, ORDER), Waiting)
    assert len(aws.executions) == 2


def test_no_room_cancels_what_runs_and_waits_for_a_person() -> None:
    aws, place = world()
    assert isinstance(advance(place, ORDER), Waiting)
    full = Trouble(key="space/total", remedy=Remedy.STOP_ALL, sentence="It is full.", look="Look.")
    with pytest.raises(TransferStoppedError, match=r"It is full.*4 executions were cancelled"):
        act_on(place, 1, [full])
    assert {execution["Status"] for execution in aws.executions.values()} == {"CANCELLING"}
    assert "space/total" not in list_passes(place.places)[0].troubles, "it has to be met again while it lasts"
    begin(place)
    let_them_end(aws, place, {f"{number:04d}": BROKEN for number in range(4)})
    assert isinstance(advance(place, ORDER), Waiting)
    assert len(aws.executions) == 8


def test_a_refusal_of_datasync_is_final() -> None:
    aws, place = world()
    aws.fail("StartTaskExecution", code="InvalidRequestException", message="The task has no location.")
    with pytest.raises(Exception, match="The task has no location") as refused:
        advance(place, ORDER)
    assert getattr(refused.value, "is_final", False)


def test_a_part_that_fails_again_and_again_stops_after_its_attempts() -> None:
    aws, place = world(1)
    for _ in range(3):
        assert isinstance(advance(place, ORDER), Waiting)
        for arn in aws.executions:
            aws.finish(arn, status="ERROR", Result=BROKEN["Result"])
    with pytest.raises(TransferStoppedError, match=r"part 0000 after 3 attempts: ConnectionLost: reset by peer"):
        advance(place, ORDER)
    assert len(aws.executions) == 3
    assert list_passes(place.places)[0].stopped
    begin(place)
    assert isinstance(advance(place, ORDER), Waiting)
    assert len(aws.executions) == 4
