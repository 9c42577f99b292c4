"""Queries are started once, found again after a crash, and never emptied under a result that counts."""

from datetime import timedelta
from typing import Any

import pytest

from landfall.athena_queries import (
    QueryFailedError,
    QueryInterruptedError,
    QueryOutcome,
    QueryTimeoutError,
    client_token,
    require_success,
)
from landfall.hooks.athena import AthenaQueryHook
from tests.local_aws import LocalAws
from tests.plugins.athena_lake import MemoryStore, executions, fresh_lake, keys, query, unload

MINUTE = timedelta(minutes=1)


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    return fresh_lake(aws)


def finish(hook: AthenaQueryHook, execution_id: str) -> QueryOutcome:
    return hook.wait([execution_id], limit=MINUTE)[execution_id]


def test_a_query_returns_its_rows_and_what_it_scanned(bucket: str) -> None:
    hook, store = AthenaQueryHook(), MemoryStore()
    asked = query(bucket, "SELECT sum(n) AS total, NULL AS nothing FROM numbers")
    outcome = hook.run([asked], scope="s", store=store, limit=MINUTE)["numbers"]
    assert outcome.state == "SUCCEEDED"
    assert outcome.scanned_bytes > 0
    assert outcome.output_uri.startswith(f"s3://{bucket}/")
    assert hook.rows(outcome.execution_id) == [{"total": "6", "nothing": None}]


def test_a_second_try_finds_the_query_of_the_first(aws: LocalAws, bucket: str) -> None:
    hook, store, asked = AthenaQueryHook(), MemoryStore(), unload(bucket)
    first = hook.start_once(asked, scope="s", store=store)
    finish(hook, first)
    written = keys(aws, bucket, "out/")
    assert hook.start_once(asked, scope="s", store=store) == first
    assert executions(aws, bucket) == [first]
    assert written
    assert keys(aws, bucket, "out/") == written


def test_a_try_that_died_before_it_noted_the_id_finds_its_query_and_keeps_its_files(
    aws: LocalAws, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, store, asked = AthenaQueryHook(), MemoryStore(), unload(bucket)
    first = hook.start_once(asked, scope="s", store=store)
    finish(hook, first)
    written = keys(aws, bucket, "out/")
    store.set("athena_numbers", {**store.log[0]})  # the note as it stood when the worker was killed
    assert store.get("athena_numbers")["execution_id"] == ""
    assert hook.start_once(asked, scope="s", store=store) == first
    assert keys(aws, bucket, "out/") == written


def test_a_try_that_died_between_note_and_start_starts_the_query(aws: LocalAws, bucket: str) -> None:
    hook, store, asked = AthenaQueryHook(), MemoryStore(), unload(bucket)
    store.set("athena_numbers", {"attempt": 0, "digest": asked.digest, "execution_id": ""})
    execution_id = hook.start_once(asked, scope="s", store=store)
    assert finish(hook, execution_id).state == "SUCCEEDED"
    assert executions(aws, bucket) == [execution_id]


def test_files_of_a_failed_try_do_not_fail_or_double_the_next(aws: LocalAws, bucket: str) -> None:
    hook, store, asked = AthenaQueryHook(), MemoryStore(), unload(bucket)
    fault = {"service": "athena", "operation": "StartQueryExecution", "kind": "query_fail", "times": 1}
    aws.control("POST", "faults", fault)
    failed = hook.start_once(asked, scope="s", store=store)
    assert finish(hook, failed).state == "FAILED"
    aws.client("s3").put_object(Bucket=bucket, Key="out/numbers/half-written", Body=b"rubbish")
    second = hook.start_once(asked, scope="s", store=store)
    assert second != failed
    assert finish(hook, second).state == "SUCCEEDED"
    assert "out/numbers/half-written" not in keys(aws, bucket, "out/")


def test_other_inputs_are_another_query(aws: LocalAws, bucket: str) -> None:
    hook, store = AthenaQueryHook(), MemoryStore()
    first = hook.start_once(unload(bucket, inputs="yesterday"), scope="s", store=store)
    finish(hook, first)
    second = hook.start_once(unload(bucket, inputs="today"), scope="s", store=store)
    assert second != first
    assert finish(hook, second).state == "SUCCEEDED"
    assert len(keys(aws, bucket, "out/")) == 1


def test_a_wrong_query_fails_with_athenas_words(bucket: str) -> None:
    with pytest.raises(QueryFailedError, match="COLUMN_NOT_FOUND") as caught:
        AthenaQueryHook().run([query(bucket, "SELECT x FROM numbers")], scope="s", store=MemoryStore(), limit=MINUTE)
    assert not isinstance(caught.value, QueryInterruptedError)


def test_a_query_that_does_not_end_in_time_is_left_to_the_next_try(aws: LocalAws, bucket: str) -> None:
    hook, store, asked = AthenaQueryHook(), MemoryStore(), query(bucket, "SELECT 1")
    aws.control(
        "POST", "faults", {"service": "athena", "operation": "StartQueryExecution", "kind": "query_stuck", "times": 1}
    )
    with pytest.raises(QueryTimeoutError, match="the next try finds it"):
        hook.run([asked], scope="s", store=store, limit=timedelta(seconds=1))
    noted = store.get("athena_numbers")["execution_id"]
    assert hook.start_once(asked, scope="s", store=store) == noted
    hook.stop_query(noted)


def test_emptying_takes_the_folder_and_nothing_beside_it(aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    for key in ("a/v=1/x", "a/v=1/y", "a/v=10/x", "a/v=1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert AthenaQueryHook().empty_prefix(f"s3://{bucket}/a/v=1/") == 2
    assert keys(aws, bucket, "a/") == ["a/v=1", "a/v=10/x"]


@pytest.mark.parametrize("uri", ["s3://bucket/", "s3://bucket/ioc/", "s3://bucket/ioc/state", "s3://bucket"])
def test_a_wide_prefix_is_never_emptied(uri: str) -> None:
    with pytest.raises(ValueError, match="too wide"):
        AthenaQueryHook().empty_prefix(uri)


def execution(state: str, reason: str = "", **error: Any) -> dict[str, Any]:
    status = {"State": state, "StateChangeReason": reason, **({"AthenaError": error} if error else {})}
    return {"QueryExecutionId": "q", "Status": status, "Statistics": {"DataScannedInBytes": 7}}


@pytest.mark.parametrize(
    ("found", "retryable"),
    [
        (execution("FAILED", "SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved"), False),
        (execution("FAILED", "anything", Retryable=True), True),
        (execution("FAILED", "GENERIC_INTERNAL_ERROR: Internal error"), True),
        (execution("FAILED", "Query exhausted resources at this scale factor", Retryable=False), False),
        (execution("CANCELLED", "Query cancelled by user"), False),
    ],
)
def test_what_passes_is_told_from_what_does_not(found: dict[str, Any], retryable: bool) -> None:
    outcome = QueryOutcome.of(found)
    assert outcome.retryable is retryable
    with pytest.raises(QueryInterruptedError if retryable else QueryFailedError):
        require_success("name", outcome, limit=MINUTE)


def test_client_tokens_differ_where_the_query_scope_or_attempt_does() -> None:
    one, other = query("b", "SELECT 1"), query("b", "SELECT 2")
    tokens = [
        client_token(one, scope="s", attempt=0),
        client_token(one, scope="s", attempt=1),
        client_token(one, scope="t", attempt=0),
        client_token(other, scope="s", attempt=0),
    ]
    assert len(set(tokens)) == 4
    assert client_token(one, scope="s", attempt=0) == tokens[0]
    assert all(32 <= len(token) <= 128 for token in tokens)
