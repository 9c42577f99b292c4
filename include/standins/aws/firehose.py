"""Firehose: takes records, holds them by its buffering hints, and delivers objects to S3.

Source of limits and error shapes: Firehose API reference, PutRecordBatch; developer guide, "Data delivery".
A kill between the delivery and the forgetting of a buffer delivers it again: at least once, as in AWS.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.errors import AwsError, Reply, json_reply, not_modelled
from include.standins.aws.firehose_parquet import Failed, arrow_schema, convert
from include.standins.aws.firehose_prefix import CONVERSION_FAILED, place
from include.standins.aws.firehose_streams import Buffered, Stream, Streams, check_destination
from include.standins.aws.object_store import NoSuchBucketError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.standins.aws.athena_catalog import Catalog
    from include.standins.aws.object_store import ObjectStore

log = logging.getLogger(__name__)

Parameters = dict[str, Any]
RECORD_LIMIT = 1000 << 10
BATCH_RECORDS, BATCH_BYTES = 500, 4 << 20
TICK_SECONDS = 0.2
RETRY_SECONDS = 5.0


class Firehose:
    """Firehose of one account and region, with its state restored and a thread that delivers."""

    def __init__(
        self,
        *,
        streams: Streams,
        store: ObjectStore,
        catalog: Callable[[], Catalog],
        scratch: Path,
        account: str,
        region: str,
    ) -> None:
        self._streams = streams
        self._store = store
        self._catalog = catalog
        self._scratch = scratch
        self._arn = f"arn:aws:firehose:{region}:{account}:deliverystream/"
        self._ended = threading.Event()
        self._delivering = threading.Lock()
        self._retry_at: dict[str, float] = {}
        scratch.mkdir(parents=True, exist_ok=True)
        streams.restore()
        threading.Thread(target=self._deliver_when_due, name="firehose", daemon=True).start()

    def answer(self, call: Call, parameters: Parameters) -> Parameters:
        """Answer one call; raises AwsError."""
        method = _OPERATIONS.get(call.operation)
        if method is None:
            raise not_modelled(call)
        return method(self, parameters)

    def create(self, parameters: Parameters) -> Parameters:
        """CreateDeliveryStream: direct put to S3."""
        name = parameters["DeliveryStreamName"]
        if self._streams.find(name):
            raise AwsError("ResourceInUseException", f"Firehose {name} under accountId already exists")
        destination = parameters.get("ExtendedS3DestinationConfiguration") or parameters.get(
            "S3DestinationConfiguration"
        )
        if destination is None or parameters.get("DeliveryStreamType", "DirectPut") != "DirectPut":
            raise AwsError("InvalidArgumentException", "The local Firehose delivers direct puts to S3 only.")
        check_destination(destination)
        tags = {tag["Key"]: tag.get("Value", "") for tag in parameters.get("Tags") or []}
        stream = Stream(name, self._arn + name, time.time(), destination, tags)
        self._streams.save(stream)
        return {"DeliveryStreamARN": stream.arn}

    def _stream(self, parameters: Parameters) -> Stream:
        name = parameters["DeliveryStreamName"]
        found = self._streams.find(name)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Firehose {name} under account not found.")
        return found

    def describe(self, parameters: Parameters) -> Parameters:
        """DescribeDeliveryStream."""
        return {"DeliveryStreamDescription": self._stream(parameters).describe()}

    def list_streams(self, parameters: Parameters) -> Parameters:
        """ListDeliveryStreams."""
        after = parameters.get("ExclusiveStartDeliveryStreamName") or ""
        names = [name for name in self._streams.names() if name > after]
        limit = parameters.get("Limit") or 10
        return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}

    def update(self, parameters: Parameters) -> Parameters:
        """UpdateDestination: settings given replace those held."""
        stream = self._stream(parameters)
        if parameters["CurrentDeliveryStreamVersionId"] != str(stream.version):
            raise AwsError("ConcurrentModificationException", f"The version of {stream.name} is {stream.version}.")
        changes = parameters.get("ExtendedS3DestinationUpdate") or parameters.get("S3DestinationUpdate") or {}
        destination = {**stream.destination, **changes}
        check_destination(destination)
        stream.destination, stream.version, stream.updated = destination, stream.version + 1, time.time()
        self._streams.save(stream)
        return {}

    def delete(self, parameters: Parameters) -> Parameters:
        """DeleteDeliveryStream: what waits is lost, as in AWS."""
        self._streams.delete(self._stream(parameters).name)
        return {}

    def put(self, parameters: Parameters) -> Parameters:
        """PutRecord."""
        stream = self._stream(parameters)
        self._streams.append(stream.name, [_data(parameters["Record"])], arrived=time.time())
        return {"RecordId": _record_id(), "Encrypted": False}

    def put_batch(self, parameters: Parameters) -> Parameters:
        """PutRecordBatch: at most 500 records and 4 MiB."""
        stream, records = self._stream(parameters), parameters["Records"]
        if len(records) > BATCH_RECORDS:
            raise AwsError(
                "ValidationException",
                "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length "
                f"less than or equal to {BATCH_RECORDS}",
            )
        data = [_data(record) for record in records]
        if sum(map(len, data)) > BATCH_BYTES:
            raise AwsError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        refused = len(data) // 2 if parameters.get("__unprocessed") else 0
        self._streams.append(stream.name, data[refused:], arrived=time.time())
        failure = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        answers = [failure if index < refused else {"RecordId": _record_id()} for index in range(len(data))]
        return {"FailedPutCount": refused, "Encrypted": False, "RequestResponses": answers}

    def tag(self, parameters: Parameters) -> Parameters:
        """TagDeliveryStream."""
        stream = self._stream(parameters)
        stream.tags |= {tag["Key"]: tag.get("Value", "") for tag in parameters["Tags"]}
        self._streams.save(stream)
        return {}

    def untag(self, parameters: Parameters) -> Parameters:
        """UntagDeliveryStream."""
        stream = self._stream(parameters)
        stream.tags = {name: value for name, value in stream.tags.items() if name not in parameters["TagKeys"]}
        self._streams.save(stream)
        return {}

    def list_tags(self, parameters: Parameters) -> Parameters:
        """ListTagsForDeliveryStream."""
        tags = [{"Key": name, "Value": value} for name, value in sorted(self._stream(parameters).tags.items())]
        return {"Tags": tags, "HasMoreTags": False}

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer POST /_landfall/firehose/flush: deliver now, all streams or the one named in {"stream"}."""
        if rest != "flush" or environ["REQUEST_METHOD"] != "POST":
            return json_reply({"message": "Use POST /_landfall/firehose/flush."}, status=404)
        wanted = json_body(environ).get("stream")
        names = [wanted] if wanted else self._streams.names()
        if wanted and self._streams.find(wanted) is None:
            return json_reply({"message": f"There is no stream {wanted}."}, status=404)
        try:
            return json_reply({"delivered": {name: self.flush(name) for name in names}})
        except NoSuchBucketError as error:
            return json_reply({"message": f"The bucket {error} does not exist; the records are kept."}, status=409)

    def flush(self, name: str) -> int:
        """Deliver what waits in a stream and tell how many records that were."""
        with self._delivering:
            stream, records = self._streams.find(name), self._streams.peek(name)
            if stream is None or not records:
                return 0
            self._deliver(stream, records)
            self._streams.done(name, records)
        return len(records)

    def close(self) -> None:
        """Stop delivering; what waits is kept for the next start."""
        self._ended.set()
        with self._delivering:
            pass

    def _deliver_when_due(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            for name in self._streams.names():
                try:
                    if self._is_due(name):
                        self.flush(name)
                except Exception:
                    log.exception("delivery of stream %s failed; tried again in %s s", name, RETRY_SECONDS)
                    self._retry_at[name] = time.time() + RETRY_SECONDS

    def _is_due(self, name: str) -> bool:
        stream = self._streams.find(name)
        size, oldest = self._streams.waiting(name)
        if stream is None or oldest is None or time.time() < self._retry_at.get(name, 0):
            return False
        return size >= stream.buffer_bytes or time.time() - oldest >= stream.buffer_seconds

    def _deliver(self, stream: Stream, records: list[Buffered]) -> None:
        arrived = datetime.fromtimestamp(records[0].arrived, tz=UTC)
        base = f"s3://{stream.bucket}/"
        name = f"{stream.name}-{stream.version}-{arrived:%Y-%m-%d-%H-%M-%S}-{uuid4()}"
        if stream.conversion:
            self._deliver_parquet(stream, records, base, name)
            return
        content, ending = b"".join(record.data for record in records), ""
        if stream.destination.get("CompressionFormat") == "GZIP":
            content, ending = gzip.compress(content), ".gz"
        self._store.put(f"{base}{place(stream.prefix, arrived=arrived)}{name}{ending}", content)

    def _deliver_parquet(self, stream: Stream, records: list[Buffered], base: str, name: str) -> None:
        arrived = datetime.fromtimestamp(records[0].arrived, tz=UTC)
        path = self._scratch / f"{uuid4().hex}.parquet"
        try:
            schema = self._schema(stream.conversion or {})
        except (AwsError, ValueError) as error:
            failed = [Failed(index, "DataFormatConversion.InvalidSchema", str(error)) for index in range(len(records))]
        else:
            failed = convert((record.data for record in records), schema=schema, path=path)
        if path.exists():
            self._store.put(f"{base}{place(stream.prefix, arrived=arrived)}{name}.parquet", path)
        if failed:
            where = place(stream.error_prefix, arrived=arrived, failure=CONVERSION_FAILED)
            self._store.put(f"{base}{where}{name}", _error_lines(records, failed))

    def _schema(self, conversion: Parameters) -> Any:
        wanted = conversion["SchemaConfiguration"]
        found = self._catalog().find(wanted.get("DatabaseName", "").lower(), wanted["TableName"].lower())
        if found is None:
            raise AwsError("InvalidArgumentException", f"The Glue table {wanted['TableName']} does not exist.")
        return arrow_schema(list(found.columns.items()))


def _data(record: dict[str, str]) -> bytes:
    data = base64.b64decode(record["Data"])
    if len(data) > RECORD_LIMIT:
        raise AwsError("InvalidArgumentException", f"Record is {len(data)} bytes; the limit is {RECORD_LIMIT}.")
    return data


def _record_id() -> str:
    return base64.b64encode(uuid4().bytes * 8).decode()


def _error_lines(records: list[Buffered], failed: list[Failed]) -> bytes:
    """Write failed records as Firehose does: JSON lines with the raw data and the reason."""
    now = round(time.time() * 1000)
    lines = [
        {
            "attemptsMade": 1,
            "arrivalTimestamp": round(records[one.index].arrived * 1000),
            "lastErrorCode": one.code,
            "lastErrorMessage": one.message,
            "errorCode": one.code,
            "errorMessage": one.message,
            "attemptEndingTimestamp": now,
            "rawData": base64.b64encode(records[one.index].data).decode(),
        }
        for one in failed
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


_OPERATIONS: dict[str, Callable[[Firehose, Parameters], Parameters]] = {
    "CreateDeliveryStream": Firehose.create,
    "DescribeDeliveryStream": Firehose.describe,
    "ListDeliveryStreams": Firehose.list_streams,
    "UpdateDestination": Firehose.update,
    "DeleteDeliveryStream": Firehose.delete,
    "PutRecord": Firehose.put,
    "PutRecordBatch": Firehose.put_batch,
    "TagDeliveryStream": Firehose.tag,
    "UntagDeliveryStream": Firehose.untag,
    "ListTagsForDeliveryStream": Firehose.list_tags,
}
