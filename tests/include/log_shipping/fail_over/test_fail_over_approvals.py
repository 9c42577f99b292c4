"""Recovery goes on only by the answer of the right person to the right question."""

from typing import Any

import pytest

from include.log_shipping.fail_over.approvals import changed_facts, record_answer, require_approval, write_losses
from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.fail_over.steps import FailOver, RunRefusedError
from tests.include.log_shipping.fail_over.fail_over_run import loss_of, run_of


def answer(*, approved: bool = True, by: str | None = "admin") -> dict[str, Any]:
    return {"approved": approved, "by": by, "at": "2026-03-01T12:01:00+00:00", "asked_by": "oncall"}


def stated(work: FailOver, **changes: Any) -> None:
    write_losses(work, [loss_of("Sales", **changes)])


@pytest.mark.parametrize("mode", [Mode.PLANNED, Mode.DISASTER, Mode.REVERSE, Mode.RESEED])
def test_nothing_recovers_without_an_answer_or_after_a_rejection(mode: Mode) -> None:
    with run_of("Sales", mode=mode) as work:
        stated(work)
        with pytest.raises(RunRefusedError, match="Nobody has approved"):
            require_approval(work)
        record_answer(work.workplace.records, answer(approved=False))
        with pytest.raises(RunRefusedError, match="Nobody has approved"):
            require_approval(work)


def test_a_drill_asks_nobody() -> None:
    with run_of("Sales", mode=Mode.DRILL) as work:
        assert require_approval(work) == {"by": None}


def test_an_approval_of_other_losses_is_void() -> None:
    with run_of("Sales") as work:
        stated(work)
        record_answer(work.workplace.records, answer())
        assert require_approval(work)["by"] == "admin"
        stated(work, restored_lsn=5)
        with pytest.raises(RunRefusedError, match="stated anew since the approval"):
            require_approval(work)


@pytest.mark.parametrize("by", ["oncall", None])
def test_who_asked_for_a_disaster_cannot_accept_its_loss_alone(by: str | None) -> None:
    with run_of("Sales", mode=Mode.DISASTER) as work:
        stated(work)
        record_answer(work.workplace.records, answer(by=by))
        with pytest.raises(RunRefusedError, match="cannot accept a loss alone"):
            require_approval(work)
    with run_of("Sales", mode=Mode.PLANNED) as work:
        stated(work)
        record_answer(work.workplace.records, answer(by="oncall"))
        assert require_approval(work)["by"] == "oncall"


def test_every_answer_is_kept() -> None:
    with run_of("Sales") as work:
        stated(work)
        records = work.workplace.records
        record_answer(records, answer(approved=False))
        record_answer(records, answer() | {"at": "2026-03-01T12:05:00+00:00"})
        kept = list(records.store.list_keys("runs", "log_shipping_fail_over"))
        assert len([key for key in kept if "/answers/" in key]) == 2


def test_a_primary_that_came_back_is_told() -> None:
    before = loss_of("Sales")
    assert changed_facts(before, before) == []
    assert changed_facts(before, loss_of("Sales", source_seen="ONLINE")) == [
        "the old primary was out of reach, is ONLINE"
    ]
