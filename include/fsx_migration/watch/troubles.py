"""What is wrong with a running transfer: who stands still, what is missing, and what somebody should look at first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.resources.tagging import agent_id
from include.fsx_migration.transfer.execution_states import CANCELLING
from include.fsx_migration.watch.watching import queued_without_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from include.fsx_migration.watch.watching import Board, Seen, Watched

LEAST_FILES: Final = 100
"""Files that must have had their turn before a share of failed ones says anything."""


class Remedy(StrEnum):
    """What Landfall does about it."""

    TELL = "tell"
    RETRY = "retry"
    """The execution is cancelled and its part tried again."""
    STOP = "stop"
    """The task fails; a person decides. Executions go on."""
    STOP_ALL = "stop_all"
    """The executions are cancelled as well, because each makes it worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long something may last before it is trouble."""

    stalled: timedelta
    launching: timedelta = timedelta(minutes=30)
    queued: timedelta = timedelta(minutes=30)
    cancelling: timedelta = timedelta(minutes=30)
    agent_gone: timedelta = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong.

    :param key: the same as long as it lasts, so that it is told once.
    :param sentence: what, where, since when.
    :param look: what to look at first.
    :param arn: the execution that it is about, empty for none.
    """

    key: str
    remedy: Remedy
    sentence: str
    look: str
    arn: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return JSON types."""
        return asdict(self) | {"remedy": self.remedy.value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Trouble:
        """Read a document of `to_dict`."""
        return cls(**{**document, "remedy": Remedy(document["remedy"])})


def find_troubles(board: Board, *, now: datetime, patience: Patience, failed_share: float) -> list[Trouble]:
    """Return what the states of executions show."""
    found = [
        trouble
        for one in board.watched
        if one.arn in board.seen
        for trouble in _of_execution(one, board.seen[one.arn], now=now, patience=patience)
    ]
    found += _of_queues(board, now=now, patience=patience)
    totals = board.totals()
    tried = totals["files"] + totals["failed"]
    if tried >= LEAST_FILES and totals["failed"] > failed_share * tried:
        sentence = f"{totals['failed']:,} of {tried:,} files failed, more than the {failed_share:.2%} that may."
        look = "Read the reasons in the log group of the tasks, or with the saved query in the runbook."
        found.append(Trouble(key="failed_share", remedy=Remedy.TELL, sentence=sentence, look=look))
    return found


def agent_troubles(
    offline: Mapping[str, datetime], waiting: Iterable[str], *, now: datetime, patience: Patience
) -> list[Trouble]:
    """Return agents that cannot work although executions need them.

    :param offline: since when an agent (ARN) is not ONLINE.
    :param waiting: agents that executions are left for.
    """
    found = []
    for agent in sorted(set(waiting) & set(offline)):
        since = offline[agent]
        gone = now - since >= patience.agent_gone
        sentence = f"Agent {agent_id(agent)} is not ONLINE since {since:%Y-%m-%d %H:%M} UTC; its executions wait."
        look = "See that the agent's machine runs and reaches the endpoints of DataSync."
        key = f"agent_gone/{agent_id(agent)}" if gone else f"agent/{agent_id(agent)}"
        remedy = Remedy.STOP if gone else Remedy.TELL
        found.append(Trouble(key=f"{key}/{_stamp(since)}", remedy=remedy, sentence=sentence, look=look))
    return found


def _of_execution(one: Watched, seen: Seen, *, now: datetime, patience: Patience) -> Iterator[Trouble]:
    name = f"Part {one.part} (attempt {one.attempt}) on {agent_id(one.agent) or 'no agent'}"
    if seen.status == "LAUNCHING" and now - seen.since >= patience.launching:
        yield Trouble(
            key=f"launching/{one.part}-{one.attempt}",
            remedy=Remedy.RETRY,
            sentence=f"{name} has been LAUNCHING since {seen.since:%Y-%m-%d %H:%M} UTC.",
            look="See that the agent is ONLINE and that nothing else runs on it.",
            arn=one.arn,
        )
    elif seen.status == CANCELLING and now - seen.since >= patience.cancelling:
        yield Trouble(
            key=f"cancelling/{one.part}-{one.attempt}",
            remedy=Remedy.TELL,
            sentence=f"{name} has been CANCELLING since {seen.since:%Y-%m-%d %H:%M} UTC.",
            look="Ask AWS support if it does not end within the hour.",
            arn=one.arn,
        )
    elif seen.is_running and seen.status not in ("LAUNCHING", CANCELLING) and now - seen.moved >= patience.stalled:
        yield Trouble(
            key=f"stalled/{one.part}-{one.attempt}/{_stamp(seen.moved)}",
            remedy=Remedy.TELL,
            sentence=f"{name} is {seen.status} and has moved nothing since {seen.moved:%Y-%m-%d %H:%M} UTC.",
            look="See that the agent reads the source, and that its network and the file system have room.",
            arn=one.arn,
        )


def _of_queues(board: Board, *, now: datetime, patience: Patience) -> Iterator[Trouble]:
    for agent, since in queued_without_work(board).items():
        if now - since >= patience.queued:
            where = agent_id(agent) or "the task"
            yield Trouble(
                key=f"queued/{agent_id(agent) or 'no-agent'}/{_stamp(since)}",
                remedy=Remedy.TELL,
                sentence=f"Executions wait on {where} since {since:%Y-%m-%d %H:%M} UTC, and none runs.",
                look="See whether executions of another migration hold the agent, and that it is ONLINE.",
            )


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"
