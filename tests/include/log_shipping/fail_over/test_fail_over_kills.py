"""A run that is killed at any call to a server or to the lake, and tried again, ends as one that nobody disturbed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.primaries import find_primary
from tests.include.log_shipping.fail_over.fail_over_run import NEW, OLD
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory
from tests.include.log_shipping.fail_over.model_fleet import SALES, Fleet, model_fleet
from tests.include.log_shipping.fail_over.model_server import ModelServer

LAKE_WRITES = ("put_bytes", "put_if_absent", "put_if_unchanged", "delete")


class KilledError(BaseException):
    """The end of a worker, which no `except Exception` sees."""


class Kill:
    """Counts calls that change something and dies at one of them: before it happens, or after it without an answer."""

    def __init__(self, at: int, *, answer_lost: bool) -> None:
        self.at, self.answer_lost, self.calls, self.dead = at, answer_lost, 0, False

    def around(self, call: Callable[[], Any]) -> Any:
        if self.dead:
            raise KilledError
        self.calls += 1
        self.dead = self.calls == self.at
        if self.dead and not self.answer_lost:
            raise KilledError
        answer = call()
        if self.dead:
            raise KilledError
        return answer


class Mortal:
    """A server whose changing statements may be the last ones of the worker."""

    def __init__(self, server: ModelServer, kill: Kill) -> None:
        self.server, self.name, self.kill, self.now = server, server.name, kill, server.now

    def run(self, statement: Any, *, doing: str, progress: Any = None) -> Any:
        def call() -> Any:
            return self.server.run(statement, doing=doing)

        return call() if statement.text.startswith(("SELECT", "RESTORE HEADERONLY")) else self.kill.around(call)


@contextmanager
def mortal_lake(kill: Kill) -> Iterator[None]:
    originals = {name: getattr(LakeInMemory, name) for name in LAKE_WRITES}

    def dying(name: str) -> Callable[..., Any]:
        def write(*arguments: Any, **named: Any) -> Any:
            return kill.around(lambda: originals[name](*arguments, **named))

        return write

    with patch.multiple(LakeInMemory, **{name: dying(name) for name in LAKE_WRITES}):
        yield


def prepared(fleet: Fleet, mode: Mode) -> None:
    """One log copied, one not, one commit in the tail; for a return, after a failover."""
    if mode in {Mode.REVERSE, Mode.RESEED}:
        fleet.old.down = mode is Mode.RESEED
        fleet.run(Mode.DISASTER, run_id="before").all()
        fleet.old.down = False
    source = NEW if mode in {Mode.REVERSE, Mode.RESEED} else OLD
    for number in (1, 2):
        fleet.servers[source].databases[SALES].commit("dbo.orders")
        fleet.back_up(number, by=source)
    fleet.servers[source].databases[SALES].commit("dbo.orders")
    if mode is Mode.DISASTER:
        fleet.old.down = True


def end_of(fleet: Fleet) -> dict[str, Any]:
    """What counts: states, rows, who is primary, where clients go, nothing restored twice."""
    sides = {}
    for name, server in fleet.servers.items():
        found = server.databases[SALES]
        sides[name] = (found.state, found.access, found.rows(), sorted(server.databases))
        assert len(server.restored) == len(set(server.restored))
    record = find_primary(fleet.store, SALES)
    return {
        "sides": sides,
        "ssm": fleet.ssm.values,
        "primary": record and (record.primary, record.is_complete, record.with_tail),
    }


def run_once(root: Path, mode: Mode, *, kill: Kill) -> dict[str, Any]:
    """Run all tasks; a task whose worker is killed is tried again by an immortal one."""
    root.mkdir()
    with model_fleet(root) as fleet:
        prepared(fleet, mode)
        run = fleet.run(mode, run_id="the run")
        run.opened = lambda server: Mortal(server, kill)
        with mortal_lake(kill):
            for task in run.tasks:
                while True:
                    try:
                        task()
                    except KilledError:
                        kill.dead = False
                        continue
                    break
        return end_of(fleet)


@pytest.fixture(scope="module", autouse=True)
def page_compiled_once() -> Iterator[None]:
    """The report's template is compiled once, not for each of some hundred runs."""
    from jinja2 import Environment

    compile_page, compiled = Environment.compile, dict[str, Any]()

    def compile_once(environment: Any, source: str, name: str, filename: str) -> Any:
        if source not in compiled:
            compiled[source] = compile_page(environment, source, name, filename)
        return compiled[source]

    with patch.object(Environment, "compile", compile_once):
        yield


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("answer_lost", [False, True], ids=["not sent", "answer lost"])
def test_a_run_killed_at_each_of_its_changes_ends_the_same(tmp_path: Path, mode: Mode, answer_lost: bool) -> None:
    nobody = Kill(0, answer_lost=False)
    wanted = run_once(tmp_path / "undisturbed", mode, kill=nobody)
    assert nobody.calls > 10
    for at in range(1, nobody.calls + 1):
        kill = Kill(at, answer_lost=answer_lost)
        assert run_once(tmp_path / f"kill{at}", mode, kill=kill) == wanted, f"killed at {at} of {nobody.calls}"
        assert kill.calls >= at, "the kill never struck"
