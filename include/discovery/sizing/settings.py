"""What a user may set for the sizing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_GENERATIONS = MappingProxyType({"c": 6, "m": 6, "r": 6, "t": 3, "x": 2, "u": 7})
_BASES = ("nameplate", "avg", "p95", "p99", "max")


def _doc(text: str, **limits: object) -> dict[str, object]:
    return {"doc": text, **limits}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What the observed use is multiplied by; the nameplate has no headroom."""

    avg: float = field(default=1.3, metadata=_doc("on the average", minimum=1.0, maximum=5.0))
    p95: float = field(default=1.2, metadata=_doc("on the 95th percentile", minimum=1.0, maximum=5.0))
    p99: float = field(default=1.3, metadata=_doc("on the 99th percentile", minimum=1.0, maximum=5.0))
    max: float = field(default=1.3, metadata=_doc("on the maximum", minimum=1.0, maximum=5.0))

    def of(self, basis: str) -> float:
        """Return the factor of a basis, 1 for the nameplate."""
        return {"nameplate": 1.0, "avg": self.avg, "p95": self.p95, "p99": self.p99, "max": self.max}[basis]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingSettings:
    """How servers are sized; docs/discovery/sizing.md explains each rule."""

    basis: str = field(
        default="rule",
        metadata=_doc("'rule' chooses by environment and role; else one basis for all", choices=("rule", *_BASES)),
    )
    production_basis: str = field(
        default="p99", metadata=_doc("basis for production and database hosts", choices=("avg", "p95", "p99", "max"))
    )
    other_basis: str = field(
        default="p95", metadata=_doc("basis for every other server", choices=("avg", "p95", "p99", "max"))
    )
    headroom: Headroom = field(default_factory=Headroom, metadata=_doc("factors on the observed use, by basis"))
    production_environments: tuple[str, ...] = field(
        default=("production", "disaster_recovery"), metadata=_doc("environments sized as production")
    )
    unknown_environment_is_production: bool = field(
        default=True, metadata=_doc("size servers without a known environment as production")
    )
    minimum_days: float = field(
        default=14.0, metadata=_doc("days of samples below which the nameplate is taken", minimum=0.0, maximum=366.0)
    )
    minimum_coverage: float = field(
        default=0.6, metadata=_doc("share of the time that samples must cover", minimum=0.0, maximum=1.0)
    )
    longest_gap_seconds: int = field(
        default=3600, metadata=_doc("a sample that lasts longer counts as one usual step", minimum=60, maximum=86400)
    )
    use_stated_figures: bool = field(
        default=False,
        metadata=_doc("without samples, size by the maximum that a source states; its period is unknown"),
    )
    cap_at_nameplate: bool = field(
        default=True, metadata=_doc("never need more vCPU or memory than the server has today")
    )
    cpu_speed_factor: float = field(
        default=1.0,
        metadata=_doc(
            "vCPUs of EC2 that replace one of today's: below 1 if EC2's are faster", minimum=0.1, maximum=10.0
        ),
    )
    allow_arm64: bool = field(default=False, metadata=_doc("let Linux servers on x86_64 move to arm64 (Graviton)"))
    minimum_generation: Mapping[str, int] = field(
        default_factory=lambda: _GENERATIONS,
        metadata=_doc("lowest generation by class letters; classes not named are left out", minimum=1, maximum=99),
    )
    excluded_families: tuple[str, ...] = field(default=(), metadata=_doc("families never to choose, as m7a"))
    burstable: str = field(
        default="non_production",
        metadata=_doc("where burstable (t) and -flex types may go", choices=("never", "non_production", "always")),
    )
    allow_metal: bool = field(default=False, metadata=_doc("allow bare-metal types"))
    allow_accelerated: bool = field(default=False, metadata=_doc("allow types with GPUs and other accelerators"))
    performance: str = field(
        default="baseline",
        metadata=_doc("network and disk figures of a type to hold the need against", choices=("baseline", "burst")),
    )
    storage_basis: str = field(
        default="provisioned",
        metadata=_doc("size volumes by what is provisioned or used", choices=("provisioned", "used")),
    )
    used_storage_headroom: float = field(
        default=1.3, metadata=_doc("factor on used storage when volumes are sized by it", minimum=1.0, maximum=5.0)
    )
