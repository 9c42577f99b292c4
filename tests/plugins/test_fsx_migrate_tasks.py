"""The bodies of the other tasks: what a person is asked, what is kept, and when a run is red."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.include.fsx_migration.fake_aws import FakeAws, workplace

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace

VERDICT = {
    "answer": "ask_person",
    "sentence": "Pass 3 found 10 files, and the delta no longer shrinks.",
    "needed_seconds": 7200.0,
    "failed": 2,
    "suspects": 1,
}


class Instance:
    """A task instance that remembers what was pushed."""

    def __init__(self, verdict: dict[str, Any], states: dict[str, str]) -> None:
        self.verdict, self.states, self.pushed = verdict, states, dict[str, Any]()

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.verdict if key == "return_value" else self.pushed.get(key)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_ids[0]: self.states}


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Workplace:
    found = workplace(FakeAws())
    monkeypatch.setattr("landfall.fsx_migrate_tasks.workplace", lambda _name=None: found)
    return found


def in_context(monkeypatch: pytest.MonkeyPatch, *, verdict: dict[str, Any] = VERDICT, **states: str) -> Any:
    run = SimpleNamespace(
        dag_id="fsx_migration_migrate",
        run_id="manual__1",
        run_after=datetime(2026, 3, 1, tzinfo=UTC),
        start_date=None,
    )
    context = {"ti": Instance(verdict, states), "dag_run": run}
    monkeypatch.setattr("landfall.fsx_migrate_tasks.get_current_context", lambda: context)
    return context


def test_passes_that_converged_are_closed_without_a_question(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    from landfall.fsx_migrate_tasks import choose_closing

    context = in_context(monkeypatch, verdict={**VERDICT, "answer": "converged"})
    assert choose_closing.function() == "closing_pass"
    assert context["ti"].pushed == {}


def test_a_person_is_asked_with_the_numbers_and_the_answer_is_kept(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landfall.fsx_migrate_tasks import choose_closing, record_answer

    context = in_context(monkeypatch)
    assert choose_closing.function() == "approve_without_convergence"
    question = context["ti"].pushed["question"]
    assert "no longer shrinks" in question["body"]
    assert "Cut-over window: 60 min" in question["body"]
    assert "120.0 min" in question["body"]
    record_answer(context, {"approved": True, "by": "oncall"})
    (key,) = place.store.list_keys("projects", "answers")
    assert place.store.get_json(key)["answer"]["by"] == "oncall"


def test_the_report_of_a_red_run_is_red_and_told(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from landfall.fsx_migrate_tasks import write_report

    in_context(monkeypatch, full_pass="failed", closing_pass="upstream_failed")
    with pytest.raises(AirflowFailException, match=r"is not through \(closing_pass, full_pass\).*page.html"):
        write_report.function()
    (alert,) = [place.store.get_json(key) for key in place.store.list_keys("alerts")]
    assert "ended with a failure" in alert["subject"]


def test_the_report_of_a_run_that_somebody_refused_is_no_failure(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landfall.fsx_migrate_tasks import write_report

    in_context(monkeypatch, full_pass="success", closing_pass="skipped", reconcile_trees="skipped")
    written = write_report.function()
    report = place.store.get_json(place.places.key("reports", "fsx_migration_migrate__manual__1", "report.json"))
    assert written["failed"] == 0
    assert (report["went_well"], report["reconciliation"]) == (True, {})
