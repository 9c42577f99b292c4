"""Start and stop the local stack. No printing here: progress goes to a callback, results are returned."""

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from include.cli import components
from include.cli.components import Component, airflow_components, local_aws, local_sql_servers
from include.cli.credentials import ensure_credentials
from include.cli.environment import airflow_environment
from include.cli.health import healthy_components
from include.cli.logs import last_lines, rotate
from include.cli.preflight import check_all, check_writable
from include.cli.processes import Launched, kill, launch, stack_processes, stop
from include.cli.refusal import RefusalError
from include.cli.run_file import RunRecord, read_run, write_run
from include.cli.schema import migrate_if_needed
from include.cli.settings import StackSettings
from include.cli.sql_servers import make_folders
from include.cli.stack_status import StackStatus, status

START_SECONDS = 180.0
STEPS = 3 + len(components.NAMES)

Announce = Callable[[int, str], None]
"""Called with (steps done of STEPS, what happens now)."""


@dataclass(frozen=True, kw_only=True)
class DownReport:
    """What `down` ended: processes that stopped when asked, and processes that had to be killed."""

    stopped: int
    killed: int


def up(settings: StackSettings, *, announce: Announce) -> tuple[StackStatus, bool]:
    """Start the stack and wait until all of it is healthy; return its status and whether it had to be started.

    A stack that runs healthy is left alone; what is left of a broken one is stopped first. When anything fails,
    what was started is stopped again.

    :raises RefusalError: a check fails, a process dies while starting, or health takes longer than three minutes.
    """
    check_writable(settings.home)
    with _only_one(settings):
        now = status(settings)
        if now.state == "up":
            return now, False
        _stop_all(settings)
        announce(0, "checking ports, disk and Python")
        check_all(settings, python=(sys.version_info.major, sys.version_info.minor))
        try:
            _start(settings, announce=announce)
        except BaseException:
            _stop_all(settings)
            raise
        return status(settings), True


def down(settings: StackSettings) -> DownReport:
    """Stop every process of the stack, also after a crash or with run.json lost.

    :raises RefusalError: a process survives being killed.
    """
    if not settings.home.exists():
        return DownReport(stopped=0, killed=0)
    with _only_one(settings):
        return _stop_all(settings)


def _start(settings: StackSettings, *, announce: Announce) -> None:
    credentials = ensure_credentials(settings)
    make_folders(settings)
    run = RunRecord(
        stack_id=settings.stack_id,
        started_at=datetime.now(UTC),
        ui_port=settings.ui_port,
        aws_port=settings.aws_port,
        primary_port=settings.primary_port,
        secondary_port=settings.secondary_port,
    )
    launched: list[Launched] = []

    def begin(component: Component) -> None:
        nonlocal run
        launched.append(_launch(settings, component))
        run = replace(run, processes=tuple(each.record for each in launched))
        write_run(settings.run_file, run)

    write_run(settings.run_file, run)
    announce(1, "starting the local AWS and both SQL Servers")
    for stand_in in (
        local_aws(settings, inherited=os.environ),
        *local_sql_servers(settings, credentials, inherited=os.environ),
    ):
        begin(stand_in)
    announce(2, "preparing Airflow's database")
    migrate_if_needed(settings, environment=airflow_environment(settings, credentials, inherited=os.environ))
    announce(3, "starting Airflow")
    for component in airflow_components(settings, credentials, inherited=os.environ):
        begin(component)
    _wait_until_healthy(settings, run, launched=launched, announce=announce)


def _launch(settings: StackSettings, component: Component) -> Launched:
    log = settings.logs / f"{component.name}.log"
    rotate(log)
    return launch(
        component.name,
        component.command,
        environment=component.environment,
        folder=settings.project_root,
        log=log,
    )


def _wait_until_healthy(
    settings: StackSettings, run: RunRecord, *, launched: Sequence[Launched], announce: Announce
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        _refuse_dead(launched)
        healthy = healthy_components(settings, started_at=run.started_at)
        waiting = [name for name in components.NAMES if name not in healthy]
        if not waiting:
            announce(STEPS, "everything is healthy")
            return
        announce(STEPS - len(waiting), f"waiting for {', '.join(waiting)}")
        if time.monotonic() > deadline:
            record = run.process(waiting[0])
            raise RefusalError(
                f"The {waiting[0]} was not healthy after {START_SECONDS:.0f} s, so the stack was stopped: read"
                f" {record.log if record else settings.logs}.",
            )
        time.sleep(0.25)


def _refuse_dead(launched: Sequence[Launched]) -> None:
    for each in launched:
        code, record = each.process.poll(), each.record
        if code is not None:
            ending = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            raise RefusalError(
                f"The {record.name} {ending} while starting, so the stack was stopped: read {record.log}.",
                details=last_lines(Path(record.log)),
            )


def _stop_all(settings: StackSettings) -> DownReport:
    run = read_run(settings.run_file)
    records = run.processes if run else ()
    found = stack_processes(settings.stack_id, records)
    kept_for_last = {record.pid for record in records if record.name in components.STAND_INS}
    leaders = {record.pid for record in records} - kept_for_last
    # Airflow's four first, so that running tasks can still write; then their children; then AWS and the SQL Servers.
    stop([process for process in found if process.pid in leaders], grace_seconds=15.0)
    rest = stack_processes(settings.stack_id, records)
    # Without records nobody was asked yet, and the stand-ins may be among them: give all of them the full time.
    stop([process for process in rest if process.pid not in kept_for_last], grace_seconds=5.0 if records else 15.0)
    stop([process for process in rest if process.pid in kept_for_last], grace_seconds=15.0)
    remaining = stack_processes(settings.stack_id, records)
    survivors = kill(remaining)
    if survivors:
        pids = ", ".join(str(process.pid) for process in survivors)
        raise RefusalError(
            f"These processes of the stack could not be ended: {pids}; end them as their owner or reboot."
        )
    settings.run_file.unlink(missing_ok=True)
    return DownReport(stopped=len(found) - len(remaining), killed=len(remaining))


@contextmanager
def _only_one(settings: StackSettings) -> Iterator[None]:
    with (settings.home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusalError(
                f"Another `landfall up` or `down` is at work in {settings.home}: wait until it has finished."
            ) from None
        yield
