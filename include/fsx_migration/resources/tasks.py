"""The DataSync tasks of a migration: one for each agent, with the options of the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clients import call_once, error_code, error_text
from include.fsx_migration.refusals import DriftError, RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.ensuring import Means, ensure
from include.fsx_migration.resources.inventory import tagged_tasks
from include.fsx_migration.resources.tagging import agent_id, tag_list, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.fsx_migration.resources.inventory import Tagged
    from include.fsx_migration.workplace import Workplace

BASIC: Final = "BASIC"
ENHANCED_LOG_GROUP: Final = "/aws/datasync"
"""Where DataSync logs Enhanced tasks; they take no log group of their own (API reference, CreateTask)."""


def task_options(place: Workplace) -> dict[str, Any]:
    """Return the Options of the tasks: everything POSIX for Lustre, the owner and DACL for Windows."""
    common = {
        "VerifyMode": place.migration.transfer.verify,
        "OverwriteMode": "ALWAYS",
        "Atime": "BEST_EFFORT",
        "Mtime": "PRESERVE",
        "PreserveDeletedFiles": "PRESERVE",
        "PreserveDevices": "NONE",
        "TaskQueueing": "ENABLED",
        "LogLevel": "BASIC",
        "TransferMode": "CHANGED",
    }
    if place.migration.target.is_windows:
        return {
            **common,
            "Uid": "NONE",
            "Gid": "NONE",
            "PosixPermissions": "NONE",
            "SecurityDescriptorCopyFlags": "OWNER_DACL",
        }
    return {**common, "Uid": "INT_VALUE", "Gid": "INT_VALUE", "PosixPermissions": "PRESERVE"}


def report_config(place: Workplace, *, prefix: str) -> dict[str, Any]:
    """Return a TaskReportConfig: what became of every file, below a key prefix of the migration's bucket.

    Successes stand in it too: they are the evidence that a file which failed its verification was verified later.
    """
    destination = {
        "Subdirectory": prefix,
        "S3BucketArn": bucket_arn(place),
        "BucketAccessRoleArn": place.settings.report_role_arn,
    }
    return {
        "Destination": {"S3": destination},
        "OutputType": "STANDARD",
        "ReportLevel": "SUCCESSES_AND_ERRORS",
    }


def bucket_arn(place: Workplace) -> str:
    """Return the ARN of the migration's bucket, in the partition of the role that opens it."""
    partition = place.settings.report_role_arn.split(":")[1]
    return f"arn:{partition}:s3:::{place.settings.bucket}"


def task_request(place: Workplace, agent: str, *, source: str, target: str, log_group_arn: str) -> dict[str, Any]:
    """Return the arguments of CreateTask for one agent; `agent` is empty for S3."""
    migration = place.migration
    request: dict[str, Any] = {
        "SourceLocationArn": source,
        "DestinationLocationArn": target,
        "Name": "-".join(part for part in ("landfall", migration.name, agent_id(agent)) if part),
        "TaskMode": migration.transfer.mode,
        "Options": task_options(place),
        "TaskReportConfig": report_config(place, prefix=place.places.reports()),
        "Tags": tag_list(tags_of(migration.name, tagging.TASK, agent=agent)),
    }
    return {**request, "CloudWatchLogGroupArn": log_group_arn} if log_group_arn else request


def ensure_task(place: Workplace, agent: str, request: Mapping[str, Any], tagged: Sequence[Tagged]) -> str:
    """Return the ARN of an agent's task: the one with this migration's tags, else a new one.

    :param request: as `task_request` gives it.
    :param tagged: the migration's tasks, as `inventory.tagged_tasks` gives them.
    :raises DriftError: the one that exists differs; the message names each option, wanted and found.
    :raises RefusedError: DataSync refuses the request.
    """
    means = Means(
        list_tagged=lambda: tagged_tasks(place),
        refuse_drift=lambda found: _refuse_drift(place, found.arn, request),
        create=lambda: _create(place, request),
        delete=lambda arn: place.clients("datasync").delete_task(TaskArn=arn),
    )
    return ensure(place, tagging.TASK, agent, tagged=tagged, means=means)


def _create(place: Workplace, request: Mapping[str, Any]) -> str:
    from botocore.exceptions import ClientError

    client = place.client_once("datasync")
    try:
        return str(call_once(lambda: client.create_task(**request))["TaskArn"])
    except ClientError as error:
        if error_code(error) != "InvalidRequestException":
            raise
        raise RefusedError(f"DataSync refuses the task {request['Name']}: {error_text(error)}") from error


def _refuse_drift(place: Workplace, arn: str, request: Mapping[str, Any]) -> None:
    found = place.clients("datasync").describe_task(TaskArn=arn)
    wrong = [f"{name} is {is_}, wanted {wanted}" for name, wanted, is_ in _compared(request, found) if wanted != is_]
    if wrong:
        raise DriftError(
            f"Task {arn} of migration {place.migration.name} is not what the definition describes "
            f"({'; '.join(wrong)}): it is left as it is; change the definition back, or the task."
        )


def _compared(request: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Yield name, wanted and found value of everything that has to agree."""
    for name in ("SourceLocationArn", "DestinationLocationArn"):
        yield name, request[name], found.get(name)
    yield "TaskMode", request["TaskMode"], found.get("TaskMode", BASIC)
    wanted_group, found_group = request.get("CloudWatchLogGroupArn", ""), found.get("CloudWatchLogGroupArn", "")
    if wanted_group:
        yield "CloudWatchLogGroupArn", wanted_group.removesuffix(":*"), found_group.removesuffix(":*")
    options = found.get("Options", {})
    for name, wanted in request["Options"].items():
        yield f"Options.{name}", wanted, options.get(name)
    report = found.get("TaskReportConfig", {})
    yield "TaskReportConfig.ReportLevel", request["TaskReportConfig"]["ReportLevel"], report.get("ReportLevel")
    places = (config.get("Destination", {}).get("S3", {}) for config in (request["TaskReportConfig"], report))
    wanted_place, found_place = (
        f"{place.get('S3BucketArn', '')}/{place.get('Subdirectory', '').strip('/')}" for place in places
    )
    yield "TaskReportConfig.Destination", wanted_place, found_place
