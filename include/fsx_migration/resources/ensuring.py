"""Have one resource of DataSync for a role and an agent: the noted one, else a tagged one, else a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.fsx_migration.resources.ledger import Origin, intend, settle
from include.fsx_migration.resources.tagging import agent_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from include.fsx_migration.resources.inventory import Tagged
    from include.fsx_migration.workplace import Workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How a resource is listed, compared, made and unmade.

    :param refuse_drift: raises when what was found is not what is wanted.
    """

    list_tagged: Callable[[], Sequence[Tagged]]
    refuse_drift: Callable[[Tagged], None]
    create: Callable[[], str]
    delete: Callable[[str], None]


def ensure(place: Workplace, role: str, agent: str, *, tagged: Sequence[Tagged], means: Means) -> str:
    """Return the ARN of the resource; of two workers at once, both go on with the one that was noted first.

    :param tagged: what was listed before; listed again when the ledger knows of something newer.
    """
    entry = intend(place, role, agent_id(agent))
    ours = _of(tagged, role, agent)
    if entry.arn and entry.arn not in ours:
        ours = _of(means.list_tagged(), role, agent)
    if found := ours.get(entry.arn) or next(iter(ours.values()), None):
        means.refuse_drift(found)
        return settle(place, entry, arn=found.arn, origin=Origin.CREATED, over=_gone(entry.arn, ours))
    made = means.create()
    counts = settle(place, entry, arn=made, origin=Origin.CREATED, over=entry.arn)
    if counts != made:
        means.delete(made)  # another worker was faster
    return counts


def _of(tagged: Iterable[Tagged], role: str, agent: str) -> dict[str, Tagged]:
    return {found.arn: found for found in tagged if (found.role, found.agent) == (role, agent_id(agent))}


def _gone(noted: str, ours: dict[str, Tagged]) -> str:
    return "" if noted in ours else noted
