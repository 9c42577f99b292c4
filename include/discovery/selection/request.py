"""What somebody wants from a discovery tool, read from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from include.yaml_lines import ProblemsError, open_mapping

if TYPE_CHECKING:
    from collections import abc
    from collections.abc import Sequence
    from datetime import date

    from include.discovery.selection.catalogue import ToolCatalogue
    from include.yaml_lines import Mapping

WEIGHTS: Final = {"core": 5.0, "common": 3.0, "special": 2.0, "provisioning": 2.0, "operation": 1.0, "priorities": 3.0}
HELD: Final = ("yes", "partial", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRequest:
    """The wanted outcome and what is in house; features wanted beyond the core; weights by class.

    `in_house`: field to yes, partial or no; `priorities`: features in order of weight for the final choice (1, 0.8,
    0.6, then 0.6 each); `holds`: tools already in use, which stay open to their customers; `at`: the day of the choice.
    """

    outcome: str
    at: date
    in_house: abc.Mapping[str, str] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    weights: abc.Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))


def read_request(text: str, *, catalogue: ToolCatalogue, at: date) -> SelectionRequest:
    """Read a request: `outcome`, `in_house`, `wanted`, `priorities`, `holds`, `weights`.

    :raises ProblemsError: with the line and a sentence for everything that is wrong.
    """
    mapping = open_mapping(text, opening="`outcome:`")
    known = sorted({name for below in catalogue.features.values() for name in below})
    fields = sorted({name for below in catalogue.outcomes.values() for name in below})
    outcome = mapping.choice("outcome", list(catalogue.outcomes), required=True)
    in_house, weights = _in_house(mapping, fields), _weights(mapping)
    wanted, priorities = _names(mapping, "wanted", known), _names(mapping, "priorities", known)
    holds = _names(mapping, "holds", [tool.name for tool in catalogue.tools])
    mapping.refuse_other_keys()
    if mapping.problems:
        raise ProblemsError(mapping.problems)
    return SelectionRequest(
        outcome=str(outcome),
        at=at,
        in_house=in_house,
        wanted=wanted,
        priorities=priorities,
        holds=holds,
        weights=weights,
    )


def _in_house(mapping: Mapping, fields: list[str]) -> dict[str, str]:
    below = mapping.mapping("in_house")
    if below is None:
        return {}
    found = {name: value for name in fields if (value := below.choice(name, HELD))}
    below.refuse_other_keys(fields)
    return found


def _weights(mapping: Mapping) -> dict[str, float]:
    below, found = mapping.mapping("weights"), dict(WEIGHTS)
    if below is not None:
        for name in WEIGHTS:
            value = below.number(name, low=0, high=100)
            found[name] = found[name] if value is None else value
        below.refuse_other_keys(list(WEIGHTS))
        if not sum(found.values()):
            below.problem(None, "all weights are 0; give at least one class a weight.")
    return found


def _names(mapping: Mapping, key: str, known: Sequence[str]) -> tuple[str, ...]:
    names = mapping.texts(key)
    for name in names:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0.4)
            advice = f"did you mean {nearest[0]}?" if nearest else f"use one of {', '.join(known)}."
            mapping.problem(key, f"{name!r} is not in the catalogue; {advice}")
    return names
