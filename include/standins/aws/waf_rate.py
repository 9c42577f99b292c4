"""How often WAF lets itself be changed.

Source: AWS WAF quotas: one call a second to any individual Create, Put or Update action, of an account and Region. A
burst is not documented; two calls may come at once here, so that a pair of sets can be made.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.errors import AwsError, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITED = ("Create", "Put", "Update")
FIELDS = ("calls_per_second", "burst")


class Rate:
    """A bucket of calls for each action and Region, filled by `calls_per_second` up to `burst`; 0 a second is no limit.

    Over HTTP at /_landfall/waf: POST changes either, GET tells both.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.calls_per_second, self.burst = 1.0, 2.0
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._left: defaultdict[tuple[str, str], float] = defaultdict(lambda: self.burst)
        self._seen: dict[tuple[str, str], float] = {}

    def check(self, call: Call) -> None:
        """Let a call pass, or raise ThrottlingException; one that is refused does not count."""
        if not call.operation.startswith(LIMITED) or not self.calls_per_second:
            return
        key, now = (call.region, call.operation), self._monotonic()
        with self._lock:
            filled = (now - self._seen.get(key, now)) * self.calls_per_second
            self._left[key] = min(self.burst, self._left[key] + filled)
            self._seen[key] = now
            if self._left[key] < 1:
                raise AwsError("ThrottlingException", "Rate exceeded")
            self._left[key] -= 1

    def route(self, environ: Environ, _rest: str) -> Reply:
        """Answer /_landfall/waf."""
        if environ["REQUEST_METHOD"] == "POST":
            wishes = json_body(environ)
            if problem := _problem(wishes):
                return json_reply({"message": problem}, status=400)
            with self._lock:
                for name, value in wishes.items():
                    setattr(self, name, float(value))
                self._forget()
        elif environ["REQUEST_METHOD"] != "GET":
            return json_reply({"message": "Use POST or GET."}, status=405)
        return json_reply({name: getattr(self, name) for name in FIELDS})


def _problem(wishes: dict[str, object]) -> str:
    for name, value in wishes.items():
        if name not in FIELDS:
            return f"WAF has no setting {name!r}: known are {', '.join(FIELDS)}."
        low = 1 if name == "burst" else 0
        if not isinstance(value, int | float) or isinstance(value, bool) or value < low:
            return f"{name} is a number, at least {low}, not {value!r}."
    return ""
