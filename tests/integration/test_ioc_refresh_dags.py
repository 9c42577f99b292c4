"""The four DAGs of IOC refresh, run as Airflow runs them, on the local AWS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.ioc_refresh.indicators import TableEntry
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.settings import IocSettings
from include.ioc_refresh.table import IndicatorTable
from tests.integration.dag_runner import DagRunner, Run
from tests.integration.ioc_history import FrontDoor, settings_for
from tests.local_aws import LocalAws, start_local_aws

pytestmark = pytest.mark.airflow

NOW = datetime.now(UTC).replace(microsecond=0)  # Firehose names partitions by the real time of arrival
DAY = timedelta(days=1)


def phishing(number: int, host: str = "evil-bank.work") -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "time": (NOW - timedelta(hours=3)).isoformat(),
        "sender": {"domain": "sender-of-evil.work", "envelope_domain": None, "reply_to_domain": None},
        "receiver": {"domains": ["company.example"], "count": 1},
        "auth": {"spf": "pass", "dkim": "pass", "dmarc": "pass"},
        "Attachments": [],
        "Urls": [{"Url": f"https://{host}/login/{number}x7/verify.php?id=9{number}", "Classification": 0}],
    }


def ham(number: int) -> dict[str, Any]:
    mail = phishing(number, host="bakery-round-the-corner.shop")
    return {**mail, "id": f"h{number}", "sender": {"domain": "bakery-round-the-corner.shop"}, "Urls": mail["Urls"][:0]}


class World:
    """One company's lake, front door and Airflow."""

    def __init__(self, aws: LocalAws, runner: DagRunner, settings: IocSettings) -> None:
        self.aws, self.runner, self.settings = aws, runner, settings
        self.door = FrontDoor(aws, settings)
        self.lake = Lake(aws.client("s3"), settings)
        self.table = IndicatorTable(aws.client("dynamodb"), settings.indicators_table)
        self.clock = NOW

    def generate(self, **arguments: Any) -> Run:
        self.clock += timedelta(minutes=5)
        return self.runner.run("ioc_refresh_generate", run_after=self.clock, **arguments)

    def run(self, dag: str, **arguments: Any) -> Run:
        self.clock += timedelta(minutes=1)
        return self.runner.run(f"ioc_refresh_{dag}", run_after=self.clock, **arguments)

    def indicators(self) -> dict[str, TableEntry]:
        return self.table.read_all()


def executions(world: World) -> list[str]:
    pages = (
        world.aws.client("athena").get_paginator("list_query_executions").paginate(WorkGroup=world.settings.workgroup)
    )
    return [execution for page in pages for execution in page["QueryExecutionIds"]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("dags")
    settings, environment = settings_for("whole")
    with start_local_aws(home / "aws") as aws, DagRunner(home, aws, settings=environment) as runner:
        yield World(aws, runner, settings)


def summary(run: Run) -> dict[str, Any]:
    assert run.state == "success", run.log[-6000:]
    found: dict[str, Any] = run.results["commit_refresh"]
    return found


def live(world: World) -> set[str]:
    return {key for key, entry in world.indicators().items() if entry.is_live(world.clock)}


def domains(world: World) -> set[str]:
    return {key.partition("#")[2] for key in live(world) if key.startswith("link_domain#")}


def test_01_a_first_refresh_learns_from_verdicts_and_asks_nobody(world: World) -> None:
    world.door.mails([phishing(1), phishing(2), ham(3)], arrived_at=NOW)
    world.door.verdicts([("p1", "malicious"), ("p2", "malicious"), ("h3", "benign")], at=NOW)
    run = world.generate(conf={"note": "first"})
    done = summary(run)
    assert run.states["approve_mass_change"] == "skipped"
    assert live(world) == {
        "link_domain#evil-bank.work",
        "path_shape#/login/*/verify.php?id",
        "sender_domain#sender-of-evil.work",
    }
    assert done["indicators"] == 3
    assert done["changes"]["added"] == 3
    assert done["cost"]["scanned_bytes"] > 0
    assert done["results"]["check_new_mail"]["gate"]["verdict"] == "pass"
    entry = world.lake.get_json(world.lake.settings.key("refreshes", "00000001.json"))
    assert (entry["version"], entry["note"], entry["indicators"]) == (done["version"], "first", 3)
    assert {key.rpartition("/")[2] for key in world.lake.list_keys("snapshots", "00000001", "")} == {
        "indicators.jsonl.gz",
        "changes.jsonl.gz",
        "stix.json.gz",
        "summary.json",
    }


def test_02_nothing_new_ends_after_the_first_task(world: World) -> None:
    run = world.generate()
    assert run.states.pop("plan_refresh") == "success"
    assert set(run.states.values()) == {"skipped"}


def test_03_late_and_duplicate_mail_and_verdicts_change_nothing(world: World) -> None:
    before = world.indicators()
    world.door.mails([phishing(1)], arrived_at=NOW)
    world.door.verdicts([("p1", "malicious"), ("p2", "malicious")], at=NOW)
    done = summary(world.generate())
    assert done["changes"]["writes"] == 0
    assert world.indicators() == before


def test_04_a_dry_run_shows_and_writes_nothing(world: World) -> None:
    before = world.indicators()
    world.door.mails([phishing(4, host="other.shop")], arrived_at=NOW)
    world.door.verdicts([("p4", "malicious")], at=NOW)
    run = world.generate(conf={"dry_run": True})
    assert run.draft["added"] == 1
    assert "other[.]shop" in run.draft["brief"]
    assert {run.states[name] for name in ("approve_mass_change", "write_changes", "commit_refresh")} == {"skipped"}
    assert world.indicators() == before
    assert summary(world.generate())["changes"]["added"] == 1


def test_05_a_benign_report_removes_its_indicator_and_says_why(world: World) -> None:
    assert "other.shop" in domains(world)
    world.door.verdicts([("p4", "benign")], at=NOW + timedelta(seconds=1))
    done = summary(world.generate())
    assert done["changes"]["removed_because"]["benign_report"] >= 1
    assert "other.shop" not in domains(world)


def test_06_a_run_in_which_every_task_dies_once_ends_in_the_same_table(world: World) -> None:
    world.door.mails([phishing(n, host=f"new{n}.info") for n in (61, 62)], arrived_at=NOW)
    world.door.verdicts([("p61", "malicious"), ("p62", "malicious")], at=NOW)
    before, started = live(world), len(executions(world))
    tasks = "plan_refresh check_new_mail collect_verdicts update_state find_candidates check_candidates diff_table"
    run = world.generate(dying=dict.fromkeys([*tasks.split(), "write_changes", "commit_refresh"], 1))
    done = summary(run)
    assert run.log.count("the worker was killed here") >= 9
    assert live(world) - before == {"link_domain#new61.info", "link_domain#new62.info"}
    assert before <= live(world)
    assert len(executions(world)) - started == 5, "a query was started twice"
    assert done["changes"]["added"] == 2
    assert len(list(world.lake.list_keys("refreshes/"))) == done["sequence"]


def test_07_a_rejected_mass_change_writes_nothing_and_holds_refreshes(world: World) -> None:
    world.door.mails([phishing(n, host=f"wave{n}.xyz") for n in range(700, 730)], arrived_at=NOW)
    world.door.verdicts([(f"p{n}", "malicious") for n in range(700, 730)], at=NOW)
    before, commits = world.indicators(), list(world.lake.list_keys("refreshes/"))
    run = world.generate(answers={"approve_mass_change": {"option": "Reject", "user": "oncall"}})
    assert run.states["approve_mass_change"] == "success"
    assert {run.states[name] for name in ("write_changes", "commit_refresh")} == {"skipped"}
    assert world.indicators() == before
    assert list(world.lake.list_keys("refreshes/")) == commits
    held = world.generate()
    assert set(held.states.values()) == {"skipped"}
    assert "Refreshes are held until" in held.log


def test_08_an_approved_mass_change_is_written(world: World) -> None:
    answers = {"approve_mass_change": {"option": "Approve", "user": "analyst"}}
    run = world.generate(conf={"release_hold": True}, answers=answers)
    assert summary(run)["changes"]["added"] == 30
    assert sum(name.startswith("wave") for name in domains(world)) == 30


def test_09_a_suppressed_indicator_is_out_until_it_is_released(world: World) -> None:
    order = {"kind": "link_domain", "value": "new61.info", "until": f"{NOW + DAY:%Y-%m-%d}", "reason": "Our own shop."}
    shown = world.run("suppress", conf={**order, "action": "suppress", "dry_run": True})
    assert shown.states["write_suppression"] == "skipped"
    assert "new61.info" in domains(world)
    done = world.run("suppress", conf={**order, "action": "suppress"}, dying={"write_suppression": 1})
    assert done.results["write_suppression"]["by"] == "analyst"
    assert "new61.info" not in domains(world)
    world.run("suppress", conf={**order, "action": "release"}, dying={"write_suppression": 1})
    assert "new61.info" in domains(world)
    assert len(list(world.lake.list_keys("audit", "suppressions", ""))) == 2


def test_10_a_wrong_order_is_refused_with_a_sentence(world: World) -> None:
    order = {"kind": "attachment_hash", "value": "no-hash", "until": f"{NOW + DAY:%Y-%m-%d}", "reason": "Ten letters."}
    run = world.run("suppress", conf={**order, "action": "suppress"})
    assert run.state == "failed"
    assert "is no attachment hash" in run.log


def test_11_the_one_who_asks_for_a_roll_back_cannot_approve_it(world: World) -> None:
    before = world.indicators()
    answers = {"approve_roll_back": {"option": "Approve", "user": "analyst"}}
    run = world.run("roll_back", conf={"snapshot": 1, "reason": "Too many reports."}, user="analyst", answers=answers)
    assert run.state == "failed"
    assert "may not approve it" in run.log
    assert world.indicators() == before


def test_12_a_roll_back_restores_the_snapshot_and_holds_refreshes(world: World) -> None:
    answers = {"approve_roll_back": {"option": "Approve", "user": "oncall"}}
    run = world.run(
        "roll_back",
        conf={"snapshot": 1, "reason": "Too many reports."},
        answers=answers,
        dying=dict.fromkeys(["compare_snapshot", "write_snapshot", "commit_roll_back"], 1),
    )
    assert run.state == "success", run.log[-6000:]
    assert run.results["commit_roll_back"]["rolled_back_to"] == 1
    assert domains(world) == {"evil-bank.work"}
    assert set(world.generate().states.values()) == {"skipped"}
    assert domains(world) == {"evil-bank.work"}


def test_13_the_state_outlives_a_roll_back_and_equals_a_recount(world: World) -> None:
    run = world.run("rebase")
    assert run.state == "success", run.log[-6000:]
    assert run.results["check_differences"]["gate"]["verdict"] == "pass"


def test_14_releasing_the_hold_follows_the_evidence_again(world: World) -> None:
    answers = {"approve_mass_change": {"option": "Approve", "user": "oncall"}}
    summary(world.generate(conf={"release_hold": True}, answers=answers))
    assert {"evil-bank.work", "new61.info", "wave700.xyz"} <= domains(world)


def test_15_a_lost_mail_fails_the_recount(world: World) -> None:
    key = next(iter(world.lake.list_keys("mails/")))
    world.lake.client.delete_object(Bucket=world.settings.bucket, Key=key)
    run = world.run("rebase")
    assert run.states["check_differences"] == "failed"
    assert "State and mails differ" in run.log
