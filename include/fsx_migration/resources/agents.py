"""Whether the DataSync agents of a migration can work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from include.fsx_migration.clients import error_code, error_text
from include.fsx_migration.refusals import NotReadyError
from include.fsx_migration.resources.tagging import agent_id

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace

SILENT_AFTER: Final = timedelta(minutes=10)
"""DataSync calls an agent OFFLINE after five minutes without contact (its API reference, DescribeAgent); twice that."""


class AgentsUnhealthyError(NotReadyError):
    """Too few agents can work; the message names each that cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent of the definition; `problem` is empty when it can work."""

    arn: str
    name: str = ""
    status: str = ""
    last_contact: datetime | None = None
    problem: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether it can work."""
        return not self.problem


def check_agents(place: Workplace, *, at_least: int | None = None) -> tuple[Agent, ...]:
    """Ask after every agent of the definition; none for an S3 source, which needs none.

    :param at_least: how many have to be healthy; None asks for all, 0 only looks.
    :raises AgentsUnhealthyError: fewer are; a later try may find them back.
    """
    agents = tuple(_look_at(place, arn) for arn in place.migration.source.agents)
    healthy = sum(agent.is_healthy for agent in agents)
    if healthy < (len(agents) if at_least is None else at_least):
        problems = " ".join(agent.problem for agent in agents if agent.problem)
        raise AgentsUnhealthyError(
            f"{healthy} of the {len(agents)} agents of migration {place.migration.name} can work. {problems} "
            "See that they run and reach AWS, then clear this task."
        )
    return agents


def _look_at(place: Workplace, arn: str) -> Agent:
    from botocore.exceptions import ClientError

    try:
        found = place.clients("datasync").describe_agent(AgentArn=arn)
    except ClientError as error:
        if error_code(error) != "InvalidRequestException":
            raise
        return Agent(arn=arn, problem=f"{agent_id(arn)} is unknown to DataSync: {error_text(error)}.")
    agent = Agent(
        arn=arn, name=found.get("Name", ""), status=found["Status"], last_contact=found.get("LastConnectionTime")
    )
    problem = _problem(agent, now=place.now())
    return Agent(arn=arn, name=agent.name, status=agent.status, last_contact=agent.last_contact, problem=problem)


def _problem(agent: Agent, *, now: datetime) -> str:
    called = f"{agent_id(agent.arn)} ({agent.name})" if agent.name else agent_id(agent.arn)
    heard = f"{agent.last_contact:%Y-%m-%d %H:%M:%S} UTC" if agent.last_contact else "never"
    if agent.status != "ONLINE":
        return f"{called} is {agent.status}, last heard of: {heard}."
    if agent.last_contact is not None and now - agent.last_contact > SILENT_AFTER:
        minutes = int((now - agent.last_contact).total_seconds() // 60)
        return f"{called} is ONLINE, yet was last heard of {minutes} minutes ago: {heard}."
    return ""
