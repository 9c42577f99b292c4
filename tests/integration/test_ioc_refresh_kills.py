"""A refresh that is killed at its calls to AWS, or that AWS fails, ends in the table of an undisturbed one.

The same refresh (it adds, renews and removes) is run again and again from the same starting point; what it leaves is
compared item by item, with every attribute.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.ioc_refresh import front_door
from include.ioc_refresh.changes import Changes
from include.ioc_refresh.collect import read_parquet
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.drafts import read_draft
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.settings import IocSettings
from tests.integration.dag_runner import DagRunner, Run
from tests.integration.ioc_history import FrontDoor, settings_for
from tests.integration.killed_workers import DEATH
from tests.local_aws import LocalAws, start_local_aws

pytestmark = pytest.mark.airflow

NOW = datetime.now(UTC).replace(microsecond=0)  # Firehose names partitions by the real time of arrival
OLD, NEW = range(12), range(100, 124)
KITS = ("parcel", "invoice", "wallet", "payroll")  # a kit is a path shape: the new mails renew three of four
WRONG = [number for number in OLD if number % 4 == 3]  # reported by mistake, and taken back with the second refresh
WRITING_TASKS = {
    *("plan_refresh", "check_new_mail", "collect_verdicts", "update_state", "find_candidates"),
    *("check_candidates", "diff_table", "write_changes", "commit_refresh"),
}

Table = dict[str, dict[str, Any]]


def phishing(number: int, *, host: str, age: timedelta) -> dict[str, Any]:
    return {
        "id": f"k{number}",
        "time": (NOW - age).isoformat(),
        "sender": {"domain": "gmail.com", "envelope_domain": None, "reply_to_domain": None},
        "receiver": {"domains": ["company.example"], "count": 1},
        "auth": {"spf": "pass", "dkim": "pass", "dmarc": "pass"},
        "Attachments": [],
        "Urls": [{"Url": f"https://{host}/{KITS[number % 4]}/verify.php?id=9{number}", "Classification": 0}],
    }


@dataclass
class StartingPoint:
    """A lake after its first refresh, with the mails and verdicts of the second one waiting."""

    aws: LocalAws
    runner: DagRunner
    settings: IocSettings
    table: Table
    objects: frozenset[str]
    clock: datetime = NOW

    @property
    def lake(self) -> Lake:
        return Lake(self.aws.client("s3"), self.settings)

    def refresh(self, **arguments: Any) -> Run:
        """Run a refresh; a mass change needs nobody here."""
        self.clock += timedelta(seconds=1)
        return self.runner.run(
            "ioc_refresh_generate", run_after=self.clock, conf={"max_change_share": 1.0}, **arguments
        )

    def again(self) -> None:
        """Forget every refresh but the first."""
        self.aws.control("DELETE", "faults")
        for key in set(self.lake.list_keys("")) - self.objects:
            self.aws.client("s3").delete_object(Bucket=self.settings.bucket, Key=key)
        dynamodb, name = self.aws.client("dynamodb"), self.settings.indicators_table
        for key in self.items().keys() - self.table.keys():
            dynamodb.delete_item(TableName=name, Key={"ioc": {"S": key}})
        for item in self.table.values():
            dynamodb.put_item(TableName=name, Item=item)
        assert self.items() == self.table

    def items(self) -> Table:
        """Every item of the table by key, as DynamoDB gives it."""
        pages = self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=self.settings.indicators_table)
        return {item["ioc"]["S"]: item for page in pages for item in page["Items"]}

    def commits(self) -> list[str]:
        return [key.rpartition("/")[2] for key in self.lake.list_keys("refreshes/")]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartingPoint]:
    home = tmp_path_factory.mktemp("kills")
    settings, environment = settings_for("kills")
    with start_local_aws(home / "aws") as aws, DagRunner(home, aws, settings=environment) as runner:
        door = FrontDoor(aws, settings)
        point = StartingPoint(aws, runner, settings, {}, frozenset())
        door.mails(
            [phishing(n, host=f"old{n}.work", age=timedelta(days=2)) for n in OLD], arrived_at=NOW - timedelta(days=2)
        )
        door.verdicts([(f"k{n}", "malicious") for n in OLD], at=NOW - timedelta(days=2))
        first = point.refresh()
        assert first.state == "success", first.log[-6000:]
        door.mails([phishing(n, host=f"new{n}.work", age=timedelta(hours=1)) for n in NEW], arrived_at=NOW)
        door.verdicts([(f"k{n}", "malicious") for n in NEW], at=NOW)
        door.verdicts([(f"k{n}", "benign") for n in WRONG], at=NOW)
        point.table, point.objects = point.items(), frozenset(point.lake.list_keys(""))
        yield point


@pytest.fixture(scope="module")
def undisturbed(start: StartingPoint) -> tuple[Table, Changes]:
    """The table after a run that nobody disturbs, and what that run changed."""
    run = start.refresh()
    require_committed(start, run)
    return start.items(), read_draft(start.lake, run.results["plan_refresh"]["version"])


@pytest.fixture
def before(start: StartingPoint, undisturbed: tuple[Table, Changes]) -> Iterator[StartingPoint]:
    """The starting point, restored."""
    start.again()
    yield start
    start.aws.control("DELETE", "faults")


def require_committed(start: StartingPoint, run: Run) -> None:
    assert run.state == "success", run.log[-6000:]
    assert start.commits() == ["00000001.json", "00000002.json"]


def test_the_undisturbed_refresh_adds_renews_and_removes(undisturbed: tuple[Table, Changes]) -> None:
    changes = undisturbed[1]
    assert len(changes.added) >= len(NEW)
    assert changes.renewed
    assert len(changes.removed) >= 3


@pytest.mark.parametrize(
    ("cuts", "victims"),
    [
        (["1 not sent", "1 answer lost", "2 not sent"], WRITING_TASKS),
        (["2 answer lost", "3 not sent", "4 answer lost"], {"write_changes", "commit_refresh"}),
        (["5 answer lost", "12 not sent", "24 answer lost"], {"write_changes", "commit_refresh"}),
    ],
    ids=["at the first calls", "a few calls in", "in the middle"],
)
def test_a_refresh_whose_tasks_are_killed_at_their_writing_calls_ends_in_the_same_table(
    before: StartingPoint, undisturbed: tuple[Table, Changes], cuts: list[str], victims: set[str]
) -> None:
    run = before.refresh(cuts=cuts)
    require_committed(before, run)
    assert victims <= {task for task in run.states for cut in cuts if f"{DEATH} {cut}: {task}" in run.log}
    assert all(f"{DEATH} {cut}: write_changes" in run.log for cut in cuts)
    assert before.items() == undisturbed[0]
    require_each_statement_succeeded_once(before, run)


def test_a_failed_query_leaves_the_table_alone_and_the_next_run_bears_throttling_and_a_cancelled_query(
    before: StartingPoint, undisturbed: tuple[Table, Changes]
) -> None:
    damage = "HIVE_CURSOR_ERROR: the file is damaged"
    before.aws.control("POST", "faults", {"service": "athena", "kind": "query_fail", "error": damage, "times": 1})
    failed = before.refresh()
    assert (failed.state, damage in failed.log) == ("failed", True)
    assert before.items() == before.table
    assert before.commits() == ["00000001.json"]

    faults = [
        {"service": "s3", "operation": "PutObject", "kind": "fail", "times": 6},
        {"service": "athena", "kind": "query_cancel", "times": 1},
        {"service": "athena", "operation": "StartQueryExecution", "kind": "throttle", "times": 1},
        {"service": "dynamodb", "operation": "BatchGetItem", "kind": "unprocessed", "times": 2},
        {"service": "dynamodb", "operation": "UpdateItem", "kind": "throttle", "times": 40},
        {"service": "dynamodb", "operation": "DeleteItem", "kind": "throttle", "times": 4},
    ]
    for fault in faults:
        before.aws.control("POST", "faults", fault)
    require_committed(before, before.refresh())
    assert before.aws.control("GET", "faults") == [], "a fault did not strike"
    assert before.items() == undisturbed[0]


def test_firehose_that_throttles_and_takes_half_a_batch_loses_no_mail_and_no_verdict(before: StartingPoint) -> None:
    door = front_door.FrontDoor(before.settings, Popularity.load(), client=before.aws.client)
    faults = [
        {"service": "firehose", "operation": "PutRecord", "kind": "throttle", "times": 2},
        {"service": "firehose", "operation": "PutRecordBatch", "kind": "unprocessed", "times": 1},
        {"service": "firehose", "operation": "PutRecordBatch", "kind": "throttle", "times": 1},
        {"service": "dynamodb", "operation": "PutItem", "kind": "throttle", "times": 2},
    ]
    for fault in faults:
        before.aws.control("POST", "faults", fault)
    body = json.dumps(phishing(500, host="late.work", age=timedelta(hours=1))).encode()
    mail, _ = door.read_mail(body, arrived_at=NOW)
    assert door.store_mail(mail, body, arrived_at=NOW)
    verdicts = [{"id": f"k{n}", "verdict": "malicious", "reported_at": NOW.isoformat()} for n in range(500, 510)]
    assert door.store_verdicts(verdicts, arrived_at=NOW) == {"accepted": 10, "rejected": [], "kept": 0}
    assert before.aws.control("GET", "faults") == [], "a fault did not strike"

    before.aws.control("POST", "firehose/flush")
    assert [row["mail_id"] for row in new_rows(before, "mails")] == ["k500"]
    assert sorted(row["mail_id"] for row in new_rows(before, "verdicts")) == [f"k{n}" for n in range(500, 510)]


def new_rows(start: StartingPoint, stream: str) -> list[dict[str, Any]]:
    """What Firehose delivered after the starting point."""
    keys = [key for key in start.lake.list_keys(stream, "") if key not in start.objects]
    return [row for key in keys for row in read_parquet(start.lake, key.removeprefix("ioc/"))]


def require_each_statement_succeeded_once(start: StartingPoint, run: Run) -> None:
    athena, version = start.aws.client("athena"), run.results["plan_refresh"]["version"]
    pages = athena.get_paginator("list_query_executions").paginate(WorkGroup=start.settings.workgroup)
    ids = [each for page in pages for each in page["QueryExecutionIds"]]
    described = [athena.get_query_execution(QueryExecutionId=each)["QueryExecution"] for each in ids]
    mine = [each for each in described if version in each["Query"]]
    succeeded = Counter(each["Query"] for each in mine if each["Status"]["State"] == "SUCCEEDED")
    assert len(succeeded) == 5
    assert set(succeeded.values()) == {1}
