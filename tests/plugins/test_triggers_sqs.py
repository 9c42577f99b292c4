"""The queue trigger wakes a DAG once for many messages, loses none, and stays calm without its queue."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable
from airflow.sdk.module_loading import import_string
from airflow.serialization.encoders import encode_trigger
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.triggers.base import BaseEventTrigger
from botocore.exceptions import ClientError, EndpointConnectionError

from landfall.triggers import sqs
from landfall.triggers.sqs import QueueEventTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws import LocalAws

MISSING = ClientError(
    {"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue", "Message": "no such queue"}}, "GetQueueUrl"
)
AWAY = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")


class Over(Exception):  # noqa: N818 - it ends a test's script, nothing failed
    """The script of a fake queue has no more to tell."""


class FakeQueue:
    """A queue that answers ReceiveMessage as scripted: so many messages, or an error; and time that only sleep moves.

    :param script: None stands for a missing queue.
    """

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.told, self.deleted = 0, []  # type: ignore[var-annotated]
        self.now, self.slept, self.did = 0.0, [], []  # type: ignore[var-annotated]
        self.seconds_a_receive = 0.0

    async def __aenter__(self) -> FakeQueue:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def get_queue_url(self, **_: Any) -> dict[str, str]:
        if self.script and self.script[0] is MISSING:
            raise self.script.pop(0)
        return {"QueueUrl": "u"}

    async def receive_message(self, *, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.now += self.seconds_a_receive
        if not self.script:
            raise Over
        says = self.script.pop(0)
        if isinstance(says, Exception):
            raise says
        assert says <= MaxNumberOfMessages
        numbers = range(self.told, self.told + says)
        self.told += says
        return {"Messages": [{"MessageId": f"m{n}", "ReceiptHandle": f"r{n}", "Body": "{}"} for n in numbers]}

    async def delete_message_batch(self, *, Entries: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803
        assert len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.deleted += [entry["ReceiptHandle"] for entry in Entries]
        self.did.append("delete")
        return {"Successful": Entries}

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[Any], FakeQueue]]:
    """Run a trigger on a scripted queue until the script ends; gives the events and the queue."""

    def run_on(*script: Any, rest_seconds: float = 60.0, pace: float = 0.0) -> tuple[list[Any], FakeQueue]:
        queue, trigger = FakeQueue(*script), QueueEventTrigger(queue="news", rest_seconds=rest_seconds)
        queue.seconds_a_receive = pace
        monkeypatch.setattr(trigger, "_client", lambda: _given(queue))
        monkeypatch.setattr(sqs, "time", SimpleNamespace(monotonic=lambda: queue.now))
        monkeypatch.setattr(sqs, "asyncio", SimpleNamespace(sleep=queue.sleep))
        events: list[Any] = []

        async def collect() -> None:
            async for event in trigger.run():
                queue.did.append("event")
                events.append(event.payload)

        with pytest.raises(Over):
            asyncio.run(collect())
        return events, queue

    return run_on


async def _given(queue: FakeQueue) -> FakeQueue:
    return queue


def test_all_that_waits_makes_one_event_and_is_deleted_after_it(run: Callable[..., Any]) -> None:
    events, queue = run(10, 10, 3, 0)
    assert events == [{"queue": "news", "messages": 23, "first": "m0"}]
    assert queue.deleted == [f"r{n}" for n in range(23)]
    assert queue.did == ["event", "delete", "delete", "delete"]


def test_an_empty_queue_makes_no_event_and_no_rest(run: Callable[..., Any]) -> None:
    events, queue = run(0, 0, 0)
    assert (events, queue.slept) == ([], [])


def test_a_steady_stream_makes_one_event_for_each_rest(run: Callable[..., Any]) -> None:
    events, queue = run(1, 0, 2, 0, rest_seconds=30.0)
    assert [event["messages"] for event in events] == [1, 2]
    assert queue.slept == [30.0, 30.0]


def test_a_trickle_does_not_hold_its_event_back_for_long(run: Callable[..., Any]) -> None:
    events, _ = run(*[1] * 9, 0, pace=1.0)  # a message a second
    assert [event["messages"] for event in events] == [6, 3]


def test_a_flood_ends_in_an_event_although_the_queue_is_never_empty(run: Callable[..., Any]) -> None:
    events, _ = run(*[10] * 1_000, 5, 0)
    assert [event["messages"] for event in events] == [10_000, 5]


def test_a_missing_queue_is_asked_for_ever_less_often_and_logged_once_a_minute(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    log = SimpleNamespace(warning=lambda text, *values: told.append(text % values))
    monkeypatch.setattr(QueueEventTrigger, "log", log)
    events, queue = run(*[MISSING] * 7, 1, 0)
    assert queue.slept == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0]  # the last is the rest after the event
    assert len(events) == 1
    assert len(told) == 4  # after 0, 75, 135 and 195 seconds
    assert "Queue news does not answer, so only the schedule starts runs" in told[0]


def test_an_answer_after_failures_makes_the_next_wait_short_again(run: Callable[..., Any]) -> None:
    _, queue = run(AWAY, AWAY, 0, AWAY)
    assert queue.slept == [5.0, 10.0, 5.0]


def test_messages_whose_event_was_not_handed_over_stay_in_the_queue(run: Callable[..., Any]) -> None:
    _, queue = run(4, AWAY)
    assert queue.deleted == []


def test_it_comes_back_from_serialisation_as_it_was() -> None:
    trigger = QueueEventTrigger(queue="news", rest_seconds=5, aws_conn_id="other")
    path, arguments = trigger.serialize()
    again = import_string(path)(**arguments)
    assert isinstance(again, QueueEventTrigger)
    assert again.serialize() == trigger.serialize()


def test_a_schedule_by_time_or_queue_carries_the_watcher_with_the_same_hash() -> None:
    trigger = QueueEventTrigger(queue="news")
    asset = Asset("objects", watchers=[AssetWatcher(name="new", trigger=trigger)])
    schedule = AssetOrTimeSchedule(timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"), assets=[asset])
    with DAG("d", schedule=schedule) as dag:
        pass
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    assets = dict(LazyDeserializedDAG(data=stored).timetable.asset_condition.iter_assets())
    (found,) = [watcher for one in assets.values() for watcher in one.watchers]
    assert found.name == "new"
    encoded = [encode_trigger(each) for each in (trigger, found.trigger)]
    hashes = {BaseEventTrigger.hash(each["classpath"], each["kwargs"]) for each in encoded}
    assert len(hashes) == 1
    assert BaseEventTrigger.hash(*QueueEventTrigger(queue="other").serialize()) not in hashes


def test_a_new_object_in_a_bucket_wakes_it_through_the_connection(aws: LocalAws) -> None:
    s3, queues = aws.client("s3"), aws.client("sqs")
    url = queues.create_queue(QueueName="wakes")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket="wakes")
    wish = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket="wakes", NotificationConfiguration={"QueueConfigurations": [wish]})
    queues.purge_queue(QueueUrl=url)  # S3 sends a test event
    for key in ("a.gz", "b.gz"):
        s3.put_object(Bucket="wakes", Key=key, Body=b"x")

    async def first_event_and_what_is_left() -> tuple[Any, int]:
        trigger = QueueEventTrigger(queue="wakes", rest_seconds=0)
        events = trigger.run()
        event = await asyncio.wait_for(anext(events), timeout=30)
        following = asyncio.ensure_future(anext(events))  # runs on to the deletion and the next poll
        while _waiting(queues, url):
            await asyncio.sleep(0.01)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        return event, _waiting(queues, url)

    event, left = asyncio.run(first_event_and_what_is_left())
    assert (event.payload["queue"], event.payload["messages"], left) == ("wakes", 2, 0)


def _waiting(queues: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))
