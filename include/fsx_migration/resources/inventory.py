"""The locations and tasks of DataSync that carry a migration's tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.fsx_migration.clients import pages
from include.fsx_migration.resources import tagging

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.fsx_migration.workplace import Workplace

_PAGE = 100  # ListLocations, ListTasks: MaxResults at most (DataSync API reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """A resource of this migration; `name` is a location's URI or a task's name."""

    arn: str
    role: str
    agent: str
    name: str


def tagged_locations(place: Workplace) -> tuple[Tagged, ...]:
    """Return the migration's locations, in the order of their ARNs; one call for the tags of each in the account."""
    client = place.clients("datasync")
    listed = pages(client.list_locations, "Locations", MaxResults=_PAGE)
    return _ours(place, ((entry["LocationArn"], entry.get("LocationUri", "")) for entry in listed))


def tagged_tasks(place: Workplace) -> tuple[Tagged, ...]:
    """Return the migration's tasks, in the order of their ARNs; one call for the tags of each in the account."""
    client = place.clients("datasync")
    listed = pages(client.list_tasks, "Tasks", MaxResults=_PAGE)
    return _ours(place, ((entry["TaskArn"], entry.get("Name", "")) for entry in listed))


def tags_of_resource(place: Workplace, arn: str) -> Mapping[str, str]:
    """Return the tags of a DataSync resource."""
    client = place.clients("datasync")
    return tagging.tag_map(pages(client.list_tags_for_resource, "Tags", ResourceArn=arn, MaxResults=_PAGE))


def _ours(place: Workplace, listed: Iterator[tuple[str, str]]) -> tuple[Tagged, ...]:
    found = []
    for arn, name in listed:
        tags = tags_of_resource(place, arn)
        if tags.get(tagging.MIGRATION) == place.migration.name:
            role, agent = tags.get(tagging.ROLE, ""), tags.get(tagging.AGENT, "")
            found.append(Tagged(arn=arn, role=role, agent=agent, name=name))
    return tuple(sorted(found, key=lambda resource: resource.arn))
