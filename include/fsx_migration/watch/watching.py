"""Read successive states of executions: how far each is, since when it stands, and how far the pass is as a whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.transfer.execution_states import CANCELLING, NO_LIMIT, QUEUED, RUNNING, SUCCESS
from include.fsx_migration.transfer.executions import split_bandwidth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.fsx_migration.transfer.execution_states import ExecutionState
    from include.fsx_migration.transfer.pass_model import Pass

_KNOWS_SIZE: Final = frozenset({"TRANSFERRING", "VERIFYING", "SUCCESS", "ERROR"})
_SAMPLES: Final = 400
_LIMIT_TOLERANCE: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An execution that a pass waits for; `files` and `bytes` are what its manifest holds."""

    arn: str
    part: str
    attempt: int
    agent: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of an execution last.

    :param since: when it was first seen in this status.
    :param moved: when its counters last changed.
    :param work: the sum of its counters.
    :param of_files: what it has to move, by DataSync's estimate as soon as there is one.
    :param settled: it is over, and its report is written or given up.
    """

    status: str
    since: datetime
    moved: datetime
    work: int = 0
    files: int = 0
    bytes: int = 0
    of_files: int = 0
    of_bytes: int = 0
    failed: int = 0
    bytes_per_second: int = NO_LIMIT
    settled: bool = False

    @property
    def is_running(self) -> bool:
        """Whether it works, and takes bandwidth."""
        return self.status in RUNNING or self.status == CANCELLING

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        found = asdict(self)
        return found | {"since": self.since.isoformat(), "moved": self.moved.isoformat()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Seen:
        """Read a document of `to_dict`."""
        times = {name: datetime.fromisoformat(document[name]) for name in ("since", "moved")}
        return cls(**{**document, **times})


@dataclass(slots=True)
class Board:
    """What one watcher knows; it is written into `progress.json`, so that another watcher goes on from there.

    :ivar moved_before: files and bytes that attempts of the pass moved which are counted already.
    :ivar samples: (time, bytes, files) moved in all, oldest first.
    """

    watched: tuple[Watched, ...]
    moved_before: tuple[int, int] = (0, 0)
    seen: dict[str, Seen] = field(default_factory=dict)
    samples: list[tuple[datetime, int, int]] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to wait for."""
        return all(one.arn in self.seen and self.seen[one.arn].settled for one in self.watched)

    @property
    def has_failures(self) -> bool:
        """Whether an execution has ended that another attempt may follow."""
        return any(seen.settled and (seen.status != SUCCESS or seen.failed) for seen in self._current())

    def running(self) -> list[str]:
        """Return the executions that work now."""
        return [one.arn for one in self.watched if one.arn in self.seen and self.seen[one.arn].is_running]

    def waiting(self) -> list[str]:
        """Return the executions that have not settled."""
        return [one.arn for one in self.watched if one.arn not in self.seen or not self.seen[one.arn].settled]

    def totals(self) -> dict[str, int]:
        """Return files and bytes moved, and of how many; what was never looked at counts with its manifest."""
        files, size = self.moved_before
        found = {"files": files, "bytes": size, "of_files": files, "of_bytes": size, "failed": 0}
        for one in self.watched:
            seen = self.seen.get(one.arn)
            found["files"] += seen.files if seen else 0
            found["bytes"] += seen.bytes if seen else 0
            found["of_files"] += seen.of_files if seen else one.files
            found["of_bytes"] += seen.of_bytes if seen else one.bytes
            found["failed"] += seen.failed if seen else 0
        return found

    def _current(self) -> Iterable[Seen]:
        return (self.seen[one.arn] for one in self.watched if one.arn in self.seen)


def watched_of(one: Pass) -> tuple[Watched, ...]:
    """Return the executions of a pass that were started and are not counted yet."""
    return tuple(
        Watched(
            arn=attempt.arn,
            part=part.name,
            attempt=attempt.number,
            agent=part.agent,
            files=part.files if not attempt.by_files else 0,
            bytes=part.bytes if not attempt.by_files else 0,
        )
        for part, attempt in one.attempts()
        if attempt.arn and not attempt.state.is_over
    )


def moved_before(one: Pass) -> tuple[int, int]:
    """Return the files and bytes that the counted attempts of a pass moved."""
    counted = [attempt.counters for _, attempt in one.attempts() if attempt.state.is_over]
    files = sum(counters.get("files_transferred", 0) + counters.get("folders_transferred", 0) for counters in counted)
    return files, sum(counters.get("bytes_transferred", 0) for counters in counted)


def observe(board: Board, one: Watched, state: ExecutionState, *, now: datetime, settled: bool) -> None:
    """Take in what DataSync says of an execution; `settled` as in settling.is_settled."""
    before = board.seen.get(one.arn)
    work = _work(state)
    knows = state.status in _KNOWS_SIZE
    of_files = state.files_estimated + state.folders_estimated if knows else one.files
    of_bytes = state.bytes_estimated if knows else one.bytes
    board.seen[one.arn] = Seen(
        status=state.status,
        since=before.since if before and before.status == state.status else now,
        moved=before.moved if before and (before.status, before.work) == (state.status, work) else now,
        work=work,
        # counters may run over the estimate, when files grow or come into being meanwhile
        files=min(state.files_transferred + state.folders_transferred, of_files) if knows else 0,
        bytes=min(state.bytes_transferred, of_bytes) if knows else 0,
        of_files=of_files,
        of_bytes=of_bytes,
        failed=state.files_failed,
        bytes_per_second=state.bytes_per_second,
        settled=settled,
    )


def sample(board: Board, *, now: datetime) -> None:
    """Note how much was moved; the older half is thinned out when there are many. What was moved never shrinks."""
    totals = board.totals()
    _, size, files = board.samples[-1] if board.samples else (now, 0, 0)
    board.samples.append((now, max(totals["bytes"], size), max(totals["files"], files)))
    if len(board.samples) > _SAMPLES:
        half = len(board.samples) // 2
        board.samples[:half] = board.samples[:half:2]


def bandwidth_orders(board: Board, limit: float | None) -> dict[str, int]:
    """Return the BytesPerSecond of running executions that have another one than their equal share of the limit."""
    orders = split_bandwidth(limit, board.running())
    return {arn: wanted for arn, wanted in orders.items() if _differs(board.seen[arn].bytes_per_second, wanted)}


def rate(board: Board, *, seconds: float = 300.0) -> tuple[float, float]:
    """Return bytes and files by second over the newest samples."""
    if len(board.samples) < 2:
        return 0.0, 0.0
    end = board.samples[-1]
    start = next(
        one for one in board.samples if (end[0] - one[0]).total_seconds() <= seconds or one is board.samples[-2]
    )
    took = (end[0] - start[0]).total_seconds()
    if took <= 0:
        return 0.0, 0.0
    return max(end[1] - start[1], 0) / took, max(end[2] - start[2], 0) / took


def queued_without_work(board: Board) -> dict[str, datetime]:
    """Return agents with queued executions of which none runs, and since when the newest of them waits."""
    busy = {one.agent for one in board.watched if one.arn in board.seen and board.seen[one.arn].is_running}
    waits: dict[str, datetime] = {}
    for one in board.watched:
        seen = board.seen.get(one.arn)
        if seen and seen.status == QUEUED and one.agent not in busy:
            waits[one.agent] = max(seen.since, waits.get(one.agent, seen.since))
    return waits


def _differs(found: int, wanted: int) -> bool:
    if NO_LIMIT in (found, wanted):
        return found != wanted
    return abs(found - wanted) > wanted * _LIMIT_TOLERANCE


def _work(state: ExecutionState) -> int:
    return (
        state.bytes_transferred
        + state.bytes_written
        + state.files_prepared
        + state.files_transferred
        + state.files_verified
        + state.files_skipped
        + state.files_deleted
        + state.files_listed_at_source
        + state.files_listed_at_target
        + state.files_failed
        + state.folders_transferred
        + state.folders_verified
    )
