"""Set-up makes what is missing, twice the same, and leaves what others made alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.scanner_block.counts import counts_schema
from include.scanner_block.lake.block_rows import BlockRow, show_as_current, write_blocks
from include.scanner_block.lake.counts_store import write_counts
from include.scanner_block.lake.log_events import NotificationRefusedError, ensure_notifications, ensure_queue
from include.scanner_block.lake.resources import MissingSourceError, ensure_resources
from include.scanner_block.policy_model import IpSets, LogFormat, LogSource, Policy
from include.scanner_block.settings import ScannerSettings
from tests.local_aws import LocalAws, start_local_aws
from tests.standins.aws.polling import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = ScannerSettings()
WEB = LogSource(name="web", log_format=LogFormat.CLOUDFRONT, bucket="logs", prefix="cf/E2EXAMPLE.")
APP = LogSource(name="app", log_format=LogFormat.ALB, bucket="logs", prefix="AWSLogs/1/elasticloadbalancing/us-east-1/")
POLICY = Policy(sources=(WEB, APP), ip_sets=IpSets(ipv4=("v4",), ipv6=("v6",)))
NOW = datetime(2024, 11, 24, 5, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with start_local_aws(tmp_path_factory.mktemp("resources") / "aws") as found:
        yield found


@pytest.fixture(scope="module")
def made(aws: LocalAws) -> list[str]:
    """What the first set-up made; the bucket `logs` had a notification of somebody else."""
    sqs, s3 = aws.client("sqs"), aws.client("s3")
    s3.create_bucket(Bucket="logs")
    other = sqs.get_queue_attributes(
        QueueUrl=sqs.create_queue(QueueName="other")["QueueUrl"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    s3.put_bucket_notification_configuration(
        Bucket="logs",
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "invoices",
                    "QueueArn": other,
                    "Events": ["s3:ObjectCreated:Put"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "invoices/"}]}},
                }
            ]
        },
    )
    return set_up(aws)


def set_up(aws: LocalAws, policy: Policy = POLICY) -> list[str]:
    return ensure_resources(aws.client, SETTINGS, policy, sleep=lambda _: None)


def queue_url(aws: LocalAws) -> str:
    return str(aws.client("sqs").get_queue_url(QueueName=SETTINGS.queue)["QueueUrl"])


def bodies(aws: LocalAws) -> list[dict[str, Any]]:
    sqs, url, found = aws.client("sqs"), queue_url(aws), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_the_first_set_up_names_everything_it_made(made: list[str]) -> None:
    assert made == [
        "bucket landfall-lake",
        "database landfall_scanner",
        "table landfall_scanner.counts",
        "table landfall_scanner.blocks",
        "table landfall_scanner.web",
        "table landfall_scanner.app",
        "workgroup landfall",
        "approved list s3://landfall-lake/scanner/approved.json",
        "IP set v4 (IPV4, REGIONAL)",
        "IP set v6 (IPV6, REGIONAL)",
        "queue landfall-scanner-logs",
        "access policy of queue landfall-scanner-logs",
        "notifications of bucket logs",
    ]


@pytest.mark.usefixtures("made")
def test_the_second_set_up_makes_nothing_and_keeps_the_approved_list(aws: LocalAws) -> None:
    store = SETTINGS.store(aws.client("s3"))
    assert store.get_json(SETTINGS.approved_key) == []
    store.put_json(SETTINGS.approved_key, ["192.0.2.0/24"])
    assert set_up(aws) == []
    assert store.get_json(SETTINGS.approved_key) == ["192.0.2.0/24"]


@pytest.mark.usefixtures("made")
def test_the_lake_is_private(aws: LocalAws) -> None:
    found = aws.client("s3").get_public_access_block(Bucket="landfall-lake")
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}


@pytest.mark.usefixtures("made")
def test_a_new_log_announces_itself_and_other_objects_do_not(aws: LocalAws) -> None:
    bodies(aws)
    s3 = aws.client("s3")
    for key in ("cf/E2EXAMPLE.2026-11-24-05.a.gz", "invoices/1.pdf"):
        s3.put_object(Bucket="logs", Key=key, Body=b"x")
    keys = [record["s3"]["object"]["key"] for body in bodies(aws) for record in body["Records"]]
    assert [key.replace("%2F", "/") for key in keys] == ["cf/E2EXAMPLE.2026-11-24-05.a.gz"]


@pytest.mark.usefixtures("made")
def test_notifications_of_others_stay_and_ours_follow_the_policy(aws: LocalAws) -> None:
    s3 = aws.client("s3")

    def ids() -> list[str]:
        return sorted(
            one["Id"] for one in s3.get_bucket_notification_configuration(Bucket="logs")["QueueConfigurations"]
        )

    assert ids() == ["invoices", "landfall-scanner-app", "landfall-scanner-web"]
    assert set_up(aws, Policy(sources=(WEB,), ip_sets=POLICY.ip_sets)) == ["notifications of bucket logs"]
    assert ids() == ["invoices", "landfall-scanner-web"]
    set_up(aws)


def test_every_kind_of_notification_of_others_is_sent_back_as_it_was(aws: LocalAws) -> None:
    theirs = {
        "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Events": ["s3:ObjectRemoved:*"]}],
        "LambdaFunctionConfigurations": [{"Id": "f", "LambdaFunctionArn": "f", "Events": ["s3:ObjectRemoved:*"]}],
        "EventBridgeConfiguration": {},
    }
    sent: list[Any] = []

    class Recording:
        exceptions = aws.client("s3").exceptions

        def get_bucket_notification_configuration(self, **_: Any) -> dict[str, Any]:
            return {**theirs, "ResponseMetadata": {"HTTPStatusCode": 200}}

        def put_bucket_notification_configuration(self, **asked: Any) -> None:
            sent.append(asked["NotificationConfiguration"])

    ensure_notifications(Recording(), [WEB], queue_arn="arn:aws:sqs:us-east-1:123456789012:q")
    ours = sent[0].pop("QueueConfigurations")
    assert sent == [theirs]
    assert [one["Id"] for one in ours] == ["landfall-scanner-web"]


@pytest.mark.usefixtures("made")
def test_only_s3_for_our_log_buckets_may_send_and_statements_of_others_stay(aws: LocalAws) -> None:
    sqs, url = aws.client("sqs"), queue_url(aws)
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    ours = policy["Statement"][0]
    assert ours["Principal"] == {"Service": "s3.amazonaws.com"}
    assert ours["Condition"] == {
        "ArnEquals": {"aws:SourceArn": ["arn:aws:s3:::logs"]},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }
    theirs = {"Sid": "theirs", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": ours["Resource"]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({**policy, "Statement": [theirs, ours]})})
    _, changed = ensure_queue(sqs, SETTINGS.queue, buckets=["logs", "more-logs", "logs"])
    assert changed == ["access policy of queue landfall-scanner-logs"]
    after = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert after["Statement"][0] == theirs
    assert after["Statement"][1]["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        "arn:aws:s3:::logs",
        "arn:aws:s3:::more-logs",
    ]
    ensure_queue(sqs, SETTINGS.queue, buckets=["logs"])


@pytest.mark.usefixtures("made")
def test_a_source_whose_bucket_is_not_there_is_refused_before_anything_is_made(aws: LocalAws) -> None:
    absent = LogSource(name="cdn", log_format=LogFormat.CLOUDFRONT, bucket="not-there", prefix="cf/")
    elsewhere = ScannerSettings(bucket="another-lake")
    with pytest.raises(MissingSourceError, match="The bucket not-there of source cdn does not exist; create it"):
        ensure_resources(aws.client, elsewhere, Policy(sources=(absent,)), sleep=lambda _: None)
    assert "another-lake" not in [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]


def test_a_source_cannot_take_the_name_of_a_table_of_ours(aws: LocalAws) -> None:
    taken = LogSource(name="counts", log_format=LogFormat.CLOUDFRONT, bucket="logs", prefix="cf/")
    with pytest.raises(MissingSourceError, match="A source cannot be named counts"):
        set_up(aws, Policy(sources=(taken,)))


@pytest.mark.usefixtures("made")
def test_a_bucket_that_takes_no_notification_is_named_with_what_to_do(aws: LocalAws) -> None:
    s3 = aws.client("s3")

    class Refusing:
        exceptions, get_bucket_notification_configuration = s3.exceptions, s3.get_bucket_notification_configuration

        def put_bucket_notification_configuration(self, **_: Any) -> None:
            error = {"Code": "InvalidArgument", "Message": "Configuration is ambiguously defined."}
            raise s3.exceptions.ClientError({"Error": error}, "PutBucketNotificationConfiguration")

    wanted = LogSource(name="more", log_format=LogFormat.WAF, bucket="logs", prefix="waf/")
    with pytest.raises(
        NotificationRefusedError, match=r"logs \(Configuration is ambiguously defined\.\): free the pre"
    ):
        ensure_notifications(Refusing(), [wanted], queue_arn="arn:aws:sqs:us-east-1:123456789012:q")


def test_sets_of_cloudfront_are_made_in_its_region_one_call_a_second() -> None:
    class Waf:
        made: list[str] = []

        def list_ip_sets(self, **_: Any) -> dict[str, Any]:
            return {"IPSets": [{"Name": "there"}], "NextMarker": "there"} if "NextMarker" not in _ else {"IPSets": []}

        def create_ip_set(self, **asked: Any) -> None:
            self.made.append(asked["Name"])

    from include.scanner_block.lake.resources import _ensure_ip_sets, _waf

    places, waits = list[dict[str, str]](), list[float]()
    names = IpSets(ipv4=("there", "v4"), ipv6=("v6",), scope="CLOUDFRONT")
    waf = _waf(lambda _, **place: places.append(place) or Waf(), names)  # type: ignore[func-returns-value]
    assert len(_ensure_ip_sets(waf, names, sleep=waits.append)) == 2
    assert (places, Waf.made, waits) == ([{"region_name": "us-east-1"}], ["v4", "v6"], [1.0])


def query(aws: LocalAws, text: str) -> list[list[str]]:
    athena = aws.client("athena")
    asked = athena.start_query_execution(
        QueryString=text, QueryExecutionContext={"Database": SETTINGS.database}, WorkGroup=SETTINGS.workgroup
    )["QueryExecutionId"]

    def ended() -> dict[str, Any] | None:
        status: dict[str, Any] = athena.get_query_execution(QueryExecutionId=asked)["QueryExecution"]["Status"]
        return None if status["State"] in ("QUEUED", "RUNNING") else status

    state = until(ended)
    assert state["State"] == "SUCCEEDED", state
    rows = athena.get_query_results(QueryExecutionId=asked)["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in rows]


@pytest.mark.usefixtures("made")
def test_analysts_can_ask_counts_and_blocks_in_athena(aws: LocalAws) -> None:
    import pyarrow as pa

    store = SETTINGS.store(aws.client("s3"))
    at = int(NOW.timestamp())
    row = {"at": at, "last": at + 9, "client": "192.0.2.1", "uri": None, "path": None, "requests": 73}
    counts = pa.Table.from_pylist([row], schema=counts_schema())
    write_counts(store, source="web", version="00000001-aaaaaaaa", counts=counts)
    write_blocks(store, "00000001-aaaaaaaa", [BlockRow("192.0.2.1", "web", "/login", 73, NOW, NOW, "73 errors")])
    show_as_current(store, "00000001-aaaaaaaa")
    assert query(
        aws,
        "SELECT source, hour, client, sum(requests), max(last) - max(at), max(uri) FROM counts "
        "WHERE hour >= '2024-11-24-00' GROUP BY source, hour, client",
    ) == [["web", "2024-11-24-05", "192.0.2.1", "73", "9", ""]]
    assert query(aws, "SELECT client, uri, cast(until AS varchar), reason FROM blocks WHERE version = 'current'") == [
        ["192.0.2.1", "/login", "2024-11-24 05:10:00.000", "73 errors"]
    ]
