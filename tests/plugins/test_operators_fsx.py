"""FSx and DataSync in the provider's grammar: waiters that fit botocore's models, and a file system created once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.module_loading import import_string
from botocore.exceptions import ClientError
from botocore.waiter import WaiterModel

from landfall.hooks.datasync import DataSyncMigrationHook
from landfall.hooks.fsx import FsxHook
from landfall.operators.fsx import FsxCreateFileSystemOperator, FsxFileSystemFailedError
from landfall.triggers.fsx import FsxFileSystemAvailableTrigger

if TYPE_CHECKING:
    from tests.local_aws import LocalAws

WAITERS = Path(__file__).resolve().parents[2] / "plugins" / "landfall" / "waiters"
SUBNET = "subnet-0123456789abcdef0"
LUSTRE = {
    "StorageCapacity": 1200,
    "Tags": [{"Key": "Name", "Value": "projects"}],
    "LustreConfiguration": {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125},
}
STATES = {
    ("fsx", "file_system_available"): ("FileSystemLifecycle", "AVAILABLE"),
    ("fsx", "file_system_deleted"): ("FileSystemLifecycle", None),
    ("datasync", "agent_online"): ("AgentStatus", "ONLINE"),
    ("datasync", "task_execution_complete"): ("TaskExecutionStatus", "SUCCESS"),
}


def waiters() -> list[tuple[str, str]]:
    return [
        (path.stem, name) for path in sorted(WAITERS.glob("*.json")) for name in json.loads(path.read_text())["waiters"]
    ]


@pytest.mark.parametrize(("service", "name"), waiters())
def test_a_waiter_asks_what_the_service_answers(service: str, name: str) -> None:
    config = WaiterModel(json.loads((WAITERS / f"{service}.json").read_text())).get_waiter(name)
    model = botocore.session.get_session().get_service_model(service)
    operation = model.operation_model(config.operation)
    shape_name, success = STATES[service, name]
    known = set(model.shape_for(shape_name).enum)
    by_path = [acceptor for acceptor in config.acceptors if acceptor.matcher == "path"]
    for acceptor in by_path:
        first = acceptor.argument.split("[")[0].split(".")[0]
        assert first in operation.output_shape.members
        assert acceptor.expected in known
    for acceptor in config.acceptors:
        if acceptor.matcher == "error":
            assert acceptor.expected in {error.name for error in operation.error_shapes}
    if success:
        assert {acceptor.expected for acceptor in by_path} == known
        assert [acceptor.expected for acceptor in by_path if acceptor.state == "success"] == [success]


def test_the_hooks_offer_their_waiters(aws: LocalAws) -> None:
    assert set(FsxHook().list_waiters()) >= {"file_system_available", "file_system_deleted"}
    assert set(DataSyncMigrationHook().list_waiters()) >= {"agent_online", "task_execution_complete"}


def context(run_id: str) -> Any:
    pushed: dict[str, Any] = {}
    instance = SimpleNamespace(
        dag_id="d", run_id=run_id, task_id="t", map_index=-1, xcom_push=lambda key, value: pushed.update({key: value})
    )
    return {"ti": instance, "pushed": pushed}


def operator(**changes: Any) -> FsxCreateFileSystemOperator:
    arguments = {"create_file_system_kwargs": LUSTRE, "subnet_ids": [SUBNET], **changes}
    return FsxCreateFileSystemOperator(task_id="t", file_system_type="LUSTRE", waiter_delay=0, **arguments)


@pytest.fixture
def slow(aws: LocalAws) -> LocalAws:
    aws.control("POST", "fsx", {"create_seconds": 0.5})
    return aws


def deferred(made: FsxCreateFileSystemOperator, running: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        made.execute(running)
    return caught.value


def test_it_keeps_the_id_defers_and_returns_it_when_available(slow: LocalAws) -> None:
    running = context("one")
    wait = deferred(operator(waiter_max_attempts=100_000), running)
    assert isinstance(wait.trigger, FsxFileSystemAvailableTrigger)

    async def fire() -> Any:
        return await asyncio.wait_for(anext(wait.trigger.run()), timeout=30)

    event = asyncio.run(fire()).payload
    assert event == {"status": "success", "file_system_id": running["pushed"]["file_system_id"]}
    assert operator().execute_complete(running, event) == running["pushed"]["file_system_id"]


def test_every_try_of_a_task_instance_gets_the_same_file_system(slow: LocalAws) -> None:
    first, second, other = context("two"), context("two"), context("three")
    for running in (first, second, other):
        deferred(operator(), running)
    assert first["pushed"] == second["pushed"] != other["pushed"]


def test_it_waits_in_its_slot_when_told_so(slow: LocalAws) -> None:
    running = context("four")
    found = operator(deferrable=False, waiter_max_attempts=100_000).execute(running)
    assert FsxHook().describe(found)["Lifecycle"] == "AVAILABLE"


def test_a_failed_file_system_fails_the_task_with_fsxs_reason(slow: LocalAws) -> None:
    slow.control("POST", "fsx", {"next": "FAILED", "message": "The subnet has no free address."})
    running = context("five")
    deferred(operator(), running)
    event = {"status": "error", "message": "x", "file_system_id": running["pushed"]["file_system_id"]}
    trigger = FsxFileSystemAvailableTrigger(
        file_system_id=event["file_system_id"], waiter_delay=0, waiter_max_attempts=100_000
    )

    async def fire() -> Any:
        return await asyncio.wait_for(anext(trigger.run()), timeout=30)

    assert asyncio.run(fire()).payload["status"] == "error"
    with pytest.raises(FsxFileSystemFailedError, match="FAILED: The subnet has no free address"):
        operator().execute_complete(running, event)


def test_the_trigger_comes_back_from_serialisation_as_it_was() -> None:
    trigger = FsxFileSystemAvailableTrigger(
        file_system_id="fs-0123456789abcdef0",
        waiter_delay=7,
        waiter_max_attempts=9,
        aws_conn_id="other",
        region_name="eu-x",
    )
    path, arguments = trigger.serialize()
    again = import_string(path)(**arguments)
    assert again.serialize() == trigger.serialize()


def test_a_deleted_file_system_is_waited_for(slow: LocalAws) -> None:
    hook = FsxHook()
    made = operator(deferrable=False, waiter_max_attempts=100_000).execute(context("six"))
    hook.get_conn().delete_file_system(FileSystemId=made)
    hook.get_waiter("file_system_deleted").wait(FileSystemIds=[made], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    with pytest.raises(ClientError, match="FileSystemNotFound"):
        hook.describe(made)


def test_an_execution_is_found_by_its_tags(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.include.fsx_migration.fake_aws import FakeAws

    fake = FakeAws()
    task = "arn:aws:datasync:us-east-1:123456789012:task/task-00000000000000009"
    for number in range(3):
        arn = f"{task}/execution/exec-{number:017x}"
        fake.executions[arn] = {"TaskExecutionArn": arn, "Status": "SUCCESS"}
        fake.tags[arn] = [{"Key": "part", "Value": str(number)}, {"Key": "job", "Value": "a"}]
    hook, client = DataSyncMigrationHook(), fake.client("datasync")
    client.get_paginator = lambda name: SimpleNamespace(
        paginate=lambda **asked: all_pages(getattr(client, name), asked)
    )
    monkeypatch.setattr(hook, "get_conn", lambda: client)
    assert list(hook.executions_with_tags(task, {"part": "2", "job": "a"})) == [f"{task}/execution/exec-{2:017x}"]
    assert list(hook.executions_with_tags(task, {"part": "2", "job": "b"})) == []


def all_pages(call: Any, asked: dict[str, Any]) -> Any:
    token: dict[str, str] = {}
    while True:
        answer = call(**asked, **token)
        yield answer
        if "NextToken" not in answer:
            return
        token = {"NextToken": answer["NextToken"]}
