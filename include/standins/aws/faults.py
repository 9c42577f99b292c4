"""Faults on demand: throttle, fail, delay or half-process AWS calls, by service and operation.

Over HTTP at /_landfall/faults: POST a fault and get its id, GET lists, DELETE /id or all.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.errors import AwsError, Reply, error_reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUERY_KINDS = ("query_fail", "query_cancel", "query_stuck")
KINDS = ("throttle", "fail", "delay", "unprocessed", *QUERY_KINDS)
# The words each service throttles with; source: the services' API references, "Common errors".
_THROTTLES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "s3": "SlowDown",
    "firehose": "ServiceUnavailableException",
    "athena": "TooManyRequestsException",
    "sns": "Throttled",
    "sqs": "RequestThrottled",
}
_THROTTLE_SENTENCES = {
    "dynamodb": "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
    "provisioning level with the UpdateTable API.",
    "s3": "Please reduce your request rate.",
    "firehose": "Slow down.",
}
UNPROCESSABLE = {("dynamodb", "BatchWriteItem"), ("dynamodb", "BatchGetItem"), ("firehose", "PutRecordBatch")}


@dataclass
class Fault:
    """One rule; empty service or operation matches all, `times` None strikes for ever."""

    id: str
    kind: str
    service: str = ""
    operation: str = ""
    times: int | None = None
    probability: float = 1.0
    error: str | None = None
    status: int | None = None
    seconds: float = 0.0
    struck: int = 0

    def matches(self, call: Call) -> bool:
        """Tell whether the rule is about this call."""
        return self.service in ("", call.service) and self.operation in ("", call.operation)


class FaultRegistry:
    """The rules in force, and the gateway step that applies them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._made = 0

    def add(self, definition: dict[str, Any]) -> Fault:
        """Put a rule in force; raises ValueError with one sentence for a wrong one."""
        unknown = set(definition) - {
            "kind",
            "service",
            "operation",
            "times",
            "probability",
            "error",
            "status",
            "seconds",
        }
        if unknown:
            raise ValueError(f"A fault has no field {sorted(unknown)[0]!r}.")
        if definition.get("kind") not in KINDS:
            raise ValueError(f"A fault's kind is one of {', '.join(KINDS)}, not {definition.get('kind')!r}.")
        with self._lock:
            self._made += 1
            fault = Fault(id=f"fault-{self._made}", **definition)
            self._faults[fault.id] = fault
        return fault

    def rules(self) -> list[dict[str, Any]]:
        """Give the rules in force; those used up are gone."""
        with self._lock:
            return [asdict(fault) for fault in self._faults.values()]

    def clear(self, fault_id: str = "") -> int:
        """Lift one rule, or all; tell how many."""
        with self._lock:
            gone = [name for name in self._faults if fault_id in ("", name)]
            for name in gone:
                del self._faults[name]
        return len(gone)

    def _strike(self, wanted: Callable[[Fault], bool]) -> Iterator[Fault]:
        """Give the rules that strike now, counting them down."""
        with self._lock:
            for fault in [fault for fault in self._faults.values() if wanted(fault)]:
                if random.random() >= fault.probability:  # noqa: S311 - a fault's chance is no secret
                    continue
                fault.struck += 1
                if fault.times is not None and fault.struck >= fault.times:
                    del self._faults[fault.id]
                yield fault

    def query_fault(self) -> Fault | None:
        """Give the fault that strikes a query which starts to run, if any."""
        return next(iter(list(self._strike(lambda fault: fault.kind in QUERY_KINDS))), None)

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Gateway step: delay, refuse or halve the call as the rules say."""
        for fault in list(self._strike(lambda rule: rule.kind not in QUERY_KINDS and rule.matches(call))):
            if fault.kind == "delay":
                time.sleep(fault.seconds)
            elif fault.kind == "unprocessed" and (call.service, call.operation) in UNPROCESSABLE:
                environ["landfall.unprocessed"] = True
            else:
                return error_reply(call, _error(fault, call))
        return inner()

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer /_landfall/faults."""
        method = environ["REQUEST_METHOD"]
        if method == "GET":
            return json_reply(self.rules())
        if method == "DELETE":
            return json_reply({"cleared": self.clear(rest)})
        if method != "POST":
            return json_reply({"message": "Use POST, GET or DELETE."}, status=405)
        try:
            return json_reply({"id": self.add(json_body(environ)).id}, status=201)
        except (ValueError, TypeError, json.JSONDecodeError) as error:
            return json_reply({"message": str(error)}, status=400)


def _error(fault: Fault, call: Call) -> AwsError:
    if fault.kind == "throttle":
        code = fault.error or _THROTTLES.get(call.service, "ThrottlingException")
        status = fault.status or (503 if code in ("SlowDown", "ServiceUnavailableException") else 400)
        return AwsError(code, _THROTTLE_SENTENCES.get(call.service, "Rate exceeded"), status=status)
    code = fault.error or "InternalServerError"
    return AwsError(code, f"A fault of the local AWS struck {call.operation}.", status=fault.status or 500)
