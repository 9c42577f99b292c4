"""Ask named people, keep every answer, and hold four-eyes decisions to four eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Context

ANALYST = {"id": "analyst", "name": "analyst"}
ONCALL = {"id": "oncall", "name": "oncall"}
ADMIN = {"id": "admin", "name": "admin"}
"""Respondents, by the user names of the auth manager (docs/connections.md names them)."""


class SameEyesError(AirflowFailException):
    """The person who asked for the change also approved it."""


class RecordedApprovalOperator(ApprovalOperator):
    """An approval whose answer is kept before it takes effect.

    :param record: called with the context and the answer (`approved`, `by`, `at`, `asked_by`) on approval, rejection
        and time-out; `by` is None when nobody answered in time. It may be called again for the same answer.
    :param four_eyes: refuse an approval by the user who triggered the run, or when nobody knows who that was. The task
        then fails and must be cleared before another person can answer; nothing after it runs.
    """

    def __init__(
        self,
        *,
        record: Callable[[Mapping[str, Any], Mapping[str, Any]], None],
        four_eyes: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.record = record
        self.four_eyes = four_eyes

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Record the answer, refuse the wrong pair of eyes, then let go on or skip."""
        if "error" not in event:
            answer = answer_of(event, asked_by=context["dag_run"].triggering_user_name)
            self.record(context, answer)
            if self.four_eyes and answer["approved"]:
                require_four_eyes(asked_by=answer["asked_by"], approved_by=answer["by"])
        return super().execute_complete(context, event)


def answer_of(event: Mapping[str, Any], *, asked_by: str | None) -> dict[str, Any]:
    """Return the answer of a human-in-the-loop event as JSON types."""
    responder = event.get("responded_by_user") or {}
    at = event.get("responded_at")
    return {
        "approved": event["chosen_options"] == [ApprovalOperator.APPROVE],
        "by": responder.get("id"),
        "at": at.isoformat() if at else None,
        "asked_by": asked_by,
    }


def require_four_eyes(*, asked_by: str | None, approved_by: str | None) -> None:
    """Raise SameEyesError unless two different, known people asked and approved."""
    if not asked_by:
        raise SameEyesError(
            "Nobody knows who triggered this run, so no second person can be told from the first: "
            "trigger it again from the web UI or the API as yourself."
        )
    if not approved_by or asked_by == approved_by:
        raise SameEyesError(
            f"{asked_by} triggered this run and may not approve it: clear the task, then let somebody else answer."
        )
