"""The whole local stack: real processes, real sockets, named users. Each test builds on a stack that is up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from include.cli import components, stack
from include.cli.airflow_api import AirflowApi, AirflowApiError
from include.cli.credentials import read_credentials
from include.cli.preflight import port_is_free
from include.cli.run_file import read_run
from include.cli.settings import project_root
from include.cli.stack_status import status
from tests.integration.landfall_command import UserStack

pytestmark = pytest.mark.stack

TRIAL_DAG = '''
"""A DAG of this test: a value, mapped tasks, and a question only `oncall` may answer."""
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import dag, task


@dag(dag_id="trial_run", schedule=None)
def trial_run():
    @task
    def count_mails():
        return {"mails": 3}

    @task
    def square(number):
        return number * number

    question = ApprovalOperator(
        task_id="approve", subject="Go on?", assigned_users=[{"id": "oncall", "name": "oncall"}]
    )
    count_mails() >> square.expand(number=[2, 3]) >> question


trial_run()
'''


def silent(_done: int, _text: str) -> None:
    """Take progress and show nothing."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserStack]:
    root = tmp_path_factory.mktemp("project")
    for name in ("include", "plugins"):
        (root / name).symlink_to(project_root() / name)
    (root / "dags").mkdir()
    (root / "dags" / "trial.py").write_text(TRIAL_DAG)
    mine = UserStack.in_folder(root / ".landfall", root=root)
    try:
        now, started = stack.up(mine.settings, announce=silent)
        assert (now.state, started) == ("up", True)
        yield mine
    finally:
        stack.down(mine.settings)


@pytest.fixture(scope="module")
def trial_dag(running: UserStack) -> str:
    """Wait until the DAG processor has stored the trial DAG, and let it run."""
    with running.as_user("admin") as admin:
        deadline = time.monotonic() + 60
        while "trial_run" not in {dag["dag_id"] for dag in admin.dags()}:
            assert time.monotonic() < deadline, admin.import_errors()
        admin.set_paused("trial_run", False)
    return "trial_run"


def test_every_socket_of_the_stack_listens_on_the_loopback(running: UserStack) -> None:
    listening = {
        connection.laddr
        for process in running.processes()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert set(running.ports) <= {address.port for address in listening}


def test_no_secret_stands_on_a_command_line_or_in_a_file_for_others(running: UserStack) -> None:
    credentials = read_credentials(running.settings.secrets_file)
    secrets = {credentials.fernet_key, credentials.jwt_secret, credentials.api_secret_key}
    secrets.update([*credentials.passwords.values(), credentials.sqlserver_password])
    command_lines = " ".join(word for process in running.processes() for word in process.cmdline())
    assert "airflow" in command_lines
    assert not [secret for secret in secrets if secret in command_lines]
    assert running.settings.home.stat().st_mode & 0o077 == 0
    for path in running.settings.home.rglob("*"):
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets):
            assert path.stat().st_mode & 0o077 == 0, path


def test_viewer_looks_at_a_dag_but_cannot_trigger_it(running: UserStack, trial_dag: str) -> None:
    with running.as_user("viewer") as viewer:
        assert trial_dag in {dag["dag_id"] for dag in viewer.dags()}
        with pytest.raises(AirflowApiError) as refusal:
            viewer.trigger(trial_dag)
    assert refusal.value.status == 403


def test_wrong_password_is_refused(running: UserStack) -> None:
    with AirflowApi(running.settings.ui_url, "admin", "guess") as stranger, pytest.raises(AirflowApiError) as refusal:
        stranger.dags()
    assert refusal.value.status == 401


def test_run_ends_as_its_tasks_and_the_named_approver_say(running: UserStack, trial_dag: str) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    with running.as_user("analyst") as analyst, running.as_user("oncall") as oncall:
        run_id = analyst.trigger(trial_dag, {})

        def answer_when_asked(state: str, tasks: dict[str, str]) -> None:
            seen.append((state, tasks))
            if tasks.get("approve") == "awaiting_input" and not analyst.approvals(trial_dag, run_id)[0]["responded_at"]:
                with pytest.raises(AirflowApiError) as refusal:
                    analyst.answer_approval(trial_dag, run_id, "approve", "Approve")
                assert refusal.value.status == 403
                oncall.answer_approval(trial_dag, run_id, "approve", "Approve")

        assert analyst.wait(trial_dag, run_id, answer_when_asked, timeout_seconds=120) == "success"
        assert seen[-1] == (
            "success",
            {"count_mails": "success", "square[0]": "success", "square[1]": "success", "approve": "success"},
        )
        assert analyst.xcom(trial_dag, run_id, "count_mails") == {"mails": 3}
        assert analyst.xcom(trial_dag, run_id, "square", map_index=1) == 9
        assert analyst.xcom(trial_dag, run_id, "approve")["responded_by_user"]["id"] == "oncall"


def test_command_reports_a_healthy_stack_and_leaves_it_alone(running: UserStack) -> None:
    settings = running.settings
    before = read_run(settings.run_file)
    for command in ("status", "up"):
        ended = subprocess.run(
            [sys.executable, "-m", "include.cli.main", command, "--json"],
            env=os.environ | running.environment,
            cwd=project_root(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, json.loads(ended.stdout)["state"]) == (0, "up"), ended.stderr
    assert read_run(settings.run_file) == before


def test_a_killed_scheduler_shows_and_down_leaves_no_process_even_without_its_run_file(running: UserStack) -> None:
    assert len(running.processes()) > len(components.NAMES)
    pid = next(part.pid for part in status(running.settings).components if part.name == components.SCHEDULER)
    assert pid
    orphans = psutil.Process(pid).children(recursive=True)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    assert status(running.settings).state == "degraded"
    running.settings.run_file.unlink()

    stack.down(running.settings)

    assert not [orphan for orphan in orphans if orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE]
    assert running.processes() == []
    assert all(port_is_free(port) for port in running.ports)
    assert status(running.settings).state == "down"
    assert stack.down(running.settings).stopped == 0
