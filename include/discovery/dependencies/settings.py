"""What a user may set for the finding of applications."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencySettings:
    """How applications and tiers are found in traffic; docs/discovery/dependencies.md explains each rule."""

    hub_minimum_peers: int = field(
        default=25,
        metadata={"doc": "A server with fewer peers is no shared service.", "minimum": 2, "maximum": 1_000_000},
    )
    hub_deviations: float = field(
        default=4.0,
        metadata={
            "doc": "How many robust standard deviations above the median (of log peers) makes a shared service.",
            "minimum": 1.0,
            "maximum": 20.0,
        },
    )
    hub_port_share: float = field(
        default=0.5,
        metadata={
            "doc": "Share of peers on the ports of one shared service that names it.",
            "minimum": 0.1,
            "maximum": 1.0,
        },
    )
    hub_server_ids: tuple[str, ...] = field(
        default=(), metadata={"doc": "Servers that are shared services in any case."}
    )
    not_hub_server_ids: tuple[str, ...] = field(default=(), metadata={"doc": "Servers that are none in any case."})
    resolutions: tuple[float, ...] = field(
        default=(0.15, 0.3),
        metadata={"doc": "Density (in mean edge weights) that a first group must have; the best is taken."},
    )
    joins: tuple[float, ...] = field(
        default=(0.25, 0.3, 0.35, 0.4, 0.5),
        metadata={
            "doc": "Share of a group's traffic that, going to one other group, joins the two; the best is taken."
        },
    )
    default_resolution: float = field(default=0.3, metadata={"doc": "Resolution without a CMDB to agree with."})
    default_join: float = field(default=0.3, metadata={"doc": "Join share without a CMDB to agree with."})
    same_application_factor: float = field(
        default=2.0,
        metadata={"doc": "Weight of traffic between servers of one CMDB application.", "minimum": 1.0, "maximum": 10.0},
    )
    other_application_factor: float = field(
        default=0.2,
        metadata={"doc": "Weight of traffic between servers of two CMDB applications.", "minimum": 0.0, "maximum": 1.0},
    )
    held_out_every: int = field(
        default=5,
        metadata={
            "doc": "One in this many CMDB names is kept back to measure agreement.",
            "minimum": 2,
            "maximum": 100,
        },
    )
    minimum_labels: int = field(
        default=20, metadata={"doc": "CMDB names needed before agreement chooses.", "minimum": 2, "maximum": 1_000_000}
    )
    tier_similarity: float = field(
        default=0.5,
        metadata={"doc": "Cosine similarity of two servers' ports that links them.", "minimum": 0.05, "maximum": 1.0},
    )
