"""The step that writes what a call changed before the call is answered: what was acknowledged survives a kill."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.keep_dynamodb import DynamoDbKeeper
from include.standins.aws.keep_s3 import S3Keeper
from include.standins.aws.keep_service import ServiceKeeper, reads_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from include.standins.aws.errors import Reply
    from include.standins.aws.state_store import StateStore

# A call to the first may also change the others: topics deliver to queues, buckets notify both.
RIPPLES = {"sns": ("sqs",), "events": ("sqs", "sns")}
# They write what they change to stores of their own.
KEPT_ELSEWHERE = frozenset({("logs", "PutLogEvents"), ("cloudwatch", "PutMetricData")})
STATELESS = frozenset({"sts"})


class Keeping:
    """Gateway step; one call per service at a time (moto checks and sets without locks), S3 and long polls excepted."""

    def __init__(self, store: StateStore, *, account: str, bodies: Path) -> None:
        self.store = store
        self.s3 = S3Keeper(store, account=account)
        self._dynamodb = DynamoDbKeeper(store, account=account)
        self._services = ServiceKeeper(store)
        self._bodies = bodies
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Run the call, then write what it changed, then answer."""
        if call.service in STATELESS:
            return inner()
        if call.service == "s3":
            return inner() if _reads_objects(environ) else self._keep_s3(call, environ, inner)
        if reads_only(call.operation) or (call.service, call.operation) in KEPT_ELSEWHERE:
            with self._locks[call.service]:
                return inner()
        if call.service == "dynamodb":
            return self._keep_dynamodb(call, environ, inner)
        if call.operation == "ReceiveMessage":  # may wait 20 s for a message that another call must bring
            reply = inner()
            self.save(call.service)
            return reply
        with self._locks[call.service]:
            reply = inner()
            if reply.status < 400:
                self.save(call.service, *RIPPLES.get(call.service, ()))
        return reply

    def _keep_s3(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        touched = self.s3.changed_keys(environ)
        reply = inner()  # a slow upload must not hold up the others
        if reply.status < 400:
            with self._locks["s3"]:
                self.store.write(self.s3.changes(call, environ, touched))
            self._save_notified(touched[0])
        return reply

    def _keep_dynamodb(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        parameters = json_body(environ)
        with self._locks["dynamodb"]:
            reply = inner()
            if reply.status < 400:
                self.store.write(self._dynamodb.changes(call, parameters))
        return reply

    def save(self, *services: str) -> None:
        """Write services whole."""
        for service in services:
            with self._locks[service]:
                self.store.write(self._services.changes(service))

    def locked(self, service: str) -> threading.RLock:
        """Give the lock to hold while looking into a moto backend from the side."""
        return self._locks[service]

    def save_objects(self, bucket: str, keys: Iterable[str]) -> None:
        """Write objects that an engine put or deleted without an S3 call."""
        with self._locks["s3"]:
            self.store.write(self.s3.objects(bucket, keys))
        self._save_notified(bucket)

    def _save_notified(self, bucket: str) -> None:
        if self.s3.notifies(bucket):
            self.save("sqs", "sns")

    def restore(self) -> None:
        """Bring back everything kept; call once, before serving."""
        self._services.restore()
        self.s3.restore(self._bodies)
        self._dynamodb.restore()

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def _reads_objects(environ: Environ) -> bool:
    return environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS")
