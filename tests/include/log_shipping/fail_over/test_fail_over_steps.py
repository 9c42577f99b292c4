"""A step runs for all databases; one that fails is told and does not hide the others."""

import pytest

from include.log_shipping.fail_over.drill import beside, disturbed
from include.log_shipping.fail_over.fencing import Fence
from include.log_shipping.fail_over.giving_back import fence_is_to_be_undone
from include.log_shipping.fail_over.plans import FailOverPlan, Mode, Move, load_plan
from include.log_shipping.fail_over.steps import (
    FailOver,
    RunRefusedError,
    StepError,
    Stopwatch,
    find_step,
    moves_after,
    require,
    run_step,
)
from include.log_shipping.fail_over.verification import differences, told_surplus
from include.log_shipping.outcomes import Status
from tests.include.log_shipping.fail_over.fail_over_run import run_of


def fail_for(*names: str):  # type: ignore[no-untyped-def]
    def act(move: Move) -> tuple[str, dict[str, str]]:
        if move.database in names:
            raise StepError(f"{move.database} is broken.")
        return "done.", {"file": "x"}

    return act


def step(work: FailOver, name: str, *failing: str):  # type: ignore[no-untyped-def]
    return run_step(work, name, moves=work.plan.moves, act=fail_for(*failing))


def test_outcomes_are_kept_with_reason_and_evidence() -> None:
    with run_of("A", "B") as work:
        step(work, "fence", "B")
        report = find_step(work, "fence")
        assert report
        assert report.done == ["A"]
        assert report.outcomes["A"].evidence == {"file": "x"}
        assert (report.outcomes["B"].status, report.outcomes["B"].reason) == (Status.FAILED, "B is broken.")


def test_only_who_got_through_every_step_goes_on() -> None:
    with run_of("A", "B", "C") as work:
        step(work, "one", "B")
        step(work, "two", "C")
        assert [move.database for move in moves_after(work, "one", "two")] == ["A"]
        assert moves_after(work, "one", "never ran") == []


def test_a_planned_move_stops_for_one_and_a_disaster_for_all() -> None:
    with run_of("A", "B") as work:
        some, all_ = step(work, "one", "B"), step(work, "two", "A", "B")
        assert require(some, all_of_them=False) is some
        for report, strict in ((some, True), (all_, False)):
            with pytest.raises(StepError, match=r"\[B\] B is broken\."):
                require(report, all_of_them=strict)


def test_a_fault_of_the_step_itself_is_no_outcome() -> None:
    def act(move: Move) -> tuple[str, dict[str, str]]:
        raise KeyError(move.database)

    with run_of("A") as work, pytest.raises(KeyError):
        run_step(work, "one", moves=work.plan.moves, act=act)


def test_a_second_try_keeps_the_times_of_the_first() -> None:
    with run_of("A") as work:
        step(work, "one", "A")
        assert len(step(work, "one").tries) == 2


def test_a_plan_survives_being_kept() -> None:
    with run_of("A", "B", mode=Mode.DISASTER) as work:
        assert load_plan(work.workplace.records) == work.plan
        assert FailOverPlan.from_dict(work.plan.to_dict()) == work.plan


def test_waiting_of_several_threads_at_once_counts_once() -> None:
    watch = Stopwatch()
    with watch, watch:
        pass
    once = watch.seconds
    assert 0 <= once < 1
    with watch:
        pass
    assert watch.seconds >= once


def test_a_refused_run_is_not_tried_again() -> None:
    assert RunRefusedError.is_final


@pytest.mark.parametrize(
    ("rows", "beat", "told"),
    [
        ({"dbo.a": 3, "dbo.b": 1}, 7, []),
        ({"dbo.a": 2, "dbo.b": 1}, 7, ["dbo.a had 3 rows, has 2"]),
        ({"dbo.a": 3}, 7, ["dbo.b had 1 rows, has no table"]),
        ({"dbo.a": 9, "dbo.b": 1, "dbo.c": 2}, 8, []),  # written between the count and the tail
        ({"dbo.a": 3, "dbo.b": 1}, 6, ["the canary's last beat was 7, is 6"]),
    ],
)
def test_all_that_is_missing_since_the_fence_is_named(rows: dict[str, int], beat: int, told: list[str]) -> None:
    assert differences(Fence(rows={"dbo.a": 3, "dbo.b": 1}, beat=7), rows=rows, beat=beat) == told
    assert differences(None, rows=rows, beat=beat) == []


def test_a_fence_without_a_plan_to_undo_stays() -> None:
    for mode in (Mode.DRILL, Mode.DISASTER, Mode.PLANNED):
        with run_of("A", mode=mode) as work:
            assert not fence_is_to_be_undone(work, work.plan.moves[0])


@pytest.mark.parametrize(
    ("path", "placed"),
    [
        ("D:\\Data\\Sales.mdf", "D:\\Data\\Sales_drill_202603011200_Sales.mdf"),
        ("/var/opt/mssql/Sales_log.ldf", "/var/opt/mssql/Sales_drill_202603011200_Sales.ldf"),
        ("/data/odd", "/data/Sales_drill_202603011200_Sales.dat"),
    ],
)
def test_a_copy_lies_beside_the_database_and_never_on_it(path: str, placed: str) -> None:
    assert beside(path, copy="Sales_drill_202603011200", logical_name="Sales") == placed


def test_a_drill_notices_whatever_shipping_does_not_explain() -> None:
    before = {"state": "RESTORING", "user_access": "MULTI_USER", "redo_lsn": "10", "recovery_fork": None}
    assert disturbed(before, before | {"redo_lsn": "12"}) == ""
    assert disturbed(before, before | {"redo_lsn": "9"}) == "redo_lsn was 10, is 9"
    assert disturbed(before, before | {"state": "ONLINE", "redo_lsn": None}) == (
        "state was RESTORING, is ONLINE; redo_lsn was 10, is None"
    )
    assert disturbed(before, {}) != ""


def test_rows_written_between_the_count_and_the_tail_are_told_and_no_fault() -> None:
    assert told_surplus({"dbo.a": 3}, {"dbo.a": 3}) == "as counted on the old side"
    assert told_surplus({"dbo.a": 3}, {"dbo.a": 4}).startswith("1 more than counted on the old side")
