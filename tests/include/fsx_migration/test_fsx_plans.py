"""A plan is dealt evenly, kept whole, and followed only while it is the newest of its definition."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.places import Places
from include.fsx_migration.planning.plans import (
    Balance,
    Finding,
    Plan,
    Severity,
    deal_parts,
    definition_digest,
    load_plan,
    publish_plan,
    require_current,
    save_plan,
)
from include.fsx_migration.refusals import RefusedError
from tests.include.fsx_migration.plan_samples import NOW, partition_of
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory

TEXT = "name: projects\n"
BLOCK = Finding(code="capacity_total", severity=Severity.BLOCK, sentence="It does not fit: give it more.")


def places() -> Places:
    return Places(LakeInMemory(), "projects")


def plan_of(plan_id: str = "one", *, text: str = TEXT, findings: tuple[Finding, ...] = ()) -> Plan:
    parts, balance = deal_parts(partition_of([30, 20, 10]), ["a", "b"], keys=["k0", "k1", "k2"])
    return Plan(
        plan_id=plan_id,
        migration="projects",
        definition_digest=definition_digest(text),
        made=NOW.isoformat(),
        listing_key="l",
        files=3,
        directories=1,
        bytes=60,
        left_out=0,
        left_out_key="",
        cost_per_file_bytes=1,
        parts=parts,
        balance=balance,
        findings=findings,
        profile={"sizes": {"3": [1, 9]}},
        estimate={"seconds": {"likely": 1.5}},
    )


def test_a_plan_is_read_as_it_was_kept() -> None:
    plan = plan_of(findings=(BLOCK, replace(BLOCK, severity=Severity.NOTE, unsure=True)))
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_parts_go_to_agents_so_that_their_costs_balance() -> None:
    parts, balance = deal_parts(partition_of([30, 20, 10]), ["a", "b"], keys=["k0", "k1", "k2"])
    assert [part.agent for part in parts] == ["a", "b", "b"]
    assert [part.manifest_key for part in parts] == ["k0", "k1", "k2"]
    assert balance == Balance(parts=1.5, parts_lower_bound=1.0, agents=1.0, agents_lower_bound=1.0)


def test_without_agents_one_nameless_one_has_all_parts() -> None:
    parts, balance = deal_parts(partition_of([5, 5]), [], keys=["a", "b"])
    assert [part.agent for part in parts] == ["", ""]
    assert balance.agents == 1.0


@settings(max_examples=60, derandomize=True)
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=60), st.integers(1, 8))
def test_no_agent_has_more_than_the_mean_and_one_part(costs: list[int], agents: int) -> None:
    names = [str(number) for number in range(agents)]
    parts, balance = deal_parts(partition_of(costs, files=len(costs)), names, keys=[str(at) for at in costs])
    loads = {name: sum(part.cost for part in parts if part.agent == name) for name in names}
    mean = sum(costs) / agents
    assert sum(loads.values()) == sum(costs)
    assert max(loads.values()) <= mean + max(costs)
    assert balance.agents == pytest.approx(max(loads.values()) / mean)
    assert balance.agents >= balance.agents_lower_bound - 1e-9


def test_the_newest_published_plan_is_the_current_one() -> None:
    where = places()
    for plan_id in ("one", "two"):
        save_plan(where, plan_of(plan_id))
    publish_plan(where, plan_of("one"), definition=TEXT)
    assert load_plan(where).plan_id == "one"
    assert load_plan(where, "two").plan_id == "two"
    publish_plan(where, plan_of("two"), definition=TEXT)
    assert require_current(where).plan_id == "two"
    assert where.store.get_bytes(where.definition) == TEXT.encode()


def test_a_plan_that_blocks_is_never_followed() -> None:
    where = places()
    with pytest.raises(RefusedError, match="1 findings that block"):
        publish_plan(where, plan_of(findings=(BLOCK,)), definition=TEXT)
    with pytest.raises(RefusedError, match="has no plan: run fsx_migration_plan"):
        load_plan(where)


def test_a_plan_of_another_definition_is_refused() -> None:
    where = places()
    with pytest.raises(RefusedError, match="made from another definition"):
        publish_plan(where, plan_of(), definition="name: other\n")
    save_plan(where, plan_of())
    publish_plan(where, plan_of(), definition=TEXT)
    where.store.put_bytes(where.definition, b"name: changed\n")
    with pytest.raises(RefusedError, match="is not the one that plan one was made from"):
        require_current(where)


def test_killed_between_its_writes_publishing_is_refused_until_it_ran_again() -> None:
    """The definition is new and the current plan old: nobody follows the pair."""
    where, newer = places(), "name: projects\n# newer\n"
    for plan in (plan_of("one"), plan_of("two", text=newer)):
        save_plan(where, plan)
    publish_plan(where, plan_of("one"), definition=TEXT)
    where.store.put_bytes(where.definition, newer.encode())
    with pytest.raises(RefusedError, match="run fsx_migration_plan again"):
        require_current(where)
    publish_plan(where, plan_of("two", text=newer), definition=newer)
    assert require_current(where).plan_id == "two"


def test_a_plan_that_is_gone_is_named() -> None:
    with pytest.raises(RefusedError, match="Plan nine of migration projects is not there"):
        load_plan(places(), "nine")
