"""run.json: which processes the stack started, kept so that a later command finds exactly these again."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from include.cli.credentials import write_private


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One started process. ``create_time`` (seconds since the epoch) tells it from a later one with its pid."""

    name: str
    pid: int
    create_time: float
    log: str


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One start of the stack: when (aware, UTC), on which ports, which processes."""

    stack_id: str
    started_at: datetime
    ui_port: int
    aws_port: int
    primary_port: int
    secondary_port: int
    processes: tuple[ProcessRecord, ...] = ()

    def process(self, name: str) -> ProcessRecord | None:
        return next((process for process in self.processes if process.name == name), None)


def write_run(path: Path, run: RunRecord) -> None:
    """Replace run.json in one step."""
    document = asdict(run) | {"started_at": run.started_at.isoformat()}
    write_private(path, json.dumps(document, indent=2) + "\n")


def read_run(path: Path) -> RunRecord | None:
    """Read run.json; None when there is none, or a crash left an unreadable one, or it is of an older Landfall.

    Nothing is lost by the None: the stack's processes are also found by the marker in their environment.
    """
    try:
        document = json.loads(path.read_text())
        return RunRecord(
            stack_id=str(document["stack_id"]),
            started_at=datetime.fromisoformat(document["started_at"]),
            ui_port=int(document["ui_port"]),
            aws_port=int(document["aws_port"]),
            primary_port=int(document["primary_port"]),
            secondary_port=int(document["secondary_port"]),
            processes=tuple(ProcessRecord(**process) for process in document["processes"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
