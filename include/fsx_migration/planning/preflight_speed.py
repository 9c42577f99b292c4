"""Whether the wanted window can be met: by the file system, the agents, and one's own calendar; see `preflight`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from include.fsx_migration.definition import LUSTRE_THROUGHPUTS, WINDOWS_THROUGHPUTS
from include.fsx_migration.planning import capabilities
from include.fsx_migration.planning.bandwidth import seconds_to_move
from include.fsx_migration.planning.plans import Finding, Severity
from include.fsx_migration.sizes import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.fsx_migration.planning.preflight import Survey

_MB: Final = 1e6
_MIB: Final = 1 << 20
_FOR_EVER: Final = 1e15
"""A rate that no calendar and no wire lets through, in bytes/s."""


def speed(survey: Survey) -> Iterator[Finding]:
    """Yield what is too slow for the wanted window; without one, how long the narrowest place takes."""
    if survey.target.problem or not survey.needed_bytes:
        return
    by_file_system = survey.needed_bytes / (survey.target.throughput_mb_s * _MB)
    if survey.window_hours is None:
        yield Finding(
            code="no_window",
            severity=Severity.NOTE,
            sentence=f"No window is wanted; writing {size(survey.needed_bytes)} at the file system's "
            f"{survey.target.throughput_mb_s:,.0f} MB/s alone takes {duration(by_file_system)}.",
        )
        return
    window = timedelta(hours=survey.window_hours).total_seconds()
    needed = survey.needed_bytes / window / _MB
    if by_file_system > window:
        yield Finding(
            code="throughput",
            severity=Severity.BLOCK,
            sentence=f"{size(survey.needed_bytes)} in {duration(window)} take {needed:,.0f} MB/s and the file system "
            f"gives {survey.target.throughput_mb_s:,.0f}: {_remedy(survey, needed)}, or take a longer window.",
            source="FSx API reference, PerUnitStorageThroughput and ThroughputCapacity",
        )
    yield from _calendar(survey, window)
    yield from _agents(survey, window)


def _remedy(survey: Survey, needed_mb_s: float) -> str:
    if survey.target.is_windows:
        enough = next((step for step in WINDOWS_THROUGHPUTS if step >= needed_mb_s), None)
        return f"set throughput_mib_s to {enough}" if enough else "no Windows file system is fast enough"
    storage = survey.target.storage_gib
    tiers = [tier for tier in LUSTRE_THROUGHPUTS if storage / 1000 * tier >= needed_mb_s]
    gib = needed_mb_s / (survey.target.throughput_per_tib or LUSTRE_THROUGHPUTS[0]) * 1000
    larger = 1200 if gib <= 1200 else 2400 * -int(-gib // 2400)
    more = f"give it {larger} GiB"
    return f"set throughput_per_tib to {tiers[0]}, or {more}" if tiers else more


def _calendar(survey: Survey, window: float) -> Iterator[Finding]:
    bandwidth = survey.migration.bandwidth
    least = seconds_to_move(bandwidth, start=survey.now, size_bytes=survey.profile.bytes, rate_bytes_s=_FOR_EVER)
    if least > window:
        yield Finding(
            code="calendar",
            severity=Severity.BLOCK,
            sentence=f"The bandwidth calendar alone lets {size(survey.profile.bytes)} through in {duration(least)} "
            f"from now, and the window is {duration(window)}: raise limit_mib_s, or take a longer window.",
        )


def _agents(survey: Survey, window: float) -> Iterator[Finding]:
    agents = max(1, len(survey.migration.source.agents))
    fact = capabilities.datasync("agent_rate_fast")
    cost = survey.cost * survey.balance.agents  # the agent with the most work ends last
    needed = cost / agents / window / _MIB
    if needed > fact.value:
        yield Finding(
            code="agents_too_few",
            severity=Severity.WARN,
            sentence=f"In {duration(window)} each of {agents} agents has to move {needed:,.0f} MiB/s, files counted "
            f"with their overhead; more than {fact.value:,.0f} is not to be expected: add agents.",
            source=fact.told,
            unsure=True,
        )
