"""The catalogue of discovery tools: dated data, each value yes, partial, no or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

DATA: Final = Path(__file__).parent / "data" / "tools.yaml"
CLASSES: Final = ("core", "common", "special", "provisioning", "operation")
VALUES: Final = {"yes": 1.0, "partial": 0.5, "unknown": 0.25, "no": 0.0}
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: Final = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. `closed`: no new customers from that day; `until`: its last day."""

    name: str
    vendor: str
    features: Mapping[str, str]
    sources: tuple[str, ...]
    closed: date | None = None
    until: date | None = None

    def has(self, feature: str) -> str:
        """Return yes, partial, no or unknown."""
        return self.features.get(feature, "unknown")


@dataclass(frozen=True, slots=True)
class ToolCatalogue:
    """Tools, features by class (name to what it means), and the fields that each outcome needs."""

    as_of: str
    tools: tuple[Tool, ...]
    features: Mapping[str, Mapping[str, str]]
    outcomes: Mapping[str, tuple[str, ...]]
    told_by_people: tuple[str, ...]

    def class_of(self, feature: str) -> str:
        """Return the class of a feature, or '' for none."""
        return next((name for name, below in self.features.items() if feature in below), "")


def load_catalogue(path: Path = DATA) -> ToolCatalogue:
    """Read the catalogue that is shipped, or another of its form.

    :raises ValueError: a tool has a feature or a value that the file does not define.
    """
    with path.open(encoding="utf-8") as file:
        found = yaml.load(file, Loader=_LOADER)  # noqa: S506  # a subclass of SafeLoader, or SafeLoader itself
    features = {name: dict(found["features"][name]) for name in CLASSES}
    known = {name for below in features.values() for name in below}
    return ToolCatalogue(
        as_of=str(found["as_of"]),
        tools=tuple(_tool(one, known) for one in found["tools"]),
        features=features,
        outcomes={name: tuple(fields) for name, fields in found["outcomes"].items()},
        told_by_people=tuple(found["told_by_people"]),
    )


def _tool(found: dict[str, Any], known: set[str]) -> Tool:
    values = {name: _WORDS.get(value, str(value)) for name, value in found["features"].items()}
    for name, value in values.items():
        if name not in known or value not in VALUES:
            raise ValueError(
                f"{found['name']}: {name}: {value} is not known; use a listed feature and {', '.join(VALUES)}."
            )
    return Tool(
        name=found["name"], vendor=found["vendor"], features=values, sources=tuple(found["sources"]),
        closed=found.get("closed"), until=found.get("until"),
    )  # fmt: skip
