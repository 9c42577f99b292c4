"""Every notice goes out once, and says what somebody needs who is woken by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources.mounts import ensure_target_mount, mount_command, require_source_mount
from include.fsx_migration.transfer.insights import saved_queries
from include.fsx_migration.transfer.passes import create_pass, failures_key, save_failures
from include.fsx_migration.watch.migration_report import keep_report, migration_report, page_of, sentence_of
from include.fsx_migration.watch.notices import Notice, tell_once
from tests.include.fsx_migration.fake_aws import AT, FakeAws, migration, workplace
from tests.include.fsx_migration.test_passes import AttemptState, a_pass, attempt, bad, part
from tests.include.fsx_migration.test_watching import FILE_SYSTEM

if TYPE_CHECKING:
    from pathlib import Path

    from include.fsx_migration.workplace import Workplace
    from include.notify.messages import Message

RUN = "fsx_migration_migrate/manual__1"
NOTICE = Notice(key="trouble/x", subject="trouble: x", what="Part 0001 stands.", since=AT, look="Look there.")


@pytest.fixture
def place() -> Workplace:
    return workplace(FakeAws())


def test_a_notice_is_told_once_for_each_run(place: Workplace) -> None:
    sent: list[Message] = []
    assert tell_once(place, sent.append, NOTICE, run=RUN)
    assert not tell_once(place, sent.append, NOTICE, run=RUN)
    assert tell_once(place, sent.append, NOTICE, run="fsx_migration_migrate/manual__2")
    assert len(sent) == 2


def test_a_notice_that_could_not_be_sent_is_sent_by_the_next_try_with_the_same_id(place: Workplace) -> None:
    sent: list[Message] = []

    def fails(message: Message) -> None:
        sent.append(message)
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        tell_once(place, fails, NOTICE, run=RUN)
    tell_once(place, sent.append, NOTICE, run=RUN)
    assert sent[0] == sent[1]


def test_a_notice_says_what_where_since_when_what_to_look_at_and_where_to_read_on(place: Workplace) -> None:
    sent: list[Message] = []
    tell_once(place, sent.append, NOTICE, run=RUN)
    (message,) = sent
    for part_ in (
        "Part 0001 stands.",
        "Migration: projects",
        "Since: 2026-03-01 12:00 UTC",
        "First look: Look there.",
        "Runbook: docs/runbooks/fsx_migration_migrate.md",
        "Run: fsx_migration_migrate, manual__1",
    ):
        assert part_ in message.body
    assert message.subject == "[Landfall] projects: trouble: x"


def test_a_subject_is_short_and_one_line(place: Workplace) -> None:
    sent: list[Message] = []
    long = Notice(key="k", subject="x\n" * 200, what="w", since=AT)
    tell_once(place, sent.append, long, run=RUN)
    assert len(sent[0].subject) <= 100
    assert "\n" not in sent[0].subject


RECONCILED = {
    "same": 24_255,
    "missing": 3,
    "extra": 0,
    "changed": {"size": 1, "mtime": 0, "mode": 0, "owner": 0, "checksum": 0},
    "paths": {"explained": 3, "unexplained": 1, "pending": 0, "kept": 0},
    "checksums": {"compared": 1_025},
}


def report_of(place: Workplace, **states: str) -> dict[str, object]:
    key = failures_key(place.places, 1, "0000", 1)
    save_failures(place.places, key, [bad("<script>alert(1)</script>", "transfer")])
    failed = attempt(state=AttemptState.FILES_FAILED, failures_key=key, counters={"bytes_transferred": 5})
    create_pass(place.places, a_pass(part(failed), ended=AT))
    return migration_report(place, run=RUN, states=states, reconciliation=RECONCILED)


def test_the_report_names_passes_and_failed_files(place: Workplace) -> None:
    report = report_of(place, full_pass="success")
    assert report["went_well"]
    assert report["failed"] == {
        "files": 1,
        "named": [{"path": "<script>alert(1)</script>", "step": "transfer", "reason": "no"}],
    }
    assert "1 failed" in sentence_of(report)
    kept = keep_report(place, report)
    assert kept["report"].endswith("report.json")


def test_a_red_task_makes_a_red_report(place: Workplace) -> None:
    report = report_of(place, full_pass="failed", reconcile="upstream_failed")
    assert not report["went_well"]
    assert "is not through (full_pass, reconcile)" in sentence_of(report)


def test_hostile_names_stay_text_on_the_page(place: Workplace) -> None:
    page = page_of(report_of(place, full_pass="success"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_page_says_what_was_reconciled_in_words(place: Workplace) -> None:
    page = page_of(report_of(place, full_pass="success"))
    for what, number in (("the same", "24,255"), ("differing in size", "1"), ("for no known reason", "1")):
        assert f"{what}</td><td>{number}</td>" in page
    assert "differing in mode" not in page


def test_queries_are_narrowed_to_the_tasks_of_the_migration() -> None:
    for mode in ("BASIC", "ENHANCED"):
        queries = saved_queries(mode, ["arn:aws:datasync:r:1:task/task-02", "arn:aws:datasync:r:1:task/task-01"])
        assert set(queries) == {"by_reason", "failed_verification"}
        assert all("filter @logStream like /(task-01|task-02)/" in text for text in queries.values())


def test_a_source_that_workers_do_not_see_is_named(place: Workplace) -> None:
    with pytest.raises(RefusedError, match=r"/mnt/source: mount nas01.example:/projects there on every worker"):
        require_source_mount(place)


def test_a_target_that_is_not_mounted_comes_with_the_command(place: Workplace) -> None:
    with pytest.raises(RefusedError, match=r"sudo mount -t lustre .*@tcp:/"):
        ensure_target_mount(place, FILE_SYSTEM)


def test_the_folder_of_a_new_file_system_is_made_below_its_mount(tmp_path: Path) -> None:
    from dataclasses import replace

    target = replace(migration().target, mount=tmp_path / "projects")
    ensure_target_mount(workplace(FakeAws(), migration(target=target)), FILE_SYSTEM)
    assert (tmp_path / "projects").is_dir()


def test_windows_is_mounted_by_its_protocol(tmp_path: Path) -> None:
    from dataclasses import replace

    command = mount_command(replace(FILE_SYSTEM, kind="WINDOWS", dns_name="amznfsx.example"), tmp_path)
    assert command.startswith("sudo mount -t cifs //amznfsx.example/share")
