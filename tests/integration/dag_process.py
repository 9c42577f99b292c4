"""The process behind DagRunner: reads an order a line, runs the DAG with `DAG.test()`, answers with a line.

What only costs time is cut: retries, polls and the pauses of `DAG.test()` are short, the DAG files are written to the
database once, and AWS's service models are read once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.integration.dag_runner import ANSWER
from tests.integration.killed_workers import cut_off
from tests.local_aws import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

DAG_TEST = "airflow.sdk.definitions.dag"
LONGEST_PAUSE_SECONDS = 0.1


def serve() -> None:
    from airflow import settings
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.dag_processing.dagbag import DagBag

    settings.configure_orm()
    init_auth_manager()
    _hurry_boto()
    _hurry_triggers()
    given: set[str] = set()
    for line in sys.stdin:
        order = json.loads(line)
        for name in given - order["settings"].keys():
            del os.environ[name]
        os.environ.update(order["settings"])
        given = set(order["settings"])
        bag = DagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
        answer = _run(bag.dags[order["dag_id"]], order)
        _write_dag_files_once()
        sys.stdout.write(ANSWER + json.dumps(answer, default=str) + "\n")
        sys.stdout.flush()


def _hurry_boto() -> None:
    """Let the clients of all runs share AWS's service models, a third of a run's time, and retry at once.

    The provider's hook walks the whole stack with its sources for the name of the operator in the user agent.
    """
    from functools import cache

    import botocore.session
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from botocore.retries.standard import ExponentialBackoff

    AwsGenericHook._get_caller = staticmethod(lambda *_, **__: "Unknown")

    botocore.session.create_loader = cache(botocore.session.create_loader)
    ExponentialBackoff.delay_amount = lambda *_: 0.05


def _hurry_triggers() -> None:
    """Let triggers look again soon: in production they wait for hours, here for milliseconds."""
    sleep = asyncio.sleep

    async def short_sleep(delay: float, result: Any = None) -> Any:
        return await sleep(min(delay, LONGEST_PAUSE_SECONDS), result)

    asyncio.sleep = short_sleep


def _write_dag_files_once() -> None:
    """`DAG.test` writes all DAG files to the database on every run; no file changes between two of ours."""
    from airflow.dag_processing import dagbag

    dagbag.sync_bag_to_db = lambda *_, **__: None


def _run(dag: Any, order: dict[str, Any]) -> dict[str, Any]:
    from unittest.mock import patch

    dag.deadline = []  # DAG.test (3.3.2) fails at the end of a run that has one; deadlines are the scheduler's work
    for task in dag.tasks:
        _retry_at_once(task)
        if order["dying"].get(task.task_id):
            _let_die(task, order["dying"][task.task_id])
        if order["cuts"]:
            cut_off(task, order["cuts"])
    with (
        patch("airflow.models.dagrun.DagRun.__init__", _as_user(order["user"])),
        patch("time.sleep", _pause(dict(order["answers"]))),
    ):
        run = dag.test(run_after=datetime.fromisoformat(order["run_after"]), logical_date=None, run_conf=order["conf"])
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
    task.retry_delay = timedelta(0)
    if hasattr(task, "linger"):
        task.linger = timedelta(0)  # always by the trigger
    if task.retry_policy is not None:
        task.retry_policy.soon = timedelta(0)


def _let_die(task: Any, tries: int) -> None:
    """Let the first tries do their work and then fail without a result."""
    left = [tries]

    def work_and_die(context: Any) -> Any:
        running = context["task"]  # a copy of the task, with rendered templates
        result = type(running).execute(running, context)
        if left[0]:
            left[0] -= 1
            raise ConnectionError("the worker was killed here")
        return result

    task.execute = work_and_die


def _pause(answers: dict[str, dict[str, str]]) -> Callable[[float], None]:
    """Pause shortly; when it is `DAG.test` that finds no task to run, what asks is put away by now and is answered."""
    sleep = time.sleep

    def pause(seconds: float) -> None:
        sleep(min(seconds, LONGEST_PAUSE_SECONDS))
        if sys._getframe(1).f_globals.get("__name__") == DAG_TEST:
            _answer(answers)

    return pause


def _answer(answers: dict[str, dict[str, str]]) -> None:
    """Answer the approvals that wait, as often as they ask, through the function behind Airflow's API."""
    from types import SimpleNamespace

    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    if not answers:
        return
    with create_session(scoped=False) as session:
        query = select(TaskInstance).where(TaskInstance.state == "awaiting_input")
        for instance in session.scalars(query).all():
            if answer := answers.get(instance.task_id):
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
    serve()
