"""A clean-up deletes what was shown and approved, in order, and never what somebody still needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.clean_up.clean_up_records import (
    keep_answer,
    keep_list,
    remove_approved,
    table,
    write_report,
)
from include.fsx_migration.clean_up.clean_ups import (
    CleanUpChoices,
    CleanUpPlan,
    CleanUpRefusedError,
    plan_clean_up,
    require_allowed,
)
from include.fsx_migration.clean_up.removing import apply_clean_up
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.error_filters import ensure_error_filters
from include.fsx_migration.resources.file_systems import ensure_file_system
from include.fsx_migration.resources.ledger import read_ledger
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources, load_resources
from include.fsx_migration.transfer.executions import ExecutionOrder, start_once
from tests.include.fsx_migration.fake_aws import FakeAws, KilledError, migration, workplace

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace

EVERYTHING = CleanUpChoices(file_system=True, log_group=True, documents=True)
ASKED = {"dry_run": False, "reason": "it was a rehearsal"}


def made() -> tuple[FakeAws, Workplace]:
    aws = FakeAws()
    place = workplace(aws)
    ensure_transfer_resources(place)
    return aws, place


def sign_off(place: Workplace, state: str) -> None:
    place.store.put_json(place.places.transfer_pass(1, "pass.json"), {})
    if state:
        place.store.put_json(place.places.cut_over("outcome.json"), {"state": state})


def kinds(plan: CleanUpPlan) -> list[str]:
    return [item.kind for item in plan.doomed]


def test_the_order_is_the_reverse_of_the_creation() -> None:
    _, place = made()
    place.store.put_json(place.places.listing("source", "pass-0001"), {})
    assert kinds(plan_clean_up(place, EVERYTHING)) == [
        "task",
        "task",
        "source-location",
        "source-location",
        "target-location",
        "log-group",
        "file-system",
        "documents",
    ]


def test_planning_changes_nothing() -> None:
    aws, place = made()
    before, kept = dict(aws.writes), dict(place.store.objects)
    plan = plan_clean_up(place, EVERYTHING)
    assert (aws.writes, place.store.objects) == (before, kept)
    assert CleanUpPlan.from_dict(plan.to_dict()) == plan


def test_unless_asked_only_tasks_and_locations_go() -> None:
    aws, place = made()
    place.store.put_json(place.places.listing("source", "pass-0001"), {})
    plan = plan_clean_up(place)
    assert {item.name.split()[0]: item.reason for item in plan.items if not item.is_doomed} == {
        "/landfall/datasync": "delete_log_group is off",
        next(iter(aws.file_systems)): "delete_file_system is off",
        "listings/": "delete_documents is off",
    }
    assert apply_clean_up(place, plan) == {"task": 2, "source-location": 2, "target-location": 1}
    assert not aws.tasks
    assert not aws.locations
    assert (len(aws.file_systems), len(aws.log_groups)) == (1, 1)


def test_records_of_decisions_outlive_the_clean_up() -> None:
    _, place = made()
    place.store.put_json(place.places.transfer_pass(1, "pass.json"), {})
    place.store.put_json(place.places.listing("source", "pass-0001"), {})
    place.store.put_json(place.places.cut_over("outcome.json"), {"state": "rolled_back"})
    apply_clean_up(place, plan_clean_up(place, EVERYTHING))
    left = [key.removeprefix("fsx_migration/projects/") for key in place.store.objects]
    assert sorted(left) == ["cut_over/outcome.json", "passes/0001/pass.json", "resources.json"]


def test_a_running_execution_refuses_everything() -> None:
    aws, place = made()
    order = ExecutionOrder(task_arn=next(iter(aws.tasks)), pass_number=1, part="0000", attempt=1, manifest_key=None)
    arn = start_once(place, order)
    plan = plan_clean_up(place)
    with pytest.raises(CleanUpRefusedError, match="1 executions are not over"):
        apply_clean_up(place, plan)
    aws.finish(arn, status="ERROR")
    assert require_allowed(plan_clean_up(place)).doomed


@pytest.mark.parametrize("state", ["", "switching", "failed"])
def test_before_the_sign_off_nothing_goes(state: str) -> None:
    aws, place = made()
    sign_off(place, state)
    with pytest.raises(CleanUpRefusedError, match="fsx_migration_cut_over"):
        apply_clean_up(place, plan_clean_up(place))
    assert len(aws.tasks) == 2


def test_the_file_system_that_clients_use_stays_whatever_is_asked() -> None:
    aws, place = made()
    sign_off(place, "done")
    plan = plan_clean_up(place, EVERYTHING)
    (item,) = (item for item in plan.items if item.kind == tagging.FILE_SYSTEM)
    assert item.reason == "clients were led to it by the cut-over"
    apply_clean_up(place, plan)
    assert len(aws.file_systems) == 1


def test_after_the_way_back_the_file_system_may_go_with_a_last_backup() -> None:
    aws, place = made()
    sign_off(place, "rolled_back")
    apply_clean_up(place, plan_clean_up(place, EVERYTHING))
    assert not aws.file_systems
    (asked,) = (arguments for name, arguments in aws.calls if name == "DeleteFileSystem")
    assert asked["LustreConfiguration"]["SkipFinalBackup"] is False


def test_a_backup_is_left_out_only_when_asked_and_approved() -> None:
    aws, place = made()
    without = replace(EVERYTHING, last_backup=False)
    assert plan_clean_up(place, without).digest != plan_clean_up(place, EVERYTHING).digest
    apply_clean_up(place, plan_clean_up(place, without))
    (asked,) = (arguments for name, arguments in aws.calls if name == "DeleteFileSystem")
    assert asked["LustreConfiguration"] == {"SkipFinalBackup": True}


def test_an_adopted_file_system_is_named_and_stays() -> None:
    aws = FakeAws()
    shared = ensure_file_system(workplace(aws))
    aws.file_systems[shared.id]["Tags"] = []
    target = replace(migration().target, file_system_id=shared.id)
    place = workplace(aws, migration(name="archive", target=target))
    ensure_transfer_resources(place)
    plan = plan_clean_up(place, EVERYTHING)
    (item,) = (item for item in plan.items if item.kind == tagging.FILE_SYSTEM)
    assert (item.name, item.reason) == (shared.id, "it was adopted, not created")
    apply_clean_up(place, plan)
    assert list(aws.file_systems) == [shared.id]
    assert read_ledger(place).living(tagging.FILE_SYSTEM) is None


def test_a_tagged_file_system_without_a_record_stays() -> None:
    aws, _ = made()
    (item,) = (i for i in plan_clean_up(workplace(aws), EVERYTHING).items if i.kind == tagging.FILE_SYSTEM)
    assert item.reason == "no record says that this migration created it"


def test_a_log_group_that_another_migration_uses_stays() -> None:
    aws, place = made()
    ensure_transfer_resources(workplace(aws, migration(name="archive")))
    plan = plan_clean_up(place, EVERYTHING)
    (item,) = (item for item in plan.items if item.kind == tagging.LOG_GROUP)
    assert "logs into it" in item.reason


def test_the_migrations_own_metric_filters_go_and_no_others() -> None:
    aws, place = made()
    for name in ("projects", "projects-2"):
        ensure_error_filters(aws.client("logs"), log_group="/landfall/datasync", migration=name)
    before = len(aws.metric_filters)
    deleted = apply_clean_up(place, plan_clean_up(place))
    assert deleted[tagging.METRIC_FILTER] == before // 2
    assert aws.metric_filters
    assert all(name.startswith("landfall-projects-2-") for name in aws.metric_filters)


def test_another_migration_loses_nothing() -> None:
    aws, place = made()
    other = workplace(aws, migration(name="archive"))
    kept = ensure_transfer_resources(other)
    apply_clean_up(place, plan_clean_up(place, EVERYTHING))
    assert set(aws.tasks) == {task.task_arn for task in kept.tasks}
    assert list(aws.file_systems) == [kept.file_system.id]


def test_what_is_gone_already_is_no_failure() -> None:
    aws, place = made()
    plan = plan_clean_up(place, EVERYTHING)
    aws.tasks.clear()
    aws.locations.popitem()
    aws.file_systems.clear()
    aws.log_groups.clear()
    apply_clean_up(place, plan)
    assert not aws.locations


def test_a_refusal_of_aws_names_the_resource_and_the_reason() -> None:
    aws, place = made()
    aws.fail("DeleteLocation", code="InvalidRequestException", message="Location is in use by task-9.")
    with pytest.raises(RefusedError, match=r"source-location nfs://.* cannot be deleted: Location is in use"):
        apply_clean_up(place, plan_clean_up(place))
    assert not aws.tasks
    apply_clean_up(place, plan_clean_up(place))
    assert not aws.locations


def test_afterwards_a_migration_starts_anew() -> None:
    aws, place = made()
    before = load_resources(place)
    apply_clean_up(place, plan_clean_up(place, EVERYTHING))
    with pytest.raises(RefusedError, match="has no locations and tasks yet"):
        load_resources(place)
    assert ensure_transfer_resources(place).file_system.id != before.file_system.id
    assert aws.writes["CreateTask"] == 4


def run(place: Workplace, *, approved: bool = True) -> dict[str, int]:
    keep_list(place, "run 1", plan_clean_up(place, EVERYTHING), asked=ASKED)
    keep_answer(place, "run 1", {"approved": approved, "by": "oncall", "asked_by": "admin"})
    return remove_approved(place, "run 1", plan_now=lambda: plan_clean_up(place, EVERYTHING))


def test_only_the_list_that_was_approved_is_deleted() -> None:
    aws, place = made()
    with pytest.raises(CleanUpRefusedError, match="Nobody approved"):
        run(place, approved=False)
    keep_list(place, "run 1", plan_clean_up(place), asked=ASKED)  # shown anew after the answer
    with pytest.raises(CleanUpRefusedError, match="Nobody approved"):
        remove_approved(place, "run 1", plan_now=lambda: plan_clean_up(place))
    keep_answer(place, "run 1", {"approved": True})
    with pytest.raises(CleanUpRefusedError, match="came after the list"):
        remove_approved(place, "run 1", plan_now=lambda: plan_clean_up(place, EVERYTHING))
    assert len(aws.tasks) == 2


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_clean_up_killed_at_any_call_is_ended_by_the_next_try(answered: bool) -> None:
    for at in range(1, 100):
        aws, place = made()
        keep_list(place, "run 1", plan_clean_up(place, EVERYTHING), asked=ASKED)
        keep_answer(place, "run 1", {"approved": True})
        for name in ("put_if_absent", "put_if_unchanged"):
            setattr(place.store, name, aws.guard(getattr(place.store, name)))
        aws.kill(at=at, answered=answered)

        def remove(place: Workplace = place) -> Any:
            return remove_approved(place, "run 1", plan_now=lambda: plan_clean_up(place, EVERYTHING))

        with suppress(KilledError):
            remove()
        if not aws.revive():
            assert at > 12
            return
        remove()
        assert [aws.tasks, aws.locations, aws.file_systems, aws.log_groups] == [{}, {}, {}, {}], at
        assert not [entry for entry in read_ledger(place).entries if not entry.removed], at
    raise AssertionError("it never ended")


def test_the_report_names_what_went_and_what_is_left() -> None:
    _, place = made()
    deleted = run(place)
    left = plan_clean_up(place, EVERYTHING)
    short = write_report(place, "run 1", asked=ASKED, deleted=deleted, left=left)
    assert (short["result"], short["deleted"], short["left"]) == ("deleted", 7, 0)
    kept = place.store.get_json(short["report"].removeprefix("s3://lake/"))
    assert kept["answer"]["by"] == "oncall"
    assert "/landfall/datasync" in kept["deleted"]


@pytest.mark.parametrize(("asked", "result"), [({**ASKED, "dry_run": True}, "dry run"), (ASKED, "rejected")])
def test_a_run_that_deleted_nothing_says_so(asked: dict[str, Any], result: str) -> None:
    _, place = made()
    keep_list(place, "run 1", plan_clean_up(place, EVERYTHING), asked=asked)
    short = write_report(place, "run 1", asked=asked, deleted=None, left=plan_clean_up(place, EVERYTHING))
    assert (short["result"], short["deleted"], short["left"]) == (result, 0, 7)


def test_the_list_is_a_table_that_people_can_read() -> None:
    aws, place = made()
    listed = table(plan_clean_up(place)).splitlines()
    assert listed[2].startswith("| delete | task | `landfall-projects-agent-")
    assert listed[-1].startswith(f"| keep | file-system | `{next(iter(aws.file_systems))}")
    assert table(CleanUpPlan(migration="x", items=())) == "Nothing carries the tag of this migration."
