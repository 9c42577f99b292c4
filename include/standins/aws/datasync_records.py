"""What DataSync knows: agents, locations, tasks and executions, kept across restarts."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from include.standins.aws.datasync_options import REFUSED
from include.standins.aws.errors import AwsError
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Callable

ENDED = ("SUCCESS", "ERROR")


@dataclass
class Agent:
    """An agent; whether it is online is the faults' business."""

    arn: str
    created: float
    name: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Location:
    """A location; `kind` is nfs, smb, s3, object-storage, fsxl or fsxw, `settings` what was asked, without secrets."""

    arn: str
    created: float
    kind: str
    uri: str
    agents: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Task:
    """A task; `settings` are its options, filters, manifest, report and log group as given."""

    arn: str
    created: float
    source: str
    destination: str
    mode: str = "BASIC"
    name: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Execution:
    """A task execution; `counts` by names as FilesTransferred, FoldersSkipped, BytesWritten."""

    arn: str
    created: float
    sequence: int
    task: str
    mode: str
    options: dict[str, Any]
    settings: dict[str, Any]
    agents: list[str]
    status: str = "QUEUED"
    launched: float | None = None
    ended: float | None = None
    counts: Counter[str] = field(default_factory=Counter)
    result: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counts = Counter(self.counts)

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.task.rpartition("/")[2]


Record = TypeVar("Record", Agent, Location, Task, Execution)


class Table(Generic[Record]):
    """Records of one kind by ARN, in the order of their making; written before they are answered."""

    def __init__(self, store: StateStore, kind: type[Record], *, lock: threading.RLock) -> None:
        self._store = store
        self._what = kind.__name__.lower().replace("execution", "task execution")
        self._name = f"datasync.{kind.__name__.lower()}"
        self._lock = lock
        known = {each.name for each in fields(kind)}
        read = [json.loads(blob) for _, blob in store.read(self._name)]
        made = [kind(**{name: value for name, value in row.items() if name in known}) for row in read]
        self._rows: dict[str, Record] = {row.arn: row for row in sorted(made, key=lambda row: row.created)}

    def save(self, record: Record) -> None:
        """Create or update a record."""
        with self._lock:
            self._store.write([Change(self._name, record.arn, json.dumps(_row(record)).encode())])
            self._rows[record.arn] = record

    def find(self, arn: str) -> Record | None:
        """Give a record."""
        return self._rows.get(arn)

    def get(self, arn: str) -> Record:
        """Give a record; raises AwsError InvalidRequestException when there is none."""
        found = self._rows.get(arn)
        if found is None:
            raise AwsError(REFUSED, f"Request parameters contain an invalid {self._what}: {arn} does not exist.")
        return found

    def delete(self, arn: str) -> None:
        """Forget a record."""
        with self._lock:
            self._store.write([Change(self._name, arn, None)])
            self._rows.pop(arn, None)

    def all(self, wanted: Callable[[Record], bool] = lambda _: True) -> list[Record]:
        """Give the records that are wanted, oldest first."""
        with self._lock:
            return [row for row in self._rows.values() if wanted(row)]


def _row(record: Agent | Location | Task | Execution) -> dict[str, Any]:
    """Copy a record; in one step for each dictionary, as a running execution changes its own meanwhile."""
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    return {name: dict(value) if isinstance(value, dict) else value for name, value in values.items()}


class Records:
    """All tables, and the ARNs of one account and region."""

    def __init__(self, store: StateStore, *, account: str, region: str) -> None:
        self.lock = threading.RLock()
        self.agents = Table(store, Agent, lock=self.lock)
        self.locations = Table(store, Location, lock=self.lock)
        self.tasks = Table(store, Task, lock=self.lock)
        self.executions = Table(store, Execution, lock=self.lock)
        self.account = account
        self.region = region
        self._sequence = max((one.sequence for one in self.executions.all()), default=0)

    def new_arn(self, resource: str, prefix: str) -> str:
        """Make an ARN nobody has, as `...:task/task-0123456789abcdef0`."""
        return f"arn:aws:datasync:{self.region}:{self.account}:{resource}/{new_id(prefix)}"

    def next_sequence(self) -> int:
        """Give the next execution its place in line."""
        with self.lock:
            self._sequence += 1
            return self._sequence


def new_id(prefix: str) -> str:
    """Make an id: a prefix and 17 hex digits."""
    return f"{prefix}-{uuid4().hex[:17]}"


def tag_map(tags: Any) -> dict[str, str]:
    """Turn a list of Key and Value into a dictionary."""
    return {tag["Key"]: tag.get("Value") or "" for tag in tags or []}
