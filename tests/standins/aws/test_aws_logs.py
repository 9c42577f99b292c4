"""CloudWatch Logs in the local AWS: filter patterns alone, and metric filters through boto3 over a socket."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from include.standins.aws.logs_patterns import PatternError, compile_pattern

if TYPE_CHECKING:
    from tests.local_aws import LocalAws

FAILED = "[NOTICE] Verification failed <> /projects/a b.bin"
DENIED = "[ERROR] Failed to open source file /x: 13 (Permission denied)"
JSON = json.dumps({"level": "ERROR", "code": 403, "ok": False, "n": {"ms": 1.5, "tags": ["a", "b"]}, "gone": None})


@pytest.mark.parametrize(
    ("pattern", "line", "matches"),
    [
        ("", FAILED, True),
        ("Verification failed", FAILED, True),
        ("failed Verification", FAILED, True),
        ("verification", FAILED, False),
        ('"Verification failed"', FAILED, True),
        ('"failed Verification"', FAILED, False),
        ("Verif", FAILED, True),
        ("ERROR -Permission", DENIED, False),
        ('ERROR -"Input/output error"', DENIED, True),
        ("?NOTICE ?ERROR", DENIED, True),
        ("?WARN ?FATAL", DENIED, False),
        ("ERROR ?FATAL", DENIED, True),  # the guide: ? is ignored beside other terms
        ("%Failed to (open|read)%", DENIED, None),  # parentheses are not supported
        ("%source file /[a-z]:%", DENIED, True),
        ('{ $.level = "ERROR" }', JSON, True),
        ('{ $.level = "E*" && $.code >= 400 }', JSON, True),
        ('{ $.level != "ERROR" || $.code < 400 }', JSON, False),
        ("{ ($.code = 4*) && ($.n.ms > 1) }", JSON, True),
        ('{ $.n.tags[1] = "b" }', JSON, True),
        ("{ $.ok IS FALSE }", JSON, True),
        ("{ $.gone IS NULL }", JSON, True),
        ("{ $.absent NOT EXISTS }", JSON, True),
        ("{ $.absent = * }", JSON, False),
        ("{ $.absent != 1 }", JSON, False),
        ("{ $.code = * }", JSON, True),
        ('{ $.level = "ERROR" }', FAILED, False),
    ],
)
def test_a_pattern_matches_the_lines_the_guide_says(pattern: str, line: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(PatternError):
            compile_pattern(pattern)
    else:
        assert (compile_pattern(pattern).fields(line) is not None) is matches


@pytest.mark.parametrize(
    "pattern", ['"open', "a-b", "{ $.a = }", "{ $.a = 1", "[ip, user]", "{ a = 1 }", "{ $.a < x }", "{ $.a = 1 } b"]
)
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"[Ii]nvalid"):
        compile_pattern(pattern)


@pytest.fixture
def group(local_aws: LocalAws) -> str:
    name = f"/test/{uuid4().hex[:12]}"
    local_aws.client("logs").create_log_group(logGroupName=name)
    local_aws.client("logs").create_log_stream(logGroupName=name, logStreamName="s")
    return name


def put(aws: LocalAws, group: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    aws.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def put_filter(aws: LocalAws, group: str, pattern: str, **worth: Any) -> None:
    transformation = {"metricName": "lines", "metricNamespace": group, "metricValue": "1"} | worth
    aws.client("logs").put_metric_filter(
        logGroupName=group, filterName="f", filterPattern=pattern, metricTransformations=[transformation]
    )


def total(aws: LocalAws, group: str, **dimensions: str) -> float | None:
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=group, MetricName="lines", StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1),
        Period=3600, Statistics=["Sum"], Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
    )["Datapoints"]  # fmt: skip
    return sum(point["Sum"] for point in points) if points else None


def test_a_metric_filter_counts_the_lines_that_come_after_it(local_aws: LocalAws, group: str) -> None:
    put(local_aws, group, FAILED)
    put_filter(local_aws, group, '"Verification failed"')
    put(local_aws, group, FAILED, DENIED, FAILED)
    assert total(local_aws, group) == 2


def test_a_metric_filter_publishes_fields_and_dimensions_of_json_lines(local_aws: LocalAws, group: str) -> None:
    put_filter(local_aws, group, "{ $.n.ms > 1 }", metricValue="$.n.ms", dimensions={"Level": "$.level"})
    put(local_aws, group, JSON, JSON, json.dumps({"n": {"ms": 9}, "level": "INFO"}), "no JSON")
    assert total(local_aws, group, Level="ERROR") == 3
    assert total(local_aws, group, Level="INFO") == 9
    assert total(local_aws, group) is None


def test_the_default_value_stands_for_lines_that_do_not_match(local_aws: LocalAws, group: str) -> None:
    put_filter(local_aws, group, "ERROR", defaultValue=0)
    put(local_aws, group, FAILED)
    assert total(local_aws, group) == 0


def test_filters_are_listed_tested_and_gone_with_their_group(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    put_filter(local_aws, group, "ERROR")
    (listed,) = client.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert (listed["filterName"], listed["filterPattern"]) == ("f", "ERROR")
    matches = client.test_metric_filter(filterPattern="ERROR", logEventMessages=[FAILED, DENIED])["matches"]
    assert [match["eventNumber"] for match in matches] == [2]

    client.delete_log_group(logGroupName=group)

    assert client.describe_metric_filters(metricNamespace=group, metricName="lines")["metricFilters"] == []


@pytest.mark.parametrize(
    ("pattern", "worth"),
    [
        ("[a, b]", {}),
        ("ERROR", {"metricValue": "many"}),
        ("ERROR", {"metricValue": "$.size"}),
        ("{ $.a = 1 }", {"dimensions": {"A": "$.a"}, "defaultValue": 0}),
    ],
)
def test_metric_filters_that_would_publish_nonsense_are_refused(
    local_aws: LocalAws, group: str, pattern: str, worth: dict[str, Any]
) -> None:
    client = local_aws.client("logs")
    with pytest.raises(client.exceptions.InvalidParameterException):
        put_filter(local_aws, group, pattern, **worth)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        put_filter(local_aws, "/no/such/group", "ERROR")


def test_events_are_filtered_by_the_same_patterns_and_read_in_order(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    put(local_aws, group, FAILED, DENIED, JSON)

    found = client.filter_log_events(logGroupName=group, filterPattern="{ $.code = 403 }")["events"]
    assert [event["message"] for event in found] == [JSON]
    read = client.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)["events"]
    assert [event["message"] for event in read] == [FAILED, DENIED, JSON]
    (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["lastEventTimestamp"] == read[-1]["timestamp"]


def test_a_stream_made_anew_is_empty(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    put(local_aws, group, FAILED)
    client.delete_log_stream(logGroupName=group, logStreamName="s")
    client.create_log_stream(logGroupName=group, logStreamName="s")
    assert client.get_log_events(logGroupName=group, logStreamName="s")["events"] == []


def test_twenty_thousand_lines_come_back_page_by_page(local_aws: LocalAws, group: str) -> None:
    for _ in range(10):
        put(local_aws, group, *(f"line {number}" for number in range(2_000)))
    pages = local_aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    assert sum(len(page["events"]) for page in pages) == 20_000
