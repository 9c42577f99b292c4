"""A lease of a run that is over, or gone from Airflow, holds nobody."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from landfall.runs import run_is_over


def asking(answer: Any) -> Any:
    def state(dag_id: str, run_id: str) -> Any:
        assert (dag_id, run_id) == ("scanner_block_update", "manual__2026-11-20T12:00:00+00:00/x")
        if isinstance(answer, Exception):
            raise answer
        return answer

    return run_is_over({"ti": SimpleNamespace(get_dagrun_state=state)})


def refused(status: int) -> list[Exception]:
    """The refusal as a task in the tests sees it, and as one under a supervisor does."""
    response = httpx.Response(status, request=httpx.Request("GET", "http://airflow"))
    wrapped = ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": status, "message": "no"})
    return [ServerResponseError("no", request=response.request, response=response), AirflowRuntimeError(wrapped)]


OWNER = "scanner_block_update/manual__2026-11-20T12:00:00+00:00/x"


@pytest.mark.parametrize(
    ("state", "over"), [("success", True), ("failed", True), ("running", False), ("queued", False)]
)
def test_a_finished_run_is_over(state: str, over: bool) -> None:
    assert asking(state)(OWNER) is over
    assert asking(SimpleNamespace(value=state))(OWNER) is over


@pytest.mark.parametrize("error", refused(404))
def test_a_run_that_was_deleted_is_over(error: Exception) -> None:
    assert asking(error)(OWNER) is True


@pytest.mark.parametrize("error", refused(500))
def test_an_answer_that_says_nothing_of_the_run_is_no_end(error: Exception) -> None:
    with pytest.raises(type(error)):
        asking(error)(OWNER)
