"""What a user may set for the plan of waves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """Days on which nothing moves, both ends included."""

    starts: date = field(default=date.max, metadata={"doc": "First day."})
    ends: date = field(default=date.max, metadata={"doc": "Last day."})
    reason: str = field(default="blackout", metadata={"doc": "Why, as in 'year-end close'."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedence:
    """One application group that moves in an earlier wave than another."""

    before: str = field(default="", metadata={"doc": "Application group that moves first."})
    after: str = field(default="", metadata={"doc": "Application group that moves in a later wave."})


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveSettings:
    """How waves are planned; docs/discovery/waves.md explains each rule."""

    servers_per_wave: int = field(
        default=150, metadata={"doc": "Servers that one wave moves at most.", "minimum": 1, "maximum": 100_000}
    )
    storage_gib_per_wave: float = field(
        default=0.0,
        metadata={"doc": "Storage that one wave moves at most; 0 is no limit.", "minimum": 0.0, "maximum": 1e9},
    )
    starts: date | None = field(
        default=None, metadata={"doc": "First day of wave 1; without it `lead_days` after the assessment."}
    )
    lead_days: int = field(
        default=28, metadata={"doc": "Days from the assessment to wave 1.", "minimum": 0, "maximum": 3650}
    )
    wave_days: int = field(default=14, metadata={"doc": "Length of a wave.", "minimum": 1, "maximum": 365})
    blackouts: tuple[Blackout, ...] = field(default=(), metadata={"doc": "Days on which nothing moves."})
    precedence: tuple[Precedence, ...] = field(
        default=(), metadata={"doc": "Pairs of groups of which one moves first."}
    )
    hubs_first: bool = field(default=True, metadata={"doc": "Shared services move first, in waves of their own."})
    pilot_waves: int = field(default=3, metadata={"doc": "Small first waves.", "minimum": 0, "maximum": 10})
    pilot_servers: int = field(
        default=9, metadata={"doc": "Servers in a small first wave at most.", "minimum": 1, "maximum": 1000}
    )
    pinned: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata={
            "doc": "Wave by application group; wins over the sources' and over any rule.",
            "minimum": 1,
            "maximum": 10_000,
        },
    )
    split_oversized: bool = field(
        default=False,
        metadata={"doc": "Split a group above the capacity along its tiers; else it moves alone and is flagged."},
    )
    window_waves: int = field(
        default=5, metadata={"doc": "Next waves that CP-SAT improves; 0 is none.", "minimum": 0, "maximum": 6}
    )
    window_effort: float = field(
        default=2.0,
        metadata={
            "doc": "CP-SAT's limit in deterministic units (about seconds); equal on every machine.",
            "minimum": 0.1,
            "maximum": 600.0,
        },
    )
