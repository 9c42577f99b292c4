"""DataSync, FSx and CloudWatch Logs as dicts: requests checked against botocore's models, calls kept, faults on demand.

    aws = FakeAws()
    place = workplace(aws)                       # a Workplace over it, with the lake in memory
    aws.finish(arn, FilesTransferred=3)          # nothing moves by itself
    aws.fail("StartTaskExecution", code="ThrottlingException", times=2)
    aws.kill(at=4, answered=True)                # the worker dies after its fourth writing call

The rules are few: paging (pages of two), tags, ClientRequestToken, "location is used by a task". Behaviour that matters
more is the local AWS's (tests.local_aws).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from include.fsx_migration.definition_model import (
    CutOver,
    LustreFileSystem,
    Migration,
    Source,
    SourceKind,
    SsmName,
    Target,
)
from include.fsx_migration.places import Places
from include.fsx_migration.settings import FsxMigrationSettings
from include.fsx_migration.workplace import Workplace
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory

ACCOUNT, REGION = "123456789012", "us-east-1"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AGENTS = tuple(f"arn:aws:datasync:{REGION}:{ACCOUNT}:agent/agent-{number:017x}" for number in (1, 2))
READS = ("Describe", "List", "Get")


class KilledError(BaseException):
    """The end of a worker, which no handler sees."""


@dataclass
class FakeAws:
    """The services; one per test.

    :param calls: (operation, arguments) of every call that was answered, in order.
    :param writes: how often each operation changed something.
    """

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    file_systems: dict[str, dict[str, Any]] = field(default_factory=dict)
    locations: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict)
    log_groups: dict[str, dict[str, str]] = field(default_factory=dict)
    metric_filters: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    lifecycle: str = "AVAILABLE"
    """What a new file system is at once; set CREATING to see somebody wait."""
    _faults: dict[str, deque[tuple[Exception, bool]]] = field(default_factory=dict)
    _kill_at: int = 0
    _kill_answered: bool = False
    _guarded: int = 0
    _dead: bool = False
    _numbers: int = 0

    def __post_init__(self) -> None:
        for arn in AGENTS:
            self.agents[arn] = {"AgentArn": arn, "Status": "ONLINE", "LastConnectionTime": AT - timedelta(minutes=1)}

    def client(self, service: str) -> Any:
        """A client with the methods of boto3's."""
        return FakeClient(self, service)

    def fail(self, operation: str, *, code: str, message: str = "no", times: int = 1, answered: bool = False) -> None:
        """Let the next calls of an operation fail; with `answered` after they were done, as when an answer is lost."""
        error = ClientError({"Error": {"Code": code, "Message": message}}, operation)
        self._faults.setdefault(operation, deque()).extend([(error, answered)] * times)

    def kill(self, *, at: int, answered: bool) -> None:
        """Kill the worker at a writing call (of AWS or of a guarded store); from then on nothing goes through."""
        self._kill_at, self._kill_answered, self._guarded, self._dead = at, answered, 0, False

    def revive(self) -> bool:
        """A new worker starts; tells whether the one before was killed."""
        was_dead, self._dead, self._kill_at = self._dead, False, 0
        return was_dead

    def guard(self, call: Any) -> Any:
        """Count a writing call of something else, as the object store, among those a worker may die at."""

        def guarded(*arguments: Any, **named: Any) -> Any:
            self._die(before=True)
            answer = call(*arguments, **named)
            self._die(before=False)
            return answer

        return guarded

    def finish(self, arn: str, *, status: str = "SUCCESS", **counters: Any) -> None:
        """End an execution; `counters` are members of DescribeTaskExecution."""
        self.executions[arn] |= {"Status": status, "EndTime": AT, **counters}

    def call(self, service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        model = _model(service).operation_model(operation)
        validate_parameters(arguments, model.input_shape)
        writing = not operation.startswith(READS)
        if writing:
            self._die(before=True)
        elif self._dead:
            raise KilledError
        fault = self._faults.get(operation)
        error, answered = fault.popleft() if fault else (None, False)
        if error and not answered:
            raise error
        self.calls.append((operation, arguments))
        answer: dict[str, Any] = getattr(self, f"_{service}_{xform_name(operation)}")(arguments) or {}
        if writing:
            self.writes[operation] += 1
            self._die(before=False)
        if error:
            raise error
        return answer

    def _die(self, *, before: bool) -> None:
        if self._dead:
            raise KilledError
        self._guarded += before
        if self._guarded == self._kill_at and before is not self._kill_answered:
            self._dead = True
            raise KilledError

    # FSx

    def _fsx_create_file_system(self, asked: dict[str, Any]) -> dict[str, Any]:
        token = asked["ClientRequestToken"]
        if token in self.tokens:
            before, file_system_id = self.tokens[token]
            if before != asked:
                raise _refusal("IncompatibleParameterError", "the parameters differ", "CreateFileSystem")
            return {"FileSystem": self.file_systems[file_system_id]}
        file_system_id = f"fs-{self._next():017x}"
        lustre, windows = asked.get("LustreConfiguration"), asked.get("WindowsConfiguration")
        found = {
            "FileSystemId": file_system_id,
            "ResourceARN": f"arn:aws:fsx:{REGION}:{ACCOUNT}:file-system/{file_system_id}",
            "Lifecycle": self.lifecycle,
            "DNSName": f"{file_system_id}.fsx.{REGION}.amazonaws.com",
            **{name: asked[name] for name in ("FileSystemType", "StorageCapacity", "SubnetIds", "Tags")},
            **({"LustreConfiguration": {**lustre, "MountName": "abcdefgh"}} if lustre else {}),
            **({"WindowsConfiguration": windows} if windows else {}),
        }
        self.file_systems[file_system_id] = found
        self.tokens[token] = (asked, file_system_id)
        return {"FileSystem": found}

    def _fsx_describe_file_systems(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "FileSystemIds" not in asked:
            return _page(list(self.file_systems.values()), "FileSystems", asked)
        try:
            return {"FileSystems": [self.file_systems[wanted] for wanted in asked["FileSystemIds"]]}
        except KeyError as error:
            raise _refusal("FileSystemNotFound", f"{error} not found", "DescribeFileSystems") from None

    def _fsx_delete_file_system(self, asked: dict[str, Any]) -> None:
        if self.file_systems.pop(asked["FileSystemId"], None) is None:
            raise _refusal("FileSystemNotFound", "not found", "DeleteFileSystem")

    # DataSync

    def _datasync_describe_agent(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _known(self.agents, asked["AgentArn"])

    def _create_location(self, uri: str, asked: dict[str, Any]) -> dict[str, Any]:
        arn = self._arn("location/loc")
        self.tags[arn] = asked.get("Tags", [])
        shown = {name: value for name, value in asked.items() if name not in ("Tags", "Password", "SecretKey")}
        self.locations[arn] = {**shown, "LocationArn": arn, "LocationUri": uri}
        return {"LocationArn": arn}

    def _datasync_create_location_nfs(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._create_location(f"nfs://{asked['ServerHostname']}/{_folder(asked)}", asked)

    def _datasync_create_location_smb(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._create_location(f"smb://{asked['ServerHostname']}/{_folder(asked)}", asked)

    def _datasync_create_location_s3(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._create_location(f"s3://{asked['S3BucketArn'].split(':')[-1]}/{_folder(asked)}", asked)

    def _datasync_create_location_object_storage(self, asked: dict[str, Any]) -> dict[str, Any]:
        where = f"{asked['ServerHostname']}/{asked['BucketName']}"
        return self._create_location(f"object-storage://{where}/{_folder(asked)}", asked)

    def _datasync_create_location_fsx_lustre(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._create_location(f"fsxl://{REGION}.{asked['FsxFilesystemArn'][-20:]}/{_folder(asked)}", asked)

    def _datasync_create_location_fsx_windows(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._create_location(f"fsxw://{REGION}.{asked['FsxFilesystemArn'][-20:]}/{_folder(asked)}", asked)

    def _describe_location(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _known(self.locations, asked["LocationArn"])

    _datasync_describe_location_nfs = _datasync_describe_location_smb = _describe_location
    _datasync_describe_location_s3 = _datasync_describe_location_object_storage = _describe_location
    _datasync_describe_location_fsx_lustre = _datasync_describe_location_fsx_windows = _describe_location

    def _datasync_list_locations(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _page(list(self.locations.values()), "Locations", asked)

    def _datasync_delete_location(self, asked: dict[str, Any]) -> None:
        arn = asked["LocationArn"]
        used = [
            task for task in self.tasks.values() if arn in (task["SourceLocationArn"], task["DestinationLocationArn"])
        ]
        if used or self.locations.pop(arn, None) is None:
            raise _refusal("InvalidRequestException", f"Location {arn} is in use or unknown.", "DeleteLocation")

    def _datasync_create_task(self, asked: dict[str, Any]) -> dict[str, Any]:
        for name in ("SourceLocationArn", "DestinationLocationArn"):
            _known(self.locations, asked[name])
        arn = self._arn("task/task")
        self.tags[arn] = asked.get("Tags", [])
        self.tasks[arn] = {**{k: v for k, v in asked.items() if k != "Tags"}, "TaskArn": arn, "Status": "AVAILABLE"}
        return {"TaskArn": arn}

    def _datasync_describe_task(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _known(self.tasks, asked["TaskArn"])

    def _datasync_list_tasks(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _page(list(self.tasks.values()), "Tasks", asked)

    def _datasync_delete_task(self, asked: dict[str, Any]) -> None:
        if self.tasks.pop(asked["TaskArn"], None) is None:
            raise _refusal("InvalidRequestException", "Task not found.", "DeleteTask")

    def _datasync_start_task_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        task = _known(self.tasks, asked["TaskArn"])
        arn = f"{asked['TaskArn']}/execution/exec-{self._next():017x}"
        self.tags[arn] = asked.get("Tags", [])
        options = {"BytesPerSecond": -1, **task["Options"], **asked.get("OverrideOptions", {})}
        shown = {name: asked[name] for name in ("ManifestConfig", "TaskReportConfig") if name in asked}
        self.executions[arn] = {"TaskExecutionArn": arn, "Status": "LAUNCHING", "Options": options, **shown}
        return {"TaskExecutionArn": arn}

    def _datasync_list_task_executions(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = asked.get("TaskArn", "")
        return _page([e for arn, e in self.executions.items() if arn.startswith(wanted)], "TaskExecutions", asked)

    def _datasync_describe_task_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _known(self.executions, asked["TaskExecutionArn"])

    def _running(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = _known(self.executions, asked["TaskExecutionArn"])
        if found["Status"] in ("SUCCESS", "ERROR"):
            raise _refusal("InvalidRequestException", "The execution has ended.", "UpdateTaskExecution")
        return found

    def _datasync_cancel_task_execution(self, asked: dict[str, Any]) -> None:
        self._running(asked)["Status"] = "CANCELLING"

    def _datasync_update_task_execution(self, asked: dict[str, Any]) -> None:
        self._running(asked)["Options"] |= asked["Options"]

    def _datasync_list_tags_for_resource(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _page(self.tags.get(asked["ResourceArn"], []), "Tags", asked)

    # CloudWatch Logs

    def _logs_create_log_group(self, asked: dict[str, Any]) -> None:
        if asked["logGroupName"] in self.log_groups:
            raise _refusal("ResourceAlreadyExistsException", "it exists", "CreateLogGroup")
        self.log_groups[asked["logGroupName"]] = asked.get("tags", {})

    def _logs_describe_log_groups(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = [name for name in self.log_groups if name.startswith(asked.get("logGroupNamePrefix", ""))]
        return {"logGroups": [{"logGroupName": name, "arn": _group_arn(name) + ":*"} for name in names]}

    def _logs_list_tags_for_resource(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self.log_groups[asked["resourceArn"].split("log-group:")[1]]}

    def _logs_describe_resource_policies(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"resourcePolicies": []}

    def _logs_put_metric_filter(self, asked: dict[str, Any]) -> None:
        self.metric_filters[asked["filterName"]] = asked

    def _logs_describe_metric_filters(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self.metric_filters.values() if one["logGroupName"] == asked["logGroupName"]]
        return {"metricFilters": found}

    def _logs_delete_metric_filter(self, asked: dict[str, Any]) -> None:
        if self.metric_filters.pop(asked["filterName"], None) is None:
            raise _refusal("ResourceNotFoundException", "no such filter", "DeleteMetricFilter")

    def _logs_delete_log_group(self, asked: dict[str, Any]) -> None:
        if self.log_groups.pop(asked["logGroupName"], None) is None:
            raise _refusal("ResourceNotFoundException", "no such group", "DeleteLogGroup")

    def _arn(self, kind: str) -> str:
        return f"arn:aws:datasync:{REGION}:{ACCOUNT}:{kind}-{self._next():017x}"

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


class FakeClient:
    """Turns `client.describe_task(TaskArn=...)` into a call of the fake."""

    def __init__(self, aws: FakeAws, service: str) -> None:
        self._aws, self._service = aws, service
        self.meta = SimpleNamespace(region_name=REGION)

    def __getattr__(self, name: str) -> Any:
        operation = _operations(self._service)[name]
        return lambda **arguments: self._aws.call(self._service, operation, arguments)

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **arguments: [getattr(self, name)(**arguments)])


def migration(**changes: Any) -> Migration:
    """An NFS share of two agents that goes to a new Lustre file system; `changes` replace whole fields."""
    source = Source(
        kind=SourceKind.NFS, server="nas01.example", subdirectory="/projects", agents=AGENTS, mount=Path("/mnt/source")
    )
    target = Target(
        subdirectory="/projects",
        mount=Path("/mnt/target"),
        lustre=LustreFileSystem(storage_gib=2400, throughput_per_tib=250),
        subnet_ids=("subnet-0123456789abcdef0",),
        security_group_ids=("sg-0123456789abcdef0",),
    )
    cut_over = CutOver(name=SsmName(parameter="/projects/server"), old_value="nas01.example")
    return Migration(**{"name": "projects", "source": source, "target": target, "cut_over": cut_over, **changes})


def workplace(aws: FakeAws, wanted: Migration | None = None, *, lake: LakeInMemory | None = None) -> Workplace:
    """A Workplace over the fake; pass the lake of an earlier one to go on where it ended."""
    store = lake or LakeInMemory()
    store.root = "fsx_migration"
    chosen = wanted or migration()
    return Workplace(
        store=store,
        places=Places(store, chosen.name),
        migration=chosen,
        settings=FsxMigrationSettings(bucket=store.bucket),
        clients=aws.client,
        now=lambda: AT,
        secrets=lambda connection: (f"EXAMPLE\\{connection}", "open sesame"),
    )


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(name): name for name in _model(service).operation_names}


def _page(found: list[dict[str, Any]], key: str, asked: dict[str, Any], size: int = 2) -> dict[str, Any]:
    start = int(asked.get("NextToken", "0"))
    more = {"NextToken": str(start + size)} if len(found) > start + size else {}
    return {key: found[start : start + size], **more}


def _known(found: dict[str, dict[str, Any]], arn: str) -> dict[str, Any]:
    if arn not in found:
        raise _refusal("InvalidRequestException", f"{arn} is not found.", "Describe")
    return found[arn]


def _refusal(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _folder(asked: dict[str, Any]) -> str:
    path = str(asked.get("Subdirectory", "")).strip("/")
    return f"{path}/" if path else ""


def _group_arn(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
