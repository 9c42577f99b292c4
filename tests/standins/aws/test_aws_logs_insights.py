"""Insights queries over a handful of lines, and their life through boto3 over a socket."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from include.standins.aws.errors import AwsError
from include.standins.aws.logs_insights import read_query
from include.standins.aws.logs_insights_rows import Moment, Row
from tests.standins.aws.polling import until

if TYPE_CHECKING:
    from tests.local_aws import LocalAws

NOON = 1_795_435_200_000  # 2026-11-23 12:00:00 UTC
LINES: list[str] = [
    "[NOTICE] Verification failed <> /projects/a b.bin",
    "[ERROR] Failed to open source file /x/1: 13 (Permission denied)",
    "[ERROR] Failed to open source file /x/2: 5 (Input/output error)",
    json.dumps({"level": "ERROR", "code": 403, "path": "/a", "n": {"ms": 10}, "ok": True, "list": ["p", "q"]}),
    json.dumps({"level": "INFO", "code": 200, "path": "/b", "n": {"ms": 20}}),
    json.dumps({"level": "INFO", "code": 200, "path": "/c", "n": {"ms": 60}}),
]
FILES = r"parse @message /(?<path>\/[^:]*): (?<errno>\d+) \((?<why>[^)]*)\)/"


def rows() -> list[Row]:
    """The lines, five minutes apart."""
    return [
        Row({"@timestamp": Moment(NOON + 300_000 * place), "@message": line, "@logStream": "s", "@ptr": str(place)})
        for place, line in enumerate(LINES)
    ]


def run(query: str) -> list[dict[str, str]]:
    result = read_query(query).run(rows(), lambda: None)
    return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in result]


def column(query: str, name: str) -> list[str]:
    return [row.get(name, "-") for row in run(query)]


def test_without_anything_chosen_rows_show_time_and_message_newest_first() -> None:
    found = run("limit 2")
    assert [row["@timestamp"] for row in found] == ["2026-11-23 12:25:00.000", "2026-11-23 12:20:00.000"]
    assert found[0]["@message"] == LINES[-1]


@pytest.mark.parametrize(
    ("condition", "ptrs"),
    [
        ("@message like /Verification failed/", "0"),
        ('@message like "Failed to"', "12"),
        ("@message =~ /^\\[(ERROR|NOTICE)\\]/", "012"),
        ("@message not like /ERROR/", "045"),
        ('level = "ERROR"', "3"),
        ("level != 'ERROR'", "45"),
        ("code >= 200 and code < 300", "45"),
        ("n.ms > 15 or level = 'ERROR'", "345"),
        ("not ispresent(code)", "012"),
        ("code in [403, 404]", "3"),
        ("code not in [403]", "45"),
        ("ok = true and list.1 = 'q'", "3"),
        ("n.ms * 2 + 1 = 41", "4"),
        ("strlen(path) = 2 and tolower(level) = 'info'", "45"),
        ("strcontains(@message, '/x/')", "12"),
        ("`n.ms` = 60", "5"),
        ("not (level = 'INFO' or level = 'ERROR')", "012"),
        ("code / 0 = 1", ""),
    ],
)
def test_filter(condition: str, ptrs: str) -> None:
    found = read_query(f"filter {condition} | sort @timestamp asc").run(rows(), lambda: None)
    assert "".join(row[-1]["value"] for row in found) == ptrs


def test_parse_by_regular_expression_extracts_named_groups() -> None:
    found = run(f"{FILES} | filter ispresent(errno) | sort errno desc | display path, errno, why")
    assert found == [
        {"path": "/x/1", "errno": "13", "why": "Permission denied"},
        {"path": "/x/2", "errno": "5", "why": "Input/output error"},
    ]


def test_parse_by_glob_extracts_what_the_stars_stand_for() -> None:
    found = run('parse @message "[*] * <> *" as level, what, path | filter ispresent(what) | display level, what, path')
    assert found == [{"level": "NOTICE", "what": "Verification failed", "path": "/projects/a b.bin"}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("stats count(*)", [{"count(*)": "6"}]),
        ("stats count(code) as n, count_distinct(code) as d", [{"n": "3", "d": "2"}]),
        (
            "filter level = 'INFO' | stats sum(n.ms) as s, avg(n.ms) as a, min(n.ms) as l, max(n.ms) as h",
            [{"s": "80", "a": "40", "l": "20", "h": "60"}],
        ),
        ("stats pct(n.ms, 50) as p, max(n.ms) - min(n.ms) as spread", [{"p": "20", "spread": "50"}]),
        (
            "filter ispresent(level) | stats count(*) as n by level | sort n desc",
            [{"level": "INFO", "n": "2"}, {"level": "ERROR", "n": "1"}],
        ),
        (
            "stats count(*) as n by bin(15m) as quarter | sort quarter",
            [{"quarter": "2026-11-23 12:00:00.000", "n": "3"}, {"quarter": "2026-11-23 12:15:00.000", "n": "3"}],
        ),
        ("stats count(*) as n by level | filter n > 2", [{"n": "3"}]),
        ("filter level = 'NONE' | stats count(*) as n, avg(n.ms) as a", [{"n": "0"}]),
        ("stats latest(path) as newest, earliest(path) as oldest", [{"newest": "/c", "oldest": "/a"}]),
    ],
)
def test_stats(query: str, expected: list[dict[str, str]]) -> None:
    assert run(query) == expected


def test_sort_takes_several_keys_and_puts_numbers_behind_text() -> None:
    assert column("filter ispresent(code) | sort code desc, n.ms asc | fields path", "path") == ["/a", "/b", "/c"]
    assert column("parse @message '[*]' as word | sort word | fields word | limit 1", "word") == ["-"]


def test_dedup_keeps_the_first_of_each() -> None:
    assert column("filter ispresent(code) | sort n.ms desc | dedup code | fields path", "path") == ["/c", "/a"]


def test_fields_can_be_calculated_named_and_commented() -> None:
    query = """
    # what came of it
    fields concat(level, ":", code) as verdict, ceil(n.ms / 7) as sevenths  # per seven
    | filter code = 403
    """
    assert run(query) == [{"verdict": "ERROR:403", "sevenths": "2"}]


@pytest.mark.parametrize(
    ("query", "start", "why"),
    [
        ("filter @message lik /x/", 16, "lik"),
        ("fields @message | pattern @message", 18, "does not model this command"),
        ("stats count(*) by", 17, "end of query"),
        ("fields sha256(@message)", 7, "does not model this function"),
        ("filter (a = 1", 13, ") is expected"),
        ("filter avg(x) > 1", 7, "belong into stats"),
        ("filter a like /(/", 14, "regular expression is wrong"),
        ('parse @message "* *" as one', 27, "2 names are needed"),
        ("limit ten", 6, "a number is expected"),
        ("", 0, "a name is expected"),
    ],
)
def test_a_wrong_query_is_malformed_at_its_place(query: str, start: int, why: str) -> None:
    with pytest.raises(AwsError, match="unexpected symbol found") as refused:
        read_query(query)
    assert refused.value.code == "MalformedQueryException"
    assert refused.value.members["queryCompileError"]["location"]["startCharOffset"] == start
    assert why in refused.value.message


@pytest.fixture
def group(local_aws: LocalAws) -> str:
    name, client = f"/test/{uuid4().hex[:12]}", local_aws.client("logs")
    client.create_log_group(logGroupName=name)
    for stream in ("one", "two"):
        client.create_log_stream(logGroupName=name, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": f"{stream} {line}"} for line in ("good", "bad")]
        client.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)
    return name


def start(aws: LocalAws, group: str, query: str, **more: Any) -> str:
    now = int(time.time())
    given = {"logGroupName": group, "startTime": now - 600, "endTime": now + 600} | more
    return str(aws.client("logs").start_query(queryString=query, **given)["queryId"])


def test_a_query_runs_by_itself_and_counts_what_it_read(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    query = start(local_aws, group, "filter @message like /bad/ | stats count(*) as n by @logStream | sort @logStream")

    found = until(lambda: (now := client.get_query_results(queryId=query))["status"] == "Complete" and now)

    cells = [{cell["field"]: cell["value"] for cell in row} for row in found["results"]]
    assert cells == [{"@logStream": "one", "n": "1"}, {"@logStream": "two", "n": "1"}]
    assert found["statistics"]["recordsMatched"] == 2
    assert found["statistics"]["recordsScanned"] == 4
    (listed,) = client.describe_queries(logGroupName=group)["queries"]
    assert (listed["queryId"], listed["status"]) == (query, "Complete")


def test_a_pointer_leads_back_to_the_line(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    query = start(local_aws, group, "filter @logStream = 'two' and @message like 'bad'")
    found = until(lambda: (now := client.get_query_results(queryId=query))["status"] == "Complete" and now)
    (pointer,) = [cell["value"] for cell in found["results"][0] if cell["field"] == "@ptr"]
    assert client.get_log_record(logRecordPointer=pointer)["logRecord"]["@message"] == "two bad"


def test_only_the_asked_time_span_is_read(local_aws: LocalAws, group: str) -> None:
    client, now = local_aws.client("logs"), int(time.time())
    query = start(local_aws, group, "stats count(*) as n", startTime=now - 600, endTime=now - 300)
    found = until(lambda: (now := client.get_query_results(queryId=query))["status"] == "Complete" and now)
    assert found["results"] == [[{"field": "n", "value": "0"}]]


def test_a_wrong_query_and_a_missing_group_are_refused_at_the_start(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    with pytest.raises(client.exceptions.MalformedQueryException) as refused:
        start(local_aws, group, "filter @message lik /x/")
    assert refused.value.response["queryCompileError"]["location"] == {"startCharOffset": 16, "endCharOffset": 19}
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        start(local_aws, "/no/such/group", "stats count(*)")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_query_results(queryId="none")


def test_a_finished_query_cannot_be_stopped(local_aws: LocalAws, group: str) -> None:
    client = local_aws.client("logs")
    query = start(local_aws, group, "stats count(*)")
    until(lambda: client.get_query_results(queryId=query)["status"] == "Complete")
    with pytest.raises(client.exceptions.InvalidParameterException, match="not running"):
        client.stop_query(queryId=query)
