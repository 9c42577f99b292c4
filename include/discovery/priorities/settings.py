"""What the order of applications rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _weight(default: float, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc, "minimum": 0.0, "maximum": 100.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class PrioritySettings:
    """Weights of the criteria: 1 high, 0.8 medium-high, 0.6 medium, as AWS's guidance multiplies; 0 leaves one out."""

    environment: float = _weight(1.0, "Non-production before production.")
    criticality: float = _weight(1.0, "Less critical before critical.")
    size: float = _weight(0.8, "Few servers before many.")
    dependencies: float = _weight(1.0, "Few other groups that it talks with before many.")
    databases: float = _weight(0.8, "Few databases before many.")
    strategy: float = _weight(0.8, "Strategies that are easy to carry out before hard ones.")
    compliance: float = _weight(0.6, "Groups without compliance marks before those with.")
    end_of_support: float = _weight(0.6, "Groups whose systems lose support before others.")
    licences: float = _weight(0.6, "Groups that save licence money before others.")
    confidence: float = _weight(0.6, "Groups that are well known before those that are guessed.")
    change: float = field(
        default=0.2,
        metadata={
            "doc": "By which share each weight is changed for the range of ranks.",
            "minimum": 0.0,
            "maximum": 0.9,
        },
    )
