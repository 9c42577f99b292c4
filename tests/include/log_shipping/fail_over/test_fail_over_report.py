"""The report says what was lost and where the time went, and holds nothing that runs."""

from datetime import timedelta
from typing import Any

import pytest

from include.log_shipping.fail_over.approvals import record_answer, write_losses
from include.log_shipping.fail_over.plans import Mode, Move
from include.log_shipping.fail_over.report import build_report, complaint, render, seconds_text, write_report
from include.log_shipping.fail_over.steps import FailOver, StepError, run_step
from include.log_shipping.fleet import Workplace
from tests.include.log_shipping.fail_over.fail_over_run import AT, loss_of, run_of

MOVE_STEPS = ("fence_primary", "restore_tail", "prove_chain", "recover_databases", "check_redirection")


def worked(work: FailOver, *, failing: str = "", until: str = "check_redirection") -> FailOver:
    """Every step takes ten seconds by the clock; the person answers 30 s after the proof."""
    now = [AT]

    def clock() -> Any:
        return now[0]

    place = work.workplace
    place = Workplace(
        configuration=place.configuration, records=place.records, open_server=place.open_server, clock=clock
    )
    moved = FailOver(workplace=place, plan=work.plan, aws=work.aws)

    def act(move: Move) -> tuple[str, dict[str, Any]]:
        now[0] += timedelta(seconds=10)
        if move.database == failing:
            raise StepError(f"{failing} <b>broke</b>")
        return "done.", {"rows": {"dbo.a": 5}}

    for name in MOVE_STEPS[: MOVE_STEPS.index(until) + 1]:
        run_step(moved, name, moves=moved.plan.moves, act=act)
        if name == "prove_chain":
            now[0] += timedelta(seconds=30)
            answer = {"approved": until != "prove_chain", "by": "admin", "at": now[0].isoformat(), "asked_by": "oncall"}
            record_answer(place.records, answer)
    return moved


def report_of(work: FailOver) -> dict[str, Any]:
    return build_report(work, dag_id="log_shipping_fail_over", run_id="manual__1")


def test_rto_is_split_into_what_it_was_spent_on() -> None:
    with run_of("Sales") as work:
        write_losses(work, [loss_of("Sales", with_tail=True)])
        report = report_of(worked(work))
    assert report["verdict"] == "moved"
    assert report["times"]["rto_seconds"] == 80.0
    assert report["times"]["waiting_for_a_person_seconds"] == 30.0
    assert report["times"]["orchestration_seconds"] == 50.0
    assert report["databases"][0]["rpo_seconds"] == 0.0
    assert complaint(report) is None


def test_a_run_that_a_person_stopped_is_rejected_and_nobodys_fault() -> None:
    with run_of("Sales") as work:
        report = report_of(worked(work, until="prove_chain"))
    assert (report["verdict"], complaint(report)) == ("rejected", None)
    assert report["times"]["rto_seconds"] is None


def test_one_database_that_stays_behind_makes_the_run_red_and_is_named() -> None:
    with run_of("Sales", "HR") as work:
        report = report_of(worked(work, failing="HR"))
    assert report["verdict"] == "incomplete"
    assert "[HR, fence_primary] HR <b>broke</b>" in str(complaint(report))


def test_a_run_that_just_stopped_is_red() -> None:
    with run_of("Sales") as work:
        report = report_of(worked(work, until="restore_tail"))
    assert (report["verdict"], complaint(report)) == ("failed", "The run stopped before its end: a task is red above.")


@pytest.mark.parametrize("mode", [Mode.PLANNED, Mode.DISASTER, Mode.DRILL])
def test_the_page_stands_alone_and_escapes_what_comes_from_outside(mode: Mode) -> None:
    with run_of("Sales", "HR", mode=mode) as work:
        write_losses(work, [loss_of("Sales")])
        page = render(report_of(worked(work, failing="HR")))
    assert "HR &lt;b&gt;broke&lt;/b&gt;" in page
    for forbidden in ("<script", "http://", "https://", "<b>broke", "src=", "built-in"):
        assert forbidden not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_page_and_document_are_kept_together() -> None:
    with run_of("Sales") as work:
        written = write_report(worked(work), dag_id="log_shipping_fail_over", run_id="manual__1")
        keys = [key.rpartition("/")[2] for key in work.workplace.store.list_keys("reports")]
    assert sorted(keys) == ["index.html", "report.json"]
    assert written["report"].endswith("/log_shipping/reports/log_shipping_fail_over/manual__1/index.html")


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "0.0 s"), (83.26, "83.3 s"), (605, "10 min 05 s"), (7300, "2 h 01 min")]
)
def test_durations_are_written_for_people(value: float | None, text: str) -> None:
    assert seconds_text(value) == text
