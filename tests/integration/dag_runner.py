"""Run the project's DAGs with `DAG.test()` in a process of its own, where Airflow's home is a folder of the test.

    with DagRunner(tmp_path, aws) as runner:
        run = runner.run("ioc_refresh_generate", conf={"dry_run": True}, run_after=AT)
        assert run.states["diff_table"] == "success"

Retries happen at once. `dying` makes tasks fail after they did their work, as a worker does that is killed before it
can tell; `cuts` kills them at a call to AWS (see killed_workers); `answers` lets a user answer an approval through the
code of Airflow's own API.
"""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.local_aws import ROOT, LocalAws

ANSWER = "dag_runner_answer: "
LIMIT_SECONDS = 240
SETTLED = 4
"""Looks at a waiting approval, 0.3 s apart, before it is answered."""
_MIGRATED: list[bytes] = []


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its state, the state of each task, and what each task returned."""

    run_id: str
    state: str
    states: dict[str, str]
    results: dict[str, Any]
    draft: Any
    log: str


class DagRunner:
    """The process; a context manager. Runs are one after the other."""

    def __init__(self, home: Path, aws: LocalAws, *, settings: Mapping[str, str] | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))}
        self.environment = environment | {
            "AIRFLOW_HOME": str(home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,oncall:op,analyst:user",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "AIRFLOW_CONN_AWS_DEFAULT": aws.airflow_connection,
            "GX_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
            **(settings or {}),
        }
        self.log_path = home / "dag_runner.log"
        self._migrate(home / "airflow" / "airflow.db")
        command = [sys.executable, "-u", "-m", "tests.integration.dag_runner"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log_path.open("a"),
            text=True,
        )

    def run(
        self,
        dag_id: str,
        *,
        run_after: datetime,
        conf: Mapping[str, Any] | None = None,
        user: str = "analyst",
        dying: Mapping[str, int] | None = None,
        cuts: Sequence[str] = (),
        answers: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Run:
        """Run a DAG once to its end.

        `dying` maps task ids to how many tries die; `cuts` says at which writing call each task's first
        tries die, as "2 not sent" or "2 answer lost"; `answers` maps task ids to `{"option", "user"}`.
        """
        order = {
            "dag_id": dag_id,
            "run_after": run_after.isoformat(),
            "conf": dict(conf or {}),
            "user": user,
            "dying": dict(dying or {}),
            "cuts": list(cuts),
            "answers": {task: dict(answer) for task, answer in (answers or {}).items()},
        }
        assert self.process.stdin
        assert self.process.stdout
        start = self.log_path.stat().st_size
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        watchdog = threading.Timer(LIMIT_SECONDS, self.process.kill)
        watchdog.start()
        log: list[str] = []
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                watchdog.cancel()
                errors = self.log_path.read_bytes()[start:].decode(errors="replace")
                return Run(**json.loads(line.removeprefix(ANSWER)), log="".join(log) + errors)
            log.append(line)
        watchdog.cancel()
        raise RuntimeError(f"The DAG runner ended:\n{''.join(log)[-4000:]}\n{self.log_path.read_text()[-4000:]}")

    def __enter__(self) -> "DagRunner":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def _migrate(self, database: Path) -> None:
        """Give the runner an empty database; making one takes Airflow half a minute, so later runners get a copy."""
        if not _MIGRATED:
            command = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
            subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=LIMIT_SECONDS)
            _MIGRATED.append(database.read_bytes())
        database.parent.mkdir(parents=True, exist_ok=True)
        database.write_bytes(_MIGRATED[0])


def _serve() -> None:
    # The answering thread uses this; two threads that import at once can wait for each other for ever.
    import airflow.api_fastapi.core_api.routes.public.hitl  # noqa: F401
    from airflow import settings
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.dag_processing.dagbag import DagBag

    settings.configure_orm()
    init_auth_manager()
    _hurry_boto()
    for line in sys.stdin:
        order = json.loads(line)
        bag = DagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
        answer = _run(bag.dags[order["dag_id"]], order)
        sys.stdout.write(ANSWER + json.dumps(answer, default=str) + "\n")
        sys.stdout.flush()


def _hurry_boto() -> None:
    """Let the clients of all runs share AWS's service models, a third of a run's time, and retry at once."""
    from functools import cache

    import botocore.session
    from botocore.retries.standard import ExponentialBackoff

    botocore.session.create_loader = cache(botocore.session.create_loader)
    ExponentialBackoff.delay_amount = lambda *_: 0.05


def _run(dag: Any, order: dict[str, Any]) -> dict[str, Any]:
    from unittest.mock import patch

    from tests.integration.killed_workers import cut_off

    dag.deadline = []  # DAG.test (3.3.2) fails at the end of a run that has one; deadlines are the scheduler's work
    for task in dag.tasks:
        _retry_at_once(task)
        if order["dying"].get(task.task_id):
            _let_die(task, order["dying"][task.task_id])
        if order["cuts"]:
            cut_off(task, order["cuts"])
    done = threading.Event()
    answering = threading.Thread(target=_answer, args=(order, done), daemon=True)
    if order["answers"]:
        answering.start()
    with patch("airflow.models.dagrun.DagRun.__init__", _as_user(order["user"])):
        run = dag.test(run_after=datetime.fromisoformat(order["run_after"]), logical_date=None, run_conf=order["conf"])
    done.set()
    if order["answers"]:
        answering.join()
    instances = run.get_task_instances()
    return {
        "run_id": run.run_id,
        "state": str(run.state),
        "states": {instance.task_id: str(instance.state) for instance in instances},
        "results": {instance.task_id: instance.xcom_pull(task_ids=instance.task_id) for instance in instances},
        "draft": next((i.xcom_pull(task_ids="diff_table", key="draft") for i in instances), None),
    }


def _as_user(user: str) -> Any:
    """`DAG.test` names its own user; the run is to be this user's, as if triggered in the UI."""
    from airflow.models.dagrun import DagRun

    original = DagRun.__init__

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        if "triggering_user_name" in named:
            named["triggering_user_name"] = user
        original(self, *arguments, **named)

    return init


def _retry_at_once(task: Any) -> None:
    from datetime import timedelta

    task.retry_delay = timedelta(0)
    if task.retry_policy is not None:
        task.retry_policy.soon = timedelta(0)


def _let_die(task: Any, tries: int) -> None:
    """Let the first tries do their work and then fail without a result."""
    work, left = task.execute, [tries]

    def work_and_die(context: Any) -> Any:
        result = work(context)
        if left[0]:
            left[0] -= 1
            raise ConnectionError("the worker was killed here")
        return result

    task.execute = work_and_die


def _answer(order: dict[str, Any], done: threading.Event) -> None:
    """Answer approvals as soon as they wait, through the function behind Airflow's API."""
    from types import SimpleNamespace

    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    waiting, seen = dict(order["answers"]), Counter[str]()
    while waiting and not done.wait(0.3):
        with create_session() as session:
            query = select(TaskInstance).where(TaskInstance.state == "awaiting_input")
            for instance in session.scalars(query).all():
                seen[str(instance.id)] += 1
                if seen[str(instance.id)] < SETTLED:
                    continue  # the task has asked and is still being put away: an answer now would be overwritten
                answer = waiting.pop(instance.task_id, None)
                if answer:
                    user = SimpleNamespace(get_id=lambda a=answer: a["user"], get_name=lambda a=answer: a["user"])
                    update_hitl_detail(
                        dag_id=instance.dag_id,
                        dag_run_id=instance.run_id,
                        task_id=instance.task_id,
                        update_hitl_detail_payload=UpdateHITLDetailPayload(
                            chosen_options=[answer["option"]], params_input={}
                        ),
                        user=user,  # type: ignore[arg-type]  # only id and name are read
                        session=session,
                    )


if __name__ == "__main__":
    _serve()
