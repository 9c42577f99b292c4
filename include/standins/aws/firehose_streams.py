"""Delivery streams: their definitions, checked, and the records they have taken but not yet delivered."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from include.standins.aws.errors import AwsError
from include.standins.aws.firehose_prefix import check_prefixes
from include.standins.aws.state_store import Change, StateStore

STREAM, RECORD = "firehose.stream", "firehose.record"
DEFAULT_SECONDS, DEFAULT_MIB = 300, 5
CONVERSION_LEAST_MIB = 64  # source: Firehose API reference, DataFormatConversionConfiguration


@dataclass
class Stream:
    """A delivery stream to S3; `destination` is the ExtendedS3 configuration as given."""

    name: str
    arn: str
    created: float
    destination: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    version: int = 1
    updated: float | None = None

    @property
    def prefix(self) -> str:
        """Where records go."""
        return str(self.destination.get("Prefix") or "")

    @property
    def error_prefix(self) -> str:
        """Where records that failed go."""
        return str(self.destination.get("ErrorOutputPrefix") or "")

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return str(self.destination["BucketARN"]).rpartition(":")[2]

    @property
    def buffer_seconds(self) -> float:
        """How long a record may wait."""
        return float((self.destination.get("BufferingHints") or {}).get("IntervalInSeconds", DEFAULT_SECONDS))

    @property
    def buffer_bytes(self) -> int:
        """How much may wait."""
        hint = (self.destination.get("BufferingHints") or {}).get("SizeInMBs")
        return int(hint or (CONVERSION_LEAST_MIB if self.conversion else DEFAULT_MIB)) << 20

    @property
    def conversion(self) -> dict[str, Any] | None:
        """The record-format conversion, None when it is off."""
        given = self.destination.get("DataFormatConversionConfiguration")
        return given if given and given.get("Enabled", True) else None

    def describe(self) -> dict[str, Any]:
        """Give the DeliveryStreamDescription structure."""
        kept = {"S3BackupMode": "Disabled", "CompressionFormat": "UNCOMPRESSED", **self.destination}
        kept.setdefault("BufferingHints", {"IntervalInSeconds": DEFAULT_SECONDS, "SizeInMBs": self.buffer_bytes >> 20})
        kept.setdefault("EncryptionConfiguration", {"NoEncryptionConfig": "NoEncryption"})
        described = {
            "DeliveryStreamName": self.name,
            "DeliveryStreamARN": self.arn,
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "DirectPut",
            "VersionId": str(self.version),
            "CreateTimestamp": self.created,
            "HasMoreDestinations": False,
            "Destinations": [{"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": kept}],
        }
        return described if self.updated is None else {**described, "LastUpdateTimestamp": self.updated}


def check_destination(destination: dict[str, Any]) -> None:
    """Refuse what the local Firehose cannot do; raises AwsError InvalidArgumentException."""
    check_prefixes(str(destination.get("Prefix") or ""), str(destination.get("ErrorOutputPrefix") or ""))
    for setting in ("ProcessingConfiguration", "DynamicPartitioningConfiguration"):
        if (destination.get(setting) or {}).get("Enabled"):
            raise AwsError("InvalidArgumentException", f"{setting} is not modelled by the local Firehose.")
    if destination.get("CompressionFormat", "UNCOMPRESSED") not in ("UNCOMPRESSED", "GZIP"):
        raise AwsError("InvalidArgumentException", f"{destination['CompressionFormat']} is not modelled; use GZIP.")
    conversion = destination.get("DataFormatConversionConfiguration") or {}
    if not conversion or not conversion.get("Enabled", True):
        return
    if destination.get("CompressionFormat", "UNCOMPRESSED") != "UNCOMPRESSED":
        raise AwsError(
            "InvalidArgumentException", "CompressionFormat must be UNCOMPRESSED when format conversion is on."
        )
    size = (destination.get("BufferingHints") or {}).get("SizeInMBs")
    if size is not None and size < CONVERSION_LEAST_MIB:
        raise AwsError(
            "InvalidArgumentException", f"SizeInMBs must be at least {CONVERSION_LEAST_MIB} with conversion."
        )
    writer = conversion.get("OutputFormatConfiguration", {}).get("Serializer", {})
    if "ParquetSerDe" not in writer or not conversion.get("SchemaConfiguration", {}).get("TableName"):
        raise AwsError("InvalidArgumentException", "Format conversion is modelled to Parquet by a Glue table only.")


@dataclass(frozen=True)
class Buffered:
    """One record that waits; `arrived` is seconds since the epoch."""

    key: str
    data: bytes
    arrived: float


class Streams:
    """Definitions and buffers; both are written before a call is answered."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._streams: dict[str, Stream] = {}
        self._buffers: dict[str, list[Buffered]] = {}
        self._sequence = 0

    def restore(self) -> None:
        """Read definitions and waiting records back."""
        for name, blob in self._store.read(STREAM):
            self._streams[name] = Stream(**json.loads(blob))
            self._buffers[name] = []
        for key, blob in self._store.read(RECORD):
            name, sequence, arrived = key.split("/")
            self._sequence = max(self._sequence, int(sequence))
            self._buffers.setdefault(name, []).append(Buffered(key, blob, float(arrived)))

    def save(self, stream: Stream) -> None:
        """Create or update a definition."""
        self._store.write([Change(STREAM, stream.name, json.dumps(asdict(stream)).encode())])
        self._streams[stream.name] = stream
        self._buffers.setdefault(stream.name, [])

    def find(self, name: str) -> Stream | None:
        """Give a definition."""
        return self._streams.get(name)

    def names(self) -> list[str]:
        """Names, sorted."""
        return sorted(self._streams)

    def delete(self, name: str) -> None:
        """Forget a definition and what waits in it."""
        with self._lock:
            self._store.write([Change(STREAM, name, None)])
            self._store.drop(RECORD, prefix=f"{name}/")
            self._streams.pop(name, None)
            self._buffers.pop(name, None)

    def append(self, name: str, records: list[bytes], *, arrived: float) -> None:
        """Take records in; they survive a kill from here on."""
        with self._lock:
            buffered = []
            for data in records:
                self._sequence += 1
                buffered.append(Buffered(f"{name}/{self._sequence:016d}/{arrived}", data, arrived))
            self._store.write([Change(RECORD, record.key, record.data) for record in buffered])
            self._buffers[name].extend(buffered)

    def waiting(self, name: str) -> tuple[int, float | None]:
        """Give the bytes that wait and when the oldest record came."""
        with self._lock:
            buffer = self._buffers.get(name, [])
            return sum(len(record.data) for record in buffer), (buffer[0].arrived if buffer else None)

    def peek(self, name: str) -> list[Buffered]:
        """Give what waits, the oldest first."""
        with self._lock:
            return list(self._buffers.get(name, []))

    def done(self, name: str, delivered: list[Buffered]) -> None:
        """Forget records that have been delivered."""
        with self._lock:
            self._store.write([Change(RECORD, record.key, None) for record in delivered])
            gone = {record.key for record in delivered}
            self._buffers[name] = [record for record in self._buffers.get(name, []) if record.key not in gone]
