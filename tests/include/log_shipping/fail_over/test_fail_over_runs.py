"""Whole runs against the model: where the database writes afterwards, what survived, what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.leases import lease_of
from include.log_shipping import tsql
from include.log_shipping.fail_over.approvals import find_losses
from include.log_shipping.fail_over.fencing import find_fence
from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.fail_over.steps import RunRefusedError, StepError
from include.log_shipping.primaries import find_primary
from tests.include.log_shipping.fail_over.fail_over_run import NEW, OLD
from tests.include.log_shipping.fail_over.model_fleet import SALES, Fleet, model_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with model_fleet(tmp_path) as found:
        yield found


def require_primary(fleet: Fleet, primary: str, former: str | None) -> None:
    """One side writes for everybody, the other takes logs, clients are led right, and the lease is free."""
    there = fleet.servers[primary].databases[SALES]
    assert (there.state, there.access, there.standby) == ("ONLINE", "MULTI_USER", False)
    if former:
        assert fleet.servers[former].databases[SALES].takes_logs
    record, lease = find_primary(fleet.store, SALES), lease_of(fleet.store, SALES)
    assert record
    assert (record.primary, record.fork, record.is_complete) == (primary, there.fork, True)
    assert lease
    assert lease.released


def test_a_planned_move_loses_nothing_and_leaves_the_old_side_restoring(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(1)
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.old.sessions[SALES] = [55, 56]
    run = fleet.run(Mode.PLANNED)
    told = run.all()
    require_primary(fleet, NEW, OLD)
    assert fleet.new.databases[SALES].rows() == {"dbo.orders": 5}
    assert fleet.ssm.values == {"/db/sales": "new.example"}
    assert (told["verdict"], told["complaint"]) == ("moved", None)
    fence = find_fence(run.work, SALES)
    assert fence
    assert [line.split()[0] for line in fence.sessions] == ["55", "56"]
    assert fence.rows == {"dbo.orders": 5}
    assert (fleet.root / OLD / "backups" / SALES / fence.rollback).is_file()
    assert len(fleet.new.restored) == len(set(fleet.new.restored)) == 2


def test_a_disaster_without_the_primary_loses_what_was_stated(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(1)
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.old.down = True
    run = fleet.run(Mode.DISASTER)
    assert run.all()["verdict"] == "moved"
    require_primary(fleet, NEW, None)
    (loss,) = find_losses(run.place.records)
    assert not loss.with_tail
    assert loss.restored_lsn == 1040
    assert [lsn for lsn, _ in fleet.new.databases[SALES].log] == [1010, 1020, 1030, 1040]


def test_a_disaster_whose_primary_still_answers_loses_nothing(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    run = fleet.run(Mode.DISASTER)
    run.all()
    require_primary(fleet, NEW, OLD)
    assert find_losses(run.place.records)[0].with_tail
    assert fleet.new.databases[SALES].rows() == {"dbo.orders": 4}


def test_a_lost_share_is_told_and_what_was_copied_is_restored(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    path = fleet.back_up(1)
    (fleet.root / NEW / "copies" / SALES / path.name).write_bytes(path.read_bytes())
    (fleet.root / OLD).rename(fleet.root / "gone")
    fleet.old.down = True
    run = fleet.run(Mode.DISASTER)
    run.all()
    assert fleet.new.restored == [path.name]
    assert (
        "is not there: what was not copied before is lost with it" in find_losses(run.place.records)[0].not_restored[0]
    )


def test_a_missing_log_is_a_stated_loss_and_not_a_broken_proof(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(1).unlink()
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(2)
    fleet.old.down = True
    run = fleet.run(Mode.DISASTER)
    run.all()
    (loss,) = find_losses(run.place.records)
    assert loss.restored_lsn == 1030
    assert "is in no file" in loss.not_restored[0]


def test_a_planned_move_with_a_gap_never_recovers_and_gives_the_primary_back(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(1).unlink()
    run = fleet.run(Mode.PLANNED)
    run.ready()
    run.fence()
    with pytest.raises(StepError, match="is not restored on EC2SQL02"):
        run.restore()
    run.end()
    assert fleet.old.databases[SALES].state == "ONLINE"
    assert fleet.old.databases[SALES].access == "MULTI_USER"
    assert fleet.new.databases[SALES].takes_logs


def test_a_rejection_gives_the_primary_back_and_shipping_goes_on_without_a_reseed(fleet: Fleet) -> None:
    run = fleet.run(Mode.PLANNED)
    for task in (run.ready, run.fence, run.restore, run.prove, run.assess):
        task()
    run.answer(approved=False)
    with pytest.raises(RunRefusedError, match="Nobody has approved"):
        run.recover()
    run.end()
    assert fleet.old.databases[SALES].state == "ONLINE"
    assert find_primary(fleet.store, SALES) is None
    assert run.report()["verdict"] == "rejected"

    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(7)
    again = fleet.run(Mode.PLANNED)
    again.all()
    require_primary(fleet, NEW, OLD)
    assert fleet.new.databases[SALES].rows() == {"dbo.orders": 4}


def test_a_move_right_after_a_rejected_one_has_an_empty_tail_and_goes_through(fleet: Fleet) -> None:
    run = fleet.run(Mode.PLANNED)
    for task in (run.ready, run.fence, run.restore, run.prove, run.assess):
        task()
    run.answer(approved=False)
    run.end()
    fleet.run(Mode.PLANNED).all()
    require_primary(fleet, NEW, OLD)
    assert fleet.new.databases[SALES].rows() == {"dbo.orders": 3}


def test_an_approved_move_is_not_given_back_but_finished(fleet: Fleet) -> None:
    run = fleet.run(Mode.PLANNED)
    for task in (run.ready, run.fence, run.restore, run.prove, run.assess, run.answer):
        task()
    run.end()
    assert fleet.old.databases[SALES].takes_logs
    lease = lease_of(fleet.store, SALES)
    assert lease
    assert not lease.released, "shipping must not touch what waits to be recovered"
    for task in (run.recover, run.verify, run.redirect, run.check, run.end):
        task()
    require_primary(fleet, NEW, OLD)


def test_a_primary_that_returns_before_the_recovery_voids_the_approval(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.old.down = True
    run = fleet.run(Mode.DISASTER)
    for task in (run.ready, run.fence, run.restore, run.prove, run.assess, run.answer):
        task()
    fleet.old.down = False
    with pytest.raises(StepError, match=r"the old primary was out of reach, is ONLINE\. Clear fence_primary"):
        run.recover()
    assert fleet.new.databases[SALES].takes_logs
    for task in (run.fence, run.restore, run.prove, run.assess):
        task()
    with pytest.raises(RunRefusedError, match="stated anew since the approval"):
        run.recover()
    for task in (run.answer, run.recover, run.verify, run.redirect, run.check, run.end):
        task()
    require_primary(fleet, NEW, OLD)
    assert fleet.new.databases[SALES].rows() == {"dbo.orders": 4}


def test_somebody_elses_recovery_is_not_taken_for_ours(fleet: Fleet) -> None:
    run = fleet.run(Mode.PLANNED)
    for task in (run.ready, run.fence, run.restore, run.prove, run.assess, run.answer):
        task()
    fleet.new.run(tsql.recover(SALES), doing="by hand")
    with pytest.raises(StepError, match="this run did not recover it"):
        run.recover()


def test_a_second_run_is_told_who_is_at_work(fleet: Fleet) -> None:
    first, second = fleet.run(Mode.PLANNED), fleet.run(Mode.PLANNED)
    first.ready()
    with pytest.raises(RunRefusedError, match=r"Sales is held by log_shipping_fail_over/manual__1 \(planned move\)"):
        second.ready()


def test_a_drill_measures_and_leaves_no_trace(fleet: Fleet) -> None:
    fleet.old.databases[SALES].commit("dbo.orders")
    path = fleet.back_up(1)
    (fleet.root / NEW / "copies" / SALES / path.name).write_bytes(path.read_bytes())
    before = vars(fleet.new.databases[SALES]).copy()
    run = fleet.run(Mode.DRILL)
    told = run.all()
    assert (told["verdict"], told["complaint"]) == ("rehearsed", None)
    assert list(fleet.new.databases) == [SALES]
    assert vars(fleet.new.databases[SALES]) == before
    assert fleet.old.databases[SALES].state == "ONLINE"
    assert lease_of(fleet.store, SALES) is None
    assert find_primary(fleet.store, SALES) is None


def test_a_drill_that_fails_halfway_still_drops_its_copy(fleet: Fleet) -> None:
    run = fleet.run(Mode.DRILL)
    run.ready()
    run.restore_copies()
    assert len(fleet.new.databases) == 2
    run.end()
    assert list(fleet.new.databases) == [SALES]


def test_a_drill_without_a_provable_chain_takes_a_copy_only_backup(fleet: Fleet) -> None:
    for path in (fleet.root / NEW / "copies" / SALES).iterdir():
        path.unlink()
    run = fleet.run(Mode.DRILL)
    assert run.all()["verdict"] == "rehearsed"
    fleet.old.down = True
    for path in (fleet.root / NEW / "copies" / SALES).iterdir():
        path.unlink()
    later = fleet.run(Mode.DRILL)
    later.ready()
    with pytest.raises(StepError, match=r"Sales cannot be restored from files .* SQLFCI01 cannot be reached"):
        later.restore_copies()


def failed_over(fleet: Fleet, mode: Mode = Mode.PLANNED) -> None:
    fleet.run(mode).all()
    fleet.new.databases[SALES].commit("dbo.orders")
    fleet.back_up(1, by=NEW)
    fleet.new.databases[SALES].commit("dbo.orders")


def test_a_drill_after_a_failover_and_back_has_what_was_written_meanwhile(fleet: Fleet) -> None:
    failed_over(fleet)
    fleet.run(Mode.REVERSE).all()
    run = fleet.run(Mode.DRILL)
    run.ready()
    run.restore_copies()
    (copy,) = (name for name in fleet.new.databases if name != SALES)
    assert fleet.new.databases[copy].rows() == fleet.old.databases[SALES].rows() == {"dbo.orders": 5}


def test_reverse_brings_everything_back_and_shipping_runs_as_before(fleet: Fleet) -> None:
    failed_over(fleet)
    run = fleet.run(Mode.REVERSE)
    assert run.all()["verdict"] == "moved"
    require_primary(fleet, OLD, NEW)
    assert fleet.old.databases[SALES].rows() == {"dbo.orders": 5}
    assert fleet.ssm.values == {"/db/sales": "old.example"}
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.back_up(9)
    fleet.run(Mode.PLANNED).all()
    require_primary(fleet, NEW, OLD)
    assert fleet.new.databases[SALES].rows() == {"dbo.orders": 6}


def test_an_old_primary_that_went_on_is_refused_with_the_facts_and_reseeded(fleet: Fleet) -> None:
    fleet.old.down = True
    failed_over(fleet, Mode.DISASTER)
    fleet.old.down = False
    fleet.old.databases[SALES].commit("dbo.orders")
    fleet.old.databases[SALES].commit("dbo.stray")
    with pytest.raises(RunRefusedError, match=r"went on by itself since LSN 1030; run log_shipping_fail_back with"):
        fleet.run(Mode.REVERSE).ready()
    run = fleet.run(Mode.RESEED)
    run.ready()
    with pytest.raises(RunRefusedError, match="Nobody approved the overwriting"):
        run.reseed()
    assert fleet.old.databases[SALES].state == "ONLINE"
    run.all()
    require_primary(fleet, OLD, NEW)
    assert fleet.old.databases[SALES].rows() == {"dbo.orders": 5}
    salvaged = list((fleet.root / OLD / "backups" / SALES).glob("salvage-*.trn"))
    assert len(salvaged) == 1
    assert "dbo.stray" in salvaged[0].read_text()


def test_a_diverged_tail_is_seen_by_its_lsn_before_anything_is_restored(fleet: Fleet) -> None:
    fleet.old.down = True
    failed_over(fleet, Mode.DISASTER)
    fleet.old.down = False
    fleet.old.databases[SALES].commit("dbo.stray")
    late = fleet.root / OLD / "backups" / "late.trn"
    fleet.old.run(tsql.back_up_log(database=SALES, path=str(late), no_recovery=True), doing="by hand")
    restored = list(fleet.old.restored)
    with pytest.raises(RunRefusedError, match=r"stands at LSN 1040 on SQLFCI01, but the sides parted at LSN 1030"):
        fleet.run(Mode.REVERSE).ready()
    assert fleet.old.restored == restored
