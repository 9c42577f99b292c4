"""A boto3 client whose answers a test can spoil: errors, short pages, unprocessed keys."""

import threading
from collections import Counter
from typing import Any

from botocore.exceptions import ClientError


def throttled(code: str = "ProvisionedThroughputExceededException", status: int = 400) -> ClientError:
    """The error of a throttled call."""
    answer: Any = {"Error": {"Code": code, "Message": "slow down"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Call")


class FaultyClient:
    """Passes calls on to a real client, after the faults that a test has put in their way."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: Counter[str] = Counter()
        self.limits: dict[str, int] = {}
        self.unprocessed: list[int] = []
        self._faults: list[tuple[str, Exception, str]] = []
        self._lock = threading.Lock()

    def fail(self, method: str, error: Exception, *, times: int, where: str = "") -> None:
        """Let the next calls of a method fail, or only those whose arguments contain `where`."""
        self._faults += [(method, error, where)] * times

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not callable(found) or name == "exceptions":
            return found

        def call(**arguments: Any) -> Any:
            self._meet_fault(name, arguments)
            if name in self.limits:
                arguments["Limit"] = self.limits[name]
            if name == "batch_get_item" and self.unprocessed:
                return self._partly(arguments)
            return found(**arguments)

        return call

    def _meet_fault(self, name: str, arguments: dict[str, Any]) -> None:
        with self._lock:
            self.calls[name] += 1
            for fault in self._faults:
                method, error, where = fault
                if method == name and where in str(arguments):
                    self._faults.remove(fault)
                    raise error

    def _partly(self, arguments: dict[str, Any]) -> Any:
        """Leave as many keys of the batch unprocessed as the test says."""
        left = self.unprocessed.pop(0)
        ((table, request),) = arguments["RequestItems"].items()
        done, undone = request["Keys"][:-left], request["Keys"][-left:]
        unprocessed = {table: {**request, "Keys": undone}}
        if not done:
            return {"Responses": {}, "UnprocessedKeys": unprocessed}
        answer = self.client.batch_get_item(**{**arguments, "RequestItems": {table: {**request, "Keys": done}}})
        return {**answer, "UnprocessedKeys": unprocessed}
