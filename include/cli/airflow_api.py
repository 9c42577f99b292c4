"""A small client for Airflow's REST API (/api/v2), for one named user."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote

import httpx

_PAGE = 100  # Airflow's maximum_page_limit
_FINISHED = ("success", "failed")
# Airflow 3.3 fails a task that resumes before the scheduler has noticed that it paused (apache/airflow#67287, #72716):
# a question is answered only this long after it was asked. No person is faster; a script is.
_SETTLE_SECONDS = 3.0

OnChange = Callable[[str, dict[str, str]], None]
"""Called with the run's state and the states of its tasks, whenever either changed."""


class AirflowApiError(Exception):
    """Airflow refused a request (``status``, 400 to 599) or did not answer (``status`` 0)."""

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class RunTimeoutError(AirflowApiError):
    """A run did not finish within the time the caller gave it; it goes on running."""


class AirflowApi:
    """Airflow's REST API as one user. Logs in at the first request, and again when the token has expired.

    Every method raises :class:`AirflowApiError` with Airflow's own explanation.
    """

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._username = username
        self._password = password
        # Proxies of the caller's environment are for the world outside, not for the loopback.
        self._http = httpx.Client(base_url=base_url, timeout=30.0, trust_env=False)
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def health(self) -> dict[str, Any]:
        """Return the health report of Airflow's components (needs no login)."""
        return self._json(self._send("GET", "/api/v2/monitor/health", headers={}))

    def dags(self) -> list[dict[str, Any]]:
        """List all DAGs that have been parsed, each with dag_id, is_paused, tags and more."""
        return list(self._pages("/api/v2/dags", "dags"))

    def import_errors(self) -> list[dict[str, Any]]:
        """List the DAG files that could not be parsed, each with filename and stack_trace."""
        return list(self._pages("/api/v2/importErrors", "import_errors"))

    def set_paused(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG, or let its schedule run."""
        self._call("PATCH", f"/api/v2/dags/{quote(dag_id)}", body={"is_paused": paused})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run with ``conf`` as its parameters; return its run_id. The DAG must not be paused to proceed."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self._call("POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", body=body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """List all runs of a DAG, the newest first."""
        return list(self._pages(f"/api/v2/dags/{quote(dag_id)}/dagRuns", "dag_runs", order_by="-run_after"))

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return queued, running, success or failed."""
        return str(self._call("GET", _run_path(dag_id, run_id))["state"])

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Map each task ("load", mapped: "load[2]") to its state; "none" when it was not scheduled yet."""
        instances = self._pages(f"{_run_path(dag_id, run_id)}/taskInstances", "task_instances", order_by="id")
        return {_task_label(each): str(each["state"] or "none") for each in instances}

    def wait(
        self, dag_id: str, run_id: str, on_change: OnChange | None = None, *, timeout_seconds: float = 600.0
    ) -> str:
        """Wait until the run succeeded or failed, and return which.

        :param on_change: called at once and then at every change of the run's state or of a task's.
        :raises RunTimeoutError: the run goes on after ``timeout_seconds``.
        """
        deadline = time.monotonic() + timeout_seconds
        seen: tuple[str, dict[str, str]] | None = None
        while True:
            state = self.run_state(dag_id, run_id)
            now = (state, self.task_states(dag_id, run_id) if on_change else {})
            if on_change and now != seen:
                on_change(*now)
            seen = now
            if state in _FINISHED:
                return state
            if time.monotonic() > deadline:
                raise RunTimeoutError(
                    f"The run {run_id} of {dag_id} is still {state} after {timeout_seconds:.0f} s: look at it in the"
                    " web UI.",
                    status=0,
                )
            time.sleep(0.5)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", *, map_index: int = -1) -> Any:
        """Return the value a task left under ``key``, as JSON values."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries/{quote(key)}"
        return self._call("GET", path, params={"map_index": map_index, "deserialize": False})["value"]

    def approvals(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """List the run's questions to people, answered or not: task_instance, subject, body, options, responded_at."""
        return list(self._pages(f"{_run_path(dag_id, run_id)}/hitlDetails", "hitl_details"))

    def answer_approval(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        option: str,
        *,
        params_input: Mapping[str, Any] | None = None,
        map_index: int = -1,
    ) -> None:
        """Answer a question as this user, at the earliest three seconds after it was asked.

        Airflow refuses (403) a user who is no respondent, and (409) a second answer. It does not check
        ``params_input`` here: a bad value fails the task when it resumes.
        """
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/{map_index}/hitlDetails"
        asked_at = datetime.fromisoformat(self._call("GET", path)["created_at"])
        time.sleep(max(0.0, _SETTLE_SECONDS - (datetime.now(UTC) - asked_at).total_seconds()))
        self._call("PATCH", path, body={"chosen_options": [option], "params_input": dict(params_input or {})})

    def _pages(self, path: str, key: str, **params: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("GET", path, params={**params, "limit": _PAGE, "offset": offset})
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page.get("total_entries", offset):
                return

    def _call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        response = self._send(method, path, headers=self._authorization(), body=body, params=params)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = None
            response = self._send(method, path, headers=self._authorization(), body=body, params=params)
        return self._json(response)

    def _authorization(self) -> dict[str, str]:
        if self._token is None:
            login = {"username": self._username, "password": self._password}
            self._token = str(self._json(self._send("POST", "/auth/token", headers={}, body=login))["access_token"])
        return {"authorization": f"Bearer {self._token}"}

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        try:
            return self._http.request(method, path, headers=dict(headers), json=body, params=params)
        except httpx.HTTPError as error:
            raise AirflowApiError(
                f"Airflow at {self._http.base_url} did not answer {method} {path} ({error}): is the stack up"
                " (`landfall status`)?",
                status=0,
            ) from error

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        if response.is_success:
            document: dict[str, Any] = response.json()
            return document
        raise AirflowApiError(
            f"Airflow answered {response.status_code} to {response.request.method} {response.request.url.path} as"
            f" {self._username}: {_explanation(response)}",
            status=response.status_code,
        )


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"


def _task_label(instance: Mapping[str, Any]) -> str:
    index = instance["map_index"]
    return str(instance["task_id"]) if index == -1 else f"{instance['task_id']}[{index}]"


def _explanation(response: httpx.Response) -> str:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text
    return str(detail)[:500]
