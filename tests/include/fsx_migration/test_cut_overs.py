"""Clients are led over by a person's yes to what is there, never twice, never half, and back when they cannot work."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from include.fsx_migration.client_name.names import NameContestedError, NameRefusedError
from include.fsx_migration.client_name.switching import moves, require_clients_on_source
from include.fsx_migration.cut_over import cut_overs, freezing
from include.fsx_migration.cut_over.cut_over_report import build_report, render, write_report
from include.fsx_migration.cut_over.cut_overs import (
    LABEL,
    CutOverRun,
    NotApprovedError,
    find_outcome,
    keep_probe,
    record_answer,
    require_approval,
    state_evidence,
    switch_back,
    switch_over,
)
from include.fsx_migration.cut_over.freezing import NotFrozenError, ThawedError, check_frozen
from include.fsx_migration.cut_over.probing import PROBE, Probe, probe_target
from include.fsx_migration.cut_over.roll_backs import list_written_since
from include.fsx_migration.reconciliation.reconciliations import reconcile_migration
from include.fsx_migration.refusals import RefusedError
from tests.include.fsx_migration.moved_share import CUT_OVER, NEW, OLD, PARAMETER, KilledError, MovedShare

if TYPE_CHECKING:
    from pathlib import Path

YES = {"approved": True, "by": "oncall", "asked_by": "analyst", "at": "2026-03-01T12:00:00+00:00"}
NO = YES | {"approved": False}
BACK = "fsx_migration_roll_back/manual__3"


def proven(home: Path) -> tuple[MovedShare, CutOverRun]:
    """A share that is moved, frozen and reconciled; somebody is asked."""
    share = MovedShare(home).moved()
    work = CutOverRun(share.place, CUT_OVER)
    check_frozen(share.place)
    reconcile_migration(share.place, label=LABEL, frozen=True)
    state_evidence(work)
    return share, work


def led_over(home: Path) -> tuple[MovedShare, CutOverRun]:
    """The same, behind the switch and the probe."""
    share, work = proven(home)
    record_answer(work, YES)
    switch_over(work)
    keep_probe(work, probe_target(share.place, label=LABEL, token=CUT_OVER))
    return share, work


def test_an_approved_cut_over_leads_clients_over_and_signs_off(tmp_path: Path) -> None:
    share, work = led_over(tmp_path)
    assert (share.says(), find_outcome(share.place)["state"], share.ssm.writes) == (NEW, "done", 1)
    assert [(move.before, move.to, move.why) for move in moves(share.place)] == [(OLD, NEW, "cut-over")]
    report = write_report(work, states={"probe_target": "success"})
    assert (report["verdict"], report["complaint"], report["downtime_seconds"]) == ("done", None, 0.0)


def test_the_evidence_names_what_is_known_and_what_will_change(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    hostile = share.target / "`<b>\n# x`"
    hostile.write_text("x")
    check_frozen(share.place)
    reconcile_migration(share.place, label=LABEL, frozen=True)
    later = replace(share.place, now=lambda: share.place.now() + timedelta(minutes=90))
    asked = state_evidence(CutOverRun(later, CUT_OVER))
    assert NEW in asked["subject"]
    body = asked["body"]
    for told in ("17 rows are the same", "1 extra", "90 minutes ago", f"says {OLD} and will say {NEW}", "12 files"):
        assert told in body, told
    assert "\n# x" not in body
    assert body.count("`") % 2 == 0


def test_nothing_is_switched_without_an_approval_of_the_present_evidence(tmp_path: Path) -> None:
    share, work = proven(tmp_path)
    with pytest.raises(NotApprovedError, match="Nobody has approved"):
        switch_over(work)
    record_answer(work, NO)
    with pytest.raises(NotApprovedError, match="Nobody has approved"):
        switch_over(work)
    record_answer(work, YES)
    (share.target / "d0/00.bin").chmod(0o600)
    reconcile_migration(share.place, label=LABEL, frozen=True)
    state_evidence(work)
    with pytest.raises(NotApprovedError, match="stated anew"):
        switch_over(work)
    assert (share.says(), moves(share.place), find_outcome(share.place)) == (OLD, (), {})


@pytest.mark.parametrize("names", [{"by": "analyst"}, {"by": None}, {"asked_by": None}])
def test_an_approval_by_the_same_pair_of_eyes_switches_nothing(tmp_path: Path, names: dict[str, str | None]) -> None:
    share = MovedShare(tmp_path)
    work = CutOverRun(share.place, CUT_OVER)
    work.keep("evidence.json", {"digest": "d"})
    record_answer(work, YES | names)
    require_approval(work)
    with pytest.raises(NotApprovedError, match="may not approve this alone"):
        switch_over(work)


def test_a_source_that_changed_while_a_person_thought_is_not_left_behind(tmp_path: Path) -> None:
    share, work = proven(tmp_path)
    record_answer(work, YES)
    (share.source / "d1/late.bin").write_text("written during the approval")
    with pytest.raises(ThawedError, match=r"d1/late\.bin"):
        switch_over(work)
    assert (share.says(), find_outcome(share.place)) == (OLD, {})


def test_a_name_that_says_something_else_is_left_alone(tmp_path: Path) -> None:
    share, work = proven(tmp_path)
    record_answer(work, YES)
    share.ssm.values[PARAMETER] = ("nas99.example", 7)
    with pytest.raises(NameContestedError, match=r"says nas99\.example, which is none of"):
        switch_over(work)
    assert (share.says(), share.ssm.writes, moves(share.place), find_outcome(share.place)) == (
        "nas99.example",
        0,
        (),
        {},
    )


def test_somebody_who_writes_the_parameter_at_the_same_moment_is_noticed(tmp_path: Path) -> None:
    share, work = proven(tmp_path)
    record_answer(work, YES)
    share.ssm.writers.append(lambda: share.ssm.values.update({PARAMETER: ("nas99.example", 2)}))
    with pytest.raises(NameContestedError, match="at the same moment"):
        switch_over(work)
    assert moves(share.place)[0].done is None


@pytest.mark.parametrize(("kind", "told"), [("SecureString", "is no secret"), (None, "There is no parameter")])
def test_a_name_that_cannot_be_switched_is_refused(tmp_path: Path, kind: str | None, told: str) -> None:
    share, work = proven(tmp_path)
    record_answer(work, YES)
    if kind is None:
        share.ssm.values.clear()
    else:
        share.ssm.kind = kind
    with pytest.raises(NameRefusedError, match=told):
        switch_over(work)


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_worker_killed_at_any_write_leaves_no_switch_without_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    share, work = proven(tmp_path)
    monkeypatch.setattr(cut_overs, "require_still_frozen", lambda *_arguments, **_named: None)  # it only reads
    share.guard()
    kept = dict(share.lake.objects)

    def walk() -> None:
        record_answer(work, YES)
        switch_over(work)
        keep_probe(work, Probe(read=1, faults=()))
        write_report(work, states={})

    for at in range(1, 50):
        share.lake.objects.clear()
        share.lake.objects.update(kept)
        share.ssm.values[PARAMETER], share.ssm.writes = (OLD, 1), 0
        share.aws.kill(at=at, answered=answered)
        with suppress(KilledError):
            walk()
        was_killed = share.aws.revive()
        if share.says() == NEW:
            assert moves(share.place), "clients were led over and nobody wrote it down"
            assert find_outcome(share.place)["state"] in ("switching", "done")
        walk()
        assert (share.says(), share.ssm.writes, len(moves(share.place))) == (NEW, 1, 1)
        assert moves(share.place)[0].before == OLD
        assert moves(share.place)[0].done
        assert find_outcome(share.place)["state"] == "done"
        if not was_killed:
            assert at > 8
            return
    raise AssertionError("the walk has no end")


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_worker_killed_on_the_way_back_finds_the_way(tmp_path: Path, answered: bool) -> None:
    share, _ = led_over(tmp_path)
    back = CutOverRun(share.place, BACK)
    list_written_since(back)
    share.guard()
    kept = dict(share.lake.objects)

    def walk() -> None:
        record_answer(back, YES)
        switch_back(back, why="slow")

    for at in range(1, 50):
        share.lake.objects.clear()
        share.lake.objects.update(kept)
        share.ssm.values[PARAMETER], share.ssm.writes = (NEW, 2), 0
        share.aws.kill(at=at, answered=answered)
        with suppress(KilledError):
            walk()
        was_killed = share.aws.revive()
        switch_back(back, why="slow")
        assert (share.says(), share.ssm.writes) == (OLD, 1)
        assert [move.to for move in moves(share.place)] == [NEW, OLD]
        assert find_outcome(share.place)["state"] == "rolled_back"
        if not was_killed:
            return
    raise AssertionError("the walk has no end")


def test_a_probe_that_cannot_write_leads_clients_back(tmp_path: Path) -> None:
    share, work = proven(tmp_path)
    record_answer(work, YES)
    switch_over(work)
    (share.target / PROBE).mkdir()
    found = probe_target(share.place, label=LABEL, token=CUT_OVER)
    keep_probe(work, found)
    assert "cannot be written, read and removed" in found.faults[0]
    switch_back(work, why="the probe failed")
    assert (share.says(), find_outcome(share.place)["state"]) == (OLD, "rolled_back")
    report = build_report(work, states={"switch_back": "success"})
    assert report["verdict"] == "taken_back"
    assert "cannot be written" in report["complaint"]


def test_a_probe_reads_contents_and_leaves_nothing_behind(tmp_path: Path) -> None:
    share, _ = proven(tmp_path)
    found = probe_target(share.place, label=LABEL, token="t")
    assert (found.read, found.faults) == (12, ())
    assert not (share.target / PROBE).exists()
    file = share.target / "d2/05.bin"
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert probe_target(share.place, label=LABEL, token="t").faults == (
        f"d2/05.bin differs between {share.source} and {share.target}.",
    )


def test_a_probe_leaves_out_what_the_reconciliation_knows_to_differ(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    (share.target / "d2/05.bin").write_bytes(b"known")
    check_frozen(share.place)
    reconcile_migration(share.place, label=LABEL, frozen=True)
    found = probe_target(share.place, label=LABEL, token="t")
    assert (found.read, found.faults) == (11, ())


def test_the_source_counts_as_frozen_only_when_nothing_changes_between_two_looks(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    waited: list[float] = []

    def write(seconds: float) -> None:
        waited.append(seconds)
        (share.source / "d0/busy.tmp").write_text("x")

    def write_and_remove(_: float) -> None:
        write(0)
        (share.source / "d0/busy.tmp").unlink()

    slow = replace(share.place.migration.cut_over, quiet_seconds=30.0)
    place = replace(share.place, migration=replace(share.place.migration, cut_over=slow))
    with pytest.raises(NotFrozenError, match=r"d0/busy\.tmp"):
        check_frozen(place, pause=write)
    assert 20 < waited[0] <= 30
    with pytest.raises(NotFrozenError, match="'d0'"):
        check_frozen(place, pause=write_and_remove)
    assert share.lake.find_json(place.places.cut_over(freezing.FREEZE)) is None
    assert check_frozen(place, pause=lambda _: None)["files"] == 12


def test_no_pass_may_run_while_clients_are_on_the_target(tmp_path: Path) -> None:
    share, work = led_over(tmp_path)
    with pytest.raises(RefusedError, match="would overwrite and delete what they write"):
        require_clients_on_source(share.place)
    switch_back(work, why="slow")
    require_clients_on_source(share.place)


def test_the_way_back_names_what_clients_wrote_on_the_target(tmp_path: Path) -> None:
    share, _ = led_over(tmp_path)
    (share.target / "new file").write_text("12345")
    (share.target / "d0/00.bin").write_text("changed")
    (share.target / "d0/03.bin").unlink()
    (share.target / PROBE).write_text("left by a probe that was killed")
    back = CutOverRun(share.place, BACK)
    asked = list_written_since(back)
    assert OLD in asked["subject"]
    assert "1 new and 1 changed paths, 12 bytes" in asked["body"]
    assert "Removed on the target since, and back on the source: 1 paths" in asked["body"]
    evidence = back.find("evidence.json")
    assert evidence["named"] == [["changed", "d0/00.bin"], ["removed", "d0/03.bin"], ["new", "new file"]]
    record_answer(back, YES)
    require_approval(back)
    switch_back(back, why="the new file system is slow")
    report = write_report(back, states={})
    assert (report["verdict"], report["complaint"], share.says()) == ("back", None, OLD)


def test_a_target_that_is_not_mounted_is_not_taken_for_empty(tmp_path: Path) -> None:
    share, _ = led_over(tmp_path)
    share.target.rename(tmp_path / "elsewhere")
    share.target.mkdir()
    with pytest.raises(RefusedError, match="mount the target on the workers again"):
        list_written_since(CutOverRun(share.place, BACK))
    assert len(probe_target(share.place, label=LABEL, token="t").faults) == 12


def test_there_is_no_way_back_where_nobody_went(tmp_path: Path) -> None:
    share, _ = proven(tmp_path)
    back = CutOverRun(share.place, BACK)
    with pytest.raises(RefusedError, match="were never led over"):
        list_written_since(back)
    share, _ = led_over(tmp_path / "other")
    back = CutOverRun(share.place, BACK)
    switch_back(back, why="slow")
    with pytest.raises(RefusedError, match="clients are on the source"):
        list_written_since(back)


def test_a_no_is_nobodys_fault_and_a_run_that_stopped_is_red(tmp_path: Path) -> None:
    _, work = proven(tmp_path)
    stopped = build_report(work, states={"reconcile": "failed"})
    assert (stopped["verdict"], "reconcile" in stopped["complaint"]) == ("stopped", True)
    record_answer(work, NO)
    rejected = build_report(work, states={"switch_name": "skipped"})
    assert (rejected["verdict"], rejected["complaint"]) == ("rejected", None)


def test_a_switch_that_nothing_proves_is_red(tmp_path: Path) -> None:
    _, work = proven(tmp_path)
    record_answer(work, YES)
    switch_over(work)
    report = build_report(work, states={"probe_target": "failed"})
    assert report["verdict"] == "not_proven"
    assert "nothing proves that they can work" in report["complaint"]
    page = render(report | {"sentence": "<script>"})
    assert "<script>" not in page
