"""What a migration leaves behind, removed in reverse order; only what it created, and only when nobody needs it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clients import pages
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.error_filters import error_filters
from include.fsx_migration.resources.file_systems import tagged_file_systems
from include.fsx_migration.resources.inventory import tagged_locations, tagged_tasks
from include.fsx_migration.resources.ledger import Origin, read_ledger
from include.fsx_migration.resources.log_groups import find_log_group, find_metric_filters
from include.fsx_migration.transfer.execution_states import OVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.fsx_migration.resources.ledger import Ledger
    from include.fsx_migration.workplace import Workplace

DONE: Final = "done"
ROLLED_BACK: Final = "rolled_back"
DOCUMENTS: Final = "documents"


class CleanUpRefusedError(RefusedError):
    """Nothing may be removed now; the message names every reason."""


class Action(StrEnum):
    """What becomes of a resource."""

    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpItem:
    """A resource that carries the migration's tag; `name` is what people know it by, `reason` says why it is kept."""

    kind: str
    arn: str
    name: str
    action: Action
    reason: str = ""

    @property
    def is_doomed(self) -> bool:
        """Whether it is to be deleted."""
        return self.action is Action.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpChoices:
    """What is removed besides tasks and locations; each is off unless somebody asks for it.

    :param last_backup: take a backup of the file system before it is deleted; it is the only way back.
    """

    file_system: bool = False
    last_backup: bool = True
    log_group: bool = False
    documents: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpPlan:
    """What would be done, in this order; nothing may be done while there are `refusals`, each a sentence.

    :param gone: ARNs in the ledger that no longer exist; they are forgotten with the rest.
    """

    migration: str
    items: tuple[CleanUpItem, ...]
    refusals: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    last_backup: bool = True

    @property
    def doomed(self) -> tuple[CleanUpItem, ...]:
        """What is deleted."""
        return tuple(item for item in self.items if item.is_doomed)

    @property
    def digest(self) -> str:
        """The same for the same list: what was approved is what is deleted."""
        text = json.dumps([self.last_backup, *((item.kind, item.arn, item.action) for item in self.items)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "migration": self.migration,
            "items": [asdict(item) for item in self.items],
            "refusals": list(self.refusals),
            "gone": list(self.gone),
            "last_backup": self.last_backup,
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> CleanUpPlan:
        """Read what `to_dict` wrote."""
        return cls(
            migration=document["migration"],
            items=tuple(CleanUpItem(**{**item, "action": Action(item["action"])}) for item in document["items"]),
            refusals=tuple(document["refusals"]),
            gone=tuple(document["gone"]),
            last_backup=document["last_backup"],
        )


def plan_clean_up(place: Workplace, choices: CleanUpChoices | None = None) -> CleanUpPlan:
    """List what carries the migration's tag, tasks first and the file system late, and say what may not go and why.

    A file system is only ever deleted when this migration created it and no client was led to it.
    """
    chosen = choices or CleanUpChoices()
    ledger, tasks, locations = read_ledger(place), tagged_tasks(place), tagged_locations(place)
    outcome = (place.store.find_json(place.places.cut_over("outcome.json")) or {}).get("state", "")
    items = [_doomed(tagging.TASK, task.arn, task.name) for task in tasks]
    # Sources before the target, the reverse of their creation.
    for role in (tagging.SOURCE_LOCATION, tagging.TARGET_LOCATION):
        items += [_doomed(role, found.arn, found.name) for found in locations if found.role == role]
    items += _log_group(place, ledger, wanted=chosen.log_group, own=frozenset(task.arn for task in tasks))
    items += _file_systems(place, ledger, wanted=chosen.file_system, outcome=outcome)
    items += _documents(place, wanted=chosen.documents)
    found = {item.arn for item in items}
    gone = tuple(e.arn for e in ledger.entries if e.arn and not e.removed and e.arn not in found)
    refusals = tuple(_refusals(place, outcome=outcome, tasks=[task.arn for task in tasks]))
    return CleanUpPlan(
        migration=place.migration.name,
        items=tuple(items),
        refusals=refusals,
        gone=gone,
        last_backup=chosen.last_backup,
    )


def require_allowed(plan: CleanUpPlan) -> CleanUpPlan:
    """Return the plan when it may be carried out.

    :raises CleanUpRefusedError: with every reason against it.
    """
    if plan.refusals:
        raise CleanUpRefusedError(f"Nothing of migration {plan.migration} is removed. {' '.join(plan.refusals)}")
    return plan


def _refusals(place: Workplace, *, outcome: str, tasks: list[str]) -> Iterator[str]:
    running = [arn for task in tasks for arn in _running(place, task)]
    if running:
        more = f" and {len(running) - 3} more" if len(running) > 3 else ""
        yield f"{len(running)} executions are not over ({', '.join(running[:3])}{more}): cancel them or let them end."
    if outcome in (DONE, ROLLED_BACK):
        return
    if outcome or next(place.store.list_keys(place.migration.name, "passes/"), None):
        yield (
            f"The migration has transferred files and its cut-over is {outcome or 'not done'}: sign it off by "
            "fsx_migration_cut_over, or go back by fsx_migration_roll_back, before its resources go."
        )


def _running(place: Workplace, task_arn: str) -> list[str]:
    list_executions = place.clients("datasync").list_task_executions
    listed = pages(list_executions, "TaskExecutions", TaskArn=task_arn, MaxResults=100)
    return [str(entry["TaskExecutionArn"]) for entry in listed if entry["Status"] not in OVER]


def _file_systems(place: Workplace, ledger: Ledger, *, wanted: bool, outcome: str) -> Iterator[CleanUpItem]:
    created = {entry.arn for entry in ledger.entries if entry.origin is Origin.CREATED and not entry.removed}
    for found in tagged_file_systems(place):
        reason = ""
        if found.arn not in created:
            reason = "no record says that this migration created it"
        elif outcome == DONE:
            reason = "clients were led to it by the cut-over"
        elif not wanted:
            reason = "delete_file_system is off"
        yield _item(tagging.FILE_SYSTEM, found.arn, f"{found.id} {found.dns_name}".strip(), reason)
    # An adopted one carries no tag of this migration: it is named, so that nobody wonders where it is.
    for entry in ledger.entries:
        if entry.role == tagging.FILE_SYSTEM and entry.origin is Origin.ADOPTED and not entry.removed:
            yield _item(tagging.FILE_SYSTEM, entry.arn, entry.arn.rsplit("/", 1)[-1], "it was adopted, not created")


def _log_group(place: Workplace, ledger: Ledger, *, wanted: bool, own: frozenset[str]) -> Iterator[CleanUpItem]:
    entry = ledger.living(tagging.LOG_GROUP)
    if entry is None or not entry.arn:
        return
    name = entry.arn.split(":log-group:")[-1]
    if find_log_group(place, name) is None:
        return
    for filter_name in find_metric_filters(
        place, name, [one["filterName"] for one in error_filters(place.migration.name)]
    ):
        yield _doomed(tagging.METRIC_FILTER, f"{entry.arn}:metric-filter:{filter_name}", filter_name)
    reason = ""
    if entry.origin is not Origin.CREATED:
        reason = "it was there before this migration"
    elif not wanted:
        reason = "delete_log_group is off"
    elif other := _other_user(place, entry.arn, own=own):
        reason = f"task {other} logs into it"
    yield _item(tagging.LOG_GROUP, entry.arn, name, reason)


def _other_user(place: Workplace, arn: str, *, own: frozenset[str]) -> str:
    client = place.clients("datasync")
    for task in pages(client.list_tasks, "Tasks", MaxResults=100):
        task_arn = str(task["TaskArn"])
        if task_arn not in own:
            group = client.describe_task(TaskArn=task_arn).get("CloudWatchLogGroupArn", "")
            if group.removesuffix(":*") == arn:
                return task_arn
    return ""


def _documents(place: Workplace, *, wanted: bool) -> Iterator[CleanUpItem]:
    """Listings, manifests and task reports: large, and made again by nobody. Records of people's decisions stay."""
    for folder in BULKY:
        if next(place.store.list_keys(place.migration.name, f"{folder}/"), None):
            reason = "" if wanted else "delete_documents is off"
            yield _item(DOCUMENTS, place.store.uri(place.migration.name, folder) + "/", f"{folder}/", reason)


BULKY: Final = ("listings", "task-reports")
"""Folders of a migration whose documents may go; the others are its records."""


def _doomed(kind: str, arn: str, name: str) -> CleanUpItem:
    return _item(kind, arn, name, "")


def _item(kind: str, arn: str, name: str, reason: str) -> CleanUpItem:
    return CleanUpItem(kind=kind, arn=arn, name=name, action=Action.KEEP if reason else Action.DELETE, reason=reason)
