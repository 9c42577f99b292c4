"""What each server needs by each basis, and the basis that the rules choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.discovery.sizing.summaries import METRICS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.discovery.sizing.facts import Facts
    from include.discovery.sizing.settings import SizingSettings

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

BASES: Final = ("nameplate", "avg", "p95", "p99", "max")
NEEDS: Final = ("cpu", "sustained", "memory", "network", "disk_mb_s", "iops")
"""vCPU at the basis, vCPU on average, MiB, Gbit/s of the busier direction, MB/s and operations a second of disks."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Shape (BASES, servers) each; `known` tells which bases have an answer."""

    values: dict[str, Floats]
    known: Flags
    chosen: NDArray[np.int64]
    """shape (servers): place in BASES"""
    is_fallback: Flags
    is_memory_observed: Flags
    """enough samples of memory; otherwise every basis takes the memory that is there"""
    as_production: Flags


def work_out(facts: Facts, settings: SizingSettings) -> Needs:
    """Work out the needs of every basis and choose one for each server."""
    import numpy as np

    enough = _enough(facts, settings)
    memory_enough = enough[METRICS.index("memory_percent")]
    cpu = np.stack([_cpu(facts, basis, settings) for basis in BASES])
    values = {
        "cpu": cpu,
        "sustained": _sustained(facts, cpu, settings),
        "memory": np.stack([_memory(facts, basis, memory_enough, settings) for basis in BASES]),
        "network": np.stack([_performance(facts, basis, "network", settings) * 8 / 1000 for basis in BASES]),
        "disk_mb_s": np.stack([_performance(facts, basis, "disk_mb_s", settings) for basis in BASES]),
        "iops": np.stack([_performance(facts, basis, "iops", settings) for basis in BASES]),
    }
    known = ~(np.isnan(values["cpu"]) | np.isnan(values["memory"]))
    as_production = facts.is_production | facts.is_database
    if settings.unknown_environment_is_production:
        as_production = as_production | facts.is_unknown_environment
    chosen, is_fallback = _choose(facts, known, as_production, enough[METRICS.index("cpu_percent")], settings)
    return Needs(values, known, chosen, is_fallback, memory_enough, as_production)


def _enough(facts: Facts, settings: SizingSettings) -> Flags:
    """Tell by metric and server whether its samples carry a decision; NaN compares as not enough."""
    enough: Flags = (facts.days >= settings.minimum_days) & (facts.coverage >= settings.minimum_coverage)
    return enough


def _statistic(facts: Facts, metric: str, basis: str) -> Floats:
    """Return the observed statistic; where there are no samples, the stated average or maximum."""
    import numpy as np

    observed = facts.use(metric, basis)
    if basis not in ("avg", "max"):
        return observed
    return np.where(np.isnan(observed), facts.stated[METRICS.index(metric), ("avg", "max").index(basis)], observed)


def _cpu(facts: Facts, basis: str, settings: SizingSettings) -> Floats:
    import numpy as np

    today = facts.cores * settings.cpu_speed_factor
    if basis == "nameplate":
        return today
    needed = _statistic(facts, "cpu_percent", basis) / 100 * today * settings.headroom.of(basis)
    return np.minimum(needed, today) if settings.cap_at_nameplate else needed


def _sustained(facts: Facts, cpu: Floats, settings: SizingSettings) -> Floats:
    """The vCPUs in use on average; where that is not known, all that the basis needs."""
    import numpy as np

    average = _statistic(facts, "cpu_percent", "avg") / 100 * facts.cores * settings.cpu_speed_factor
    lasting = np.where(np.isnan(average), cpu, np.minimum(average, cpu))
    lasting[0] = cpu[0]  # the nameplate knows nothing of the use
    return lasting


def _memory(facts: Facts, basis: str, is_observed: Flags, settings: SizingSettings) -> Floats:
    """The basis' use with headroom, never below p99, never above what is there if so set; unobserved: what is there."""
    import numpy as np

    if basis == "nameplate":
        return facts.memory
    used = _statistic(facts, "memory_percent", basis) * settings.headroom.of(basis)
    needed = np.fmax(used, facts.use("memory_percent", "p99")) / 100 * facts.memory
    if settings.cap_at_nameplate:
        needed = np.minimum(needed, facts.memory)
    is_stated = np.isnan(facts.use("memory_percent", "avg")) & ~np.isnan(needed)
    return np.where(is_observed | is_stated, needed, facts.memory)


def _performance(facts: Facts, basis: str, need: str, settings: SizingSettings) -> Floats:
    """Network (busier direction) or disk (reads and writes together), 0 where nothing is known.

    The sum of two percentiles is at least nearly the percentile of the sum: the safe side. The nameplate takes the
    highest figure known, since a configuration tells no rate.
    """
    import numpy as np

    statistic = "max" if basis == "nameplate" else basis
    headroom = settings.headroom.of(basis)
    if need == "network":
        both = [_statistic(facts, f"network_{way}_mb_s", statistic) for way in ("in", "out")]
        return np.nan_to_num(np.fmax(*both) * headroom)
    unit = "mb_s" if need == "disk_mb_s" else "iops"
    each = [np.nan_to_num(_statistic(facts, f"disk_{way}_{unit}", statistic)) for way in ("read", "write")]
    result: Floats = (each[0] + each[1]) * headroom
    return result


def _choose(
    facts: Facts, known: Flags, as_production: Flags, cpu_enough: Flags, settings: SizingSettings
) -> tuple[NDArray[np.int64], Flags]:
    import numpy as np

    if settings.basis == "rule":
        wanted = np.where(as_production, BASES.index(settings.production_basis), BASES.index(settings.other_basis))
    else:
        wanted = np.full(len(facts.cores), BASES.index(settings.basis))
    usable = cpu_enough & known[wanted, np.arange(len(wanted))]
    chosen = np.where(usable, wanted, 0)
    if settings.use_stated_figures:
        unsampled = np.isnan(facts.use("cpu_percent", "avg")) & known[BASES.index("max")]
        chosen = np.where(unsampled & (wanted > 0), BASES.index("max"), chosen)
    return chosen, (chosen == 0) & (wanted > 0)
