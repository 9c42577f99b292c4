"""Firehose: records in, objects out."""

from __future__ import annotations

import base64
import gzip
import io
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from include.standins.aws.firehose_parquet import arrow_schema, arrow_type, convert
from include.standins.aws.firehose_prefix import place
from tests.standins.aws.conftest import new_athena

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_aws import LocalAws
    from tests.standins.aws.athena_client import Athena

ROLE = "arn:aws:iam::123456789012:role/firehose_role"
DEADLINE_SECONDS = 30
COLUMNS = [
    ("id", "string"),
    ("time", "timestamp"),
    ("count", "int"),
    ("urls", "array<struct<url:string,size:bigint>>"),
    ("labels", "map<string,double>"),
]


def _stream(aws: LocalAws, **settings: Any) -> tuple[str, Athena]:
    athena, name = new_athena(aws), f"s-{uuid4().hex[:8]}"
    destination = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{athena.bucket}",
        "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 64},
        **settings,
    }
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination
    )
    return name, athena


def _converting(aws: LocalAws) -> tuple[str, Athena]:
    name, athena = _stream(aws)
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName=name)
    columns = [{"Name": column, "Type": kind} for column, kind in COLUMNS]
    storage = {
        "Columns": columns,
        "Location": f"s3://{athena.bucket}/mails/",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    keys = [{"Name": "dt", "Type": "string"}]
    properties = {
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd-HH",
        "projection.dt.range": "2020-01-01-00,NOW",
    }
    table = {"Name": "mails", "StorageDescriptor": storage, "PartitionKeys": keys, "Parameters": properties}
    aws.client("glue").create_table(DatabaseName=athena.database, TableInput=table)
    schema = {"RoleARN": ROLE, "DatabaseName": athena.database, "TableName": "mails", "Region": "us-east-1"}
    destination = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{athena.bucket}",
        "Prefix": "mails/dt=!{timestamp:yyyy-MM-dd-HH}/",
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/",
        "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 64},
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": schema,
        },
    }
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination
    )
    return name, athena


def _put(aws: LocalAws, stream: str, *records: bytes) -> dict[str, Any]:
    entries = [{"Data": record} for record in records]
    return dict(aws.client("firehose").put_record_batch(DeliveryStreamName=stream, Records=entries))


def test_records_land_as_hourly_parquet_that_athena_reads(local_aws: LocalAws) -> None:
    stream, athena = _converting(local_aws)
    mail = {
        "Id": "m1",
        "time": "2024-01-01T10:00:00Z",
        "COUNT": 3,
        "urls": [{"Url": "http://x", "size": 5}],
        "other": 1,
    }
    before = datetime.now(UTC)

    _put(local_aws, stream, json.dumps(mail).encode() + b"\n", b'{"id":"m2","labels":{"a":0.5}}')
    local_aws.control("POST", "firehose/flush", {"stream": stream})

    (key,) = athena.keys("mails/")
    assert key.split("/")[1] in {f"dt={moment:%Y-%m-%d-%H}" for moment in (before, datetime.now(UTC))}
    assert key.endswith(".parquet")
    assert key.split("/")[2].startswith(f"{stream}-1-20")
    metadata = pq.ParquetFile(io.BytesIO(athena.read(f"s3://{athena.bucket}/{key}"))).metadata
    assert metadata.row_group(0).column(0).compression == "SNAPPY"
    rows = athena.ok('SELECT id, "time", count, urls, labels FROM mails ORDER BY id').rows
    assert rows == [
        ("m1", "2024-01-01 10:00:00.000", "3", "[{url=http://x, size=5}]", None),
        ("m2", None, None, None, "{a=0.5}"),
    ]


def test_a_bad_record_goes_to_the_error_prefix_with_its_reason(local_aws: LocalAws) -> None:
    stream, athena = _converting(local_aws)
    bad = [b"no json", b'[{"id":"in a list"}]', b'{"id":"x","count":"many"}', b"\xff\xfe"]

    _put(local_aws, stream, b'{"id":"good"}', *bad)
    local_aws.control("POST", "firehose/flush", {"stream": stream})

    (key,) = athena.keys("failed/")
    assert key.startswith("failed/format-conversion-failed/")
    lines = [json.loads(line) for line in athena.read(f"s3://{athena.bucket}/{key}").splitlines()]
    assert [base64.b64decode(line["rawData"]) for line in lines] == bad
    assert [line["errorCode"] for line in lines] == [
        "DataFormatConversion.MalformedData",
        "DataFormatConversion.MalformedData",
        "DataFormatConversion.InvalidSchema",
        "DataFormatConversion.MalformedData",
    ]
    assert "count" in lines[2]["errorMessage"]
    assert all(line["attemptsMade"] == 1 and line["arrivalTimestamp"] > 1e12 for line in lines)
    assert athena.ok("SELECT id FROM mails").rows == [("good",)]


def test_a_buffer_is_delivered_when_its_time_is_up(local_aws: LocalAws) -> None:
    stream, athena = _stream(local_aws, BufferingHints={"IntervalInSeconds": 1, "SizeInMBs": 5}, Prefix="timed/")

    _put(local_aws, stream, b"one", b"two")

    (key,) = _eventually(athena, "timed/")
    assert athena.read(f"s3://{athena.bucket}/{key}") == b"onetwo"
    assert key.startswith(f"timed/{datetime.now(UTC):%Y/}")


def test_a_buffer_is_delivered_when_it_is_full(local_aws: LocalAws) -> None:
    hints = {"IntervalInSeconds": 900, "SizeInMBs": 1}
    stream, athena = _stream(local_aws, BufferingHints=hints, Prefix="full/", CompressionFormat="GZIP")

    _put(local_aws, stream, b"x" * 600_000)
    assert athena.keys("full/") == []
    _put(local_aws, stream, b"y" * 600_000)

    (key,) = _eventually(athena, "full/")
    assert key.endswith(".gz")
    assert len(gzip.decompress(athena.read(f"s3://{athena.bucket}/{key}"))) == 1_200_000


def _eventually(athena: Athena, prefix: str) -> list[str]:
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        if found := athena.keys(prefix):
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing came to {prefix}")


def test_a_delivery_that_fails_keeps_its_records(local_aws: LocalAws) -> None:
    stream, athena = _stream(local_aws, Prefix="again/")
    s3 = local_aws.client("s3")
    s3.delete_bucket(Bucket=athena.bucket)
    _put(local_aws, stream, b"kept")

    status, _ = local_aws.http("POST", "/_landfall/firehose/flush", json.dumps({"stream": stream}).encode())
    s3.create_bucket(Bucket=athena.bucket)
    local_aws.control("POST", "firehose/flush", {"stream": stream})

    assert status == 409
    assert athena.read(f"s3://{athena.bucket}/{athena.keys('again/')[0]}") == b"kept"


@pytest.mark.parametrize("records", [[b"x"] * 501, [b"x" * 1_000_000] * 5])
def test_a_batch_over_the_limits_is_refused_whole(local_aws: LocalAws, records: list[bytes]) -> None:
    stream, _ = _stream(local_aws)

    with pytest.raises(ClientError, match=r"limit|length less than or equal to 500"):
        _put(local_aws, stream, *records)

    assert local_aws.control("POST", "firehose/flush", {"stream": stream}) == {"delivered": {stream: 0}}


def test_under_throttling_part_of_a_batch_fails_and_says_which(no_faults: LocalAws) -> None:
    stream, _ = _stream(no_faults)
    no_faults.control("POST", "faults", {"service": "firehose", "kind": "unprocessed", "times": 1})

    answer = _put(no_faults, stream, *[str(number).encode() for number in range(5)])

    failed = [response.get("ErrorCode") for response in answer["RequestResponses"]]
    assert answer["FailedPutCount"] == 2
    assert failed == ["ServiceUnavailableException", "ServiceUnavailableException", None, None, None]
    assert no_faults.control("POST", "firehose/flush", {"stream": stream}) == {"delivered": {stream: 3}}


@pytest.mark.parametrize(
    "settings",
    [
        {"Prefix": "x/!{timestamp:yyyy}/"},
        {"Prefix": "x/!{timestamp:yyyy}/", "ErrorOutputPrefix": "e/!{timestamp:yyyy}/"},
        {"Prefix": "x/!{partitionKeyFromQuery:a}/", "ErrorOutputPrefix": "e/!{firehose:error-output-type}/"},
        {"ProcessingConfiguration": {"Enabled": True}},
        {"CompressionFormat": "Snappy"},
    ],
)
def test_a_stream_that_could_not_deliver_faithfully_is_refused(local_aws: LocalAws, settings: dict[str, Any]) -> None:
    with pytest.raises(local_aws.client("firehose").exceptions.InvalidArgumentException):
        _stream(local_aws, **settings)


def test_a_stream_is_described_as_it_was_made(local_aws: LocalAws) -> None:
    stream, _ = _converting(local_aws)

    described = local_aws.client("firehose").describe_delivery_stream(DeliveryStreamName=stream)

    description = described["DeliveryStreamDescription"]
    destination = description["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert description["DeliveryStreamStatus"] == "ACTIVE"
    assert destination["Prefix"] == "mails/dt=!{timestamp:yyyy-MM-dd-HH}/"
    assert destination["DataFormatConversionConfiguration"]["SchemaConfiguration"]["TableName"] == "mails"


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("raw/", "raw/2024/03/09/07/"),
        ("", "2024/03/09/07/"),
        ("a/dt=!{timestamp:yyyy-MM-dd-HH}/", "a/dt=2024-03-09-07/"),
        ("a/!{timestamp:yyyy'/month='MM}/", "a/2024/month=03/"),
    ],
)
def test_prefixes_are_evaluated_by_arrival(prefix: str, expected: str) -> None:
    assert place(prefix, arrived=datetime(2024, 3, 9, 7, 30, tzinfo=UTC)) == expected


def test_hive_types_become_arrow_types_to_any_depth() -> None:
    kind = arrow_type("array<struct<a:map<string,decimal(10,2)>,b:array<timestamp>>>")

    assert str(kind).replace("item: ", "").replace("element: ", "") == (
        "list<struct<a: map<string, decimal128(10, 2)>, b: list<timestamp[ms]>>>"
    )
    with pytest.raises(ValueError, match="uniontype"):
        arrow_type("uniontype<int>")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_converted_or_set_aside_never_lost(
    tmp_path_factory: pytest.TempPathFactory, record: bytes
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / f"{uuid4().hex}.parquet"

    failed = convert([record, b'{"id":"sure"}'], schema=arrow_schema(COLUMNS), path=path)

    rows = pq.read_table(path).num_rows
    path.unlink()
    assert rows + len(failed) >= 2
    assert all(one.index == 0 and one.message for one in failed)
