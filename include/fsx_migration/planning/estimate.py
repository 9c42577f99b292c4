"""How long the full pass takes and what it costs, before it starts: ranges from stated assumptions and dated prices.

Nothing is measured yet, so the range of time is one of assumptions (slow, likely, fast; `data/datasync_limits.json`);
`eta` replaces it as soon as the transfer runs. What nobody can know before (how much changes between passes, how large
task reports and logs get) is named as not counted instead of being guessed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.planning import capabilities
from include.fsx_migration.planning.bandwidth import seconds_to_move
from include.fsx_migration.planning.estimate_cost import Cost, estimate_cost

if TYPE_CHECKING:
    from datetime import datetime

    from include.fsx_migration.planning.preflight import Survey
    from include.fsx_migration.planning.prices import Prices

_MIB: Final = 1 << 20
_MB: Final = 1e6
CASES: Final = ("fast", "likely", "slow")
AGENTS: Final = "the agents"
FILE_SYSTEM: Final = "the file system's throughput"
CALENDAR: Final = "the bandwidth calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """How long the full pass takes under one set of assumptions.

    :ivar rate_bytes_s: of bytes, all agents together, before the calendar.
    :ivar bound_by: what makes it no faster.
    """

    transfer_seconds: float
    verify_seconds: float
    rate_bytes_s: float
    bound_by: str

    @property
    def seconds(self) -> float:
        """Both phases."""
        return self.transfer_seconds + self.verify_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Time and cost of the full pass.

    :ivar start: from when it is counted.
    :ivar times: by `CASES`.
    :ivar assumptions: what it rests on, sentences with their sources.
    """

    start: datetime
    times: dict[str, Time]
    cost: Cost
    assumptions: tuple[str, ...]

    def end(self, case: str) -> datetime:
        """Return when the full pass ends in a case; at most some thousand years ahead."""
        return self.start + timedelta(seconds=min(self.times[case].seconds, 1e10))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types; `seconds` is low, likely, high."""
        return {
            "start": self.start.isoformat(),
            "seconds": {case: self.times[case].seconds for case in CASES},
            "times": {case: asdict(time) for case, time in self.times.items()},
            "cost": asdict(self.cost),
            "assumptions": list(self.assumptions),
        }


def estimate(survey: Survey, prices: Prices) -> Estimate:
    """Return the estimate of the full pass, from `survey.now` on."""
    times = {case: _time(survey, case) for case in CASES}
    return Estimate(
        start=survey.now,
        times=times,
        cost=estimate_cost(survey, prices, {case: time.seconds for case, time in times.items()}),
        assumptions=_assumptions(survey),
    )


def _time(survey: Survey, case: str) -> Time:
    agents = max(1, len(survey.migration.source.agents))
    by_agents = capabilities.datasync(f"agent_rate_{case}").value * _MIB * agents / survey.balance.agents
    # Files have a cost besides their bytes: a rate of work carries fewer bytes where files are small.
    share = survey.needed_bytes / survey.cost if survey.cost else 1.0
    rate, bound_by = by_agents * share, AGENTS
    by_file_system = survey.target.throughput_mb_s * _MB
    if 0 < by_file_system < rate:
        rate, bound_by = by_file_system, FILE_SYSTEM
    if survey.needed_bytes:
        free = survey.needed_bytes / rate
        transfer = seconds_to_move(
            survey.migration.bandwidth, start=survey.now, size_bytes=survey.needed_bytes, rate_bytes_s=rate
        )
        bound_by = CALENDAR if transfer > 1.2 * free else bound_by
    else:
        free = transfer = survey.cost / by_agents
    verified = survey.migration.transfer.verify != "NONE"
    verify = free * capabilities.datasync(f"verify_share_{case}").value if verified else 0.0
    return Time(transfer_seconds=transfer, verify_seconds=verify, rate_bytes_s=rate, bound_by=bound_by)


def _assumptions(survey: Survey) -> tuple[str, ...]:
    slow, likely, fast = (capabilities.datasync(f"agent_rate_{case}") for case in ("slow", "likely", "fast"))
    agents = max(1, len(survey.migration.source.agents))
    named = "agent" if agents == 1 else "agents"
    rates = f"each {slow.value:.0f} to {fast.value:.0f} MiB/s, likely {likely.value:.0f} ({likely.source})"
    found = [
        f"{agents} {named}, {rates}.",
        f"A file costs its bytes plus {survey.cost_per_file_bytes / _MIB:.3g} MiB (planning assumption, not measured).",
        f"The target writes at most {survey.target.throughput_mb_s:,.0f} MB/s.",
    ]
    if survey.migration.transfer.verify != "NONE":
        share = capabilities.datasync("verify_share_likely")
        found.append(f"Verifying takes {share.value:.0%} of the transfer's time, likely ({share.source}).")
    found.append("Passes after the full one are not counted: nobody knows yet how much changes.")
    return tuple(found)
