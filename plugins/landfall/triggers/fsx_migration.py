"""Wait for all executions of a migration's pass without a worker slot: one trigger, however many there are."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from include.fsx_migration.places import Places
    from landfall.triggers.fsx_migration_watch import Clients, Watch

_PATIENCE: Final = 8
"""Failed looks in a row before the worker is woken to meet the error under its own retry policy."""
_SLOWEST: Final = 16.0
_FIRST_PAUSE: Final = 0.5
"""Seconds: looks begin close together, because small passes end soon, and slow down to `poll_seconds`."""


class MigrationTrigger(BaseTrigger):
    """Fires when every execution of a pass has settled, or when something needs a decision.

    Events: `settled`; `failures` (some executions ended in a way that another attempt may follow, at most every
    `settle_seconds`); `trouble` with what nobody was told yet; `unreadable` with the error of eight failed looks in a
    row. The task then reads the state itself: two triggers at once, or one that fires twice, do no harm.

    :param migration: its name.
    :param bucket: of the lake that has the pass and its progress.
    :param pass_number: the pass to watch.
    :param poll_seconds: the time between two looks, after the first ones.
    :param on_cancel: what becomes of the executions when somebody clears the deferred task or marks it: `cancel` or
        `leave`.
    :param patience: seconds by the names of include.fsx_migration.watch.troubles.Patience.
    """

    def __init__(
        self,
        *,
        migration: str,
        bucket: str,
        pass_number: int,
        on_cancel: str = "leave",
        poll_seconds: float = 15.0,
        settle_seconds: float = 60.0,
        patience: Mapping[str, float] | None = None,
        aws_conn_id: str = "aws_default",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's triggers carry no types
        self.migration = migration
        self.bucket = bucket
        self.pass_number = pass_number
        self.on_cancel = on_cancel
        self.poll_seconds = poll_seconds
        self.settle_seconds = settle_seconds
        self.patience = dict(patience or {})
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that build this trigger again."""
        names = ("migration", "bucket", "pass_number", "on_cancel", "poll_seconds", "settle_seconds", "patience")
        arguments = {name: getattr(self, name) for name in (*names, "aws_conn_id")}
        return "landfall.triggers.fsx_migration.MigrationTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is something to say."""
        async with AsyncExitStack() as stack:
            clients = await self._clients(stack)
            event = await self._watch(clients)
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]  # as above

    async def on_kill(self) -> None:
        """Cancel the executions, or leave them, as the parameter says; the log and the pass say which."""
        from landfall.triggers.fsx_migration_kill import kill_pass

        async with AsyncExitStack() as stack:
            clients = await self._clients(stack)
            sentence = await kill_pass(clients, self._places(), self.pass_number, cancels=self.on_cancel == "cancel")
        self.log.warning(sentence)

    async def _watch(self, clients: Clients) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        watch: Watch | None = None
        began, failures, pause = asyncio.get_running_loop().time(), 0, min(_FIRST_PAUSE, self.poll_seconds)
        while True:
            try:
                watch = watch or await self._open(clients)
                await watch.look()
            except (BotoCoreError, ClientError, OSError) as error:
                failures += 1
                if failures >= _PATIENCE:
                    return {"event": "unreadable", "error": f"{type(error).__name__}: {error}"}
                pause = min(pause * 2, self.poll_seconds * _SLOWEST)
                self.log.warning("AWS did not answer, the next look is in %.0f s: %s", pause, error)
            else:
                failures, pause = 0, min(pause * 1.5, self.poll_seconds)
                waited = asyncio.get_running_loop().time() - began
                event = _event(watch, may_settle=waited >= self.settle_seconds)
                if event:
                    await watch.keep()
                    return event
            await asyncio.sleep(pause * random.uniform(0.9, 1.1))  # noqa: S311 - spreads requests, hides nothing

    async def _open(self, clients: Clients) -> Watch:
        from landfall.triggers.fsx_migration_watch import Pace, open_watch

        pace = Pace(gates=max(60.0, self.poll_seconds) if self.poll_seconds >= 5 else 5.0, progress=self.poll_seconds)
        return await open_watch(clients, self._places(), self.pass_number, patience=self.patience, pace=pace)

    def _places(self) -> Places:
        from include.fsx_migration.places import Places
        from include.fsx_migration.settings import FsxMigrationSettings

        return Places(FsxMigrationSettings(bucket=self.bucket).store(None), self.migration)

    async def _clients(self, stack: AsyncExitStack) -> Clients:
        from landfall.triggers.fsx_migration_watch import Clients

        opened = {}
        for service in ("datasync", "s3", "cloudwatch"):
            hook: Any = AwsBaseHook(aws_conn_id=self.aws_conn_id, client_type=service)
            opened[service] = await stack.enter_async_context(await hook.get_async_conn())
        return Clients(**opened)


def _event(watch: Watch, *, may_settle: bool) -> dict[str, Any] | None:
    """Return what to wake the task with, if anything."""
    if watch.news:
        told = [trouble.to_dict() for trouble in watch.news]
        return {"event": "trouble", "pass_number": watch.one.number, "troubles": told}
    if watch.board.is_settled:
        return {"event": "settled"}
    if may_settle and watch.board.has_failures:
        return {"event": "failures"}
    return None
