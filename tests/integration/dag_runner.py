"""Run the project's DAGs with `DAG.test()` in a process beside the test, where Airflow has a database of its own.

    with DagRunner(tmp_path, aws) as runner:
        run = runner.run("ioc_refresh_generate", conf={"dry_run": True}, run_after=AT)
        assert run.states["diff_table"] == "success"

Retries happen at once. `dying` makes tasks fail after they did their work, as a worker does that is killed before it
can tell; `cuts` kills them at a call to AWS (see killed_workers); `answers` lets a user answer an approval through the
code of Airflow's own API.

The process serves every test file of a pytest worker, because starting Airflow and its first run cost more than most
tests; connections and settings are given with each run, so that no file sees another one's.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.local_aws import ROOT, LocalAws

ANSWER = "dag_runner_answer: "
LIMIT_SECONDS = 240


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
    """Runs DAGs one after the other, with the connections and settings of one test file; a context manager."""

    def __init__(self, home: Path, aws: LocalAws, *, settings: Mapping[str, str] | None = None) -> None:
        self.settings = {"AIRFLOW_CONN_AWS_DEFAULT": aws.airflow_connection, **(settings or {})}
        self.log_path = home / "dag_runner.log"
        self.log_path.touch()

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
            "settings": self.settings,
        }
        answer, log = _airflow().ask(order)
        with self.log_path.open("a") as kept:
            kept.write(log)
        if answer is None:
            raise RuntimeError(f"The DAG runner ended:\n{log[-8000:]}")
        return Run(**answer, log=log)

    def __enter__(self) -> "DagRunner":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the process to the next test file; it ends with the pytest worker."""


class _AirflowProcess:
    """Airflow in a process of its own; see dag_process for what it does."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="landfall-dags-"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))}
        environment |= {
            "AIRFLOW_HOME": str(self.home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,oncall:op,analyst:user",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "GX_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
        }
        self.errors = self.home / "errors.log"
        migrate = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
        subprocess.run(migrate, env=environment, check=True, capture_output=True, timeout=LIMIT_SECONDS)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.integration.dag_process"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors.open("a"),
            text=True,
        )
        atexit.register(self.end)

    def ask(self, order: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """Give an order and return its answer and everything that was said meanwhile; no answer when it ended."""
        assert self.process.stdin
        assert self.process.stdout
        start = self.errors.stat().st_size
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        watchdog = threading.Timer(LIMIT_SECONDS, self.process.kill)
        watchdog.start()
        answer, said = None, list[str]()
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                answer = json.loads(line.removeprefix(ANSWER))
                break
            said.append(line)
        watchdog.cancel()
        return answer, "".join(said) + self.errors.read_bytes()[start:].decode(errors="replace")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


_STARTED: list[_AirflowProcess] = []


def _airflow() -> _AirflowProcess:
    """The process of this pytest worker; a new one when the last one ended."""
    if not _STARTED or _STARTED[-1].process.poll() is not None:
        _STARTED.append(_AirflowProcess())
    return _STARTED[-1]
