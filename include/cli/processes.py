"""Start, recognise and stop the stack's processes. A process is ours by its marker, never by its name."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from include.cli.run_file import ProcessRecord
from include.cli.settings import STACK_ID_VARIABLE

# psutil computes a start time from the boot time, which moves a little when the clock is corrected.
_SAME_START_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Launched:
    """A process just started, and how to recognise it later."""

    record: ProcessRecord
    process: "subprocess.Popen[bytes]"


def launch(name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> Launched:
    """Start ``command`` in its own session, its output appended to ``log``, its files private (umask 077)."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    try:
        create_time = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        create_time = 0.0
    record = ProcessRecord(name=name, pid=process.pid, create_time=create_time, log=str(log))
    return Launched(record=record, process=process)


def is_running(record: ProcessRecord) -> bool:
    """Tell whether the recorded process still runs: same pid, same start time, not a zombie."""
    return _recorded_process(record) is not None


def stack_processes(stack_id: str, records: Iterable[ProcessRecord] = ()) -> list[psutil.Process]:
    """Find every living process of one stack: recorded ones, their descendants, and all that carry its marker.

    The marker finds children whose parent died, and everything after run.json was lost. The caller and its
    ancestors are never among them.
    """
    protected = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: dict[int, psutil.Process] = {}
    for record in records:
        process = _recorded_process(record)
        if process is not None:
            found[process.pid] = process
            found.update((child.pid, child) for child in _descendants(process))
    for process in psutil.process_iter():
        if process.pid not in found and _marker(process) == stack_id:
            found[process.pid] = process
    return [process for pid, process in found.items() if pid not in protected and not _is_gone(process)]


def stop(processes: Sequence[psutil.Process], *, grace_seconds: float) -> list[psutil.Process]:
    """Ask the processes to end (TERM), wait up to ``grace_seconds``; return those that still run."""
    for process in processes:
        _signal(process, kill=False)
    return _wait(processes, seconds=grace_seconds)


def kill(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """End the processes at once (KILL), wait up to 5 s; return those that still run."""
    for process in processes:
        _signal(process, kill=True)
    return _wait(processes, seconds=5.0)


def _wait(processes: Sequence[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    # A zombie waits for its parent to collect it and holds nothing: it counts as gone. wait_procs would wait for it
    # in containers whose first process collects nobody.
    deadline_rounds = max(1, int(seconds / 0.1))
    alive = [process for process in processes if not _is_gone(process)]
    for _ in range(deadline_rounds):
        if not alive:
            break
        _, alive = psutil.wait_procs(alive, timeout=0.1)
        alive = [process for process in alive if not _is_gone(process)]
    return alive


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return


def _recorded_process(record: ProcessRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.create_time) < _SAME_START_SECONDS
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if same and not _is_gone(process) else None


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _marker(process: psutil.Process) -> str | None:
    try:
        value: str | None = process.environ().get(STACK_ID_VARIABLE)
    except (psutil.Error, OSError):
        return None
    return value


def _is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
