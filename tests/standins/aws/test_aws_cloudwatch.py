"""CloudWatch in the local AWS, through boto3 over a socket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.standins.aws.polling import until

if TYPE_CHECKING:
    from tests.local_aws import LocalAws


@pytest.fixture
def namespace() -> str:
    return f"test/{uuid4().hex[:12]}"


def put(aws: LocalAws, namespace: str, *data: dict[str, Any]) -> None:
    aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=list(data))


def load(value: float, minutes_ago: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "MetricName": "load",
        "Value": value,
        "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes_ago),
    } | more


def statistics(aws: LocalAws, namespace: str, **asked: Any) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    given = {"MetricName": "load", "StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}
    given |= {"Period": 3600} | ({} if "ExtendedStatistics" in asked else {"Statistics": ["Sum"]}) | asked
    points: list[dict[str, Any]] = aws.client("cloudwatch").get_metric_statistics(Namespace=namespace, **given)[
        "Datapoints"
    ]
    return sorted(points, key=lambda point: point["Timestamp"])


def queue_on_topic(aws: LocalAws) -> tuple[str, str]:
    name = uuid4().hex
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{name}")
    return queue, topic


def received(aws: LocalAws, queue: str) -> dict[str, Any]:
    message = until(
        lambda: aws.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"), seconds=30
    )[0]
    aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    body: dict[str, Any] = json.loads(message["Body"])
    return body


def put_alarm(aws: LocalAws, namespace: str, **changes: Any) -> str:
    wishes: dict[str, Any] = {
        "AlarmName": namespace.rpartition("/")[2], "Namespace": namespace, "MetricName": "load",
        "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    aws.client("cloudwatch").put_metric_alarm(**wishes | changes)
    return str((wishes | changes)["AlarmName"])


def state(aws: LocalAws, alarm: str) -> str:
    return str(aws.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"])


def test_statistics_and_percentiles_of_what_was_put(local_aws: LocalAws, namespace: str) -> None:
    put(local_aws, namespace, *(load(value, Unit="Count") for value in range(1, 101)))

    (point,) = statistics(local_aws, namespace, Statistics=["Sum", "Average", "Minimum", "Maximum", "SampleCount"])
    assert [point[name] for name in ("Sum", "Average", "Minimum", "Maximum", "SampleCount")] == [
        5050,
        50.5,
        1,
        100,
        100,
    ]
    assert point["Unit"] == "Count"
    (point,) = statistics(local_aws, namespace, ExtendedStatistics=["p50", "p99"])
    assert point["ExtendedStatistics"] == {"p50": 50.5, "p99": pytest.approx(99.01)}


def test_dimensions_are_part_of_a_metrics_name(local_aws: LocalAws, namespace: str) -> None:
    host = [{"Name": "Host", "Value": "a"}, {"Name": "Disk", "Value": "1"}]
    put(local_aws, namespace, load(1), load(2, Dimensions=host), load(4, Dimensions=host[:1]))

    assert [point["Sum"] for point in statistics(local_aws, namespace)] == [1]
    assert [point["Sum"] for point in statistics(local_aws, namespace, Dimensions=host[::-1])] == [2]
    listed = local_aws.client("cloudwatch").list_metrics(Namespace=namespace, Dimensions=[{"Name": "Host"}])["Metrics"]
    assert sorted(len(metric["Dimensions"]) for metric in listed) == [1, 2]


def test_values_counts_and_statistic_sets_are_added_up(local_aws: LocalAws, namespace: str) -> None:
    put(
        local_aws,
        namespace,
        {"MetricName": "load", "Values": [1, 10], "Counts": [5, 2]},
        {"MetricName": "load", "StatisticValues": {"Sum": 30, "Minimum": 0, "Maximum": 20, "SampleCount": 3}},
    )
    (point,) = statistics(local_aws, namespace, Statistics=["Sum", "Maximum", "Minimum", "SampleCount"])
    assert (point["Sum"], point["Maximum"], point["Minimum"], point["SampleCount"]) == (55, 20, 0, 10)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"MetricName": "load", "Value": 1, "Values": [1]}, "InvalidParameterCombination"),
        ({"MetricName": "load", "Values": [1], "Counts": [1, 2]}, "InvalidParameterValue"),
        ({"MetricName": "load", "Value": float("inf")}, "InvalidParameterValue"),
        ({"MetricName": "load", "Value": 1, "Timestamp": datetime(2020, 1, 1, tzinfo=UTC)}, "InvalidParameterValue"),
        ({"MetricName": "load", "Value": 1, "Unit": "Bananas"}, "ValidationError"),
    ],
)
def test_data_that_cloudwatch_refuses_are_refused(
    local_aws: LocalAws, namespace: str, data: dict[str, Any], code: str
) -> None:
    client = local_aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError) as refused:
        put(local_aws, namespace, data)
    assert refused.value.response["Error"]["Code"] == code
    assert statistics(local_aws, namespace) == []


def test_queries_and_the_expressions_over_them(local_aws: LocalAws, namespace: str) -> None:
    now = datetime.now(UTC)
    before = {minutes: {"Timestamp": now - timedelta(minutes=minutes)} for minutes in (1, 2)}
    put(local_aws, namespace, load(600, **before[2]), load(120, **before[1]))
    metric = {"Metric": {"Namespace": namespace, "MetricName": "load"}, "Period": 60, "Stat": "Sum"}
    client = local_aws.client("cloudwatch")
    found = client.get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": metric, "ReturnData": False},
            {"Id": "rate", "Expression": "m/60", "Label": "per second"},
            {"Id": "filled", "Expression": "FILL(m,0)"},
        ],
        StartTime=now - timedelta(minutes=5),
        EndTime=now,
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    assert [(result["Id"], result["Label"], result["Values"][-3:]) for result in found] == [
        ("rate", "per second", [10.0, 2.0]),
        ("filled", "filled", [600.0, 120.0, 0.0]),
    ]
    with pytest.raises(client.exceptions.ClientError, match="the local AWS does not model the function SLICE"):
        client.get_metric_data(
            MetricDataQueries=[{"Id": "x", "Expression": "SLICE(m,1)"}], StartTime=now - timedelta(hours=1), EndTime=now
        )


def test_a_day_of_minutes_is_one_answer_and_more_is_refused(local_aws: LocalAws, namespace: str) -> None:
    put(local_aws, namespace, *(load(1, minutes) for minutes in range(1, 900)))
    now = datetime.now(UTC)
    points = statistics(local_aws, namespace, StartTime=now - timedelta(days=1), EndTime=now, Period=60)
    assert sum(point["Sum"] for point in points) == 899
    client = local_aws.client("cloudwatch")
    with pytest.raises(client.exceptions.InvalidParameterCombinationException, match="1440"):
        statistics(local_aws, namespace, StartTime=now - timedelta(days=2), EndTime=now, Period=60)


def test_an_alarm_fires_by_itself_and_says_so_on_its_topic(local_aws: LocalAws, namespace: str) -> None:
    queue, topic = queue_on_topic(local_aws)
    alarm = put_alarm(local_aws, namespace, AlarmActions=[topic], OKActions=[topic], AlarmDescription="Too much load")
    assert state(local_aws, alarm) == "INSUFFICIENT_DATA"

    put(local_aws, namespace, load(9))

    notice = received(local_aws, queue)
    assert notice["Subject"] == f'ALARM: "{alarm}" in US East (N. Virginia)'
    message = json.loads(notice["Message"])
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert message["AlarmDescription"] == "Too much load"
    assert message["Trigger"]["MetricName"] == "load"
    assert message["Trigger"]["Threshold"] == 5
    history = local_aws.client("cloudwatch").describe_alarm_history(AlarmName=alarm)["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in history] == ["Action", "StateUpdate", "ConfigurationUpdate"]


def test_a_state_set_by_hand_holds_for_a_moment_and_is_announced(local_aws: LocalAws, namespace: str) -> None:
    queue, topic = queue_on_topic(local_aws)
    alarm = put_alarm(local_aws, namespace, OKActions=[topic])
    client = local_aws.client("cloudwatch")

    client.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="tested by hand")

    assert state(local_aws, alarm) == "OK"
    assert json.loads(received(local_aws, queue)["Message"])["NewStateReason"] == "tested by hand"


def test_disabled_actions_stay_silent(local_aws: LocalAws, namespace: str) -> None:
    queue, topic = queue_on_topic(local_aws)
    alarm = put_alarm(local_aws, namespace, AlarmActions=[topic])
    local_aws.client("cloudwatch").disable_alarm_actions(AlarmNames=[alarm])
    local_aws.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="x")
    assert "Messages" not in local_aws.client("sqs").receive_message(QueueUrl=queue)


def test_a_topic_that_is_gone_stands_in_the_history(local_aws: LocalAws, namespace: str) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:gone"
    alarm = put_alarm(local_aws, namespace, AlarmActions=[topic])
    client = local_aws.client("cloudwatch")
    client.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="x")
    (failed,) = client.describe_alarm_history(AlarmName=alarm, HistoryItemType="Action")["AlarmHistoryItems"]
    assert failed["HistorySummary"] == f"Failed to execute action {topic}"


def test_a_changed_alarm_keeps_its_state_and_a_deleted_one_is_gone(local_aws: LocalAws, namespace: str) -> None:
    tags = [{"Key": "owner", "Value": "storage"}]
    alarm = put_alarm(local_aws, namespace, Tags=tags)
    client = local_aws.client("cloudwatch")
    client.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="x")
    put_alarm(local_aws, namespace, Threshold=7, TreatMissingData="ignore")

    (found,) = client.describe_alarms(AlarmNamePrefix=alarm)["MetricAlarms"]
    assert (found["StateValue"], found["Threshold"]) == ("ALARM", 7)
    assert client.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"] == [
        {"Key": "owner", "Value": "storage"}
    ]
    client.delete_alarms(AlarmNames=[alarm])
    assert client.describe_alarms(AlarmNames=[alarm])["MetricAlarms"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Statistic": "Maximum", "ExtendedStatistic": "p99"},
        {"Period": 45},
        {"DatapointsToAlarm": 2},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"TreatMissingData": "sometimes"},
        {"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]},
        {"EvaluationPeriods": 2000},
    ],
)
def test_alarms_that_cannot_be_evaluated_are_refused(
    local_aws: LocalAws, namespace: str, changes: dict[str, Any]
) -> None:
    client = local_aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError):
        put_alarm(local_aws, namespace, **changes)
    assert client.describe_alarms(AlarmNamePrefix=namespace.rpartition("/")[2])["MetricAlarms"] == []


def test_composite_alarms_are_refused_by_name(local_aws: LocalAws) -> None:
    client = local_aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError, match="PutCompositeAlarm of cloudwatch is not modelled"):
        client.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(x)")
