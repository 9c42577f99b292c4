"""Calls to AWS: errors read, pages followed, and calls without a client token never sent twice in doubt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

THROTTLED: Final = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
"""Refusals before anything was done (botocore's list of throttling codes, those that DataSync and FSx can send)."""
_DELAYS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def error_code(error: BaseException) -> str:
    """Return the code of an AWS error, as `InvalidRequestException`; empty for other exceptions."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def error_text(error: BaseException) -> str:
    """Return what AWS says about an error, or what the exception says."""
    response = getattr(error, "response", None)
    told = response.get("Error", {}).get("Message") if isinstance(response, dict) else None
    return str(told or error)


def call_once(send: Callable[[], Any], *, pause: Callable[[float], None] = time.sleep) -> Any:
    """Make a call that has no client token.

    Only what AWS refused before doing anything (throttling) is sent again. After a lost answer nobody knows whether
    it was done: the error goes up, and the next try looks for the result before it calls again.
    """
    from botocore.exceptions import ClientError

    for delay in _DELAYS:
        try:
            return send()
        except ClientError as error:
            if error_code(error) not in THROTTLED:
                raise
        pause(delay)
    return send()


def pages(call: Callable[..., Mapping[str, Any]], key: str, **arguments: Any) -> Iterator[Any]:
    """Yield the items of a listing with NextToken, page by page."""
    token: dict[str, str] = {}
    while True:
        answer = call(**arguments, **token)
        yield from answer.get(key, ())
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
