"""Finding and ending the stack's processes, and nobody else's."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from include.cli import stack
from include.cli.processes import Launched, is_running, kill, launch, stack_processes, stop
from include.cli.run_file import ProcessRecord, RunRecord, read_run, write_run
from include.cli.settings import StackSettings
from include.cli.stack_status import status

WAIT_FOREVER = "import signal; print('ready', flush=True); signal.pause()"
IGNORE_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT_FOREVER}"
LEAVE_AN_ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAIT_FOREVER!r}])"

Start = Callable[[str], Launched]


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(project_root=tmp_path, home=tmp_path / "state")


@pytest.fixture
def start(settings: StackSettings) -> Iterator[Start]:
    def begin(program: str) -> Launched:
        log = settings.logs / "trial.log"
        environment = {"LANDFALL_STACK_ID": settings.stack_id, "PATH": os.environ["PATH"]}
        launched = launch("trial", (sys.executable, "-c", program), environment=environment, folder=Path.cwd(), log=log)
        wait_for_line(log)
        return launched

    yield begin
    kill(stack_processes(settings.stack_id))


def wait_for_line(log: Path) -> None:
    deadline = time.monotonic() + 20
    while "ready" not in log.read_text():
        assert time.monotonic() < deadline, "the process did not say ready within 20 s"


def record_run(settings: StackSettings, *records: ProcessRecord) -> None:
    run = RunRecord(
        stack_id=settings.stack_id,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        ui_port=settings.ui_port,
        aws_port=settings.aws_port,
        primary_port=settings.primary_port,
        secondary_port=settings.secondary_port,
        processes=records,
    )
    write_run(settings.run_file, run)


def test_launched_process_runs_in_a_session_of_its_own(start: Start) -> None:
    launched = start(WAIT_FOREVER)
    assert is_running(launched.record)
    assert os.getsid(launched.record.pid) == launched.record.pid


def test_process_that_took_over_a_recorded_pid_is_not_ours(settings: StackSettings) -> None:
    stranger = ProcessRecord(
        name="scheduler", pid=os.getppid(), create_time=psutil.Process(os.getppid()).create_time() - 3600, log=""
    )
    assert not is_running(stranger)
    assert stack_processes(settings.stack_id, [stranger]) == []


def test_caller_is_never_among_the_processes_to_end(settings: StackSettings) -> None:
    myself = ProcessRecord(name="x", pid=os.getpid(), create_time=psutil.Process().create_time(), log="")
    assert os.getpid() not in {process.pid for process in stack_processes(settings.stack_id, [myself])}


def test_down_after_a_reboot_ends_nobody(settings: StackSettings) -> None:
    record_run(settings, ProcessRecord(name="scheduler", pid=os.getppid(), create_time=1.0, log=""))
    assert stack.down(settings) == stack.DownReport(stopped=0, killed=0)
    assert not settings.run_file.exists()


def test_orphan_of_a_dead_process_is_found_by_its_marker(settings: StackSettings, start: Start) -> None:
    launched = start(LEAVE_AN_ORPHAN)
    launched.process.wait(timeout=20)
    found = stack_processes(settings.stack_id, [launched.record])
    assert len(found) == 1
    assert stack.down(settings) == stack.DownReport(stopped=1, killed=0)
    assert stack_processes(settings.stack_id) == []


def test_process_that_ignores_the_request_is_killed(settings: StackSettings, start: Start) -> None:
    launched = start(IGNORE_TERM)
    found = stack_processes(settings.stack_id)
    assert [process.pid for process in stop(found, grace_seconds=0.3)] == [launched.record.pid]
    assert kill(found) == []
    assert not is_running(launched.record)


def test_stack_of_another_folder_is_left_alone(tmp_path: Path, start: Start) -> None:
    launched = start(WAIT_FOREVER)
    (tmp_path / "other").mkdir()
    assert stack.down(StackSettings(project_root=tmp_path, home=tmp_path / "other")).stopped == 0
    assert is_running(launched.record)


def test_down_where_nothing_ever_ran_makes_no_folder(settings: StackSettings) -> None:
    assert stack.down(settings).stopped == 0
    assert not settings.home.exists()


def test_run_file_comes_back_as_it_was_written(settings: StackSettings) -> None:
    record = ProcessRecord(name="api-server", pid=7, create_time=1234.5, log="/x.log")
    record_run(settings, record)
    run = read_run(settings.run_file)
    assert run
    assert run.process("api-server") == record
    assert run.process("scheduler") is None
    assert run.started_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert settings.run_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stack_id": 1}', '{"processes": [{"pid": 1}]}'])
def test_half_written_run_file_reads_as_none(settings: StackSettings, text: str) -> None:
    settings.home.mkdir()
    settings.run_file.write_text(text)
    assert read_run(settings.run_file) is None
    assert status(settings).state == "down"
