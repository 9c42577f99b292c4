"""What must move before what: depths along precedence, and a refusal that names a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.discovery.waves.estate import Group
    from include.discovery.waves.settings import WaveSettings


class PlanRefusedError(ValueError):
    """No plan can hold to the settings; the message says which and what to change."""


def read_precedence(
    groups: Sequence[Group], settings: WaveSettings
) -> tuple[dict[int, set[int]], list[int], list[str]]:
    """Return (groups that each needs before it, the groups concerned in an order that holds, names no group has).

    :raises PlanRefusedError: the pairs go in a circle.
    """
    number = {group.name: group.number for group in groups}
    needs: dict[int, set[int]] = {}
    unknown = set()
    for pair in settings.precedence:
        missing = {name for name in (pair.before, pair.after) if name not in number}
        unknown |= missing
        if not missing:
            needs.setdefault(number[pair.after], set()).add(number[pair.before])
    if settings.hubs_first:
        _hubs_need_nothing(groups, needs)
    try:
        ordered = list(TopologicalSorter({k: sorted(needs[k]) for k in sorted(needs)}).static_order())
    except CycleError as error:
        circle = " before ".join(groups[n].name for n in error.args[1])
        raise PlanRefusedError(
            f"Setting waves.precedence goes in a circle ({circle}); remove one of these pairs."
        ) from error
    return needs, ordered, sorted(unknown)


def _hubs_need_nothing(groups: Sequence[Group], needs: dict[int, set[int]]) -> None:
    for after, befores in needs.items():
        late = sorted(b for b in befores if groups[after].is_hub and not groups[b].is_hub)
        if late:
            raise PlanRefusedError(
                f"Setting waves.precedence puts {groups[late[0]].name} before {groups[after].name}, "
                f"which is a shared service "
                "and moves first; remove the pair or set waves.hubs_first to false."
            )
