"""Everything that transfers work with: file system, locations, tasks, log group; ensured in order, read back later."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources import log_groups
from include.fsx_migration.resources.file_systems import FileSystem, ensure_file_system, require_available
from include.fsx_migration.resources.inventory import tagged_locations, tagged_tasks
from include.fsx_migration.resources.ledger import note_ready, read_ledger
from include.fsx_migration.resources.locations import ensure_location, source_orders, target_order
from include.fsx_migration.resources.tasks import BASIC, ENHANCED_LOG_GROUP, ensure_task, task_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.fsx_migration.workplace import Workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask:
    """An agent's task; `agent` is its ARN, empty for an S3 source."""

    agent: str
    task_arn: str
    source_location_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a migration transfers with.

    :param tasks: in the order of the definition's agents.
    :param log_group: the name of the group that DataSync logs into.
    :param notes: what a person should know or do, each a sentence.
    """

    file_system: FileSystem
    tasks: tuple[AgentTask, ...]
    target_location_arn: str
    log_group: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "file_system": self.file_system.to_dict(),
            "tasks": [asdict(task) for task in self.tasks],
            "target_location_arn": self.target_location_arn,
            "log_group": self.log_group,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Resources:
        """Read what `to_dict` wrote."""
        return cls(
            file_system=FileSystem.from_dict(document["file_system"]),
            tasks=tuple(AgentTask(**task) for task in document["tasks"]),
            target_location_arn=document["target_location_arn"],
            log_group=document["log_group"],
            notes=tuple(document["notes"]),
        )


def ensure_transfer_resources(place: Workplace) -> Resources:
    """Find or create what transfers need, in order; killed anywhere, the next call goes on with what is there.

    :raises RefusedError: something cannot be had, or has drifted (DriftError); nothing is overwritten.
    :raises NotReadyError: the file system is not AVAILABLE yet.
    """
    file_system = require_available(ensure_file_system(place))
    group, group_arn, notes = _log_group(place)
    locations = tagged_locations(place)
    target = ensure_location(place, target_order(place, file_system), locations)
    sources = {order.agent: ensure_location(place, order, locations) for order in source_orders(place)}
    known = tagged_tasks(place)
    tasks = []
    for agent, source in sources.items():
        request = task_request(place, agent, source=source, target=target, log_group_arn=group_arn)
        task_arn = ensure_task(place, agent, request, known)
        tasks.append(AgentTask(agent=agent, task_arn=task_arn, source_location_arn=source))
    found = Resources(
        file_system=file_system, tasks=tuple(tasks), target_location_arn=target, log_group=group, notes=notes
    )
    note_ready(place, found.to_dict())
    return found


def load_resources(place: Workplace) -> Resources:
    """Return what `ensure_transfer_resources` found last; no call to DataSync or FSx.

    :raises RefusedError: it never ended.
    """
    ready = read_ledger(place).ready
    if ready is None:
        raise RefusedError(
            f"Migration {place.migration.name} has no locations and tasks yet: run fsx_migration_migrate."
        )
    return Resources.from_dict(ready)


def _log_group(place: Workplace) -> tuple[str, str, tuple[str, ...]]:
    """Return name, ARN and notes; Enhanced tasks take no ARN."""
    if place.migration.transfer.mode != BASIC:
        return ENHANCED_LOG_GROUP, "", ()
    arn = log_groups.ensure_log_group(place)
    note = log_groups.missing_policy(place, arn)
    return place.migration.transfer.log_group, arn, (note,) if note else ()
