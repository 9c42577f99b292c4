"""Airflow's own AthenaOperator runs on the local Athena as it would on the real one, in a slot and deferred."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.providers.amazon.aws.triggers.athena import AthenaTrigger
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from airflow.sdk.module_loading import import_string

from tests.local_aws import LocalAws
from tests.plugins.athena_lake import executions, fresh_lake, keys


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    return fresh_lake(aws)


def operator(bucket: str, sql: str, **arguments: Any) -> AthenaOperator:
    return AthenaOperator(
        task_id="ask",
        query=sql,
        database=bucket.replace("-", "_"),
        output_location=f"s3://{bucket}/results/",
        workgroup=bucket,
        sleep_time=0,
        **arguments,
    )


def context() -> Any:
    """The part of a task's context that the operator touches: XCom for its link to the console."""
    return {"ti": SimpleNamespace(xcom_push=lambda **_: None)}


def rows(execution_id: str) -> list[list[str]]:
    """What AthenaHook reads of a result, header first."""
    found = AthenaHook().get_query_results(execution_id)
    assert found
    return [[cell["VarCharValue"] for cell in row["Data"]] for row in found["ResultSet"]["Rows"]]


def deferred_by(asked: AthenaOperator) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        asked.execute(context())
    return deferred.value


def fire(trigger: Any) -> dict[str, Any]:
    """Run a trigger as the triggerer does, from its serialised form, and return its event's payload."""
    path, arguments = trigger.serialize()

    async def first() -> Any:
        return await asyncio.wait_for(anext(import_string(path)(**arguments).run()), timeout=30)

    payload: dict[str, Any] = asyncio.run(first()).payload
    return payload


def strike_next_query(aws: LocalAws, kind: str, **words: str) -> None:
    aws.control("POST", "faults", {"service": "athena", "kind": kind, "times": 1, **words})


def test_operator_waits_for_the_query_and_its_result_is_found(aws: LocalAws, bucket: str) -> None:
    execution_id = operator(bucket, "SELECT sum(n) AS total, count(*) AS rows FROM numbers").execute(context())
    assert execution_id
    assert rows(execution_id) == [["total", "rows"], ["6", "3"]]
    assert AthenaHook().get_output_location(execution_id) == f"s3://{bucket}/athena/{execution_id}.csv"


def test_the_operators_output_location_counts_when_the_workgroup_leaves_it_the_choice(
    aws: LocalAws, bucket: str
) -> None:
    aws.client("athena").update_work_group(
        WorkGroup=bucket, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
    )
    execution_id = operator(bucket, "SELECT 1").execute(context())
    assert AthenaHook().get_output_location(execution_id) == f"s3://{bucket}/results/{execution_id}.csv"
    assert f"results/{execution_id}.csv" in keys(aws, bucket, "results/")


def test_result_pages_are_read_through_the_hooks_paginator(bucket: str) -> None:
    execution_id = operator(bucket, "SELECT n FROM numbers ORDER BY n").execute(context())
    pages = AthenaHook().get_query_results_paginator(execution_id, page_size=2)
    assert pages
    found = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert found == [["n", "1"], ["2", "3"]]


def test_ctas_by_the_operator_makes_a_table_that_the_next_task_reads(aws: LocalAws, bucket: str) -> None:
    target = f"s3://{bucket}/tables/squares/"
    made = operator(
        bucket,
        f"CREATE TABLE squares WITH (format = 'PARQUET', external_location = '{target}') AS "
        "SELECT n, n * n AS square FROM numbers",
    ).execute(context())
    assert AthenaHook().check_query_status(made) == "SUCCEEDED"
    assert keys(aws, bucket, "tables/squares/")
    read = operator(bucket, "SELECT max(square) AS largest FROM squares").execute(context())
    assert rows(read) == [["largest"], ["9"]]


def test_the_same_client_token_is_the_same_execution(aws: LocalAws, bucket: str) -> None:
    token = f"{bucket}-one-token-of-32-characters"
    first, second = (operator(bucket, "SELECT 1", client_request_token=token).execute(context()) for _ in range(2))
    assert first == second
    assert len(executions(aws, bucket)) == 1


def test_a_failed_query_fails_the_task_with_athenas_reason(bucket: str) -> None:
    with pytest.raises(AirflowException, match=r"FAILED.*TABLE_NOT_FOUND.*nowhere"):
        operator(bucket, "SELECT * FROM nowhere").execute(context())


def test_a_query_failed_by_athena_itself_names_its_reason(aws: LocalAws, bucket: str) -> None:
    strike_next_query(aws, "query_fail", error="GENERIC_INTERNAL_ERROR: a node was lost")
    with pytest.raises(AirflowException, match=r"FAILED.*GENERIC_INTERNAL_ERROR: a node was lost"):
        operator(bucket, "SELECT 1").execute(context())


def test_a_cancelled_query_fails_the_task(aws: LocalAws, bucket: str) -> None:
    strike_next_query(aws, "query_cancel")
    with pytest.raises(AirflowException, match="Final state of Athena job is CANCELLED"):
        operator(bucket, "SELECT 1").execute(context())


def test_a_query_that_outlives_the_polls_fails_the_task_and_on_kill_cancels_it(aws: LocalAws, bucket: str) -> None:
    strike_next_query(aws, "query_stuck")
    asked = operator(bucket, "SELECT 1", max_polling_attempts=2)
    with pytest.raises(AirflowException, match="Max tries of poll status exceeded"):
        asked.execute(context())
    asked.on_kill()
    assert AthenaHook().check_query_status(asked.query_execution_id) == "CANCELLED"


def test_deferred_operator_gets_its_result_from_the_trigger(bucket: str) -> None:
    asked = operator(bucket, "SELECT max(n) AS largest FROM numbers", deferrable=True)
    deferred = deferred_by(asked)
    assert isinstance(deferred.trigger, AthenaTrigger)
    deferred.trigger.waiter_delay = 1
    event = fire(deferred.trigger)
    assert event == {"status": "success", "value": asked.query_execution_id}
    execution_id = getattr(asked, deferred.method_name)(context(), event)
    assert rows(execution_id) == [["largest"], ["3"]]


def test_deferred_operator_fails_with_what_the_trigger_says_of_a_failed_query(bucket: str) -> None:
    asked = operator(bucket, "SELECT * FROM nowhere", deferrable=True)
    deferred = deferred_by(asked)
    deferred.trigger.waiter_delay = 1
    event = fire(deferred.trigger)
    assert event["status"] == "error"
    with pytest.raises(AirflowException, match="TABLE_NOT_FOUND"):
        getattr(asked, deferred.method_name)(context(), event)
