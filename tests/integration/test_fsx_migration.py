"""The DAGs of an FSx migration, run to their end on a local AWS whose DataSync really copies.

The tests build on each other in their order: one share is planned, moved in passes under faults and kills, cut over,
brought back, and its resources are removed.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.transfer.passes import list_passes, load_failures
from tests.integration.dag_runner import DagRunner
from tests.integration.fsx_site import NO, REASON, SERVER, YES, Site, document, require, trees_differ
from tests.local_aws import start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.airflow

UNREADABLE, CORRUPT = "plans/site 07.dwg", "plans/site 11.dwg"
ODD = ['quote " and, comma.txt', "two\nlines.txt", os.fsdecode(b"caf\xe9.txt"), " leading space.txt", "Größe.csv"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("migration")
    with start_local_aws(home / "aws") as aws:
        topic = aws.client("sns").create_topic(Name="landfall-alerts")["TopicArn"]
        settings = {"LANDFALL_FSX_MIGRATION_ALERT_TOPIC": topic}
        with DagRunner(home, aws, settings=settings) as runner:
            made = Site(aws, runner, home)
            made.prepare()
            fill(made)
            yield made


def fill(site: Site) -> None:
    for number in range(40):
        site.write(f"plans/site {number:02d}.dwg", bytes([number]) * (number * 400 + 1))
    for name in ODD:
        site.write(f"odd/{name}", name.encode("utf-8", "surrogateescape"))
    (site.source / "empty" / "below").mkdir(parents=True)
    (site.source / "empty").chmod(0o2750)
    (site.source / "current").symlink_to("plans/site 00.dwg")
    (site.source / "plans/site 05.dwg").chmod(0o640)
    os.utime(site.source / "plans/site 05.dwg", ns=(10**18, 10**18))


def locations(site: Site) -> list[str]:
    return [found["LocationUri"] for found in site.aws.client("datasync").list_locations()["Locations"]]


def tasks(site: Site) -> list[str]:
    return [found["TaskArn"] for found in site.aws.client("datasync").list_tasks()["Tasks"]]


def file_systems(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.aws.client("fsx").describe_file_systems()["FileSystems"]
    return found


def identities(site: Site) -> list[tuple[str, ...]]:
    """Pass, part and attempt of every execution, as its tags say."""
    datasync = site.aws.client("datasync")
    found = []
    for arn in site.executions():
        tags = {tag["Key"]: tag["Value"] for tag in datasync.list_tags_for_resource(ResourceArn=arn)["Tags"]}
        found.append(tuple(tags[f"landfall:{name}"] for name in ("migration", "pass", "part", "attempt")))
    return found


def failed_files(site: Site) -> dict[str, str]:
    """The files that the newest pass could not move, with the reason."""
    (*_, last) = list_passes(site.places)
    return {
        file.path: file.reason for part in last.parts if part.last for file in load_failures(site.places, part.last)
    }


def test_01_a_definition_that_is_wrong_is_told_line_by_line_and_plans_nothing(site: Site) -> None:
    run = site.run("plan", conf={"definition": site.definition(transfer={"mode": "FAST", "attemps": 2})})
    assert run.states["read_definition"] == "failed"
    assert "transfer.mode" in run.log
    assert "attemps" in run.log
    assert site.places.store.find_json(site.places.current_plan) is None


def test_02_a_plan_is_published_and_nothing_in_aws_changed(site: Site) -> None:
    run = require(site.run("plan", conf={"definition": site.definition(), "parts": 4}))
    plan = document(site, run.results["make_plan"]["plan"])
    assert (len(plan["parts"]), plan["files"], plan["left_out"]) == (4, 46, 1)
    assert (file_systems(site), locations(site), tasks(site)) == ([], [], [])


def test_03_killed_and_struck_by_faults_a_migration_ends_with_the_named_files_missing(site: Site) -> None:
    site.fault(kind="unreadable", match=f"*/{UNREADABLE}")
    site.fault(kind="corrupt", match=f"*/{CORRUPT}", times=1)
    site.fault(kind="execution_error", times=1)
    run = require(site.run("migrate", cuts=["1 answer lost", "3 not sent", "5 answer lost"]))
    assert run.log.count("the worker was killed at call") >= 10
    assert trees_differ(site.source, site.target) == [UNREADABLE]
    assert set(failed_files(site)) == {UNREADABLE}
    assert "unreadable" not in run.results["write_report"]
    assert run.results["write_report"]["failed"] == 1


def test_04_the_kills_made_nothing_twice(site: Site) -> None:
    assert len(file_systems(site)) == 1
    assert len(locations(site)) == 3, "one source location for each agent, and the target"
    assert len(tasks(site)) == 2
    assert max(Counter(identities(site)).values()) == 1


def test_05_the_file_that_was_changed_in_flight_was_copied_anew_and_verified(site: Site) -> None:
    first = list_passes(site.places)[0]
    attempts = {(part.name, attempt.number): attempt for part, attempt in first.attempts()}
    struck = [
        key
        for key, attempt in attempts.items()
        if CORRUPT in {file.path for file in load_failures(site.places, attempt)}
    ]
    (name, number) = struck[0]
    again = attempts[name, number + 1]
    assert (again.options["TransferMode"], again.clears) == ("ALL", True)
    assert (site.target / CORRUPT).read_bytes() == (site.source / CORRUPT).read_bytes()


def test_06_every_difference_is_named_and_the_report_says_so(site: Site) -> None:
    summary = site.places.store.get_json(site.places.reconciliation("migrate", "summary.json"))
    assert (summary["missing"], summary["extra"], set(summary["changed"].values())) == (1, 0, {0})
    assert (summary["paths"]["explained"], summary["paths"]["unexplained"]) == (1, 0)
    assert [finding["path"] for finding in summary["findings_named"]] == [UNREADABLE]


def test_07_before_the_cut_over_nothing_is_cleaned_up(site: Site) -> None:
    shown = require(site.run("clean_up", conf={"reason": REASON}))
    assert shown.states["delete_resources"] == "skipped"
    refused = site.run("clean_up", conf={"reason": REASON, "dry_run": False}, answers={"approve_clean_up": YES})
    assert refused.state == "failed"
    assert "fsx_migration_cut_over" in refused.log
    assert len(tasks(site)) == 2


def test_08_a_source_that_is_still_written_to_is_not_cut_over(site: Site) -> None:
    site.write("plans/late.dwg", b"written after the last pass")
    with written_again_and_again(site.source / "plans/site 00.dwg"):
        run = site.run("cut_over", conf={"reason": REASON})
    assert run.states["check_frozen"] == "failed"
    assert "plans/site 00.dwg" in run.log
    assert site.name_says() == SERVER


def test_09_a_rejected_cut_over_switches_nothing(site: Site) -> None:
    run = site.run("cut_over", conf={"reason": REASON}, answers={"approve_cut_over": NO})
    assert run.states["reconcile_trees"] == "success"
    assert run.states["switch_name"] == "skipped"
    assert site.name_says() == SERVER
    assert trees_differ(site.source, site.target) == [UNREADABLE]


def test_10_killed_at_its_calls_a_cut_over_moves_the_last_delta_and_leads_clients_over(site: Site) -> None:
    (site.source / "plans/site 01.dwg").unlink()
    site.write("plans/last.dwg", b"the last one")
    run = require(
        site.run(
            "cut_over",
            conf={"reason": REASON},
            answers={"approve_cut_over": YES},
            cuts=["1 answer lost", "2 not sent"],
        )
    )
    assert run.log.count("the worker was killed at call") >= 6
    assert site.name_says() == file_systems(site)[0]["DNSName"]
    assert trees_differ(site.source, site.target) == [UNREADABLE]
    assert max(Counter(identities(site)).values()) == 1
    assert site.places.store.get_json(site.places.cut_over("outcome.json"))["state"] == "done"


def test_11_a_roll_back_leads_clients_back_and_lists_what_they_wrote(site: Site) -> None:
    (site.target / "plans/site 02.dwg").write_bytes(b"written on the new file system")
    run = require(site.run("roll_back", conf={"reason": REASON}, answers={"approve_roll_back": YES}))
    assert site.name_says() == SERVER
    assert "plans/site 02.dwg" in run.log + site.everything_kept("cut_over")
    assert site.places.store.get_json(site.places.cut_over("outcome.json"))["state"] == "rolled_back"


def test_12_after_the_sign_off_tasks_and_locations_go_and_the_file_system_only_when_asked(site: Site) -> None:
    run = require(site.run("clean_up", conf={"reason": REASON, "dry_run": False}, answers={"approve_clean_up": YES}))
    assert run.results["write_report"]
    assert (tasks(site), locations(site), len(file_systems(site))) == ([], [], 1)
    require(
        site.run(
            "clean_up",
            conf={"reason": REASON, "dry_run": False, "delete_file_system": True, "last_backup": False},
            answers={"approve_clean_up": YES},
        )
    )
    assert [found for found in file_systems(site) if found["Lifecycle"] != "DELETING"] == []


def test_13_people_were_told_of_the_start_and_of_each_end_once(site: Site) -> None:
    keys = [key for key in site.places.store.list_keys(site.name, "") if "/notices/" in key]
    assert len(keys) == len(set(keys)) > 2


@contextmanager
def written_again_and_again(file: Path) -> Iterator[None]:
    """Somebody keeps writing to a file."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.02):
            with file.open("ab") as opened:
                opened.write(b".")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()
