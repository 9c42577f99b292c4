"""Who runs when: one execution for each agent and each task at a time, first in, first out.

Source: DataSync user guide, "Knowing when your task is queued". Waiting and launching executions cost no thread;
running ones share a pool, and a run that has no free thread stays in LAUNCHING.
"""

from __future__ import annotations

import heapq
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from include.standins.aws.datasync_outcome import CANCELLED, carry_out, finish

if TYPE_CHECKING:
    from include.standins.aws.datasync_run import Run
    from include.standins.aws.datasync_sides import Sides

LAUNCH_SECONDS = float(os.environ.get("LANDFALL_DATASYNC_LAUNCH_SECONDS", "0.3"))
THREADS = 16
STUCK_LOOK_SECONDS = 0.1


class Queue:
    """Runs executions; `launch_seconds` is how long LAUNCHING lasts."""

    def __init__(self, sides: Sides) -> None:
        self.launch_seconds = LAUNCH_SECONDS
        self._sides = sides
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="datasync")
        self._wake = threading.Condition()
        self._waiting: list[Run] = []
        self._launching: list[tuple[float, int, Run]] = []
        self._active: dict[str, Run] = {}
        self._ended = False
        threading.Thread(target=self._work, name="datasync-queue", daemon=True).start()

    def add(self, run: Run) -> None:
        """Put a run in line."""
        with self._wake:
            self._waiting.append(run)
            self._wake.notify()

    def is_busy(self, claims: frozenset[str]) -> bool:
        """Tell whether a run with these claims would have to wait."""
        with self._wake:
            return any(claims & claims_of(run) for run in [*self._active.values(), *self._waiting])

    def find(self, arn: str) -> Run | None:
        """Give a run that has not ended."""
        with self._wake:
            return self._active.get(arn) or next((run for run in self._waiting if run.execution.arn == arn), None)

    def cancel(self, run: Run) -> None:
        """Stop a run, whether it waits, launches or works; raises AwsError when it has ended."""
        with self._wake:
            run.cancel()
            self._wake.notify()

    def _work(self) -> None:
        while True:
            with self._wake:
                if self._ended:
                    return
                cancelled = [run for run in self._waiting if run.stopping]
                self._waiting = [run for run in self._waiting if not run.stopping]
                self._launch()
                ready, pause = self._ready()
                for run in ready:
                    self._pool.submit(self._run, run)
                if not ready and not cancelled:
                    self._wake.wait(pause)
            for run in cancelled:
                finish(run, CANCELLED)

    def _launch(self) -> None:
        """Move what need not wait any longer from the line to LAUNCHING."""
        taken = frozenset[str]().union(*(claims_of(run) for run in self._active.values()))
        stay: list[Run] = []
        for run in self._waiting:
            claims = claims_of(run)
            if claims & taken:
                stay.append(run)
            else:
                run.execution.status, run.execution.launched = "LAUNCHING", time.time()
                run.around.records.executions.save(run.execution)
                self._active[run.execution.arn] = run
                due = time.monotonic() + self.launch_seconds
                heapq.heappush(self._launching, (due, run.execution.sequence, run))
            taken |= claims
        self._waiting = stay

    def _ready(self) -> tuple[list[Run], float | None]:
        """Take out what has launched; gives also how long nothing will happen."""
        now, ready, stuck = time.monotonic(), [], []
        stopped = [each for each in self._launching if each[2].stopping]
        if stopped:
            self._launching = [each for each in self._launching if not each[2].stopping]
            heapq.heapify(self._launching)
            ready = [run for _, _, run in stopped]
        while self._launching and self._launching[0][0] <= now:
            _, sequence, run = heapq.heappop(self._launching)
            if run.around.faults.stuck(*run.names) or run.agent_offline():
                stuck.append((now + STUCK_LOOK_SECONDS, sequence, run))
            else:
                ready.append(run)
        for each in stuck:
            heapq.heappush(self._launching, each)
        return ready, max(0.0, self._launching[0][0] - now) if self._launching else None

    def _run(self, run: Run) -> None:
        try:
            carry_out(run, self._sides)
        finally:
            with self._wake:
                self._active.pop(run.execution.arn, None)
                self._wake.notify()

    def close(self) -> None:
        """Stop looking and starting; those that work end with an error, those that wait or launch are kept."""
        with self._wake:
            self._ended = True
            self._wake.notify()
            launching = {run.execution.arn for _, _, run in self._launching}
            working = [run for arn, run in self._active.items() if arn not in launching]
        for run in working:
            run.halt()
        self._pool.shutdown(cancel_futures=True)


def claims_of(run: Run) -> frozenset[str]:
    """Give what only one execution may have at a time: the agents and the task."""
    return frozenset([run.execution.task, *run.execution.agents])
