"""The Athena operator finds its queries again and waits without a slot when they are long."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from landfall.athena_queries import AthenaQuery, QueryFailedError
from landfall.operators.athena import AthenaQueryOperator
from landfall.retries import AwsRetryPolicy
from tests.local_aws import LocalAws
from tests.plugins.athena_lake import MemoryStore, executions, fresh_lake, query, task_context, unload


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    return fresh_lake(aws)


def operator(queries: Callable[[Any], list[AthenaQuery]], **arguments: Any) -> AthenaQueryOperator:
    return AthenaQueryOperator(task_id="ask", queries=queries, **arguments)


def stick_next_query(aws: LocalAws) -> None:
    fault = {"service": "athena", "operation": "StartQueryExecution", "kind": "query_stuck", "times": 1}
    aws.control("POST", "faults", fault)


def test_it_returns_the_outcome_of_each_query_by_name(bucket: str) -> None:
    both = [unload(bucket), query(bucket, "SELECT count(*) FROM numbers", name="count")]
    result = operator(lambda _: both).execute(task_context(MemoryStore()))
    assert {name: outcome["state"] for name, outcome in result.items()} == {
        "numbers": "SUCCEEDED",
        "count": "SUCCEEDED",
    }


def test_no_queries_are_no_work(bucket: str) -> None:
    assert operator(lambda _: []).execute(task_context(MemoryStore())) == {}


def test_the_second_try_of_a_killed_task_starts_nothing(aws: LocalAws, bucket: str) -> None:
    store, asked = MemoryStore(), operator(lambda _: [unload(bucket)])
    first = asked.execute(task_context(store))
    second = operator(lambda _: [unload(bucket)]).execute(task_context(store))
    assert second == first
    assert len(executions(aws, bucket)) == 1


def test_two_runs_ask_for_themselves(aws: LocalAws, bucket: str) -> None:
    for run_id in ("one", "two"):
        operator(lambda _: [unload(bucket)]).execute(task_context(MemoryStore(), run_id=run_id))
    assert len(executions(aws, bucket)) == 2


def test_a_tolerated_failure_is_an_outcome_beside_the_others(bucket: str) -> None:
    both = [unload(bucket), query(bucket, "SELECT * FROM nowhere", name="lost")]
    result = operator(lambda _: both, tolerate_failed=True).execute(task_context(MemoryStore()))
    assert (result["numbers"]["state"], result["lost"]["state"]) == ("SUCCEEDED", "FAILED")
    assert "TABLE_NOT_FOUND" in result["lost"]["reason"]


def test_a_failed_query_fails_the_task_with_its_name_and_reason(bucket: str) -> None:
    with pytest.raises(QueryFailedError, match=r"numbers .*TABLE_NOT_FOUND"):
        operator(lambda _: [query(bucket, "SELECT * FROM nowhere")]).execute(task_context(MemoryStore()))


def test_a_long_query_is_waited_for_without_a_slot_and_then_judged(aws: LocalAws, bucket: str) -> None:
    store = MemoryStore()
    stick_next_query(aws)
    asked = operator(lambda _: [query(bucket, "SELECT 1")], inline_wait=timedelta(0), wait_limit=timedelta(minutes=5))
    with pytest.raises(TaskDeferred) as deferred:
        asked.execute(task_context(store))
    assert deferred.value.method_name == "resume"
    assert deferred.value.timeout == timedelta(minutes=5)
    execution_id = store.get("athena_numbers")["execution_id"]
    assert deferred.value.kwargs == {"executions": {"numbers": execution_id}}

    trigger = deferred.value.trigger
    trigger.poll_seconds = 0.05

    async def end_it_while_the_trigger_waits() -> Any:
        waiting = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.to_thread(aws.client("athena").stop_query_execution, QueryExecutionId=execution_id)
        return await asyncio.wait_for(waiting, timeout=30)

    event = asyncio.run(end_it_while_the_trigger_waits())
    assert event.payload == {"ended": True}
    with pytest.raises(QueryFailedError, match="CANCELLED"):
        asked.resume(task_context(store), event.payload, **deferred.value.kwargs)


def test_it_brings_its_retry_policy_and_keeps_a_given_one() -> None:
    given = AwsRetryPolicy(soon=timedelta(seconds=1))
    assert isinstance(operator(lambda _: []).retry_policy, AwsRetryPolicy)
    assert operator(lambda _: [], retry_policy=given).retry_policy is given
