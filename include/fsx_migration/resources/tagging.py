"""The tags by which everything of a migration is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MIGRATION: Final = "landfall:migration"
ROLE: Final = "landfall:role"
AGENT: Final = "landfall:agent"
PASSES: Final = "landfall:pass"
PART: Final = "landfall:part"
ATTEMPT: Final = "landfall:attempt"

FILE_SYSTEM: Final = "file-system"
SOURCE_LOCATION: Final = "source-location"
TARGET_LOCATION: Final = "target-location"
TASK: Final = "task"
LOG_GROUP: Final = "log-group"
METRIC_FILTER: Final = "metric-filter"
"""Has no tags; found by its name in the log group."""


def tags_of(migration: str, role: str, *, agent: str = "") -> dict[str, str]:
    """Return the tags of a resource; `agent` is the ARN or id of the agent that a location or task belongs to."""
    found = {MIGRATION: migration, ROLE: role}
    return {**found, AGENT: agent_id(agent)} if agent else found


def agent_id(arn: str) -> str:
    """Return the id in an agent's ARN, as `agent-0123456789abcdef0`."""
    return arn.rsplit("/", 1)[-1]


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the APIs of DataSync and FSx take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(listed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags by key, from the lists of DataSync and FSx."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed}
