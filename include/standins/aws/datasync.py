"""DataSync that copies: agents, locations, tasks and executions, over directories of this machine and the local S3.

What is modelled, what is not and what nobody compared with the real service is in docs/standins.md, section DataSync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.datasync_faults import TransferFaults
from include.standins.aws.datasync_locations import KINDS, Agents, Locations
from include.standins.aws.datasync_log import NoTelemetry
from include.standins.aws.datasync_options import REFUSED
from include.standins.aws.datasync_outcome import STOPPED
from include.standins.aws.datasync_queue import Queue
from include.standins.aws.datasync_records import Records, tag_map
from include.standins.aws.datasync_run import Surroundings
from include.standins.aws.datasync_sides import Sides
from include.standins.aws.datasync_tasks import Executions, Tasks
from include.standins.aws.errors import AwsError, Reply, json_reply, not_modelled
from include.standins.aws.model_checks import check_answer, check_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.standins.aws.mounts import Mounts
    from include.standins.aws.object_store import ObjectStore
    from include.standins.aws.state_store import StateStore
    from include.standins.aws.telemetry import Telemetry
    from include.standins.aws.volumes import Volumes

Parameters = dict[str, Any]
TAG_LIMIT = 50


class DataSync:
    """DataSync of one account and region, with its state restored and its queue running."""

    def __init__(
        self,
        *,
        state: StateStore,
        store: ObjectStore,
        mounts: Mounts,
        scratch: Path,
        account: str,
        region: str,
        volumes: Volumes | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._records = Records(state, account=account, region=region)
        self._faults = TransferFaults()
        around = Surroundings(self._records, store, telemetry or NoTelemetry(), self._faults, scratch)
        self._queue = Queue(Sides(mounts, volumes, store, scratch))
        agents, locations = Agents(self._records, self._faults), Locations(self._records)
        tasks, executions = Tasks(around), Executions(around, self._queue)
        self._operations: dict[str, Callable[[Parameters], Parameters]] = {
            "CreateAgent": agents.create,
            "DescribeAgent": agents.describe,
            "ListAgents": agents.listed,
            "UpdateAgent": agents.update,
            "DeleteAgent": agents.delete,
            "ListLocations": locations.listed,
            "DeleteLocation": locations.delete,
            "CreateTask": tasks.create,
            "DescribeTask": tasks.describe,
            "UpdateTask": tasks.update,
            "ListTasks": tasks.listed,
            "DeleteTask": tasks.delete,
            "StartTaskExecution": executions.start,
            "DescribeTaskExecution": executions.describe,
            "ListTaskExecutions": executions.listed,
            "UpdateTaskExecution": executions.update,
            "CancelTaskExecution": executions.cancel,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags,
        }
        for name in KINDS:
            self._operations[f"CreateLocation{name}"] = _bound(locations.create, name)
            self._operations[f"DescribeLocation{name}"] = _bound(locations.describe, name)
            self._operations[f"UpdateLocation{name}"] = _bound(locations.update, name)
        executions.restore(STOPPED)

    def answer(self, call: Call, parameters: Parameters) -> Parameters:
        """Answer one call, checked against the service's model on both ends; raises AwsError."""
        operation = self._operations.get(call.operation)
        if operation is None:
            raise not_modelled(call)
        check_request("datasync", call.operation, parameters, code=REFUSED)
        made = operation(parameters)
        check_answer("datasync", call.operation, _without_uris(made))
        return made

    def _resource(self, arn: str) -> Any:
        """Give the record with an ARN, and the table that keeps it."""
        tables = self._records.agents, self._records.locations, self._records.tasks, self._records.executions
        for table in tables:
            found = table.find(arn)
            if found is not None:
                return found, table
        raise AwsError(REFUSED, f"Request parameters contain an invalid resource: {arn} does not exist.")

    def _tag(self, parameters: Parameters) -> Parameters:
        record, table = self._resource(parameters["ResourceArn"])
        tags = {**record.tags, **tag_map(parameters["Tags"])}
        if len(tags) > TAG_LIMIT:
            raise AwsError(REFUSED, f"A resource has at most {TAG_LIMIT} tags.")
        record.tags = tags
        table.save(record)
        return {}

    def _untag(self, parameters: Parameters) -> Parameters:
        record, table = self._resource(parameters["ResourceArn"])
        record.tags = {name: value for name, value in record.tags.items() if name not in parameters["Keys"]}
        table.save(record)
        return {}

    def _tags(self, parameters: Parameters) -> Parameters:
        record, _ = self._resource(parameters["ResourceArn"])
        return {"Tags": [{"Key": name, "Value": value} for name, value in sorted(record.tags.items())]}

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer /_landfall/datasync/faults and /_landfall/datasync/pace."""
        what, _, tail = rest.partition("/")
        if what == "faults":
            return self._faults.route(environ, tail)
        if what != "pace":
            return json_reply({"message": "Use /_landfall/datasync/faults or /_landfall/datasync/pace."}, status=404)
        if environ["REQUEST_METHOD"] == "POST":
            seconds = json_body(environ).get("launch_seconds")
            if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds < 0:
                return json_reply({"message": 'Send {"launch_seconds": 0.3}, a number of at least 0.'}, status=400)
            self._queue.launch_seconds = float(seconds)
        return json_reply({"launch_seconds": self._queue.launch_seconds})

    def close(self) -> None:
        """End what runs; what is queued is kept for the next start."""
        self._queue.close()


def _bound(operation: Callable[[str, Parameters], Parameters], name: str) -> Callable[[Parameters], Parameters]:
    return lambda parameters: operation(name, parameters)


def _without_uris(value: Any) -> Any:
    """Leave location URIs out of the check: the model's pattern has no underscores, which paths do have."""
    if isinstance(value, dict):
        return {name: _without_uris(member) for name, member in value.items() if name != "LocationUri"}
    return [_without_uris(member) for member in value] if isinstance(value, list) else value
