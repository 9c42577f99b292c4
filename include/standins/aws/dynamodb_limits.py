"""What DynamoDB refuses and moto does not: large batches; and batches half done under throttling.

Source: DynamoDB API reference, BatchWriteItem (25 items) and BatchGetItem (100 keys).
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.errors import AwsError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRITE_LIMIT, GET_LIMIT = 25, 100
Requests = dict[str, Any]


class DynamoDbLimits:
    """Gateway step between the faults and the keeping of state."""

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Refuse a batch over the limit; leave half of it unprocessed when a fault asks for that."""
        if call.service != "dynamodb" or call.operation not in ("BatchWriteItem", "BatchGetItem"):
            return inner()
        writes = call.operation == "BatchWriteItem"
        requests: Requests = json_body(environ).get("RequestItems") or {}
        _check(requests, writes=writes)
        if not environ.pop("landfall.unprocessed", False):
            return inner()
        done, left = split_in_half(requests, writes=writes)
        _replace_requests(environ, done)
        return _with_unprocessed(inner(), left, writes=writes)


def _count(requests: Mapping[str, Any], *, writes: bool) -> int:
    return sum(len(wanted if writes else wanted.get("Keys", [])) for wanted in requests.values())


def _check(requests: Requests, *, writes: bool) -> None:
    limit = WRITE_LIMIT if writes else GET_LIMIT
    if _count(requests, writes=writes) <= limit:
        return
    if writes:
        raise AwsError("ValidationException", "Too many items requested for the BatchWriteItem call")
    raise AwsError("ValidationException", "Too many items requested for the BatchGetItem call")


def split_in_half(requests: Requests, *, writes: bool) -> tuple[Requests, Requests]:
    """Give what is processed (the first half, rounded down) and what is left, table by table."""
    room = _count(requests, writes=writes) // 2
    done: Requests = {}
    left: Requests = {}
    for table, wanted in requests.items():
        items = wanted if writes else wanted["Keys"]
        first, rest = items[:room], items[room:]
        room -= len(first)
        for target, part in ((done, first), (left, rest)):
            if part:
                target[table] = part if writes else {**wanted, "Keys": part}
    return done, left


def _replace_requests(environ: Environ, requests: Requests) -> None:
    parameters = {**json_body(environ), "RequestItems": requests}
    data = json.dumps(parameters).encode()
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(data), str(len(data))


def _with_unprocessed(reply: Reply, left: Requests, *, writes: bool) -> Reply:
    if reply.status >= 400:
        return reply
    answer = json.loads(reply.body)
    answer["UnprocessedItems" if writes else "UnprocessedKeys"] = left
    headers = [header for header in reply.headers if header[0].lower() not in ("content-length", "x-amz-crc32")]
    return Reply(reply.status, headers, json.dumps(answer).encode())
