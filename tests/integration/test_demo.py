"""`landfall demo` as a newcomer runs it, a scheduler killed in the middle of a refresh, and nothing left after `down`.

One stack and one demo for the whole file; the tests build on each other in this order.
"""

import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psutil
import pytest

from include.cli import components
from include.cli.airflow_api import AirflowApi
from include.cli.demo_ioc_refresh import APPROVAL, DAG_ID, NEW_MAILS, OLD_MAILS, FrontDoor, damaged_records
from include.cli.preflight import port_is_free
from include.cli.processes import kill
from include.cli.stack_status import status
from include.ioc_refresh.drafts import candidate_rows
from include.ioc_refresh.indicators import entry_key, epoch
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import last_commit
from include.ioc_refresh.settings import IocSettings
from tests.integration.landfall_command import UserStack

pytestmark = pytest.mark.stack

DEMO_SECONDS = 900
DOWN_SECONDS = 120
HEAL_SECONDS = 200
TASK_SECONDS = 120
RUN_SECONDS = 300
KILLED_AFTER_WRITES = 10
WAVE = 120
NAMES = IocSettings()
HIT_FIELDS = {
    *("Reason", "Identifier", "Kind", "MaliciousMails", "BenignMails"),
    *("FirstSeen", "LastSeen", "ExpiresOnUtc", "QueryVersion"),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserStack]:
    """A stack that nothing has started yet; nothing of it outlives the file."""
    mine = UserStack.in_folder(tmp_path_factory.mktemp("newcomer") / "home")
    try:
        yield mine
    finally:
        mine.landfall("down", limit_seconds=DOWN_SECONDS)


@pytest.fixture(scope="module")
def printed(stack: UserStack) -> dict[str, Any]:
    """What `landfall demo --json` printed, all families."""
    return stack.landfall("demo", limit_seconds=DEMO_SECONDS)


@pytest.fixture(scope="module")
def demo(printed: dict[str, Any]) -> dict[str, Any]:
    """What it printed about IOC refresh."""
    family: dict[str, Any] = printed["ioc_refresh"]
    return family


@pytest.fixture(scope="module")
def moved(printed: dict[str, Any]) -> dict[str, Any]:
    """What it printed about log shipping."""
    family: dict[str, Any] = printed["log_shipping"]
    return family


@pytest.fixture(scope="module")
def migrated(printed: dict[str, Any]) -> dict[str, Any]:
    """What it printed about the FSx migration."""
    family: dict[str, Any] = printed["fsx_migration"]
    return family


@pytest.fixture(scope="module")
def assessed(printed: dict[str, Any]) -> dict[str, Any]:
    """What it printed about discovery."""
    family: dict[str, Any] = printed["discovery"]
    return family


def test_every_contradiction_planted_in_the_sample_estate_is_found(assessed: dict[str, Any]) -> None:
    planted, summary = assessed["planted"], assessed["summary"]
    assert summary["servers"] >= 500
    for kind in ("powered_off", "templates", "without_guest_os", "os_disagreements", "unknown_hosts", "retired"):
        assert summary[kind] == len(planted[kind]), kind
    assert summary["conflicts"] >= len(planted["memory_conflicts"]) + len(planted["os_disagreements"])
    assert len({source["tool"] for source in assessed["quality"]["sources"]}) == 3
    assert planted["foreign_file"] in {refused["file"] for refused in assessed["quality"]["refused"]}
    assert summary["unknown_addresses"] >= len(planted["unknown_addresses"])


def test_an_assessment_is_published_for_every_outcome_with_its_report(assessed: dict[str, Any]) -> None:
    assert assessed["published"] == ["snapshot", "tco", "wave_plan"]
    assert assessed["summary"]["waves"] > 1
    with httpx.Client(trust_env=False, timeout=30) as browser:
        page = browser.get(assessed["look"]["report"])
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert "Monthly cost" in page.text
        assert browser.get(assessed["look"]["workbook"]).content.startswith(b"PK")


def test_migration_moves_the_tree_in_passes_and_recovers_from_its_faults(migrated: dict[str, Any]) -> None:
    assert migrated["plan"]["files"] >= 20_000
    assert migrated["plan"]["findings"]["block"] == 0
    kinds = [each["kind"] for each in migrated["passes"]]
    assert (kinds[:2], kinds[-1]) == (["full", "incremental"], "closing")
    recovered = migrated["recovered"]
    assert any("A fault of the local AWS struck" in each["reason"] for each in recovered["executions"])
    assert migrated["changed_in_flight"] in {each["path"] for each in recovered["files"]}


def test_both_trees_are_the_same_but_for_files_that_are_named_with_their_reason(migrated: dict[str, Any]) -> None:
    assert [each["reason"] for each in migrated["failed_files"]] == [
        "Failed to open source file: Permission denied"
    ] * 3
    found = migrated["cut_over"]["reconciliation"]
    assert (found["paths"]["unexplained"], found["paths"]["explained"]) == (0, 3)
    assert (found["missing"], found["extra"], set(found["changed"].values())) == (3, 0, {0})
    assert found["same"] > 20_000
    assert found["checksums"]["compared"] >= 1_000


def test_clients_are_led_over_by_approval_and_miss_nothing_they_wrote(migrated: dict[str, Any]) -> None:
    assert migrated["cut_over"]["approved"] == ["approve_cut_over"]
    assert migrated["name_leads_to"].endswith(".fsx.us-east-1.amazonaws.com")
    clients = migrated["clients"]
    assert clients["actions"] > 150
    assert clients["kept"] > 0
    assert (clients["lost"], clients["undead"]) == (0, 0)


def test_the_migrations_pages_answer_and_its_clean_up_only_shows(migrated: dict[str, Any]) -> None:
    assert migrated["clean_up"]["delete"] >= 5, "two tasks and three locations"
    with httpx.Client(trust_env=False, timeout=30) as browser:
        for name in ("plan", "report"):
            page = browser.get(migrated["look"][name])
            assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
            assert migrated["migration"] in page.text


def test_clients_of_the_moved_databases_lose_no_acknowledged_commit(moved: dict[str, Any]) -> None:
    assert set(moved["clients"]) == {"Sales", "Inventory"}
    for client in moved["clients"].values():
        assert client["acknowledged"] > 50
        assert (client["lost"], client["strangers"]) == (0, 0)
        assert client["longest_pause_seconds"] > 0


def test_demo_moves_both_databases_away_and_home(moved: dict[str, Any]) -> None:
    assert set(moved["moved_to"].values()) == {"EC2SQL02"}
    assert set(moved["home_on"].values()) == {"SQLFCI01"}


@pytest.mark.parametrize("run", ["fail_over", "fail_back"])
def test_planned_move_is_approved_by_another_user_and_measured(moved: dict[str, Any], run: str) -> None:
    report = moved[run]
    assert (report["verdict"], report["approved_by"]) == ("moved", "oncall")
    assert report["rpo_seconds"] == {"Sales": 0, "Inventory": 0}
    parts = ("inside_sql_server_seconds", "waiting_for_a_person_seconds", "orchestration_seconds")
    assert all(report[part] > 0 for part in parts)
    assert report["rto_seconds"] == pytest.approx(sum(report[part] for part in parts), abs=0.1)


def test_drill_is_measured_and_moves_nothing(moved: dict[str, Any]) -> None:
    assert moved["drill"]["verdict"] == "rehearsed"
    assert moved["drill"]["rto_seconds"] > 0
    assert all(rpo >= 0 for rpo in moved["drill"]["rpo_seconds"].values())


@pytest.mark.parametrize("run", ["drill", "fail_over", "fail_back"])
def test_every_report_is_a_page_that_names_both_databases(moved: dict[str, Any], run: str) -> None:
    page = httpx.get(moved[run]["report"], trust_env=False, timeout=30)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert {"Sales", "Inventory"} <= set(re.findall(r"Sales|Inventory", page.text))


def test_demo_takes_or_refuses_every_mail_and_says_why(demo: dict[str, Any]) -> None:
    damaged = len(list(damaged_records(datetime.now(UTC))))
    assert demo["mails_sent"] == OLD_MAILS + NEW_MAILS + damaged
    assert demo["mails_taken"] + demo["mails_refused"] == demo["mails_sent"]
    assert (demo["mails_refused"], len(demo["refusals"])) == (6, 6), "not JSON, no object, no id, 1970, next year, 3 MB"
    assert 0 < demo["verdicts"] <= OLD_MAILS + NEW_MAILS + 2


def test_demo_commits_two_refreshes_that_add_renew_and_remove_with_reasons(demo: dict[str, Any]) -> None:
    first, second = demo["refreshes"]
    assert [first["sequence"], second["sequence"]] == [1, 2]
    assert first["changes"]["added"] == first["indicators"] > 0
    changes = second["changes"]
    assert changes["renewed"] > 0
    assert changes["removed"] > 0
    assert sum(changes["removed_because"].values()) == changes["removed"]
    assert second["indicators"] == first["indicators"] + changes["added"] - changes["removed"]


def test_demo_states_bytes_and_cost_of_each_refresh(demo: dict[str, Any]) -> None:
    for refresh in demo["refreshes"]:
        assert refresh["cost"]["scanned_bytes"] > 0
        assert refresh["cost"]["write_units"] >= refresh["changes"]["writes"]
        assert Decimal(refresh["cost"]["dollars"]) > 0


def test_demo_reports_one_mail_as_suspicious_with_its_evidence(demo: dict[str, Any]) -> None:
    report = demo["report"]
    assert (report["Verdict"], report["Stored"]) == ("suspicious", True)
    assert (report["Reason"], report["Identifier"]) == (report["Hits"][0]["Reason"], report["Hits"][0]["Identifier"])
    for hit in report["Hits"]:
        assert hit.keys() == HIT_FIELDS
        assert None not in hit.values()
        assert hit["MaliciousMails"] > 0
        assert hit["BenignMails"] == 0
        assert hit["ExpiresOnUtc"] > report["ReportedOnUtc"]


def test_demo_runs_succeeded_by_airflows_word_and_a_person_approved_the_mass_change(
    stack: UserStack, demo: dict[str, Any]
) -> None:
    with stack.as_user("viewer") as viewer:
        for run in demo["runs"]:
            assert viewer.run_state(DAG_ID, run["run_id"]) == "success"
            tasks = viewer.task_states(DAG_ID, run["run_id"])
            assert set(tasks.values()) <= {"success", "skipped"}
            assert tasks["commit_refresh"] == "success"
            asked = tasks[APPROVAL] == "success"
            assert (run["mass_change_approved_by"] == "oncall") == asked


def test_every_address_the_demo_names_answers(stack: UserStack, demo: dict[str, Any]) -> None:
    look, headers = demo["look"], {"accept": "text/html"}
    with httpx.Client(trust_env=False, timeout=30) as browser:
        docs = browser.get(look["Data Docs"])
        assert (docs.status_code, docs.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert "check_candidates" in docs.text or "ioc_refresh_candidates" in docs.text
        assert browser.get(look["snapshot"]).json()["sequence"] == demo["refreshes"][-1]["sequence"]
        for name in ("DAG", "run"):
            assert browser.get(look[name], headers=headers).status_code == 200
    assert (stack.settings.project_root / look["runbook"]).is_file()


def test_a_scheduler_killed_while_the_table_is_half_written_leaves_the_same_table(
    stack: UserStack, demo: dict[str, Any]
) -> None:
    lake = Lake(stack.client("s3"), NAMES)
    before = last_commit(lake)
    assert before
    post_wave(stack)
    slow_down_writes(stack)
    with stack.as_user("analyst") as analyst, stack.as_user("oncall") as oncall:
        analyst.trigger(DAG_ID, {"max_change_share": 1.0, "note": "killed on purpose"})
        run_id = wait_for_half_written_table(stack, analyst, oncall, sequence=before["sequence"] + 1)
        kill_scheduler(stack)
        assert analyst.task_states(DAG_ID, run_id)["write_changes"] == "running"
        assert last_commit(lake) == before, "the refresh was over before the kill"
        assert KILLED_AFTER_WRITES <= written_by(stack, before["sequence"] + 1) < WAVE, "the table was not half-written"

        assert stack.landfall("up", limit_seconds=HEAL_SECONDS)["state"] == "up"

        assert finish(analyst, oncall, run_id) == "success"
    require_true_table(stack, lake)
    require_one_commit_per_sequence(lake, after=before["sequence"])
    require_each_statement_succeeded_once(stack)


def test_down_leaves_no_process_and_no_port_of_the_stack(stack: UserStack, demo: dict[str, Any]) -> None:
    assert len(stack.processes()) > len(components.NAMES)
    ended = stack.landfall("down", limit_seconds=DOWN_SECONDS)
    assert ended["stopped"] + ended["killed"] > len(components.NAMES)
    assert stack.processes() == []
    assert all(port_is_free(port) for port in stack.ports)


def post_wave(stack: UserStack) -> None:
    """Post phishing mails of a host each with their verdicts through the front door, and deliver them."""
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    stamp, door = f"{now:%Y-%m-%dT%H:%M:%SZ}", FrontDoor(stack.settings)
    mails = [
        {
            "id": f"wave-{number}",
            "time": stamp,
            "sender": {"domain": "gmail.com", "envelope_domain": "gmail.com", "reply_to_domain": None},
            "receiver": {"domains": ["landfall.example"], "count": 1},
            "auth": {"spf": "pass", "dkim": "pass", "dmarc": "pass"},
            "Attachments": [],
            "Urls": [{"Url": f"https://wave-{number}-sample.work/wave/{number}", "Classification": 0, "Kind": "link"}],
        }
        for number in range(WAVE)
    ]
    door.send([json.dumps(mail).encode() for mail in mails])
    assert door.answers[200] == WAVE
    assert door.judge([{"id": mail["id"], "verdict": "malicious", "reported_at": stamp} for mail in mails]) == WAVE
    httpx.post(f"{stack.settings.aws_url}/_landfall/firehose/flush", timeout=60, trust_env=False).raise_for_status()


def slow_down_writes(stack: UserStack) -> None:
    """Make each write to the table take a second, so that there is a middle to be killed in; ends with a restart."""
    fault = {"service": "dynamodb", "operation": "UpdateItem", "kind": "delay", "seconds": 1.0}
    httpx.post(f"{stack.settings.aws_url}/_landfall/faults", json=fault, trust_env=False).raise_for_status()


def wait_for_half_written_table(stack: UserStack, analyst: AirflowApi, oncall: AirflowApi, *, sequence: int) -> str:
    """Return the run that writes, the schedule's or the triggered one, once it has written some of the wave."""
    deadline = time.monotonic() + TASK_SECONDS
    while time.monotonic() < deadline:
        active = [run["dag_run_id"] for run in analyst.runs(DAG_ID) if run["state"] == "running"]
        for run_id in active:
            tasks = analyst.task_states(DAG_ID, run_id)
            approve(oncall, run_id, tasks)
            if tasks["write_changes"] == "running" and written_by(stack, sequence) >= KILLED_AFTER_WRITES:
                return str(run_id)
        time.sleep(0.2)
    raise AssertionError(f"write_changes did not write within {TASK_SECONDS} s")


def kill_scheduler(stack: UserStack) -> None:
    """End the scheduler, its executor's workers and their tasks as a power cut would."""
    part = next(part for part in status(stack.settings).components if part.name == components.SCHEDULER)
    assert part.pid
    scheduler = psutil.Process(part.pid)
    assert kill([scheduler, *scheduler.children(recursive=True)]) == []


def finish(analyst: AirflowApi, oncall: AirflowApi, run_id: str) -> str:
    """Wait for the run's end, answering what it asks; returns its state."""
    return analyst.wait(DAG_ID, run_id, lambda _, tasks: approve(oncall, run_id, tasks), timeout_seconds=RUN_SECONDS)


def approve(oncall: AirflowApi, run_id: str, tasks: dict[str, str]) -> None:
    if tasks.get(APPROVAL) == "awaiting_input" and not oncall.approvals(DAG_ID, run_id)[0]["responded_at"]:
        oncall.answer_approval(DAG_ID, run_id, APPROVAL, "Approve")


def items(stack: UserStack) -> list[dict[str, Any]]:
    """Every item of the indicator table, as DynamoDB gives it."""
    pages = (
        stack.client("dynamodb").get_paginator("scan").paginate(TableName=NAMES.indicators_table, ConsistentRead=True)
    )
    return [item for page in pages for item in page["Items"]]


def written_by(stack: UserStack, sequence: int) -> int:
    return sum(item.get("refresh") == {"N": str(sequence)} for item in items(stack))


def require_true_table(stack: UserStack, lake: Lake) -> None:
    """The table holds what the candidates of the last committed version say, and no more."""
    commit = last_commit(lake)
    assert commit
    rows = candidate_rows(lake, commit["version"])
    said = {(entry_key(row["kind"], row["value"]), epoch(row["expires_at"].replace(tzinfo=UTC))) for row in rows}
    held = {(item["ioc"]["S"], item["expires_at"]["N"]) for item in items(stack)}
    assert held == said
    assert len(held) == commit["indicators"]
    assert sum(key.startswith("link_domain#wave-") for key, _ in held) == WAVE


def require_one_commit_per_sequence(lake: Lake, *, after: int) -> None:
    """The log has no gap and no fork: each entry builds on the one before it."""
    entries = [lake.get_json(key) for key in lake.list_keys("refreshes/")]
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) > after
    assert all(later["previous_version"] == earlier["version"] for earlier, later in itertools.pairwise(entries))
    assert len({entry["run_id"] for entry in entries}) == len(entries)


def require_each_statement_succeeded_once(stack: UserStack) -> None:
    athena = stack.client("athena")
    pages = athena.get_paginator("list_query_executions").paginate(WorkGroup=NAMES.workgroup)
    ids = [each for page in pages for each in page["QueryExecutionIds"]]
    described = [athena.get_query_execution(QueryExecutionId=each)["QueryExecution"] for each in ids]
    succeeded = Counter(each["Query"] for each in described if each["Status"]["State"] == "SUCCEEDED")
    assert succeeded
    assert {statement: count for statement, count in succeeded.items() if count > 1} == {}
