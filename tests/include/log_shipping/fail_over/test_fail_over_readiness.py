"""Who may move, from where to where."""

from datetime import timedelta

import pytest

from include import leases
from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.fail_over.readiness import LEASE_PATIENCE, copy_name, hold, refusal
from include.log_shipping.fail_over.steps import RunRefusedError
from include.log_shipping.fleet import Workplace
from include.log_shipping.roles import Seen, Unreachable, decide_roles
from tests.include.log_shipping.fail_over.fail_over_run import AT, FORK, NEW, OLD, run_of, state_of

WRITES = state_of("Sales")
TAKES = state_of("Sales", "RESTORING", redo_lsn=5, redo_fork=FORK)
STANDBY = state_of("Sales", is_in_standby=True, redo_lsn=5, redo_fork=FORK)
LOST = Unreachable("no answer")
BROKEN = state_of("Sales", "SUSPECT")


def judged(mode: Mode, old: Seen, new: Seen) -> str | None:
    seen = {OLD: old, NEW: new}
    return refusal(mode, decide_roles("Sales", primary=OLD, secondary=NEW, seen=seen), seen=seen)


@pytest.mark.parametrize("new", [TAKES, STANDBY])
@pytest.mark.parametrize("mode", [Mode.DRILL, Mode.PLANNED, Mode.DISASTER])
def test_a_shipped_database_may_move_in_every_mode(mode: Mode, new: Seen) -> None:
    assert judged(mode, WRITES, new) is None


@pytest.mark.parametrize("old", [LOST, BROKEN, None])
def test_only_a_disaster_or_a_drill_goes_on_without_a_usable_primary(old: Seen) -> None:
    assert judged(Mode.DISASTER, old, TAKES) is None
    assert judged(Mode.DRILL, old, TAKES) is None
    assert "mode disaster" in str(judged(Mode.PLANNED, old, TAKES))


@pytest.mark.parametrize("new", [LOST, None, BROKEN])
@pytest.mark.parametrize("mode", [Mode.DRILL, Mode.PLANNED, Mode.DISASTER])
def test_nothing_moves_to_a_side_that_takes_no_logs(mode: Mode, new: Seen) -> None:
    assert judged(mode, WRITES, new)


@pytest.mark.parametrize("mode", [Mode.DRILL, Mode.PLANNED, Mode.DISASTER])
def test_two_writers_are_for_a_person(mode: Mode) -> None:
    assert "a person decides" in str(judged(mode, WRITES, WRITES))


def test_a_database_that_was_fenced_by_an_earlier_run_goes_on() -> None:
    assert judged(Mode.PLANNED, TAKES, TAKES) is None


def test_a_planned_move_back_is_another_dag_but_a_disaster_may_strike_the_second_site_too() -> None:
    assert "log_shipping_fail_back" in str(judged(Mode.PLANNED, TAKES, WRITES))
    assert judged(Mode.DISASTER, TAKES, LOST) is None


def test_a_copy_is_named_for_its_database_and_minute_and_fits_an_identifier() -> None:
    assert copy_name("Sales", at=AT) == "Sales_drill_202603011200"
    assert len(copy_name("x" * 128, at=AT)) == 128


def test_a_run_waits_for_a_shipping_step_and_not_for_longer() -> None:
    now = [AT]

    def pause(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds)
        if now[0] >= AT + timedelta(seconds=5):
            leases.release(place.store, "HR", owner="log_shipping_ship/a")

    with run_of("HR", "Sales") as work:
        place = Workplace(
            configuration=work.workplace.configuration,
            records=work.workplace.records,
            open_server=work.workplace.open_server,
            clock=lambda: now[0],
        )
        leases.take(place.store, "HR", owner="log_shipping_ship/a", purpose="shipping", at=AT)
        hold(place, ["HR"], purpose="planned move", pause=pause)
        assert now[0] == AT + timedelta(seconds=5)

        leases.take(place.store, "Sales", owner="log_shipping_fail_back/b", purpose="reverse move", at=now[0])
        with pytest.raises(RunRefusedError, match=r"Sales is held by log_shipping_fail_back/b \(reverse move\)"):
            hold(place, ["HR", "Sales"], purpose="planned move", pause=pause)
        assert now[0] >= AT + LEASE_PATIENCE
        found = leases.lease_of(place.store, "HR")
        assert found
        assert found.released
