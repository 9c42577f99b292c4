"""State across restarts: an orderly end and a kill lose nothing that was answered."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from include.standins.aws.athena_executions import Execution, Executions
from include.standins.aws.state_store import StateStore
from tests.local_aws import LocalAws, start_local_aws
from tests.standins.aws.athena_client import Athena
from tests.standins.aws.conftest import new_athena

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = {
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}]
}
SCHEMA = [{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}]
NESTED = {"M": {"list": {"L": [{"S": "x"}, {"B": b"\x00\xff"}, {"NULL": True}, {"NS": ["1", "2"]}]}}}


@dataclass
class Restarted:
    """A local AWS after its restart, and what the preparations remembered from before it."""

    aws: LocalAws
    remembered: dict[str, Any]


@pytest.fixture(scope="module", params=["stop", "kill"])
def restarted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarted]:
    """Prepare everything, end the process in one of two ways, start it again on the same state."""
    aws = start_local_aws(tmp_path_factory.mktemp("restarts") / "state")
    remembered = {prepare.__name__: prepare(aws) for prepare in PREPARATIONS}
    (aws.stop if request.param == "stop" else aws.kill)()
    with start_local_aws(aws.state_dir) as again:
        yield Restarted(again, remembered)


def objects(aws: LocalAws) -> dict[str, Any]:
    """Objects put, deleted one by one and in a batch, and an open upload."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="a/ü &", Body=b"body", Metadata={"q": "1"}, Tagging="team=blue")
    for key in ("gone", "gone <too>"):
        s3.put_object(Bucket="lake", Key=key, Body=b"x")
    s3.delete_object(Bucket="lake", Key="gone")
    s3.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": "gone <too>"}]})
    upload = s3.create_multipart_upload(Bucket="lake", Key="large")["UploadId"]
    part = s3.upload_part(Bucket="lake", Key="large", UploadId=upload, PartNumber=1, Body=b"m" * 6_000_000)["ETag"]
    modified = s3.head_object(Bucket="lake", Key="a/ü &")["LastModified"]
    return {"upload": upload, "part": part, "modified": modified}


def versions(aws: LocalAws) -> str:
    """Two versions of an object under a delete marker; remembers the first."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versions", Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket="versions", Key="k", Body=b"2")
    s3.delete_object(Bucket="versions", Key="k")
    return str(first)


def items(aws: LocalAws) -> None:
    """Items written by every kind of write, and a table dropped."""
    dynamodb = aws.client("dynamodb")
    for table in ("kept", "dropped"):
        dynamodb.create_table(TableName=table, KeySchema=SCHEMA, BillingMode="PAY_PER_REQUEST", **KEY)
    dynamodb.update_time_to_live(TableName="kept", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.put_item(TableName="dropped", Item=_item("x"))
    dynamodb.delete_table(TableName="dropped")
    dynamodb.put_item(TableName="kept", Item={**_item("put"), "nested": NESTED})
    update = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "5"}}}
    dynamodb.update_item(TableName="kept", Key=_item("updated"), **update)
    puts = [{"PutRequest": {"Item": _item(name)}} for name in ("batch", "deleted", "transacted")]
    dynamodb.batch_write_item(RequestItems={"kept": puts})
    dynamodb.delete_item(TableName="kept", Key=_item("deleted"))
    delete = {"Delete": {"TableName": "kept", "Key": _item("transacted")}}
    dynamodb.transact_write_items(TransactItems=[delete, {"Put": {"TableName": "kept", "Item": _item("new")}}])


def messages(aws: LocalAws) -> str:
    """A queue filled directly and by a topic, one message taken and deleted, and a log; remembers the topic."""
    sqs, sns, logs = aws.client("sqs"), aws.client("sns"), aws.client("logs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="taken")
    taken = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    sqs.send_message(QueueUrl=queue, MessageBody="direct")
    topic = sns.create_topic(Name="t")["TopicArn"]
    endpoint = "arn:aws:sqs:us-east-1:123456789012:q"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="by topic")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": round(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    return str(topic)


def records(aws: LocalAws) -> None:
    """A stream that holds three records."""
    destination = {
        "RoleARN": "arn:aws:iam::123456789012:role/firehose_role",
        "BucketARN": "arn:aws:s3:::lake",
        "Prefix": "late/",
        "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 5},
    }
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName="late", ExtendedS3DestinationConfiguration=destination)
    for number in range(3):
        firehose.put_record(DeliveryStreamName="late", Record={"Data": json.dumps(number).encode()})


def queries(aws: LocalAws) -> dict[str, Any]:
    """A workgroup, a prepared statement, an ended query, and one that never ends."""
    athena = new_athena(aws)
    table = {"Name": "t", "StorageDescriptor": {"Columns": [], "Location": "s3://lake/x/"}}
    aws.client("glue").create_table(DatabaseName=athena.database, TableInput=table)
    configuration = {"ResultConfiguration": {"OutputLocation": f"s3://{athena.bucket}/wg/"}}
    aws.client("athena").create_work_group(Name="kept", Configuration=configuration)
    prepared = {"StatementName": "p", "WorkGroup": "primary", "QueryStatement": "SELECT 1 AS one"}
    aws.client("athena").create_prepared_statement(**prepared)
    ended = athena.ok("SHOW DATABASES")
    aws.control("POST", "faults", {"kind": "query_stuck", "times": 1})
    stuck = athena.start("SHOW DATABASES")
    athena.wait(stuck, states=("RUNNING",))
    return {"ended": ended, "stuck": stuck, "database": athena.database, "configuration": configuration}


def names(aws: LocalAws) -> str:
    """A parameter of two versions and a DNS record; remembers the hosted zone."""
    ssm, route53 = aws.client("ssm"), aws.client("route53")
    for value in ("old", "new"):
        ssm.put_parameter(Name="/db/sales", Value=value, Type="String", Overwrite=True)
    zone = route53.create_hosted_zone(Name="example.test.", CallerReference="1")["HostedZone"]["Id"]
    record = {"Name": "db.example.test.", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "new."}]}
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    return str(zone)


PREPARATIONS: list[Callable[[LocalAws], Any]] = [objects, versions, items, messages, records, queries, names]


def _item(name: str) -> dict[str, Any]:
    return {"k": {"S": name}, "r": {"N": "1"}}


def test_objects_and_open_uploads_survive(restarted: Restarted) -> None:
    s3, before = restarted.aws.client("s3"), restarted.remembered["objects"]

    found = s3.get_object(Bucket="lake", Key="a/ü &")
    parts = {"Parts": [{"PartNumber": 1, "ETag": before["part"]}]}
    s3.complete_multipart_upload(Bucket="lake", Key="large", UploadId=before["upload"], MultipartUpload=parts)

    assert (found["Body"].read(), found["Metadata"]) == (b"body", {"q": "1"})
    assert found["LastModified"] == before["modified"]
    assert s3.get_object_tagging(Bucket="lake", Key="a/ü &")["TagSet"] == [{"Key": "team", "Value": "blue"}]
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket="lake")["Contents"]]
    assert [key for key in listed if not key.startswith("late/")] == ["a/ü &", "large"]
    assert s3.head_object(Bucket="lake", Key="large")["ContentLength"] == 6_000_000


def test_object_versions_survive(restarted: Restarted) -> None:
    s3 = restarted.aws.client("s3")

    first = s3.get_object(Bucket="versions", Key="k", VersionId=restarted.remembered["versions"])
    listed = s3.list_object_versions(Bucket="versions")

    assert first["Body"].read() == b"1"
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (2, 1)


def test_tables_and_items_survive(restarted: Restarted) -> None:
    dynamodb = restarted.aws.client("dynamodb")

    found = {item["k"]["S"]: item for item in dynamodb.scan(TableName="kept")["Items"]}

    assert set(found) == {"put", "updated", "batch", "new"}
    assert found["put"]["nested"] == NESTED
    assert found["updated"]["n"] == {"N": "5"}
    assert dynamodb.list_tables()["TableNames"] == ["kept"]
    ttl = dynamodb.describe_time_to_live(TableName="kept")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_queues_topics_and_logs_survive_and_deleted_messages_stay_deleted(restarted: Restarted) -> None:
    sqs, sns, logs = (restarted.aws.client(name) for name in ("sqs", "sns", "logs"))

    queue = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]

    assert sorted(message["Body"] for message in received) == ["by topic", "direct"]
    assert [found["TopicArn"] for found in sns.list_topics()["Topics"]] == [restarted.remembered["messages"]]
    events = logs.get_log_events(logGroupName="g", logStreamName="s")["events"]
    assert [found["message"] for found in events] == ["hello"]


def test_names_that_lead_clients_survive(restarted: Restarted) -> None:
    ssm, route53 = restarted.aws.client("ssm"), restarted.aws.client("route53")
    found = ssm.get_parameter(Name="/db/sales")["Parameter"]
    assert (found["Value"], found["Version"]) == ("new", 2)
    ssm.put_parameter(Name="/db/later", Value="x", Type="String")
    listed = route53.list_resource_record_sets(HostedZoneId=restarted.remembered["names"])["ResourceRecordSets"]
    (record,) = (each for each in listed if each["Type"] == "CNAME")
    assert record["ResourceRecords"] == [{"Value": "new."}]


def test_undelivered_records_are_delivered_once_after_the_restart(restarted: Restarted) -> None:
    aws = restarted.aws

    first, second = (aws.control("POST", "firehose/flush") for _ in range(2))

    (key,) = [item["Key"] for item in aws.client("s3").list_objects_v2(Bucket="lake", Prefix="late/")["Contents"]]
    assert aws.client("s3").get_object(Bucket="lake", Key=key)["Body"].read() == b"012"
    assert (first, second) == ({"delivered": {"late": 3}}, {"delivered": {"late": 0}})


def test_ended_queries_keep_their_results_and_running_ones_have_failed(restarted: Restarted) -> None:
    before, client = restarted.remembered["queries"], restarted.aws.client("athena")
    athena = Athena(restarted.aws, before["database"], before["database"])
    ended = before["ended"]

    status = athena.execution(before["stuck"])["Status"]
    results = client.get_query_results(QueryExecutionId=ended.execution["QueryExecutionId"])

    assert status["State"] == "FAILED"
    assert "stopped while the query was running" in status["StateChangeReason"]
    assert status["AthenaError"]["Retryable"] is True
    assert athena.execution(ended.execution["QueryExecutionId"]) == ended.execution
    assert len(results["ResultSet"]["Rows"]) == len(ended.rows)


def test_catalog_workgroups_and_prepared_statements_survive(restarted: Restarted) -> None:
    before, client = restarted.remembered["queries"], restarted.aws.client("athena")

    table = restarted.aws.client("glue").get_table(DatabaseName=before["database"], Name="t")["Table"]
    group = client.get_work_group(WorkGroup="kept")["WorkGroup"]["Configuration"]
    prepared = client.get_prepared_statement(StatementName="p", WorkGroup="primary")["PreparedStatement"]

    assert table["StorageDescriptor"]["Location"] == "s3://lake/x/"
    assert group["ResultConfiguration"] == before["configuration"]["ResultConfiguration"]
    assert prepared["QueryStatement"] == "SELECT 1 AS one"


def test_a_kill_in_the_middle_of_writes_loses_none_that_was_answered(tmp_path: Path) -> None:
    aws = start_local_aws(tmp_path / "state")
    aws.client("s3").create_bucket(Bucket="busy")
    aws.client("dynamodb").create_table(TableName="busy", KeySchema=SCHEMA, BillingMode="PAY_PER_REQUEST", **KEY)
    answered: dict[str, list[str]] = {"s3": [], "dynamodb": []}
    enough = threading.Event()

    def write(service: str, put: Callable[[str], object]) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):
            for number in itertools.count():
                put(str(number))
                answered[service].append(str(number))
                if min(map(len, answered.values())) >= 30:
                    enough.set()

    puts: dict[str, Callable[[str], object]] = {
        "s3": lambda name: aws.client("s3").put_object(Bucket="busy", Key=name, Body=name.encode() * 1000),
        "dynamodb": lambda name: aws.client("dynamodb").put_item(TableName="busy", Item=_item(name)),
    }
    writers = [threading.Thread(target=write, args=pair) for pair in puts.items()]
    for writer in writers:
        writer.start()
    assert enough.wait(timeout=60)
    aws.kill()
    for writer in writers:
        writer.join(timeout=60)

    with start_local_aws(aws.state_dir) as again:
        found = {item["k"]["S"] for item in again.client("dynamodb").scan(TableName="busy")["Items"]}
        assert set(answered["dynamodb"]) <= found
        for name in answered["s3"]:
            body = again.client("s3").get_object(Bucket="busy", Key=name)["Body"].read()
            assert body == name.encode() * 1000


def test_a_query_is_forgotten_after_45_days_and_not_before(tmp_path: Path) -> None:
    day = 86_400.0
    executions = Executions(StateStore(tmp_path))
    for name, submitted in (("old", 0.0), ("young", 2 * day)):
        record = {"query": "SELECT 1", "workgroup": "primary", "output": "s3://b/x.csv", "statement_type": "DML"}
        executions.add(Execution(id=name, submitted=submitted, state="SUCCEEDED", **record))

    for _ in range(2):
        again = Executions(StateStore(tmp_path))
        again.restore(now=46 * day)
        assert (again.get("old") is None, again.get("young") is not None) == (True, True)


def test_deleted_objects_leave_no_files_behind(tmp_path: Path) -> None:
    with start_local_aws(tmp_path / "state") as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="bodies")
        for _ in range(3):
            s3.put_object(Bucket="bodies", Key="k", Body=b"x" * 100)
        assert len(_bodies(aws)) == 1
        s3.delete_object(Bucket="bodies", Key="k")
        assert _bodies(aws) == []


def _bodies(aws: LocalAws) -> list[Path]:
    return [path for path in (aws.state_dir / "objects").rglob("*") if path.is_file()]
