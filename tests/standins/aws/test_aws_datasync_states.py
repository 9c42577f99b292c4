"""DataSync: states, queues, faults, bandwidth, metrics, logs, restarts."""

from __future__ import annotations

import itertools
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws import start_local_aws
from tests.standins.aws.datasync_client import DEADLINE_SECONDS, ENDED, Lab, names, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOW = {"BytesPerSecond": 200_000}


def _is(*statuses: str) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one["Status"] in statuses


def _status(lab: Lab, execution: str) -> str:
    return str(lab.describe(execution)["Status"])


def test_an_agent_runs_one_execution_at_a_time_in_the_order_of_their_starts(lab: Lab) -> None:
    lab.fill({"f": "1"})
    tasks = [lab.task(), lab.task()]
    held = lab.aws.control("POST", "datasync/faults", {"kind": "stuck_launching", "task": tasks[0]})["id"]
    started = [lab.start(tasks[number % 2]) for number in range(4)]
    other = lab.start(lab.task(agent=lab.new_agent()))

    assert lab.wait(other)["Status"] == "SUCCESS"
    assert [_status(lab, execution) for execution in started] == ["LAUNCHING", "QUEUED", "QUEUED", "QUEUED"]
    assert [lab.client.describe_task(TaskArn=task)["Status"] for task in tasks] == ["RUNNING", "QUEUED"]
    lab.aws.control("DELETE", f"datasync/faults/{held}")
    done = [lab.wait(execution) for execution in started]

    for before, after in itertools.pairwise(done):
        assert before["EndTime"] <= after["LaunchTime"]
        assert after["StartTime"] < after["LaunchTime"]
    assert lab.client.describe_task(TaskArn=tasks[0])["Status"] == "AVAILABLE"


def test_a_busy_agent_refuses_an_execution_that_may_not_wait(lab: Lab) -> None:
    lab.fill({"f": b"x" * 200_000})
    task = lab.task(options={**SLOW, "TaskQueueing": "DISABLED"})
    first = lab.start(task)

    with pytest.raises(ClientError, match="queueing is disabled"):
        lab.start(task)
    lab.client.cancel_task_execution(TaskExecutionArn=first)
    lab.wait(first)


@pytest.mark.parametrize("state", ["QUEUED", "LAUNCHING", "TRANSFERRING"])
def test_a_cancelled_execution_ends_as_an_error_and_a_later_one_repairs_what_it_left(lab: Lab, state: str) -> None:
    lab.fill({"first": b"x" * 5_000, "second": b"y" * 400_000})
    task = lab.task(options=SLOW)
    if state == "LAUNCHING":
        lab.fault("stuck_launching")
    ahead = lab.start(task)
    execution = lab.start(task) if state == "QUEUED" else ahead
    lab.wait(execution, _is(state))

    lab.client.cancel_task_execution(TaskExecutionArn=execution)
    cancelled = lab.wait(execution)
    if state == "QUEUED":
        lab.client.cancel_task_execution(TaskExecutionArn=ahead)
        lab.wait(ahead)
    lab.aws.control("DELETE", "datasync/faults")

    assert (cancelled["Status"], cancelled["Result"]["ErrorCode"]) == ("ERROR", "Cancelled")
    with pytest.raises(ClientError, match="has ended"):
        lab.client.cancel_task_execution(TaskExecutionArn=execution)
    assert lab.run(task, OverrideOptions={"BytesPerSecond": -1})["Status"] == "SUCCESS"
    assert tree(lab.target) == tree(lab.source)


def test_bandwidth_is_kept_and_may_change_while_the_execution_runs(lab: Lab) -> None:
    lab.fill({"f": b"x" * 3_000_000})
    execution = lab.start(lab.task(options={"BytesPerSecond": 100_000}))
    lab.wait(execution, lambda one: one["BytesTransferred"] > 0)
    time.sleep(0.5)
    slow = lab.describe(execution)["BytesTransferred"]

    lab.client.update_task_execution(TaskExecutionArn=execution, Options={"BytesPerSecond": 100_000_000})
    done = lab.wait(execution)

    assert slow < 1_000_000
    assert (done["Status"], done["BytesTransferred"]) == ("SUCCESS", 3_000_000)
    assert done["Options"]["BytesPerSecond"] == 100_000_000
    for execution_arn, options in ((execution, {"BytesPerSecond": 1}), (execution, {"LogLevel": "OFF"})):
        with pytest.raises(ClientError):
            lab.client.update_task_execution(TaskExecutionArn=execution_arn, Options=options)


def test_a_corrupted_copy_is_found_and_copied_again_by_the_next_execution(lab: Lab) -> None:
    lab.fill({"good": "1", "bad": "same size"})
    lab.fault("corrupt", match="/bad", times=1)
    task = lab.task()

    first = lab.run(task, TaskReportConfig=lab.report_config())
    wrong = (lab.target / "bad").read_text(errors="replace")
    second = lab.run(task)

    assert (first["Status"], first["Result"]["ErrorCode"]) == ("ERROR", "VerificationFailed")
    assert (first["Result"]["TransferStatus"], first["Result"]["VerifyStatus"]) == ("SUCCESS", "ERROR")
    assert wrong != "same size"
    verified = lab.reports(first["TaskExecutionArn"])["Verified"]
    (failed,) = [entry for entry in verified if entry["VerifyStatus"] == "FAILED"]
    assert (failed["RelativePath"], failed["FailureReason"]) == ("/bad", "Checksum failure")
    assert failed["SrcChecksum"] != failed["DstChecksum"]
    assert (second["Status"], second["FilesTransferred"]) == ("SUCCESS", 1)
    assert tree(lab.target) == tree(lab.source)


@pytest.mark.parametrize(
    ("kind", "section", "reason"),
    [
        ("unreadable", "Transferred", "Failed to open source file: Permission denied"),
        ("vanish", "Transferred", "Failed to open source file: No such file or directory"),
        ("changing", "Verified", "Metadata failure: the source changed since the preparation"),
    ],
)
def test_files_that_cannot_be_read_vanish_or_change_are_reported_by_name(
    lab: Lab, kind: str, section: str, reason: str
) -> None:
    lab.fill({"d/good": "1", "d/bad": "2"})
    lab.fault(kind, match="/d/b*", times=1)
    task = lab.task()

    first = lab.run(task, TaskReportConfig=lab.report_config(ReportLevel="ERRORS_ONLY"))
    second = lab.run(task)

    assert first["Status"] == "ERROR"
    (failed,) = lab.reports(first["TaskExecutionArn"])[section]
    assert (failed["RelativePath"], failed["FailureReason"]) == ("/d/bad", reason)
    assert (lab.target / "d" / "good").read_text() == "1"
    assert second["Status"] == "SUCCESS"
    assert {name for name in tree(lab.target) if name in tree(lab.source)} == set(tree(lab.source))


def test_what_could_not_be_listed_is_never_deleted(lab: Lab) -> None:
    lab.fill({"d/e/kept": "1", "f": "2"})
    task = lab.task(options={"PreserveDeletedFiles": "REMOVE"})
    lab.run(task)
    (lab.source / "f").unlink()
    lab.fault("unlistable", match="/d/e", times=1)

    done = lab.run(task, TaskReportConfig=lab.report_config())

    assert (done["Status"], done["FilesDeleted"]) == ("ERROR", 1)
    assert set(tree(lab.target)) == {b"d", b"d/e", b"d/e/kept"}
    failed = [one for one in lab.reports(done["TaskExecutionArn"])["Skipped"] if one["SkipStatus"] == "FAILED"]
    assert [(one["RelativePath"], one["FailureReason"]) for one in failed] == [
        ("/d/e", "Failed to read metadata for file: Permission denied")
    ]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("connection_lost", "ConnectionLost", "Connection reset by peer"),
        ("enospc", "NoSpace", "No space left on device"),
        ("execution_error", "EniNotFound", "gone"),
    ],
)
def test_faults_that_end_an_execution_leave_nothing_half_behind(lab: Lab, kind: str, code: str, words: str) -> None:
    lab.fill({"f": b"x" * 2_000_000})
    more = {"code": code, "detail": "The interface is gone."} if kind == "execution_error" else {}
    lab.fault(kind, times=1, **more)
    task = lab.task()

    done = lab.run(task)

    assert (done["Status"], done["Result"]["ErrorCode"]) == ("ERROR", code)
    assert words in done["Result"]["ErrorDetail"]
    assert tree(lab.target) == {}
    assert lab.run(task)["Status"] == "SUCCESS"


def test_an_offline_agent_holds_executions_until_it_is_back(lab: Lab) -> None:
    lab.fill({"f": b"x" * 500_000})
    task = lab.task(options=SLOW)
    running = lab.start(task)
    lab.wait(running, lambda one: one["BytesTransferred"] > 0)
    fault = lab.fault("agent_offline")

    agent = lab.client.describe_agent(AgentArn=lab.agent)
    assert agent["Status"] == "OFFLINE"
    assert agent["LastConnectionTime"] < datetime.now(UTC)
    lab.client.update_task_execution(TaskExecutionArn=running, Options={"BytesPerSecond": -1})
    time.sleep(0.4)
    assert _status(lab, running) == "TRANSFERRING"
    lab.client.cancel_task_execution(TaskExecutionArn=running)
    lab.wait(running)
    assert lab.client.describe_task(TaskArn=task)["Status"] == "UNAVAILABLE"
    waiting = lab.start(task, OverrideOptions={"BytesPerSecond": -1})
    lab.wait(waiting, _is("LAUNCHING"))
    time.sleep(0.3)
    assert _status(lab, waiting) == "LAUNCHING"
    lab.aws.control("DELETE", f"datasync/faults/{fault}")

    assert lab.wait(waiting)["Status"] == "SUCCESS"
    assert lab.client.describe_agent(AgentArn=lab.agent)["Status"] == "ONLINE"


def test_wrong_faults_and_mounts_are_refused_with_a_sentence(lab: Lab) -> None:
    for path, body in (
        ("datasync/faults", {"kind": "nonsense"}),
        ("datasync/faults", {"kind": "slow", "colour": "red"}),
        ("datasync/pace", {"launch_seconds": "soon"}),
        ("mounts", {"location": "nfs://x/y", "directory": "relative"}),
        ("mounts", {"location": "nowhere", "directory": str(lab.source)}),
    ):
        status, answer = lab.aws.http("POST", f"/_landfall/{path}", json.dumps(body).encode())
        assert status == 400
        assert len(json.loads(answer)["message"]) > 20


def test_200_executions_at_once_need_few_threads_and_all_end(lab: Lab) -> None:
    lab.fill({"f": "1"})
    threads = _threads(lab)
    agents = [lab.new_agent() for _ in range(40)]
    tasks = [lab.task(agent=agent) for agent in agents]
    lab.fault("stuck_launching")
    started = [lab.start(task) for task in tasks for _ in range(5)]

    statuses = [one["Status"] for task in tasks for one in _listed(lab, task)]
    assert (statuses.count("LAUNCHING"), statuses.count("QUEUED")) == (40, 160)
    assert _threads(lab) - threads < 8
    lab.aws.control("DELETE", "datasync/faults")

    assert {lab.wait(execution)["Status"] for execution in started} == {"SUCCESS"}
    assert _threads(lab) - threads < 30


def _listed(lab: Lab, task: str) -> list[dict[str, Any]]:
    pages = lab.client.get_paginator("list_task_executions").paginate(TaskArn=task, PaginationConfig={"PageSize": 2})
    return [one for page in pages for one in page["TaskExecutions"]]


def _threads(lab: Lab) -> int:
    return len(os.listdir(f"/proc/{lab.aws.process.pid}/task"))  # noqa: PTH208 - of another process


def test_metrics_add_up_to_the_counters(lab: Lab) -> None:
    lab.fill({"a": b"x" * 1000, "d/b": b"y" * 2000})
    task = lab.task()
    lab.run(task)
    lab.run(task)

    assert _sum(lab, "BytesTransferred", TaskId=task.rpartition("/")[2]) == 3000
    assert _sum(lab, "BytesWritten", AgentId=lab.agent.rpartition("/")[2]) == 3000
    assert _sum(lab, "FilesTransferred", TaskId=task.rpartition("/")[2]) == 3
    assert _sum(lab, "FilesSkipped", TaskId=task.rpartition("/")[2]) == 3


def _sum(lab: Lab, name: str, **dimension: str) -> float:
    ((key, value),) = dimension.items()
    now = datetime.now(UTC)
    found = lab.aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DataSync",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in found))


@pytest.mark.parametrize("mode", ["BASIC", "ENHANCED"])
def test_logs_name_what_failed_in_the_form_of_the_task_mode(lab: Lab, mode: str) -> None:
    lab.fill({"bad": "1", "wrong": "2"})
    lab.fault("unreadable", match="/bad")
    lab.fault("corrupt", match="/wrong")
    group = f"arn:aws:logs:us-east-1:123456789012:log-group:/lab/{lab.name}:*"
    task = lab.task(CloudWatchLogGroupArn=group, TaskMode=mode, options={"LogLevel": "TRANSFER"})
    execution = lab.run(task)["TaskExecutionArn"]

    stream = f"{task.rpartition('/')[2]}-{execution.rpartition('/')[2]}"
    found = lab.aws.client("logs").get_log_events(logGroupName=f"/lab/{lab.name}", logStreamName=stream)["events"]
    lines = [event["message"] for event in found]

    if mode == "BASIC":
        assert "[ERROR] Failed to open source file /bad: Permission denied" in lines
        assert "[NOTICE] Verification failed <> /wrong" in lines
        assert any(line.startswith("[NOTICE] /wrong   dstMeta: type=R mode=") for line in lines)
    else:
        events = [json.loads(line) for line in lines]
        failed = {event["Source"]["RelativePath"]: event for event in events if "ErrorCode" in event}
        assert failed["bad"]["Action"] == "TRANSFER"
        assert (failed["wrong"]["Action"], failed["wrong"]["ErrorDetail"]) == ("VERIFY", "Checksum failure")


def test_enhanced_tasks_count_folders_and_failures_apart(lab: Lab) -> None:
    lab.fill({"d/good": "1", "d/bad": "2"})
    lab.fault("unreadable", match="/d/bad")

    done = lab.run(lab.task(TaskMode="ENHANCED"), TaskReportConfig=lab.report_config())

    assert (done["FilesTransferred"], done["FoldersTransferred"]) == (1, 1)
    assert done["FilesFailed"] == {"Prepare": 0, "Transfer": 1, "Verify": 0, "Delete": 0}
    assert done["FilesListed"]["AtSource"] == 2
    reports = lab.reports(done["TaskExecutionArn"])
    assert names(reports["Transferred"]) == ["d", "d/bad", "d/good"]
    (failed,) = [entry for entry in reports["Transferred"] if entry["TransferStatus"] == "FAILED"]
    assert failed["ErrorDetail"] == "Failed to open source file: Permission denied"


def test_reports_of_many_files_are_split_and_lose_none(lab: Lab) -> None:
    wanted = {f"{'n' * 180}{number:05d}": "" for number in range(4000)}
    lab.fill(wanted)  # type: ignore[arg-type] # str is what it takes

    done = lab.run(lab.task(options={"VerifyMode": "NONE"}), TaskReportConfig=lab.report_config())
    summary_only = lab.run(lab.task(), TaskReportConfig=lab.report_config(OutputType="SUMMARY_ONLY"))

    reports = lab.reports(done["TaskExecutionArn"])
    assert names(reports["Transferred"]) == sorted(f"/{name}" for name in wanted)
    keys = lab.keys("reports/Detailed-Reports/")
    assert all(key.split("/")[2] in done["TaskExecutionArn"] for key in keys)
    assert summary_only["ReportResult"]["Status"] == "SUCCESS"
    assert len(lab.keys("reports/Summary-Reports/")) == 2
    sizes = lab.aws.client("s3").list_objects_v2(Bucket=lab.name, Prefix="reports/Detailed-Reports/")["Contents"]
    assert max(item["Size"] for item in sizes) <= 5_000_000


def test_a_report_without_a_bucket_is_an_error_of_the_report_alone(lab: Lab) -> None:
    lab.fill({"f": "1"})
    config = lab.report_config()
    config["Destination"]["S3"]["S3BucketArn"] = "arn:aws:s3:::nowhere-at-all"

    done = lab.run(lab.task(), TaskReportConfig=config)

    assert done["Status"] == "SUCCESS"
    assert done["ReportResult"]["Status"] == "ERROR"
    assert "invalid bucket" in done["ReportResult"]["ErrorDetail"]


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_after_a_restart_running_executions_have_failed_and_queued_ones_go_on(tmp_path: Path, way: str) -> None:
    aws = start_local_aws(tmp_path / "state")
    lab = Lab(aws, tmp_path)
    lab.fill({"f": b"x" * 500_000})
    task = lab.task(options=SLOW)
    tags = [{"Key": "landfall:part", "Value": "7"}]
    ended = lab.run(task, OverrideOptions={"BytesPerSecond": -1})
    (lab.target / "f").unlink()
    running = lab.start(task)
    queued = lab.start(task, OverrideOptions={"BytesPerSecond": -1}, Tags=tags)
    lab.wait(running, lambda one: one["BytesTransferred"] > 0)
    (aws.stop if way == "stop" else aws.kill)()

    with start_local_aws(aws.state_dir) as again:
        lab.aws, lab.client = again, again.client("datasync")
        failed, went_on = lab.wait(running), lab.wait(queued)

        assert (failed["Status"], failed["Result"]["ErrorCode"]) == ("ERROR", "LocalAwsStopped")
        assert went_on["Status"] == "SUCCESS"
        assert tree(lab.target) == tree(lab.source)
        kept = lab.describe(ended["TaskExecutionArn"])
        assert {name: kept[name] for name in ended if name != "ResponseMetadata"} == {
            name: ended[name] for name in ended if name != "ResponseMetadata"
        }
        assert lab.client.list_tags_for_resource(ResourceArn=queued)["Tags"] == tags
        assert [one["TaskExecutionArn"] for one in _listed(lab, task)] == [ended["TaskExecutionArn"], running, queued]


def test_every_state_comes_in_its_order(lab: Lab) -> None:
    lab.fill({f"f{number}": b"x" * 40_000 for number in range(5)})
    lab.aws.control("POST", "datasync/pace", {"launch_seconds": 0.2})
    execution = lab.start(lab.task(options=SLOW))
    seen: list[str] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not seen or seen[-1] not in ENDED:
        assert time.monotonic() < deadline
        status = _status(lab, execution)
        if seen[-1:] != [status]:
            seen.append(status)

    order = ["QUEUED", "LAUNCHING", "PREPARING", "TRANSFERRING", "VERIFYING", "SUCCESS"]
    assert seen == [status for status in order if status in seen]
    assert {"LAUNCHING", "TRANSFERRING", "SUCCESS"} <= set(seen)
