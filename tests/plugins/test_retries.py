"""Throttling is tried again soon, a refusal is not, and everything else keeps the task's own settings."""

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import RetryAction
from botocore.exceptions import ClientError

from landfall.athena_queries import (
    QueryCancelledError,
    QueryFailedError,
    QueryInterruptedError,
    QueryOutcome,
    QueryTimeoutError,
)
from landfall.retries import AwsRetryPolicy


def aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "Operation")


def query_error(kind: type[QueryFailedError]) -> QueryFailedError:
    outcome = QueryOutcome(
        execution_id="q",
        state="FAILED",
        reason="r",
        retryable=False,
        scanned_bytes=0,
        milliseconds=0,
        output_uri="",
    )
    return kind("name", outcome)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (aws_error("ThrottlingException"), RetryAction.RETRY),
        (aws_error("SlowDown"), RetryAction.RETRY),
        (aws_error("TooManyRequestsException"), RetryAction.RETRY),
        (aws_error("AccessDeniedException"), RetryAction.FAIL),
        (aws_error("AccessDenied"), RetryAction.FAIL),
        (aws_error("SomethingNew"), RetryAction.DEFAULT),
        (query_error(QueryInterruptedError), RetryAction.RETRY),
        (query_error(QueryFailedError), RetryAction.FAIL),
        (query_error(QueryCancelledError), RetryAction.DEFAULT),
        (QueryTimeoutError("slow"), RetryAction.RETRY),
        (ConnectionError("gone"), RetryAction.DEFAULT),
    ],
    ids=lambda value: getattr(value, "value", str(value))[:60],
)
def test_the_failure_decides(error: Exception, action: RetryAction) -> None:
    decision: Any = AwsRetryPolicy(soon=timedelta(seconds=7)).evaluate(error, 1, 3)
    assert decision.action is action
    assert decision.retry_delay == (timedelta(seconds=7) if action is RetryAction.RETRY else None)


def test_a_refused_input_fails_at_once_instead_of_three_tries_later() -> None:
    from include.ioc_refresh.refreshes import RefreshConflictError
    from include.ioc_refresh.suppression import SuppressionRefusedError

    for refusal in (SuppressionRefusedError("no"), RefreshConflictError("taken"), ValueError("no")):
        assert AwsRetryPolicy().evaluate(refusal, 1, 3).action is RetryAction.FAIL
