"""One step of a run for all its databases at once: a bounded pool, one outcome for each, and where the time went."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from include.leases import LeaseHeldError, LeaseLostError
from include.log_shipping.copying import CopyError
from include.log_shipping.failures import SqlServerError
from include.log_shipping.lanes import each
from include.log_shipping.outcomes import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from include.log_shipping.client import SqlServer
    from include.log_shipping.fail_over.plans import FailOverPlan, Move
    from include.log_shipping.fleet import Workplace

THREADS: Final = 8
"""Databases that a step works on at a time; nearly all of it is waiting for the servers."""


class StepError(RuntimeError):
    """A step cannot go on with a database; the message is for the person who reads the report."""


class RunRefusedError(RuntimeError):
    """The run as a whole may not go on; nothing more was changed."""

    is_final = True


EXPECTED: Final = (StepError, SqlServerError, CopyError, LeaseHeldError, LeaseLostError, OSError)
"""What may befall one database; anything else is a fault of the step and stops it."""


class Stopwatch:
    """Measures the time during which at least one thread waits for a SQL Server."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0

    def __enter__(self) -> Stopwatch:
        with self._lock:
            if not self._inside:
                self._since = time.monotonic()
            self._inside += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self.seconds += time.monotonic() - self._since


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOver:
    """A run at work.

    :ivar aws: returns a boto3 client of a service, for the redirection of clients.
    """

    workplace: Workplace
    plan: FailOverPlan
    aws: Callable[[str], Any]
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def server(self, name: str) -> SqlServer:
        """Return a connection to a server of the configuration, whose waiting the stopwatch measures."""
        server = self.workplace.server(name)
        run, watch = server.run, self.stopwatch

        def timed(*arguments: Any, **named: Any) -> Any:
            with watch:
                return run(*arguments, **named)

        server.run = timed  # type: ignore[method-assign]  # an instance's own method: `one` and `now` call it as well
        return server


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step did: outcomes by database, and each try's start, end and seconds inside SQL Server."""

    name: str
    outcomes: Mapping[str, Outcome]
    tries: tuple[Mapping[str, Any], ...] = ()

    @property
    def done(self) -> list[str]:
        """The databases it succeeded for."""
        return [name for name, outcome in self.outcomes.items() if outcome.status is Status.DONE]

    @property
    def failed(self) -> list[Outcome]:
        """The outcomes that need a person."""
        return [outcome for outcome in self.outcomes.values() if outcome.status.is_bad]

    def summary(self) -> dict[str, Any]:
        """Return counts for XCom."""
        return {"step": self.name, "done": len(self.done), "failed": len(self.failed)}


def run_step(
    work: FailOver, name: str, *, moves: Iterable[Move], act: Callable[[Move], tuple[str, Mapping[str, Any]]]
) -> StepReport:
    """Run `act` for every move in a pool, and write what came of it.

    :param act: returns a sentence and evidence (JSON types), or raises one of EXPECTED with the sentence.
    """
    clock, before = work.workplace.clock, work.stopwatch.seconds
    started = clock()

    def one(move: Move) -> Outcome:
        begun = clock()
        status = Status.DONE
        evidence: Mapping[str, Any] = {}
        try:
            reason, evidence = act(move)
        except EXPECTED as error:
            status, reason = Status.FAILED, str(error)
        return Outcome(
            database=move.database,
            step=name,
            status=status,
            reason=reason,
            started=begun,
            finished=clock(),
            evidence=evidence,
        )

    outcomes = each(list(moves), one, threads=THREADS)
    inside = work.stopwatch.seconds - before
    return write_step(work, name, outcomes=outcomes, started=started, inside_seconds=inside)


def write_step(
    work: FailOver, name: str, *, outcomes: Sequence[Outcome], started: datetime, inside_seconds: float
) -> StepReport:
    """Write the report of a step; earlier tries keep their times."""
    earlier = find_step(work, name)
    this_try = {
        "started": started.isoformat(),
        "finished": work.workplace.clock().isoformat(),
        "inside_seconds": round(inside_seconds, 3),
    }
    report = StepReport(
        name,
        {outcome.database: outcome for outcome in outcomes},
        (*(earlier.tries if earlier else ()), this_try),
    )
    document = {"tries": list(report.tries), "outcomes": [outcome.to_dict() for outcome in outcomes]}
    work.workplace.store.put_json(_key(work, name), document)
    return report


def find_step(work: FailOver, name: str) -> StepReport | None:
    """Return the report of a step, None when it has not ended yet."""
    found = work.workplace.store.find_json(_key(work, name))
    if found is None:
        return None
    outcomes = [Outcome.from_dict(document) for document in found["outcomes"]]
    return StepReport(name, {outcome.database: outcome for outcome in outcomes}, tuple(found["tries"]))


def moves_after(work: FailOver, *steps: str) -> list[Move]:
    """Return the moves whose databases every one of these steps succeeded for."""
    moves = list(work.plan.moves)
    for name in steps:
        report = find_step(work, name)
        done = set(report.done) if report else set()
        moves = [move for move in moves if move.database in done]
    return moves


def require(report: StepReport, *, all_of_them: bool) -> StepReport:
    """Return the report if enough databases are left to go on with; raises StepError otherwise, naming each.

    :param all_of_them: an application's databases move together: one that fails stops the others as well.
    """
    if report.failed and (all_of_them or not report.done):
        raise StepError(" ".join(f"[{outcome.database}] {outcome.reason}" for outcome in report.failed))
    if not report.outcomes:
        raise StepError(f"{report.name} had no database to work on: see what the step before it says.")
    return report


def _key(work: FailOver, name: str) -> str:
    return work.workplace.records.key("steps", f"{name}.json")
