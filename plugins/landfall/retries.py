"""Which failures are worth another try: throttling is, a refusal is not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

from landfall.athena_queries import QueryCancelledError, QueryFailedError, QueryInterruptedError, QueryTimeoutError

if TYPE_CHECKING:
    from airflow.sdk import Context

# Error codes shared by AWS services ("Common Errors" of each API reference, and botocore's own retry lists).
PASSING_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
REFUSING_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidRequestException",
        "NoSuchBucket",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "ValidationException",
    }
)


class AwsRetryPolicy(RetryPolicy):
    """Retry what passes soon, fail what another try cannot change, leave the rest to the task's own settings."""

    def __init__(self, *, soon: timedelta = timedelta(seconds=15)) -> None:
        self.soon = soon

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by the exception alone: a ValueError refuses the input, `is_final` marks other final refusals."""
        if isinstance(exception, (QueryInterruptedError, QueryTimeoutError)):
            return RetryDecision.retry(delay=self.soon, reason="Athena did not finish it")
        if isinstance(exception, QueryFailedError) and not isinstance(exception, QueryCancelledError):
            return RetryDecision.fail(reason="the same query would fail again")
        if isinstance(exception, ValueError) or getattr(exception, "is_final", False):
            return RetryDecision.fail(reason="another try would be refused as well")
        code = error_code(exception)
        if code in PASSING_CODES:
            return RetryDecision.retry(delay=self.soon, reason=f"{code} passes")
        if code in REFUSING_CODES:
            return RetryDecision.fail(reason=f"{code} does not pass by itself")
        return RetryDecision.default()


RETRYING = {"retries": 3, "retry_delay": timedelta(seconds=30), "retry_policy": AwsRetryPolicy()}
"""Default arguments of the tasks of every DAG here: each task may be killed at any line and run again."""


def error_code(exception: BaseException) -> str | None:
    """Return the code of an AWS error, as `AccessDeniedException`, or None for any other exception."""
    response = getattr(exception, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, dict) else None
