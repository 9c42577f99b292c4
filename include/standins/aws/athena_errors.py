"""Failures of a query, in Athena's words.

Source of categories and types: "Athena error catalog", Athena user guide. What type belongs to which message was
never compared with AWS.
"""

from __future__ import annotations

from typing import Any

SYSTEM, USER = 1, 2
_TYPES = {
    "SYNTAX_ERROR": 1006,
    "TABLE_NOT_FOUND": 1301,
    "HIVE_BAD_DATA": 1100,
    "HIVE_PATH_ALREADY_EXISTS": 1010,
    "CONSTRAINT_VIOLATION": 1017,
}
_OTHER_USER_ERROR = 1999


class QueryFailedError(Exception):
    """Ends a query as FAILED; str() is the StateChangeReason, "CODE: sentence"."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


class QueryCancelledError(Exception):
    """Ends a query as CANCELLED; str() is the StateChangeReason."""


def athena_error(reason: str, *, category: int = USER, retryable: bool = False) -> dict[str, Any]:
    """Give the AthenaError structure for a reason."""
    code = reason.partition(":")[0]
    return {
        "ErrorCategory": category,
        "ErrorType": _TYPES.get(code, _OTHER_USER_ERROR if category == USER else 200),
        "Retryable": retryable,
        "ErrorMessage": reason,
    }


def syntax_error(sentence: str) -> QueryFailedError:
    """Refuse a statement as Athena refuses what it cannot parse or does not have."""
    return QueryFailedError("SYNTAX_ERROR", sentence)
