"""What EC2 offers and what it costs: a dated snapshot of one Region."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class CatalogueError(ValueError):
    """A price file cannot be used; the message is the sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """One EC2 instance type with its on-demand Linux price on shared hardware.

    Network in Gbit/s per direction, EBS in MB/s (10^6 bytes) and operations a second; "baseline" is what lasts,
    "peak" and "max" what bursts reach.
    """

    name: str
    vcpu: int
    memory_mib: int
    architecture: str
    """x86_64 or arm64"""
    family: str
    """the part before the dot, as m7i"""
    generation: int
    hourly_usd: float
    network_gbit_baseline: float
    network_gbit_peak: float
    ebs_mb_s_baseline: float
    ebs_mb_s_max: float
    ebs_iops_baseline: int
    ebs_iops_max: int
    is_burstable: bool
    is_metal: bool
    is_accelerated: bool
    """carries GPUs, FPGAs, inference or media chips"""
    physical_cores: int
    valid_cores: tuple[int, ...]
    """core counts that Optimize CPUs allows; empty: it cannot be chosen"""
    valid_threads: tuple[int, ...]
    cpu_baseline_share: float
    """share of all vCPUs that lasts: 1, less for burstable and flex types, 0 where the vendor's figure is not known"""

    @property
    def is_flex(self) -> bool:
        """True for the -flex families, which give full CPU for 95 % of a day only."""
        return self.family.endswith("-flex")


@dataclass(frozen=True, slots=True, kw_only=True)
class LicencePrice:
    """A licence that the hourly price includes, by vCPU."""

    name: str
    """windows, sql_web, sql_standard, sql_enterprise"""
    usd_per_vcpu_hour: float
    source: str
    as_of: str
    """ISO date of the figure"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePrice:
    """What an EBS volume type costs a month, and its limits; sizes in GiB, throughput in MiB/s as EBS counts it."""

    name: str
    usd_per_gib_month: float
    usd_per_iops_month: tuple[tuple[int, float], ...]
    """(from this many IOPS on, price of each further one), ascending"""
    usd_per_mb_s_month: float
    included_iops: int
    included_mb_s: int
    max_iops: int
    max_mb_s: int
    max_gib: int
    max_iops_per_gib: int
    max_mb_s_per_iops: float
    source: str
    as_of: str

    def monthly_usd(self, gib: float, iops: float, mb_s: float) -> float:
        """Return the price of one month for a volume of this size and performance."""
        total = gib * self.usd_per_gib_month + max(0.0, mb_s - self.included_mb_s) * self.usd_per_mb_s_month
        edges = [start for start, _ in self.usd_per_iops_month[1:]] + [float("inf")]
        for (start, price), end in zip(self.usd_per_iops_month, edges, strict=True):
            total += max(0.0, min(iops, end) - start) * price
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Instance types, licences and volumes of one Region at one date; `types` are ordered by price, then name."""

    region: str
    price_date: str
    """ISO date of the instance prices"""
    source: str
    types: tuple[InstanceType, ...]
    licences: Mapping[str, LicencePrice]
    volumes: Mapping[str, VolumePrice]
    """gp3 and io2"""
    notes: tuple[str, ...] = ()
    """sentences that a report must show: what was left out, what is missing"""
    _by_name: Mapping[str, InstanceType] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {kind.name: kind for kind in self.types})

    def type(self, name: str) -> InstanceType:
        """Return the type of this name.

        :raises KeyError: the catalogue has no such type.
        """
        return self._by_name[name]
