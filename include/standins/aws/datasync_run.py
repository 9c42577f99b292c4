"""One execution while it runs: its state, what it counts and reports, and how it is told to stop."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.standins.aws.datasync_faults import FILE_KINDS
from include.standins.aws.datasync_filters import Filters
from include.standins.aws.datasync_log import Journal
from include.standins.aws.datasync_options import REFUSED, Metadata
from include.standins.aws.datasync_records import ENDED
from include.standins.aws.datasync_reports import Failure, Report, Section, path_text
from include.standins.aws.datasync_throttle import Throttle
from include.standins.aws.datasync_trees import PRUNE, Verdict
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.standins.aws.datasync_faults import TransferFault, TransferFaults
    from include.standins.aws.datasync_records import Execution, Records, Task
    from include.standins.aws.datasync_trees import Destination, Entry, Source
    from include.standins.aws.object_store import ObjectStore
    from include.standins.aws.telemetry import Telemetry

BEAT_SECONDS = 1.0
OFFLINE_LOOK_SECONDS = 0.1
_SECTIONS = {
    "Prepare": Section.SKIPPED,
    "List": Section.SKIPPED,
    "Transfer": Section.TRANSFERRED,
    "Verify": Section.VERIFIED,
    "Delete": Section.DELETED,
}


class CancelledError(Exception):
    """Somebody asked the execution to stop."""


class AbortedError(Exception):
    """The execution cannot go on: code and detail for its result."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass
class Surroundings:
    """What every execution of this DataSync shares."""

    records: Records
    store: ObjectStore
    telemetry: Telemetry
    faults: TransferFaults
    scratch: Path


@dataclass
class Run:
    """A running execution; its own thread works, others read `execution` and call `cancel` and `throttle.set_rate`."""

    execution: Execution
    task: Task
    around: Surroundings
    is_windows: bool
    throttle: Throttle = field(init=False)
    halted: bool = False
    changing: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _next_beat: float = 0.0
    source: Source = field(init=False)
    destination: Destination = field(init=False)

    def __post_init__(self) -> None:
        options, settings = self.execution.options, self.execution.settings
        self.throttle = Throttle(options["BytesPerSecond"])
        self.counts = self.execution.counts
        self.metadata = Metadata.of(options, posix=not self.is_windows)
        self.compares_owner = os.geteuid() == 0
        self.verifies = options["VerifyMode"] != "NONE"
        self.enhanced = self.execution.mode == "ENHANCED"
        self.filters = Filters(settings.get("Includes"), settings.get("Excludes"))
        self.journal = Journal(self.around.telemetry, self.execution, self.task)
        config = settings.get("TaskReportConfig") or {}
        ids = self.execution.id, self.execution.task_id
        self.report = Report(config, *ids, self.enhanced, self.around.scratch)
        self.names = (self.task.arn, self.task.name, self.execution.arn)
        self.unlisted: set[bytes] = set()
        self.failures: defaultdict[str, int] = defaultdict(int)

    def cancel(self) -> None:
        """Ask the run to end; raises AwsError when it has."""
        with self.changing:
            if self.execution.status in ENDED:
                raise AwsError(REFUSED, f"{self.execution.arn} has ended with {self.execution.status}.")
            self.execution.status = "CANCELLING"
            self._stopping.set()

    def halt(self) -> None:
        """Ask the run to end because the local AWS does."""
        self.halted = True
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked."""
        return self._stopping.is_set()

    def checkpoint(self) -> None:
        """Look up between two pieces of work; raises CancelledError. An agent that is offline holds the run here."""
        if self._stopping.is_set():
            raise CancelledError
        if self.around.faults.any:
            while self.agent_offline():
                self.beat()
                if self._stopping.wait(OFFLINE_LOOK_SECONDS):
                    raise CancelledError
        if time.monotonic() >= self._next_beat:
            self.beat()

    def agent_offline(self) -> bool:
        """Tell whether one of the agents is offline."""
        for arn in self.execution.agents:
            agent = self.around.records.agents.find(arn)
            if self.around.faults.offline(arn, agent.name if agent else ""):
                return True
        return False

    def beat(self) -> None:
        """Send metrics and log lines."""
        self._next_beat = time.monotonic() + BEAT_SECONDS
        self.journal.flush()

    def nap(self, seconds: float) -> None:
        """Wait, unless the run is stopped."""
        if self._stopping.wait(seconds):
            raise CancelledError

    def strike(self, path: bytes) -> TransferFault | None:
        """Give the fault that strikes a file, if any."""
        if not self.around.faults.any:
            return None
        return self.around.faults.strike(FILE_KINDS, self.names, path_text(path))

    def tally(self, name: str, kind: str, number: int = 1) -> None:
        """Count a name: `Transferred` becomes FilesTransferred or, for directories, FoldersTransferred."""
        self.counts[("Folders" if kind == "D" else "Files") + name] += number

    def fail(self, phase: str, path: bytes, failure: Failure, *, entry: Entry | None = None) -> None:
        """Count, log and report a name that failed; `phase` is List, Prepare, Transfer, Verify or Delete."""
        kind = entry.kind if entry else ("D" if phase == "List" else "R")
        self.tally(f"Failed{phase}", kind)
        self.failures[phase] += 1
        self.journal.failed("PREPARE" if phase == "List" else phase.upper(), path, failure, entry)
        self.report.add(_SECTIONS[phase], path, entry=entry, failure=failure)

    def verdict(self, path: bytes, is_directory: bool) -> Verdict:
        """Say what becomes of an entry of the source; the fault `unlistable` strikes here."""
        says = self.filters.verdict(path, is_directory)
        faulty = says != PRUNE and is_directory and self.around.faults.any
        if faulty and self.around.faults.strike(("unlistable",), self.names, path_text(path)):
            self.unread(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
            return PRUNE
        return says

    def unread(self, path: bytes, error: OSError) -> None:
        """Take what the scan of the source could not read; what the destination has there must stay."""
        self.unlisted.add(path)
        self.fail("List", path, Failure(f"Failed to read metadata for file: {error.strerror}", error.errno or 0))


def in_phase(run: Run, name: str, status: str, work: Callable[[], None]) -> None:
    """Do one phase: status, duration in milliseconds, verdict; the record is written at both ends."""
    execution, records = run.execution, run.around.records
    with run.changing:
        execution.status = "CANCELLING" if run.stopping else status
    if run.stopping:
        raise CancelledError
    execution.result[f"{name}Status"] = "PENDING"
    records.executions.save(execution)
    began = time.monotonic()
    verdict = "ERROR"
    try:
        work()
        verdict = "ERROR" if run.failures[name] else "SUCCESS"
    finally:
        execution.result[f"{name}Duration"] = round((time.monotonic() - began) * 1000)
        execution.result[f"{name}Status"] = verdict
        run.beat()
