"""Executions of DataSync tasks: started once, found again by their tags, read, throttled, cancelled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clients import call_once, error_code, error_text, pages
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.tasks import bucket_arn, report_config
from include.fsx_migration.resources.transfer_resources import load_resources
from include.fsx_migration.transfer.execution_states import NO_LIMIT, ExecutionState, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from include.fsx_migration.workplace import Workplace

SLOWEST: Final = 1024
"""Bytes per second that an execution gets at least: DataSync reads 0 and -1 as no limit."""
__all__ = [
    "ExecutionOrder",
    "ExecutionState",
    "cancel",
    "describe",
    "find",
    "read_state",
    "set_bandwidth",
    "split_bandwidth",
    "start_once",
    "start_request",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOrder:
    """One execution to start.

    :param part: names the part within its pass, as `0007` or `closing`; with `attempt` it is the execution's identity.
    :param manifest_key: key of the manifest in the migration's bucket; None transfers without a manifest.
    :param options: overrides of the task's Options, as `{"TransferMode": "ALL"}`.
    :param report_prefix: key prefix of its task report in the migration's bucket, without a closing slash.
    """

    task_arn: str
    pass_number: int
    part: str
    attempt: int
    manifest_key: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    report_prefix: str = ""


def describe(place: Workplace, arn: str) -> ExecutionState:
    """Ask DataSync for the state of an execution; raises the client's ClientError when there is none."""
    return read_state(place.clients("datasync").describe_task_execution(TaskExecutionArn=arn))


def start_request(place: Workplace, order: ExecutionOrder) -> dict[str, Any]:
    """Return the arguments of StartTaskExecution."""
    request: dict[str, Any] = {
        "TaskArn": order.task_arn,
        "TaskReportConfig": report_config(place, prefix=order.report_prefix or place.places.reports()),
        "Tags": tagging.tag_list(_tags(place, order)),
    }
    if order.options:
        request["OverrideOptions"] = dict(order.options)
    if order.manifest_key is not None:
        source = {
            "ManifestObjectPath": order.manifest_key,
            "S3BucketArn": bucket_arn(place),
            "BucketAccessRoleArn": place.settings.report_role_arn,
        }
        request["ManifestConfig"] = {"Action": "TRANSFER", "Format": "CSV", "Source": {"S3": source}}
    return request


def start_once(place: Workplace, order: ExecutionOrder, *, found: Mapping[tuple[str, int], str] | None = None) -> str:
    """Return the ARN of the execution of this pass, part and attempt: the one that exists, else a new one.

    StartTaskExecution takes no client token. The caller notes its intent first; whoever starts looks for an execution
    with the same tags before, and a lost answer is an error, after which the next try looks again.

    :param found: what `find` gave for this pass, for callers that start many; None looks now.
    :raises RefusedError: DataSync refuses the request; the message carries its reason.
    """
    from botocore.exceptions import ClientError

    known = find(place, order.pass_number, task_arns=[order.task_arn]) if found is None else found
    if arn := known.get((order.part, order.attempt)):
        return arn
    client, request = place.client_once("datasync"), start_request(place, order)
    try:
        return str(call_once(lambda: client.start_task_execution(**request))["TaskExecutionArn"])
    except ClientError as error:
        if error_code(error) != "InvalidRequestException":
            raise
        raise RefusedError(
            f"DataSync refuses to start part {order.part} of pass {order.pass_number} with task {order.task_arn}: "
            f"{error_text(error)}"
        ) from error


def find(
    place: Workplace, pass_number: int, *, task_arns: Iterable[str] | None = None, skip: Collection[str] = ()
) -> dict[tuple[str, int], str]:
    """Return the executions of a pass by (part, attempt), found by their tags.

    Each unknown execution costs one call for its tags, hence:

    :param task_arns: the tasks to look at; None takes those of the migration's resources.
    :param skip: ARNs of executions that the caller knows already, as those of earlier passes; they are left out.
    """
    client = place.clients("datasync")
    arns = [task.task_arn for task in load_resources(place).tasks] if task_arns is None else list(task_arns)
    known = frozenset(skip)
    found: dict[tuple[str, int], str] = {}
    for task_arn in arns:
        for entry in pages(client.list_task_executions, "TaskExecutions", TaskArn=task_arn, MaxResults=100):
            arn = str(entry["TaskExecutionArn"])
            if arn in known:
                continue
            tags = tagging.tag_map(pages(client.list_tags_for_resource, "Tags", ResourceArn=arn))
            if tags.get(tagging.MIGRATION) == place.migration.name and tags.get(tagging.PASSES) == str(pass_number):
                # Two of the same identity can only come from two workers at once; all of them choose the same one.
                key = (tags.get(tagging.PART, ""), int(tags.get(tagging.ATTEMPT, "0")))
                found[key] = min(arn, found.get(key, arn))
    return found


def cancel(place: Workplace, arns: Iterable[str]) -> tuple[str, ...]:
    """Cancel executions that are not over, and return those that were asked to end.

    They go through CANCELLING; a cancelled transfer may leave files that only look done, so callers count their files
    as not transferred.
    """
    send = place.clients("datasync").cancel_task_execution
    return tuple(arn for arn in arns if _unless_over(place, arn, lambda arn: send(TaskExecutionArn=arn)))


def set_bandwidth(place: Workplace, limits: Mapping[str, int]) -> tuple[str, ...]:
    """Set BytesPerSecond (-1 is none) of queued or running executions, and return those that took it."""
    send = place.clients("datasync").update_task_execution

    def update(arn: str) -> object:
        return send(TaskExecutionArn=arn, Options={"BytesPerSecond": int(limits[arn])})

    return tuple(arn for arn in limits if _unless_over(place, arn, update))


def split_bandwidth(limit: float | None, arns: Sequence[str]) -> dict[str, int]:
    """Return each execution's share of a limit in bytes per second, equal shares; None is no limit.

    Only executions that run should be counted: a queued one takes its share when it starts.
    """
    share = NO_LIMIT if limit is None else max(int(limit / max(len(arns), 1)), SLOWEST)
    return dict.fromkeys(arns, share)


def _unless_over(place: Workplace, arn: str, call: Callable[[str], object]) -> bool:
    """Make a call on a running execution; False when it has ended, which DataSync answers as a bad request."""
    from botocore.exceptions import ClientError

    try:
        call(arn)
    except ClientError as error:
        if error_code(error) != "InvalidRequestException" or not describe(place, arn).is_over:
            raise
        return False
    return True


def _tags(place: Workplace, order: ExecutionOrder) -> dict[str, str]:
    return {
        tagging.MIGRATION: place.migration.name,
        tagging.PASSES: str(order.pass_number),
        tagging.PART: order.part,
        tagging.ATTEMPT: str(order.attempt),
    }
