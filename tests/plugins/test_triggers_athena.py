"""The Athena trigger survives serialisation, throttling and forgotten queries, and fires once all have ended."""

import asyncio
from typing import Any

import pytest
from airflow.sdk.module_loading import import_string
from botocore.exceptions import ClientError

from landfall.hooks.athena import AthenaQueryHook
from landfall.triggers.athena import AthenaQueriesTrigger
from tests.local_aws import LocalAws
from tests.plugins.athena_lake import MemoryStore, fresh_lake, query


def fire(trigger: AthenaQueriesTrigger) -> Any:
    """The first event's payload."""

    async def first() -> Any:
        return await asyncio.wait_for(anext(trigger.run()), timeout=30)

    return asyncio.run(first()).payload


def test_it_comes_back_from_serialisation_as_it_was() -> None:
    trigger = AthenaQueriesTrigger(execution_ids=["a", "b"], poll_seconds=3.0, aws_conn_id="other")
    path, arguments = trigger.serialize()
    again = import_string(path)(**arguments)
    assert isinstance(again, AthenaQueriesTrigger)
    assert again.serialize() == trigger.serialize()


def test_one_trigger_watches_many_queries(aws: LocalAws) -> None:
    bucket, hook = fresh_lake(aws), AthenaQueryHook()
    ids = [
        hook.start_once(query(bucket, f"SELECT {n}", name=f"q{n}"), scope="s", store=MemoryStore()) for n in range(3)
    ]
    assert fire(AthenaQueriesTrigger(execution_ids=ids, poll_seconds=0.05)) == {"ended": True}
    assert all(hook.outcome(execution_id).ended for execution_id in ids)


def test_a_failed_look_is_repeated(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    execution_id = AthenaQueryHook().start_once(query(fresh_lake(aws), "SELECT 1"), scope="s", store=MemoryStore())
    trigger = AthenaQueriesTrigger(execution_ids=[execution_id], poll_seconds=0.01)
    look, failures = trigger._look, iter(range(4))

    async def failing_four_times(client: Any, waiting: list[str]) -> tuple[list[str], bool]:
        return (waiting, True) if next(failures, None) is not None else await look(client, waiting)

    monkeypatch.setattr(trigger, "_look", failing_four_times)
    assert fire(trigger) == {"ended": True}


def test_a_throttled_look_is_a_failed_one(aws: LocalAws) -> None:
    trigger = AthenaQueriesTrigger(execution_ids=["x"], poll_seconds=0.01)

    class Throttled:
        async def batch_get_query_execution(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "BatchGetQueryExecution")

    assert asyncio.run(trigger._look(Throttled(), ["x"])) == (["x"], True)


def test_a_service_that_stays_away_hands_the_task_its_error(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = AthenaQueriesTrigger(execution_ids=["x"], poll_seconds=0.0)

    async def always_failing(_: Any, waiting: list[str]) -> tuple[list[str], bool]:
        return waiting, True

    monkeypatch.setattr(trigger, "_look", always_failing)
    assert fire(trigger) == {"ended": False}


def test_a_query_that_athena_does_not_know_is_not_waited_for(aws: LocalAws) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"
    assert fire(AthenaQueriesTrigger(execution_ids=[unknown], poll_seconds=0.05)) == {"ended": True}
