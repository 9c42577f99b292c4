"""Calls in, answers out: protocols, refusals, faults."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local_aws import ROOT, LocalAws

if TYPE_CHECKING:
    from pathlib import Path

NOT_MODELLED = [
    ("translate", "list_languages", {}),  # no module in moto: JSON
    ("glue", "list_blueprints", {}),  # no handler: JSON
    ("ses", "list_receipt_filters", {}),  # query
    ("route53", "list_geo_locations", {}),  # REST-XML
    ("sesv2", "list_recommendations", {}),  # REST-JSON
    ("athena", "list_notebook_metadata", {"WorkGroup": "primary"}),  # own engines
    ("datasync", "describe_location_efs", {"LocationArn": "arn:aws:datasync:us-east-1:123456789012:location/loc-0"}),
    ("firehose", "start_delivery_stream_encryption", {"DeliveryStreamName": "x"}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), NOT_MODELLED)
def test_what_is_not_modelled_is_refused_by_name_and_not_retried(
    local_aws: LocalAws, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    config = Config(retries={"max_attempts": 5, "mode": "standard"})
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
    client = boto3.client(service, endpoint_url=local_aws.endpoint, config=config, **keys)

    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)

    answer = refused.value.response
    assert answer["Error"]["Code"] == "NotImplementedException"
    assert "is not modelled by the local AWS" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_crash_inside_a_service_is_a_4xx_that_names_itself_and_is_logged(local_aws: LocalAws) -> None:
    client = local_aws.client("dynamodb")
    with pytest.raises(ClientError) as crashed:
        client.execute_statement(Statement="SELECT 1 FROM")

    assert crashed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert crashed.value.response["Error"]["Code"] == "LocalAwsCrash"
    assert "ExecuteStatement of dynamodb" in crashed.value.response["Error"]["Message"]
    assert "dynamodb ExecuteStatement crashed" in local_aws.log.read_text()


def test_every_service_knows_one_account(local_aws: LocalAws) -> None:
    account = local_aws.client("sts").get_caller_identity()["Account"]
    topic = local_aws.client("sns").create_topic(Name="account")["TopicArn"]
    local_aws.client("s3").create_bucket(Bucket="account-of-datasync")
    location = local_aws.client("datasync").create_location_s3(
        S3BucketArn="arn:aws:s3:::account-of-datasync",
        S3Config={"BucketAccessRoleArn": "arn:aws:iam::123456789012:role/role-name"},
    )["LocationArn"]

    assert [account, topic.split(":")[4], location.split(":")[4]] == ["123456789012"] * 3


def test_health_says_where_it_is(local_aws: LocalAws) -> None:
    answer = local_aws.control("GET", "health")

    assert answer == {"status": "ok", "port": local_aws.port, "account": "123456789012", "region": "us-east-1"}


def test_an_unknown_control_address_is_no_bucket(local_aws: LocalAws) -> None:
    status, body = local_aws.http("GET", "/_landfall/nonsense")

    assert status == 404
    assert b"no control address" in body


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "include.standins.aws", "--host", "0.0.0.0", "--state-dir", str(tmp_path)]  # noqa: S104 - must be refused
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "127.0.0.1" in ended.stderr


@pytest.mark.parametrize("taken", ["port", "state"])
def test_a_taken_port_or_folder_is_one_sentence(local_aws: LocalAws, tmp_path: Path, taken: str) -> None:
    port = local_aws.port if taken == "port" else 0
    folder = tmp_path if taken == "port" else local_aws.state_dir
    command = [sys.executable, "-m", "include.standins.aws", "--port", str(port), "--state-dir", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 3
    assert len(ended.stderr.strip().splitlines()) == 1
    assert (f"127.0.0.1:{port}" if taken == "port" else str(folder)) in ended.stderr


def test_objects_keep_their_bytes_ranges_and_metadata(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="bytes-and-ranges")
    s3.put_object(
        Bucket="bytes-and-ranges", Key="a/ü b", Body=b"0123456789", Metadata={"k": "v"}, ContentType="text/html"
    )
    s3.copy_object(Bucket="bytes-and-ranges", Key="copy", CopySource={"Bucket": "bytes-and-ranges", "Key": "a/ü b"})
    s3.put_object(Bucket="bytes-and-ranges", Key="a/ü b", Body=b"new")

    copy = s3.get_object(Bucket="bytes-and-ranges", Key="copy", Range="bytes=2-4")
    head = s3.head_object(Bucket="bytes-and-ranges", Key="copy")

    assert copy["Body"].read() == b"234"
    assert head["ContentLength"] == 10
    assert head["ETag"] == '"781e5e245d69b566979b86e28d23f2c7"'
    assert head["Metadata"] == {"k": "v"}
    assert head["ContentType"] == "text/html"
    assert s3.get_object(Bucket="bytes-and-ranges", Key="a/ü b")["Body"].read() == b"new"


def test_an_object_opens_in_a_browser_by_its_plain_address(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="docs-in-browser")
    s3.put_object(Bucket="docs-in-browser", Key="run=1/index.html", Body=b"<html>", ContentType="text/html")
    signed = s3.generate_presigned_url("get_object", Params={"Bucket": "docs-in-browser", "Key": "run=1/index.html"})

    assert local_aws.http("GET", "/docs-in-browser/run=1/index.html") == (200, b"<html>")
    assert local_aws.http("GET", signed.removeprefix(local_aws.endpoint)) == (200, b"<html>")
    assert local_aws.http("GET", "/docs-in-browser/none.html")[0] == 404
    assert local_aws.http("PUT", "/docs-in-browser/run=1/index.html", b"x")[0] == 403


def test_a_web_page_elsewhere_cannot_read_objects(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="not-for-pages")
    s3.put_object(Bucket="not-for-pages", Key="secret", Body=b"x")

    def get(host: str, origin: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", local_aws.port, timeout=60)
        connection.request("GET", "/not-for-pages/secret", headers={"Host": host, "Origin": origin})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    assert get("rebound.example", "http://rebound.example").status >= 400
    assert get("127.0.0.1", "http://page.example").getheader("Access-Control-Allow-Origin") is None


def test_a_throttled_call_raises_the_exception_the_service_models(no_faults: LocalAws) -> None:
    dynamodb, athena, s3 = (no_faults.client(name) for name in ("dynamodb", "athena", "s3"))
    for service in ("dynamodb", "athena", "s3"):
        no_faults.control("POST", "faults", {"service": service, "kind": "throttle", "times": 1})

    with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException):
        dynamodb.list_tables()
    with pytest.raises(athena.exceptions.TooManyRequestsException):
        athena.list_work_groups()
    with pytest.raises(ClientError, match="SlowDown"):
        s3.list_buckets()
    assert no_faults.control("GET", "faults") == []
    dynamodb.list_tables()


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("sns", "ListTopics", "list_topics"),
        ("sqs", "ListQueues", "list_queues"),
        ("logs", "DescribeLogGroups", "describe_log_groups"),
    ],
)
def test_an_injected_error_arrives_in_every_protocol(
    no_faults: LocalAws, service: str, operation: str, call: str
) -> None:
    fault = {
        "service": service,
        "operation": operation,
        "kind": "fail",
        "error": "AccessDenied",
        "status": 403,
        "times": 1,
    }
    no_faults.control("POST", "faults", fault)

    with pytest.raises(ClientError) as failed:
        getattr(no_faults.client(service), call)()

    assert failed.value.response["Error"]["Code"] == "AccessDenied"
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_fault_strikes_only_its_operation_and_can_be_lifted(no_faults: LocalAws) -> None:
    made = no_faults.control("POST", "faults", {"service": "dynamodb", "operation": "PutItem", "kind": "throttle"})

    no_faults.client("dynamodb").list_tables()
    listed = no_faults.control("GET", "faults")
    lifted = no_faults.control("DELETE", f"faults/{made['id']}")

    assert [(fault["id"], fault["operation"], fault["struck"]) for fault in listed] == [(made["id"], "PutItem", 0)]
    assert lifted == {"cleared": 1}
    assert no_faults.control("GET", "faults") == []


def test_a_delay_delays(no_faults: LocalAws) -> None:
    no_faults.control("POST", "faults", {"service": "sts", "kind": "delay", "seconds": 0.3, "times": 1})
    began = time.monotonic()

    no_faults.client("sts").get_caller_identity()

    assert time.monotonic() - began >= 0.3


def test_a_fault_of_no_known_kind_is_refused_with_the_kinds(local_aws: LocalAws) -> None:
    status, body = local_aws.http("POST", "/_landfall/faults", json.dumps({"kind": "explode"}).encode())

    assert status == 400
    assert "throttle" in json.loads(body)["message"]
