"""An agent that cannot work is named, with when it was last heard of."""

from datetime import timedelta

import pytest

from include.fsx_migration.resources.agents import AgentsUnhealthyError, check_agents
from tests.include.fsx_migration.fake_aws import AGENTS, AT, FakeAws, migration, workplace


def test_healthy_agents_are_listed() -> None:
    assert [agent.arn for agent in check_agents(workplace(FakeAws()))] == list(AGENTS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Status": "OFFLINE"}, "agent-00000000000000002 is OFFLINE, last heard of: 2026-03-01 11:59:00 UTC"),
        ({"LastConnectionTime": AT - timedelta(minutes=11)}, "is ONLINE, yet was last heard of 11 minutes ago"),
    ],
    ids=["offline", "silent"],
)
def test_an_agent_that_cannot_work_is_named(change: dict[str, object], sentence: str) -> None:
    aws = FakeAws()
    aws.agents[AGENTS[1]] |= change
    with pytest.raises(AgentsUnhealthyError, match=f"1 of the 2 agents .*{sentence}"):
        check_agents(workplace(aws))
    assert [agent.is_healthy for agent in check_agents(workplace(aws), at_least=1)] == [True, False]


def test_an_agent_that_datasync_does_not_know_is_named() -> None:
    aws = FakeAws()
    del aws.agents[AGENTS[0]]
    with pytest.raises(AgentsUnhealthyError, match="agent-00000000000000001 is unknown to DataSync"):
        check_agents(workplace(aws))


def test_a_source_without_agents_has_none_to_check() -> None:
    from tests.include.fsx_migration.test_resources import SOURCES

    assert check_agents(workplace(FakeAws(), migration(source=SOURCES["s3"]))) == ()
