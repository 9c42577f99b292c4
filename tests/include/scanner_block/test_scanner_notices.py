"""What people and CloudWatch are told of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from include.scanner_block.steps.notices import (
    RunNews,
    SourceReading,
    Trouble,
    metric_data,
    trouble_message,
    update_message,
)

AT = datetime(2026, 11, 24, 6, 5, tzinfo=UTC)


@dataclass(frozen=True)
class OneBlock:
    client: str
    max_per_minute: int = 900
    until: datetime = AT + timedelta(hours=4)
    reasons: tuple[str, ...] = ("shop: 900 errors a minute",)


@dataclass(frozen=True)
class OneRelease:
    client: str
    reason: str


def news(**changes: Any) -> RunNews:
    quiet: dict[str, Any] = {"run": "scanner_block_update/r1", "at": AT, "blocked": {4: 1234, 6: 2}}
    return RunNews(**{**quiet, **changes})


def body(**changes: Any) -> str:
    message = update_message(news(**changes))
    assert message is not None
    return message.body


def test_a_run_that_changed_nothing_tells_nothing() -> None:
    assert update_message(news()) is None
    assert update_message(news(left_out=7)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"added": [OneBlock("192.0.2.1")]},
        {"removed": [OneRelease("192.0.2.1", "over")]},
        {"by_hand": ["192.0.2.9/32 was put into landfall-scanners-v4; it is kept."]},
        {"set_aside": ["shop: 3 of 900 lines"]},
    ],
)
def test_every_kind_of_news_is_told(changes: dict[str, Any]) -> None:
    assert update_message(news(**changes)) is not None


def test_the_summary_counts_and_names_the_five_worst_with_reason_and_end() -> None:
    added = [OneBlock(f"192.0.2.{n}") for n in range(1, 8)]
    removed = [
        OneRelease("192.0.2.100", "over"),
        OneRelease("192.0.2.101", "over"),
        OneRelease("2001:db8::1", "approved"),
    ]
    message = update_message(news(added=added, removed=removed, left_out=12))
    assert message is not None
    assert message.subject == "[Landfall] Scanner block: 7 added, 3 removed, 1,236 blocked"
    assert "7 added, 3 removed, 1,236 blocked (1,234 IPv4, 2 IPv6) at 2026-11-24 06:05:00 UTC." in message.body
    assert "- 192.0.2.1: 900 a minute (shop: 900 errors a minute), until 2026-11-24 10:05:00 UTC" in message.body
    assert "192.0.2.5:" in message.body
    assert "192.0.2.6" not in message.body
    assert "- 2 over\n- 1 approved" in message.body
    assert "the sets are full: 12" in message.body


def test_a_retried_run_gives_the_same_message_and_another_run_another_id() -> None:
    added = [OneBlock("192.0.2.1")]
    first, again = update_message(news(added=added)), update_message(news(added=added))
    other = update_message(news(added=added, run="scanner_block_update/r2"))
    assert first == again
    assert first is not None
    assert other is not None
    assert first.dedup_id != other.dedup_id


def test_text_from_outside_stays_one_printable_line_and_the_message_short() -> None:
    forged = ["evil\nRun: forged\r\t\x1b[31m\u2028" + "x" * 5000] * 1000
    told = body(set_aside=forged, by_hand=forged)
    assert "\nRun: forged" not in told
    assert all(line.isprintable() for line in told.split("\n"))
    assert "- and 990 more" in told
    assert len(told.encode()) < 20_000


def test_subjects_are_what_sns_takes() -> None:
    trouble = Trouble(cause="gate ü\n" + "x" * 200, what="w", where="s3://b/k", to_do="do", since=AT)
    subject = trouble_message(trouble, run="d/r", at=AT).subject
    assert len(subject) <= 100
    assert subject.isascii()
    assert subject.isprintable()


TROUBLE = Trouble(
    cause="approved list",
    what="The approved list cannot be read: entry 2 is no address.",
    where="s3://corp-lake/scanner/approved.json",
    to_do="Correct entry 2 or restore the last version.",
    since=AT.astimezone(timezone(timedelta(hours=2))),
)


def test_trouble_tells_what_where_since_when_and_what_to_do() -> None:
    message = trouble_message(TROUBLE, run="scanner_block_update/r1", at=AT)
    assert message.subject == "[Landfall] Scanner block in trouble: approved list"
    meanwhile = replace(TROUBLE, meanwhile="Blocks still end.")
    assert "Blocks still end." in trouble_message(meanwhile, run="d/r", at=AT).body
    for part in (TROUBLE.what, TROUBLE.where, TROUBLE.to_do, "Since: 2026-11-24 06:05:00 UTC", "nobody is blocked"):
        assert part in message.body


def test_the_same_cause_is_the_same_message_within_an_hour_only() -> None:
    def dedup_id(trouble: Trouble, **after: int) -> str:
        return trouble_message(trouble, run="d/r", at=AT + timedelta(**after)).dedup_id

    assert dedup_id(TROUBLE) == dedup_id(replace(TROUBLE, what="worded otherwise"), minutes=54)
    assert dedup_id(TROUBLE) != dedup_id(TROUBLE, minutes=55)
    assert dedup_id(TROUBLE) != dedup_id(replace(TROUBLE, cause="settings"))


def test_metrics_are_by_version_and_by_source() -> None:
    readings = {"shop": SourceReading(objects=2, lines=500, unreadable=3, bytes_scanned=4096)}
    found = metric_data(at=AT, blocked={4: 7}, added=2, removed=1, readings=readings)
    flat = {
        (one["MetricName"], *(f"{d['Name']}={d['Value']}" for d in one["Dimensions"])): (one["Value"], one["Unit"])
        for one in found
    }
    assert flat == {
        ("Blocked", "AddressVersion=IPv4"): (7.0, "Count"),
        ("Blocked", "AddressVersion=IPv6"): (0.0, "Count"),
        ("Added",): (2.0, "Count"),
        ("Removed",): (1.0, "Count"),
        ("ObjectsRead", "Source=shop"): (2.0, "Count"),
        ("LinesRead", "Source=shop"): (500.0, "Count"),
        ("UnreadableLines", "Source=shop"): (3.0, "Count"),
        ("BytesScanned", "Source=shop"): (4096.0, "Bytes"),
    }
    assert all(one["Timestamp"] == AT for one in found)


def test_cloudwatch_takes_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    readings = {"shop": SourceReading(objects=2, lines=500, unreadable=3, bytes_scanned=4096)}
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="eu-west-1")
        data = metric_data(at=AT, blocked={4: 7, 6: 1}, added=2, removed=1, readings=readings)
        client.put_metric_data(Namespace="Landfall/ScannerBlock", MetricData=data)
        assert len(client.list_metrics(Namespace="Landfall/ScannerBlock")["Metrics"]) == len(data)
