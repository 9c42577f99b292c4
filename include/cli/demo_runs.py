"""DAG runs as a demo makes them: one user asks, another one answers, and the watcher sees which tasks run."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from include.cli.airflow_api import AirflowApi
from include.cli.credentials import read_credentials
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings

RUN_SECONDS = 240.0
_PARSED_SECONDS = 60.0
_FIRST_RUN_SECONDS = 3.0


class Users(NamedTuple):
    """Who triggers, and who approves: never the same person."""

    analyst: AirflowApi
    oncall: AirflowApi


@contextmanager
def named_users(settings: StackSettings) -> Iterator[Users]:
    """Log in as both."""
    passwords = read_credentials(settings.secrets_file).passwords
    with ExitStack() as stack:
        names = Users._fields
        yield Users(*(stack.enter_context(AirflowApi(settings.ui_url, name, passwords[name])) for name in names))


class FinishedRun(NamedTuple):
    """A run that succeeded, its duration in seconds, and the questions that were answered on the way."""

    dag_id: str
    run_id: str
    seconds: float
    approved: tuple[str, ...]

    def address(self, settings: StackSettings) -> str:
        """Return where the web UI shows it."""
        return f"{settings.ui_url}/dags/{self.dag_id}/runs/{self.run_id}"


def switch_on(users: Users, dag_ids: tuple[str, ...]) -> None:
    """Let the DAGs run; waits until Airflow has read their files.

    :raises RefusalError: a file is not read within a minute, with Airflow's reason.
    """
    deadline = time.monotonic() + _PARSED_SECONDS
    while missing := set(dag_ids) - {str(dag["dag_id"]) for dag in users.oncall.dags()}:
        if time.monotonic() > deadline:
            errors = tuple(str(error["stack_trace"])[-500:] for error in users.oncall.import_errors())
            raise RefusalError(f"Airflow does not know {', '.join(sorted(missing))}: mend its file.", details=errors)
        time.sleep(0.5)
    for dag_id in dag_ids:
        users.oncall.set_paused(dag_id, False)


def scheduled_now(airflow: AirflowApi, dag_id: str) -> str | None:
    """Return a run that has just begun: a DAG that was switched on starts its last interval at once."""
    deadline = time.monotonic() + _FIRST_RUN_SECONDS
    while time.monotonic() < deadline:
        for run in airflow.runs(dag_id):
            if run["state"] in ("queued", "running"):
                return str(run["dag_run_id"])
        time.sleep(0.5)
    return None


def run_scheduled(users: Users, dag_id: str, *, on_progress: Callable[[str], None]) -> FinishedRun:
    """Switch a schedule on and follow the run that begins at once; where it was on already, trigger a run."""
    was_paused = any(dag["dag_id"] == dag_id and dag["is_paused"] for dag in users.oncall.dags())
    switch_on(users, (dag_id,))
    run_id = scheduled_now(users.analyst, dag_id) if was_paused else None
    return follow(users, dag_id, run_id or users.analyst.trigger(dag_id), on_progress=on_progress)


def run_dag(
    users: Users,
    dag_id: str,
    conf: Mapping[str, Any],
    *,
    on_progress: Callable[[str], None],
    limit_seconds: float = RUN_SECONDS,
) -> FinishedRun:
    """Trigger a run as the analyst, let oncall approve what it asks, and return it when it succeeded.

    :raises RefusalError: the run failed, with its failed tasks.
    """
    run_id = users.analyst.trigger(dag_id, conf)
    return follow(users, dag_id, run_id, on_progress=on_progress, limit_seconds=limit_seconds)


def follow(
    users: Users,
    dag_id: str,
    run_id: str,
    *,
    on_progress: Callable[[str], None],
    limit_seconds: float = RUN_SECONDS,
) -> FinishedRun:
    """Wait for a run's end, let oncall approve what it asks, and return it when it succeeded.

    :raises RefusalError: the run failed, with its failed tasks.
    """
    started, approved = time.monotonic(), list[str]()

    def changed(_state: str, tasks: dict[str, str]) -> None:
        busy = [name for name, state in tasks.items() if state in ("queued", "running", "deferred", "awaiting_input")]
        done = sum(state in ("success", "skipped") for state in tasks.values())
        on_progress(f"{done}/{len(tasks)} tasks, {', '.join(busy) or 'scheduling'}")
        if "awaiting_input" in tasks.values():
            approved.extend(_answer(users.oncall, dag_id, run_id))

    state = users.analyst.wait(dag_id, run_id, changed, timeout_seconds=limit_seconds)
    if state != "success":
        tasks = users.analyst.task_states(dag_id, run_id)
        failed = ", ".join(name for name, task in tasks.items() if task == "failed")
        raise RefusalError(f"The run {run_id} of {dag_id} failed at {failed}: read the task's log in the web UI.")
    return FinishedRun(dag_id, run_id, round(time.monotonic() - started, 1), tuple(dict.fromkeys(approved)))


def _answer(airflow: AirflowApi, dag_id: str, run_id: str) -> Iterator[str]:
    """Approve what is not answered yet. A task that was retried asks again, and needs another answer."""
    for asked in airflow.approvals(dag_id, run_id):
        if not asked["responded_at"]:
            task_id = str(asked["task_instance"]["task_id"])
            airflow.answer_approval(dag_id, run_id, task_id, "Approve")
            yield task_id
