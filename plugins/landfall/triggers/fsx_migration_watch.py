"""One look after another at all executions of a pass, through asynchronous clients; no Airflow in here.

It reads, with two exceptions: it applies the bandwidth calendar to running executions, and it writes `progress.json`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.definition import read_definition
from include.fsx_migration.planning.bandwidth import limit_at
from include.fsx_migration.resources.metrics import Measured, metric_request, read_metrics
from include.fsx_migration.resources.tagging import agent_id
from include.fsx_migration.resources.transfer_resources import Resources
from include.fsx_migration.transfer.execution_states import QUEUED, read_state
from include.fsx_migration.transfer.pass_model import Pass
from include.fsx_migration.transfer.settling import is_settled
from include.fsx_migration.watch.progress import progress_document, restore
from include.fsx_migration.watch.space import space_troubles
from include.fsx_migration.watch.troubles import Patience, agent_troubles, find_troubles
from include.fsx_migration.watch.watching import Board, bandwidth_orders, observe, sample
from include.object_store import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from include.fsx_migration.definition_model import Migration
    from include.fsx_migration.places import Places
    from include.fsx_migration.watch.troubles import Trouble
    from include.fsx_migration.watch.watching import Watched

AT_ONCE: Final = 8
"""Requests under way at the same time; DataSync publishes no limits, so they stay few."""
QUEUED_BY_LOOK: Final = 50
"""Queued executions that are asked after in one look; the others have their turn in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Asynchronous clients of botocore's services."""

    datasync: Any
    s3: Any
    cloudwatch: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two looks at the gates, and between two writings of the progress."""

    gates: float = 60.0
    progress: float = 30.0


@dataclass(slots=True)
class Watch:
    """A pass that is being watched; make one with `open_watch`."""

    clients: Clients
    places: Places
    migration: Migration
    resources: Resources
    one: Pass
    board: Board
    offline: dict[str, datetime]
    patience: Patience
    pace: Pace
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    measured: Measured = field(default_factory=Measured)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    _gates_due: datetime | None = None
    _progress_due: datetime | None = None
    _turn: int = 0

    async def look(self) -> None:
        """Ask after the executions, apply the calendar, measure what is due, and find what is wrong."""
        now = self.clock()
        await _side_by_side([self._ask(one) for one in self._chosen()])
        sample(self.board, now=now)
        orders = bandwidth_orders(self.board, limit_at(self.migration.bandwidth, now))
        await _side_by_side([self._throttle(arn, wanted) for arn, wanted in orders.items()])
        if self._gates_due is None or now >= self._gates_due:
            self._gates_due = now + timedelta(seconds=self.pace.gates)
            await self._measure(now)
        self._judge(now)
        if self._progress_due is None or now >= self._progress_due:
            self._progress_due = now + timedelta(seconds=self.pace.progress)
            await self.keep()

    @property
    def news(self) -> list[Trouble]:
        """What is wrong and was not told yet."""
        return [trouble for key, trouble in self.troubles.items() if key not in self.one.troubles]

    async def keep(self) -> None:
        """Write the progress, for people and for the next watcher."""
        document = progress_document(
            self.board,
            now=self.clock(),
            bandwidth=self.migration.bandwidth,
            offline=self.offline,
            gates=self.measured.to_dict(),
        )
        key = self.places.transfer_pass(self.one.number, "progress.json")
        await self.clients.s3.put_object(
            Bucket=self.places.store.bucket, Key=key, Body=to_json(document), ContentType="application/json"
        )

    def _chosen(self) -> list[Watched]:
        """Return whom to ask: everybody who works, and of those who wait in a queue some in turn."""
        waiting = set(self.board.waiting())
        left = [one for one in self.board.watched if one.arn in waiting]
        queued = [one for one in left if one.arn in self.board.seen and self.board.seen[one.arn].status == QUEUED]
        if len(queued) <= QUEUED_BY_LOOK:
            return left
        start = self._turn % len(queued)
        self._turn = start + QUEUED_BY_LOOK
        turn = {one.arn for one in (queued[start:] + queued[:start])[:QUEUED_BY_LOOK]}
        idle = {one.arn for one in queued}
        return [one for one in left if one.arn not in idle or one.arn in turn]

    async def _ask(self, one: Watched) -> None:
        found = await self.clients.datasync.describe_task_execution(TaskExecutionArn=one.arn)
        now, state = self.clock(), read_state(found)
        observe(self.board, one, state, now=now, settled=is_settled(state, now=now))

    async def _throttle(self, arn: str, wanted: int) -> None:
        from botocore.exceptions import ClientError

        try:
            await self.clients.datasync.update_task_execution(TaskExecutionArn=arn, Options={"BytesPerSecond": wanted})
        except ClientError as error:
            # it has ended meanwhile; the next look says so
            if error.response["Error"]["Code"] != "InvalidRequestException":
                raise

    async def _measure(self, now: datetime) -> None:
        request = metric_request(self.resources.file_system, migration=self.migration.name, now=now)
        self.measured = read_metrics(await self.clients.cloudwatch.get_metric_data(**request))
        agents = {one.agent for one in self.board.watched if one.agent}
        await _side_by_side([self._look_after(agent, now) for agent in sorted(agents)])

    async def _look_after(self, agent: str, now: datetime) -> None:
        found = await self.clients.datasync.describe_agent(AgentArn=agent)
        if found["Status"] == "ONLINE":
            self.offline.pop(agent, None)
        else:
            self.offline.setdefault(agent, now)

    def _judge(self, now: datetime) -> None:
        limits, waiting = self.migration.limits, set(self.board.waiting())
        agents = {one.agent for one in self.board.watched if one.arn in waiting and one.agent}
        found = find_troubles(self.board, now=now, patience=self.patience, failed_share=limits.failed_share)
        found += agent_troubles(self.offline, agents, now=now, patience=self.patience)
        found += space_troubles(
            self.measured, storage_gib=self.resources.file_system.storage_gib, free_share=limits.free_share
        )
        self.troubles = {trouble.key: trouble for trouble in found}


async def open_watch(
    clients: Clients,
    places: Places,
    number: int,
    *,
    patience: Mapping[str, float],
    pace: Pace,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Watch:
    """Read what a watch needs: the definition, the resources, the pass, and what the watcher before knew.

    :param patience: seconds by the names of Patience; `stalled` comes from the definition when it is not given.
    """
    migration = read_definition((await _get(clients.s3, places, places.definition)).decode())
    one = await load_pass(clients.s3, places, number)
    ledger = json.loads(await _get(clients.s3, places, places.resources))
    board, offline = restore(await _find(clients.s3, places, places.transfer_pass(number, "progress.json")), one)
    agents = {agent_id(watched.agent): watched.agent for watched in board.watched}
    spans = {name: timedelta(seconds=seconds) for name, seconds in patience.items()}
    spans.setdefault("stalled", timedelta(minutes=migration.limits.stalled_minutes))
    return Watch(
        clients=clients,
        places=places,
        migration=migration,
        resources=Resources.from_dict(ledger["ready"]),
        one=one,
        board=board,
        offline={agents[name]: since for name, since in offline.items() if name in agents},
        patience=Patience(**spans),
        pace=pace,
        clock=clock,
    )


async def load_pass(s3: Any, places: Places, number: int) -> Pass:
    """Read a pass."""
    return Pass.from_dict(json.loads(await _get(s3, places, places.transfer_pass(number, "pass.json"))))


async def _get(s3: Any, places: Places, key: str) -> bytes:
    answer = await s3.get_object(Bucket=places.store.bucket, Key=key)
    async with answer["Body"] as stream:
        body: bytes = await stream.read()
    return body


async def _find(s3: Any, places: Places, key: str) -> Any:
    from botocore.exceptions import ClientError

    try:
        return json.loads(await _get(s3, places, key))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return None


async def _side_by_side(calls: list[Coroutine[Any, Any, None]]) -> None:
    """Await calls, a few at a time; the first error is raised after all have ended, so that none is lost half way."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def in_turn(call: Coroutine[Any, Any, None]) -> None:
        async with limit:
            await call

    results = await asyncio.gather(*(in_turn(call) for call in calls), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
