"""The plan of a migration: what is moved, in which parts, by whom, what stands in the way, and what it takes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from include.fsx_migration.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.fsx_migration.partition.partitioning import Partition
    from include.fsx_migration.places import Places


class Severity(StrEnum):
    """What a finding does: block stops the plan, warn wants a decision, note is good to know."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the preflight found.

    :param code: stable, as `capacity_total`; one plan may have a code several times.
    :param sentence: what, where, what to do.
    :param source: where the limit behind it is published; empty for what was measured here.
    :param unsure: the limit could not be confirmed.
    """

    code: str
    severity: Severity
    sentence: str
    source: str = ""
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """One manifest of the full pass; `cost` is bytes plus the cost of files, `agent` an ARN, empty for S3."""

    index: int
    manifest_key: str
    files: int
    bytes: int
    cost: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How even the work is, as ratios of the dearest to the mean; `lower_bound` is the least possible.

    :param parts: over the parts.
    :param parts_lower_bound: because of the largest file.
    :param agents: over the agents, each with all its parts.
    :param agents_lower_bound: because of the dearest part.
    :param raised_from: parts that were asked for, when limits took more.
    """

    parts: float
    parts_lower_bound: float
    agents: float
    agents_lower_bound: float
    raised_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan as it is kept; `load_plan` reads it.

    :param definition_digest: `definition_digest` of the text that it was made from.
    :param made: when, ISO 8601 in UTC.
    :param listing_key: the canonical listing that was partitioned.
    :param files: files and symbolic links, those that no manifest can hold (`left_out`) included.
    :param profile: `profile.Profile.to_dict()`.
    :param estimate: `estimate.Estimate.to_dict()`.
    """

    plan_id: str
    migration: str
    definition_digest: str
    made: str
    listing_key: str
    files: int
    directories: int
    bytes: int
    left_out: int
    left_out_key: str
    cost_per_file_bytes: int
    parts: tuple[PlannedPart, ...]
    balance: Balance
    findings: tuple[Finding, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    estimate: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blocks(self) -> tuple[Finding, ...]:
        """The findings that stop it."""
        return tuple(found for found in self.findings if found.severity is Severity.BLOCK)

    def agents(self) -> dict[str, tuple[PlannedPart, ...]]:
        """Return the parts of each agent."""
        found: dict[str, tuple[PlannedPart, ...]] = {}
        for part in self.parts:
            found[part.agent] = (*found.get(part.agent, ()), part)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self) | {"profile": dict(self.profile), "estimate": dict(self.estimate)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Plan:
        """Read what `to_dict` wrote."""
        return cls(
            **{
                **document,
                "parts": tuple(PlannedPart(**part) for part in document["parts"]),
                "balance": Balance(**document["balance"]),
                "findings": tuple(
                    Finding(**{**found, "severity": Severity(found["severity"])}) for found in document["findings"]
                ),
            }
        )


def definition_digest(text: str) -> str:
    """Return what tells whether a definition's text is the one that a plan was made from."""
    return hashlib.sha256(text.encode()).hexdigest()


def deal_parts(
    partition: Partition, agents: Sequence[str], *, keys: Sequence[str]
) -> tuple[tuple[PlannedPart, ...], Balance]:
    """Give the parts to the agents so that their costs balance: the dearest part first, to the least laden agent.

    :param agents: ARNs; none (an S3 source) is one unnamed agent.
    :param keys: the manifest's key of each part, in the order of `partition.parts`.
    :return: the parts in their order, and how even it is. An agent runs its parts one after the other.
    """
    names = list(agents) or [""]
    loads = dict.fromkeys(names, 0)
    owners: dict[int, str] = {}
    for part in sorted(partition.parts, key=lambda found: (-found.cost, found.index)):
        agent = min(names, key=lambda name: loads[name])
        loads[agent] += part.cost
        owners[part.index] = agent
    parts = tuple(
        PlannedPart(
            index=part.index,
            manifest_key=key,
            files=part.files,
            bytes=part.bytes,
            cost=part.cost,
            agent=owners[part.index],
        )
        for part, key in zip(partition.parts, keys, strict=True)
    )
    mean = sum(loads.values()) / len(names)
    dearest = max((part.cost for part in parts), default=0)
    balance = Balance(
        parts=partition.max_over_mean,
        parts_lower_bound=partition.lower_bound,
        agents=max(loads.values()) / mean if mean else 1.0,
        agents_lower_bound=max(1.0, dearest / mean) if mean else 1.0,
        raised_from=partition.raised_from,
    )
    return parts, balance


def save_plan(places: Places, plan: Plan) -> str:
    """Keep a plan beside its manifests; returns its URI. It is not the current one before `publish_plan`."""
    return places.store.put_json(places.plan(plan.plan_id, "plan.json"), plan.to_dict())


def publish_plan(places: Places, plan: Plan, *, definition: str) -> None:
    """Make a plan, and the definition that it was made from, the ones that runs follow.

    Killed in between, the definition is newer than the current plan: whoever compares digests refuses until this
    runs again.

    :raises RefusedError: the plan has findings that block.
    """
    if plan.blocks:
        raise RefusedError(f"Plan {plan.plan_id} has {len(plan.blocks)} findings that block it: mend them, plan again.")
    if definition_digest(definition) != plan.definition_digest:
        raise RefusedError(f"Plan {plan.plan_id} was made from another definition: run fsx_migration_plan again.")
    places.store.put_bytes(places.definition, definition.encode(), content_type="application/yaml")
    places.store.put_json(places.current_plan, {"plan_id": plan.plan_id})


def load_plan(places: Places, plan_id: str | None = None) -> Plan:
    """Return a plan; None takes the current one.

    :raises RefusedError: there is none.
    """
    if plan_id is None:
        current = places.store.find_json(places.current_plan)
        if current is None:
            raise RefusedError(f"Migration {places.migration} has no plan: run fsx_migration_plan first.")
        plan_id = str(current["plan_id"])
    document = places.store.find_json(places.plan(plan_id, "plan.json"))
    if document is None:
        raise RefusedError(f"Plan {plan_id} of migration {places.migration} is not there: run fsx_migration_plan.")
    return Plan.from_dict(document)


def require_current(places: Places) -> Plan:
    """Return the current plan when the kept definition is still the one that it was made from.

    :raises RefusedError: there is no plan, it is older than the definition, or it has findings that block.
    """
    plan = load_plan(places)
    text = places.store.get_bytes(places.definition).decode()
    if definition_digest(text) != plan.definition_digest:
        raise RefusedError(
            f"The definition of migration {places.migration} is not the one that plan {plan.plan_id} was made from: "
            "run fsx_migration_plan again."
        )
    if plan.blocks:
        raise RefusedError(f"Plan {plan.plan_id} has {len(plan.blocks)} findings that block it: plan again.")
    return plan


def with_findings(plan: Plan, *findings: Finding) -> Plan:
    """Return a plan with more findings, the gravest first."""
    order = list(Severity)
    return replace(plan, findings=tuple(sorted([*plan.findings, *findings], key=lambda f: order.index(f.severity))))
