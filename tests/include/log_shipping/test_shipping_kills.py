"""A worker killed at any statement or any write to the object store, and run again: the same end, nothing twice."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.log_shipping.configuration import RestoreMode
from include.log_shipping.fleet import Workplace
from include.log_shipping.outcomes import Status
from include.log_shipping.seeding import seed_database
from include.log_shipping.shipping import back_up_and_copy
from include.log_shipping.shipping_restores import restore_logs
from tests.include.log_shipping.model_servers import NEW, OLD, World, model_world


class KilledError(BaseException):
    """The end of a worker, which no handler sees."""


class Reaper:
    """Kills at call number `at`, before it is made or after its answer; once dead, nothing goes through."""

    def __init__(self, at: int, *, answered: bool) -> None:
        self.at, self.answered, self.calls, self.dead = at, answered, 0, False

    def guard(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if self.dead:
                raise KilledError
            self.calls += 1
            if self.calls == self.at and not self.answered:
                self.dead = True
                raise KilledError
            answer = call(*arguments, **named)
            if self.calls == self.at:
                self.dead = True
                raise KilledError
            return answer

        return guarded

    def haunt(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        for server in world.servers.values():
            monkeypatch.setattr(server, "run", self.guard(server.run))
        for name in ("put_json", "put_if_absent", "put_if_unchanged"):
            monkeypatch.setattr(world.store, name, self.guard(getattr(world.store, name)))


def end_state(world: World) -> tuple[Any, ...]:
    new, old = world.new.databases["Sales"], world.old.databases["Sales"]
    return new.redo == old.lsn, new.standby, new.beats == old.beats


def work_until_killed(work: Callable[[], object], world: World, *, at: int, answered: bool) -> bool:
    """Run it with a reaper; True when the reaper struck."""
    with pytest.MonkeyPatch.context() as patch:
        reaper = Reaper(at, answered=answered)
        reaper.haunt(world, patch)
        try:
            work()
        except KilledError:
            return True
        return reaper.dead


def sweep(tmp_path: Path, *, prepare: Callable[[World], None], work: Callable[[Workplace], Any], answered: bool) -> int:
    """Kill at call 1, 2, 3 ... each in a world of its own, run again, and compare the end; returns how many calls."""
    for at in range(1, 400):
        with model_world(tmp_path / f"{at}", restore_mode=RestoreMode.STANDBY, evict_readers=True) as world:
            prepare(world)
            struck = work_until_killed(lambda: work(world.workplace("run")), world, at=at, answered=answered)
            if not struck:
                return at
            outcome = work(world.workplace("run"))
            assert outcome.status is Status.DONE, (at, outcome.reason)
            assert end_state(world) == (True, True, True), at
            restored = Counter(row["path"] for row in world.new.restores)
            assert max(restored.values()) == 1, (at, restored)
            assert not list((tmp_path / f"{at}" / NEW / "copies" / "Sales").glob("*.part"))
    raise AssertionError("it never ended")


def seeded(world: World) -> None:
    assert seed_database(world.workplace("seed", "log_shipping_configure"), "Sales").status is Status.DONE
    world.old.commit("Sales")


def ship(place: Workplace) -> Any:
    taken = back_up_and_copy(place, "Sales")
    assert taken.status is Status.DONE, taken.reason
    return restore_logs(place, "Sales", pause=lambda _: None)


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_ship_run_killed_at_any_call_ends_the_same(tmp_path: Path, answered: bool) -> None:
    assert sweep(tmp_path, prepare=seeded, work=ship, answered=answered) > 25


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_configure_run_killed_at_any_call_ends_the_same(tmp_path: Path, answered: bool) -> None:
    calls = sweep(tmp_path, prepare=lambda _: None, work=lambda place: seed_database(place, "Sales"), answered=answered)
    assert calls > 35


def test_a_copy_killed_half_way_is_copied_whole_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with model_world(tmp_path) as world:
        seeded(world)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", Reaper(1, answered=False).guard(Path.replace))
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            with pytest.raises(KilledError):
                ship(world.workplace("run"))
        assert len(list((tmp_path / NEW / "copies" / "Sales").glob("*.part"))) == 1
        assert ship(world.workplace("run")).status is Status.DONE
        logs = [
            sorted(path.name for path in world.files(name, kind) if path.suffix == ".trn")
            for name, kind in ((OLD, "backups"), (NEW, "copies"))
        ]
        assert logs[0] == logs[1]
        assert not list((tmp_path / NEW / "copies" / "Sales").glob("*.part"))
