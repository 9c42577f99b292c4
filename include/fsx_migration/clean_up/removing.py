"""Carry out a clean-up: each resource deleted in its order, what is gone already passed over."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clean_up.clean_ups import DOCUMENTS, CleanUpPlan, require_allowed
from include.fsx_migration.clients import error_code, error_text
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.file_systems import WINDOWS, file_system_id, find_file_system
from include.fsx_migration.resources.ledger import Origin, forget, note_ready, read_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.fsx_migration.clean_up.clean_ups import CleanUpItem
    from include.fsx_migration.workplace import Workplace

_ABSENT: Final = frozenset({"FileSystemNotFound", "ResourceNotFoundException"})


def apply_clean_up(place: Workplace, plan: CleanUpPlan) -> dict[str, int]:
    """Delete what the plan dooms, in its order, and return how many of each kind.

    Killed anywhere, a new plan lists what is left. A resource that somebody else deleted meanwhile counts as deleted.

    :raises CleanUpRefusedError: the plan has refusals.
    :raises RefusedError: AWS refuses to delete something; what stands before it is gone, the rest is as it was.
    """
    require_allowed(plan)
    note_ready(place, None)  # nobody starts an execution of a task that is about to go
    deleted: dict[str, int] = {}
    for item in plan.doomed:
        _delete(place, item, last_backup=plan.last_backup)
        forget(place, [item.arn])
        deleted[item.kind] = deleted.get(item.kind, 0) + 1
    adopted = [entry.arn for entry in read_ledger(place).entries if entry.origin is Origin.ADOPTED]
    forget(place, [*plan.gone, *adopted])
    return deleted


def _delete(place: Workplace, item: CleanUpItem, *, last_backup: bool) -> None:
    from botocore.exceptions import ClientError

    try:
        if item.kind == tagging.FILE_SYSTEM:
            _file_system(place, item, last_backup=last_backup)
        else:
            _DELETERS[item.kind](place, item)
    except ClientError as error:
        if error_code(error) in _ABSENT or (error_code(error) == "InvalidRequestException" and _is_gone(place, item)):
            return
        if error_code(error) not in ("InvalidRequestException", "BadRequest"):
            raise
        raise RefusedError(f"{item.kind} {item.name} ({item.arn}) cannot be deleted: {error_text(error)}") from error


def _is_gone(place: Workplace, item: CleanUpItem) -> bool:
    """DataSync answers a missing resource like any bad request: only its listing tells."""
    from include.fsx_migration.resources.inventory import tagged_locations, tagged_tasks

    found = tagged_tasks(place) if item.kind == tagging.TASK else tagged_locations(place)
    return item.arn not in {resource.arn for resource in found}


def _task(place: Workplace, item: CleanUpItem) -> None:
    place.clients("datasync").delete_task(TaskArn=item.arn)


def _location(place: Workplace, item: CleanUpItem) -> None:
    place.clients("datasync").delete_location(LocationArn=item.arn)


def _metric_filter(place: Workplace, item: CleanUpItem) -> None:
    group = item.arn.split(":log-group:")[-1].removesuffix(f":metric-filter:{item.name}")
    place.clients("logs").delete_metric_filter(logGroupName=group, filterName=item.name)


def _log_group(place: Workplace, item: CleanUpItem) -> None:
    place.clients("logs").delete_log_group(logGroupName=item.name)


def _file_system(place: Workplace, item: CleanUpItem, *, last_backup: bool) -> None:
    """Delete a file system; Windows takes a last backup unless told not to, Lustre only when told to (FSx API)."""
    found = find_file_system(place, file_system_id(item.arn))
    if found is None or found.lifecycle == "DELETING":
        return
    tags = tagging.tag_list(tagging.tags_of(place.migration.name, "last-backup"))
    options: dict[str, Any] = {"SkipFinalBackup": not last_backup}
    if last_backup:
        options["FinalBackupTags"] = tags
    kind = "WindowsConfiguration" if found.kind == WINDOWS else "LustreConfiguration"
    token = "landfall-" + hashlib.sha256(f"delete {item.arn}".encode()).hexdigest()[:40]
    place.clients("fsx").delete_file_system(FileSystemId=found.id, ClientRequestToken=token, **{kind: options})


def _documents(place: Workplace, item: CleanUpItem) -> None:
    place.store.delete_prefix(place.migration.name, item.name)


_DELETERS: Final[Mapping[str, Callable[[Workplace, CleanUpItem], None]]] = {
    tagging.TASK: _task,
    tagging.SOURCE_LOCATION: _location,
    tagging.TARGET_LOCATION: _location,
    tagging.METRIC_FILTER: _metric_filter,
    tagging.LOG_GROUP: _log_group,
    DOCUMENTS: _documents,
}
