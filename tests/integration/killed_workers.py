"""Kill a task at a call to AWS: from that call on, nothing this try does reaches AWS.

Threads of a killed process stop where they are, hence all calls of the try are refused, in every thread, until the next
try begins. No code of the task can catch the death.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from functools import partial
from typing import Any

DEATH = "the worker was killed at call"
READS = ("Get", "List", "Head", "Describe", "Scan", "Query", "BatchGet")


class Fate(StrEnum):
    """Whether AWS heard of the worker's last call."""

    NOT_SENT = "not sent"
    ANSWER_LOST = "answer lost"


class WorkerKilledError(BaseException):
    """The end of a worker, which no `except Exception` sees."""


class Cut:
    """Counts the writing calls of one try and ends it at one of them, before AWS hears of it or after it answered."""

    def __init__(self, task_id: str, cut: str) -> None:
        number, _, fate = cut.partition(" ")
        self.task_id, self.call, self.fate = task_id, int(number), Fate(fate)
        self._lock = threading.Lock()
        self._calls = 0
        self._dead = ""

    def guard(self, operation: str) -> bool:
        """Take in a call; True when the worker dies after it. Raises WorkerKilledError when it dies now or is dead."""
        with self._lock:
            if self._dead:
                raise WorkerKilledError(self._dead)
            if operation.startswith(READS):
                return False
            self._calls += 1
            if self._calls != self.call:
                return False
            self._dead = f"{DEATH} {self.call} {self.fate}: {self.task_id}, {operation}"
            if self.fate == Fate.NOT_SENT:
                raise WorkerKilledError(self._dead)
            return True

    def die(self) -> None:
        raise WorkerKilledError(self._dead)


def cut_off(task: Any, cuts: Sequence[str]) -> None:
    """Let the first workers of a task die as `cuts` say; one with fewer calls than its cut, or cut at 0, lives.

    A task that defers has a worker for what comes before, and another one for what comes after.
    """
    left = [Cut(task.task_id, cut) for cut in cuts]
    task.execute = _until_cut("execute", left)
    task.resume_execution = _until_cut("resume_execution", left)


def _until_cut(name: str, left: list[Cut]) -> Callable[..., Any]:
    """Airflow runs a copy of the task, with rendered templates: the work is that of the copy."""

    def work_until_cut(*arguments: Any, **named: Any) -> Any:
        running = (named.get("context") or arguments[-1])["task"]
        work = partial(getattr(type(running), name), running)
        with _cutting(left.pop(0)) if left else nullcontext():
            return work(*arguments, **named)

    return work_until_cut


@contextmanager
def _cutting(cut: Cut) -> Iterator[None]:
    from unittest.mock import patch

    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def call(client: Any, operation: str, arguments: Any) -> Any:
        last = cut.guard(operation)
        answer = original(client, operation, arguments)
        if last:
            cut.die()
        return answer

    with patch.object(BaseClient, "_make_api_call", call):
        yield
