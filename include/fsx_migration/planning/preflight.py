"""What stands in the way of a migration before anything is transferred: findings, the gravest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from include.fsx_migration.planning import capabilities, preflight_names, preflight_speed
from include.fsx_migration.planning.plans import Finding, Severity
from include.fsx_migration.sizes import count, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from include.fsx_migration.definition_model import Migration
    from include.fsx_migration.planning.plans import Balance, PlannedPart
    from include.fsx_migration.planning.profile import Profile
    from include.fsx_migration.planning.target_state import TargetState

_LINKS_MATTER: Final = 0.01
"""Share of the tree from which on the copies of hard links want a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything that the preflight judges; it asks nobody.

    :ivar left_out: names that no manifest can hold.
    :ivar agent_problems: a sentence for each agent that cannot work now.
    :ivar tasks_in_region: DataSync tasks of the account that are not this migration's; None when they were not counted.
    :ivar window_hours: how long the full pass may take; None when nobody said.
    :ivar begun: passes of this migration have begun: the target holds files already.
    :ivar scan_notes: what the scan could not see, sentences.
    """

    migration: Migration
    profile: Profile
    parts: Sequence[PlannedPart]
    balance: Balance
    left_out: int
    cost_per_file_bytes: int
    target: TargetState
    now: datetime
    agent_problems: Sequence[str] = ()
    tasks_in_region: int | None = None
    window_hours: float | None = None
    begun: bool = False
    scan_notes: Sequence[str] = field(default_factory=tuple)

    @property
    def needed_bytes(self) -> int:
        """What the tree takes on the target: hard links become files of their own."""
        return self.profile.bytes + self.profile.link_bytes

    @property
    def reserve_bytes(self) -> float:
        """What stays free, as the running migration measures it: a share of the nominal capacity."""
        return self.migration.limits.free_share * self.target.storage_gib * 2**30

    @property
    def cost(self) -> int:
        """The cost of all parts, in bytes."""
        return sum(part.cost for part in self.parts)


def preflight(survey: Survey) -> tuple[Finding, ...]:
    """Return every finding, those that block first; within a severity in the order of their checks."""
    checks = (
        _target,
        _capacity,
        _storage_targets,
        preflight_speed.speed,
        preflight_names.names,
        _quotas,
        _agents,
        _tree,
        _options,
    )
    found = [finding for check in checks for finding in check(survey)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _target(survey: Survey) -> Iterator[Finding]:
    target = survey.target
    if target.problem:
        yield Finding(code="target_unknown", severity=Severity.BLOCK, sentence=target.problem)
    elif target.file_system_id and not target.measured:
        yield Finding(
            code="free_space_unmeasured",
            severity=Severity.WARN,
            sentence=f"CloudWatch has no free space of {target.file_system_id} yet: the plan takes all of its "
            f"{size(target.capacity_bytes)} for free; plan again when it reports.",
        )


def _capacity(survey: Survey) -> Iterator[Finding]:
    target, needed = survey.target, survey.needed_bytes
    if target.problem:
        return
    kept = survey.reserve_bytes
    fact = capabilities.fsx("windows_usable_share" if target.is_windows else "lustre_usable_share")
    severity = Severity.BLOCK
    eased = ""
    if survey.begun:
        severity, eased = Severity.WARN, " Passes have begun, so a part of it is there already."
    elif target.compression == "LZ4":
        severity, eased = Severity.WARN, " LZ4 compression may make it fit; nobody measured how much."
    if needed > target.free_bytes:
        yield Finding(
            code="capacity_total",
            severity=severity,
            sentence=f"The tree takes {size(needed)} and the target has {size(target.free_bytes)} free: give it at "
            f"least {_storage_for(needed + kept, target)} GiB.{eased}",
            source=fact.told,
            unsure=fact.unsure and not target.measured,
        )
    elif needed > target.free_bytes - kept:
        yield Finding(
            code="capacity_reserve",
            severity=severity,
            sentence=f"The tree takes {size(needed)} of {size(target.free_bytes)} free, which leaves less than the "
            f"{survey.migration.limits.free_share:.0%} of limits.free_share at which a running migration stops: give "
            f"the target at least {_storage_for(needed + kept, target)} GiB, or lower the limit.{eased}",
            source=fact.told,
            unsure=fact.unsure and not target.measured,
        )


def _storage_for(needed: float, target: TargetState) -> int:
    """Return a StorageCapacity that holds so many bytes: 1,200, a multiple of 2,400, or whole GiB for Windows."""
    share = target.capacity_bytes / (target.storage_gib * 2**30) if target.storage_gib else 1.0
    gib = needed / share / 2**30
    if target.is_windows:
        return int(gib) + 1
    return 1200 if gib <= 1200 else 2400 * (int(gib / 2400) + 1)


def _storage_targets(survey: Survey) -> Iterator[Finding]:
    """A full storage target ends writes to it while others have room (FSx for Lustre guide, Troubleshooting)."""
    target = survey.target
    if target.problem or target.is_windows:
        return
    fact = capabilities.fsx("lustre_target_gib")
    each, kept = survey.needed_bytes / target.targets, survey.reserve_bytes / target.targets
    fits_in_all = survey.needed_bytes <= target.free_bytes - survey.reserve_bytes
    if fits_in_all and each > target.least_free_bytes - kept:
        yield Finding(
            code="capacity_target",
            severity=Severity.WARN if survey.begun else Severity.BLOCK,
            sentence=f"Spread evenly, each of the {target.targets} storage targets takes {size(each)}, and the fullest "
            f"has {size(target.least_free_bytes)} free, of which limits.free_share keeps {size(kept)}: the migration "
            "would stop although others have room; rebalance it by `lfs migrate`, or add storage.",
            source="FSx for Lustre user guide, Troubleshooting storage issues",
            unsure=not target.measured,
        )
    largest = survey.profile.largest_bytes
    if largest > target.least_free_bytes:
        yield Finding(
            code="largest_file",
            severity=Severity.WARN,
            sentence=f"The largest file has {size(largest)}, more than the {size(target.least_free_bytes)} free on one "
            "storage target: see by `lfs getstripe` that new files are striped over several, else it ends with ENOSPC.",
            source=fact.told,
            unsure=True,
        )


def _quotas(survey: Survey) -> Iterator[Finding]:
    migration, profile = survey.migration, survey.profile
    quota = capabilities.datasync("tasks_per_region")
    wanted = max(1, len(migration.source.agents))
    if survey.tasks_in_region is not None and survey.tasks_in_region + wanted > quota.value:
        yield Finding(
            code="tasks",
            severity=Severity.WARN,
            sentence=f"The Region has {survey.tasks_in_region} other DataSync tasks and this migration takes {wanted}, "
            f"more than the default quota of {quota.value:.0f}: delete some, or have the quota raised.",
            source=quota.told,
        )
    if migration.transfer.mode != "BASIC":
        return
    rows = profile.files + profile.symlinks + profile.directories
    limit, large = (capabilities.datasync(name) for name in ("files_per_execution_basic", "files_for_large_agents"))
    if rows > limit.value:
        yield Finding(
            code="closing_pass",
            severity=Severity.BLOCK,
            sentence=f"The closing pass sees the whole tree in one execution, {count(rows)} entries, and Basic mode "
            f"takes {count(limit.value)}: use transfer.mode ENHANCED, or split the tree into several migrations.",
            source=limit.told,
        )
    most = max((part.files for part in survey.parts), default=0)
    if max(most, rows) > large.value:
        memory = capabilities.datasync("large_agent_memory")
        yield Finding(
            code="agent_memory",
            severity=Severity.WARN,
            sentence=f"An execution of more than {count(large.value)} entries needs a large agent: give each agent "
            f"{memory.value:.0f} GB of memory.",
            source=memory.told,
            unsure=memory.unsure,
        )


def _agents(survey: Survey) -> Iterator[Finding]:
    for sentence in survey.agent_problems:
        yield Finding(code="agent", severity=Severity.WARN, sentence=f"{sentence} The migration waits until it can.")


def _tree(survey: Survey) -> Iterator[Finding]:
    profile = survey.profile
    for sentence in survey.scan_notes:
        yield Finding(code="scan", severity=Severity.WARN, sentence=sentence)
    if profile.link_bytes:
        yield Finding(
            code="hard_links",
            severity=Severity.WARN if profile.link_bytes > _LINKS_MATTER * profile.bytes else Severity.NOTE,
            sentence=f"{count(profile.links or 0)} files are hard links of each other: DataSync makes each a file of "
            f"its own, which takes {size(profile.link_bytes)} more on the target.",
        )
    if profile.above_share and survey.balance.parts_lower_bound > 1:
        yield Finding(
            code="above_share",
            severity=Severity.NOTE,
            sentence=f"{count(profile.above_share)} files cost more than a part would if all were equal "
            f"({size(profile.fair_share)}): no partition is better than {survey.balance.parts_lower_bound:.3f} times "
            "the mean; fewer parts lose nothing.",
        )
    if survey.balance.raised_from:
        yield Finding(
            code="parts_raised",
            severity=Severity.NOTE,
            sentence=f"{survey.balance.raised_from} parts were asked for; the limits of an execution take "
            f"{len(survey.parts)}.",
        )
    future = next((files for label, files, _ in profile.ages if label == "in the future"), 0)
    if future:
        yield Finding(
            code="future",
            severity=Severity.NOTE,
            sentence=f"{count(future)} files were changed in the future: look at the clock of the file server.",
        )
    if survey.begun:
        yield Finding(
            code="begun",
            severity=Severity.WARN,
            sentence="Passes of this migration have begun: they keep the manifests of their own plan; this plan counts "
            "for what comes after a clean-up.",
        )


def _options(survey: Survey) -> Iterator[Finding]:
    transfer = survey.migration.transfer
    if transfer.verify == "NONE":
        yield Finding(
            code="no_verification",
            severity=Severity.WARN,
            sentence="transfer.verify is NONE: DataSync compares nothing after writing; only the reconciliation's "
            "checksums would find a damaged file.",
        )
    if transfer.mode == "ENHANCED":
        yield Finding(
            code="enhanced",
            severity=Severity.WARN,
            sentence="Enhanced mode between file servers and FSx is in the newest API model; older pages keep it to "
            "S3: see that a first small task is accepted.",
            source="botocore's DataSync model against the DataSync user guide, Choosing a task mode",
            unsure=True,
        )
    if not transfer.delete_extra:
        yield Finding(
            code="keeps_deleted",
            severity=Severity.NOTE,
            sentence="transfer.delete_extra is false: files deleted in the source meanwhile stay on the target, and "
            "the reconciliation counts them as extra.",
        )
