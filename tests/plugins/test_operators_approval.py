"""An approval is recorded before it takes effect, and four eyes means two people."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from landfall.operators.approval import RecordedApprovalOperator, SameEyesError, answer_of, require_four_eyes

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(option: str = "Approve", by: str | None = "oncall") -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": AT,
        "responded_by_user": {"id": by, "name": by} if by else None,
    }


def operator(recorded: list[dict[str, Any]], **arguments: Any) -> RecordedApprovalOperator:
    return RecordedApprovalOperator(
        task_id="approve",
        subject="Go?",
        defaults="Reject",
        response_timeout=timedelta(hours=1),
        record=lambda _, answer: recorded.append(dict(answer)),
        **arguments,
    )


def context(asked_by: str | None) -> Any:
    return {"dag_run": SimpleNamespace(triggering_user_name=asked_by)}


def test_an_approval_is_recorded_with_who_asked_and_who_answered() -> None:
    recorded: list[dict[str, Any]] = []
    operator(recorded, four_eyes=True).execute_complete(context("analyst"), event())
    assert recorded == [{"approved": True, "by": "oncall", "at": AT.isoformat(), "asked_by": "analyst"}]


def test_a_rejection_is_recorded() -> None:
    recorded: list[dict[str, Any]] = []
    operator(recorded).execute_complete(context("analyst"), event("Reject"))
    assert [answer["approved"] for answer in recorded] == [False]


def test_the_person_who_asked_cannot_approve() -> None:
    recorded: list[dict[str, Any]] = []
    with pytest.raises(SameEyesError, match="analyst triggered this run"):
        operator(recorded, four_eyes=True).execute_complete(context("analyst"), event(by="analyst"))
    assert recorded, "the attempt itself must be kept"


def test_the_person_who_asked_may_reject() -> None:
    recorded: list[dict[str, Any]] = []
    operator(recorded, four_eyes=True).execute_complete(context("analyst"), event("Reject", by="analyst"))
    assert recorded[0]["by"] == "analyst"


def test_an_approval_without_four_eyes_may_come_from_the_person_who_asked() -> None:
    recorded: list[dict[str, Any]] = []
    operator(recorded).execute_complete(context("analyst"), event(by="analyst"))
    assert recorded[0]["approved"]


def test_a_run_triggered_by_nobody_known_cannot_be_approved() -> None:
    with pytest.raises(SameEyesError, match="Nobody knows who triggered"):
        require_four_eyes(asked_by=None, approved_by="oncall")


def test_an_approval_by_nobody_known_does_not_count() -> None:
    with pytest.raises(SameEyesError):
        require_four_eyes(asked_by="analyst", approved_by=None)


def test_a_timeout_is_recorded_as_answered_by_nobody() -> None:
    assert answer_of(event("Reject", by=None), asked_by=None) == {
        "approved": False,
        "by": None,
        "at": AT.isoformat(),
        "asked_by": None,
    }


def test_a_failed_approval_records_nothing() -> None:
    recorded: list[dict[str, Any]] = []
    with pytest.raises(Exception, match="timeout"):
        operator(recorded).execute_complete(context("analyst"), {"error": "timeout", "error_type": "timeout"})
    assert recorded == []
