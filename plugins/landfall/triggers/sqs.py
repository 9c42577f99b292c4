"""Wake a DAG when a queue has news: what new-object events of S3 are for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_LONG_POLL = 20  # seconds; the longest that ReceiveMessage takes (SQS API reference)
_AT_ONCE = 10  # messages; the most that ReceiveMessage gives and DeleteMessageBatch takes
_HIDDEN_SECONDS = 120
_GATHER_SECONDS = 5.0
_MOST_MESSAGES = 10_000
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 60.0


class QueueEventTrigger(BaseEventTrigger):
    """Fires one event for everything that waits in an SQS queue, then rests before it looks again; it never ends.

    An event only wakes the DAG: what there is to do, the DAG finds out itself. So messages are deleted after their
    event has been handed over, and those that a crash leaves behind wake the DAG once more. The rest keeps a steady
    stream of messages from queueing more runs than can end.

    A queue that is missing or does not answer is asked again after 5 s, then ever less often, up to once a minute; the
    log says so at most once a minute. The provider's own trigger needs the queue's URL when the DAG is parsed, deletes
    before it fires, and is started anew every few seconds as long as the queue is missing.

    :param queue: the queue's name; its URL is asked for where the trigger runs.
    :param rest_seconds: the shortest time between two events.
    :param aws_conn_id: the Airflow connection.
    """

    def __init__(self, *, queue: str, rest_seconds: float = 60.0, aws_conn_id: str = "aws_default") -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's triggers carry no types
        self.queue = queue
        self.rest_seconds = float(rest_seconds)
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that build this trigger again, and tell it from others."""
        return (
            "landfall.triggers.sqs.QueueEventTrigger",
            {"queue": self.queue, "rest_seconds": self.rest_seconds, "aws_conn_id": self.aws_conn_id},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield `{"queue": name, "messages": how many, "first": the first one's id}` for each batch, for ever."""
        from botocore.exceptions import BotoCoreError, ClientError

        complaints = _Complaints(self)
        while True:
            try:
                async with await self._client() as client:
                    url = (await client.get_queue_url(QueueName=self.queue))["QueueUrl"]
                    while True:
                        batch = await _gather(client, url)
                        complaints.settle()
                        if not batch:
                            continue
                        yield _event(self.queue, batch)
                        await _delete(client, url, batch)
                        await asyncio.sleep(self.rest_seconds)
            except (BotoCoreError, ClientError) as error:
                await asyncio.sleep(complaints.wait_after(error))

    async def _client(self) -> Any:
        from airflow.providers.amazon.aws.hooks.sqs import SqsHook

        from landfall.connections import patient_config

        hook: Any = SqsHook(aws_conn_id=self.aws_conn_id, config=patient_config())
        return await hook.get_async_conn()


class _Complaints:
    """How long to wait after failures in a row, and when to log them."""

    def __init__(self, trigger: QueueEventTrigger) -> None:
        self._trigger = trigger
        self._wait, self._logged = _FIRST_WAIT, float("-inf")

    def settle(self) -> None:
        """Take note that the queue answered."""
        self._wait = _FIRST_WAIT

    def wait_after(self, error: Exception) -> float:
        """Return the seconds to wait, having logged the error unless one was in the last minute."""
        wait, self._wait = self._wait, min(self._wait * 2, _LONGEST_WAIT)
        if time.monotonic() - self._logged >= _LONGEST_WAIT:
            self._logged = time.monotonic()
            self._trigger.log.warning(
                "Queue %s does not answer, so only the schedule starts runs; create it, or check the connection %s: %s",
                self._trigger.queue,
                self._trigger.aws_conn_id,
                error,
            )
        return wait


async def _gather(client: Any, url: str) -> list[dict[str, Any]]:
    """Wait for a first message, then take what else there is."""
    batch = await _receive(client, url, wait_seconds=_LONG_POLL)
    end = time.monotonic() + _GATHER_SECONDS
    while batch and len(batch) < _MOST_MESSAGES and time.monotonic() < end:
        more = await _receive(client, url, wait_seconds=1)
        if not more:
            break
        batch += more
    return batch


async def _receive(client: Any, url: str, *, wait_seconds: int) -> list[dict[str, Any]]:
    answer = await client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_AT_ONCE,
        WaitTimeSeconds=wait_seconds,
        VisibilityTimeout=_HIDDEN_SECONDS,
    )
    return list(answer.get("Messages", []))


async def _delete(client: Any, url: str, batch: list[dict[str, Any]]) -> None:
    for some in _tens(batch):
        entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(some)]
        await client.delete_message_batch(QueueUrl=url, Entries=entries)  # those it cannot delete only come once more


def _tens(batch: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (batch[start : start + _AT_ONCE] for start in range(0, len(batch), _AT_ONCE))


def _event(queue: str, batch: list[dict[str, Any]]) -> TriggerEvent:
    return TriggerEvent(  # type: ignore[no-untyped-call]  # Airflow's events carry no types
        {"queue": queue, "messages": len(batch), "first": batch[0]["MessageId"]}
    )
