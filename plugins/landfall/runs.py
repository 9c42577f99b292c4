"""Which run is at work, and whether another one is over: what leases of runs need to know of Airflow."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.exceptions import AirflowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable

FINISHED = frozenset({"success", "failed"})


def run_name(context: Any) -> str:
    """Return `<dag id>/<run id>`, which names a run wherever a family keeps one."""
    run = context["dag_run"]
    return f"{run.dag_id}/{run.run_id}"


def run_is_over(context: Any) -> Callable[[str], bool]:
    """Return what asks Airflow whether the run of a name (`<dag id>/<run id>`) has ended."""

    def is_over(owner: str) -> bool:
        dag_id, _, run_id = owner.partition("/")
        try:
            state = context["ti"].get_dagrun_state(dag_id, run_id)
        except (AirflowRuntimeError, ServerResponseError) as error:
            if _status(error) == HTTPStatus.NOT_FOUND:
                return True  # deleted, by a person or by `airflow db clean`
            raise
        return getattr(state, "value", state) in FINISHED  # an enum, whose str() is not its value

    return is_over


def _status(error: Any) -> int | None:
    """Return the HTTP status with which Airflow's API refused: a worker gets it from its supervisor, wrapped."""
    if isinstance(error, AirflowRuntimeError):
        return (error.error.detail or {}).get("status_code")
    status: int = error.response.status_code
    return status
