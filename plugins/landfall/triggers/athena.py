"""Wait for Athena executions without a worker slot: one trigger watches all queries of a task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from landfall.athena_queries import ENDED
from landfall.hooks.athena import AthenaQueryHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BATCH = 50  # BatchGetQueryExecution takes at most 50 ids (Athena API reference)
_PATIENCE = 5


class AthenaQueriesTrigger(BaseTrigger):
    """Fires once when every execution has ended, however it ended; the task then asks Athena itself.

    It only reads, so it may run twice at once. A failed read (throttling, a network fault) is tried again at the next
    poll; five in a row fire the event as well, so that the task meets the error under its own retry policy.

    :param execution_ids: the executions to watch.
    :param poll_seconds: the time between two looks.
    :param aws_conn_id: the Airflow connection.
    """

    def __init__(
        self, *, execution_ids: list[str], poll_seconds: float = 5.0, aws_conn_id: str = "aws_default"
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's triggers carry no types
        self.execution_ids = execution_ids
        self.poll_seconds = poll_seconds
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that build this trigger again."""
        return (
            "landfall.triggers.athena.AthenaQueriesTrigger",
            {
                "execution_ids": self.execution_ids,
                "poll_seconds": self.poll_seconds,
                "aws_conn_id": self.aws_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until all have ended."""
        waiting, failures = list(self.execution_ids), 0
        hook: Any = AthenaQueryHook(aws_conn_id=self.aws_conn_id)
        async with await hook.get_async_conn() as client:
            while waiting and failures < _PATIENCE:
                waiting, failed = await self._look(client, waiting)
                failures = failures + 1 if failed else 0
                if waiting:
                    await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"ended": not waiting})  # type: ignore[no-untyped-call]  # as above

    async def _look(self, client: Any, waiting: list[str]) -> tuple[list[str], bool]:
        from botocore.exceptions import BotoCoreError, ClientError

        running: list[str] = []
        try:
            for start in range(0, len(waiting), _BATCH):
                answer = await client.batch_get_query_execution(QueryExecutionIds=waiting[start : start + _BATCH])
                states = {found["QueryExecutionId"]: found["Status"]["State"] for found in answer["QueryExecutions"]}
                running += [i for i in waiting[start : start + _BATCH] if i in states and states[i] not in ENDED]
        except (BotoCoreError, ClientError) as error:
            self.log.warning("Athena did not answer, the next look is in %s s: %s", self.poll_seconds, error)
            return waiting, True
        return running, False
