"""Calls that AWS asks to repeat: try again with growing, jittered pauses, and give up by name."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BrokenConnectionError

log = logging.getLogger(__name__)

PASSING_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
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
"""Error codes of calls that may succeed a moment later ("Common Errors" of each AWS API reference)."""

_BROKEN_CONNECTIONS = (BrokenConnectionError, HTTPClientError)
_FAILURES = (ClientError, *_BROKEN_CONNECTIONS)

Answer = TypeVar("Answer")


class ThrottledOutError(RuntimeError):
    """A call that stayed throttled or unanswered to the last try; the message names the call and what to do."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often to try, and how long to pause: half to all of `base_seconds` x 2^n, never over `cap_seconds`.

    `sleep` and `jitter` (0 to 1) are replaced in tests.
    """

    tries: int = 8
    base_seconds: float = 0.05
    cap_seconds: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def pauses(self) -> Iterator[float]:
        """Yield the pause after each try but the last."""
        for attempt in range(self.tries - 1):
            yield min(self.base_seconds * 2**attempt, self.cap_seconds) * (0.5 + self.jitter() / 2)

    def call(self, operation: Callable[[], Answer], *, name: str) -> Answer:
        """Return the operation's answer; other failures than throttling are raised at once.

        Raises ThrottledOutError, naming the call, when the last try is throttled too.
        """
        for pause in self.pauses():
            try:
                return operation()
            except _FAILURES as error:
                if not is_passing(error):
                    raise
                log.info("%s: %s; next try in %.2f s", name, error, pause)
                self.sleep(pause)
        try:
            return operation()
        except _FAILURES as error:
            if not is_passing(error):
                raise
            raise self.gave_up(name, because=str(error)) from error

    def gave_up(self, name: str, *, because: str) -> ThrottledOutError:
        """Return the error of a call given up."""
        return ThrottledOutError(f"{name} failed {self.tries} times, the last time with: {because}; try again later.")


def is_passing(error: Exception) -> bool:
    """Whether a failure may pass by itself: throttling, an error on the service's side, a connection that broke."""
    if isinstance(error, ClientError):
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return answer.get("Error", {}).get("Code") in PASSING_CODES or status >= 500
    return isinstance(error, _BROKEN_CONNECTIONS)
