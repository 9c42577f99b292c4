"""A worker killed before or after any call, and every call made to fail: the next try makes nothing twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from include.fsx_migration.resources.ledger import Origin, intend, settle
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources
from include.fsx_migration.transfer.executions import ExecutionOrder, find, start_once
from tests.include.fsx_migration.fake_aws import FakeAws, KilledError, workplace

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace

ONCE = {
    "CreateFileSystem": 1,
    "CreateLogGroup": 1,
    "CreateLocationFsxLustre": 1,
    "CreateLocationNfs": 2,
    "CreateTask": 2,
    "StartTaskExecution": 4,
}


def start_pass(place: Workplace) -> dict[tuple[str, int], str]:
    """Everything a first pass needs, from nothing to four started parts."""
    resources = ensure_transfer_resources(place)
    found = find(place, 1)
    for number in range(4):
        task = resources.tasks[number % 2]
        order = ExecutionOrder(
            task_arn=task.task_arn,
            pass_number=1,
            part=f"{number:04d}",
            attempt=1,
            manifest_key=f"part-{number:04d}.csv",
        )
        start_once(place, order, found=found)
    return find(place, 1)


def world() -> tuple[FakeAws, Workplace]:
    aws = FakeAws()
    place = workplace(aws)
    for name in ("put_if_absent", "put_if_unchanged"):
        setattr(place.store, name, aws.guard(getattr(place.store, name)))
    return aws, place


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "after the call"])
def test_a_worker_killed_at_any_call_makes_nothing_twice(answered: bool) -> None:
    for at in range(1, 200):
        aws, place = world()
        aws.kill(at=at, answered=answered)
        with suppress(KilledError):
            start_pass(place)
        if not aws.revive():
            assert at > 25
            return
        started = start_pass(place)
        assert sorted(started) == [(f"{number:04d}", 1) for number in range(4)], at
        assert {name: aws.writes[name] for name in ONCE} == ONCE, at
    raise AssertionError("it never ended")


def operations() -> list[str]:
    aws, place = world()
    start_pass(place)
    return sorted({name for name, _ in aws.calls})


@pytest.mark.parametrize("answered", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("operation", operations())
def test_a_call_that_fails_is_made_good_by_the_next_try(operation: str, answered: bool) -> None:
    aws, place = world()
    aws.fail(operation, code="InternalException", message="boom", answered=answered)
    with pytest.raises(ClientError, match="boom"):
        start_pass(place)
    assert len(start_pass(place)) == 4
    assert {name: aws.writes[name] for name in ONCE} == ONCE


@pytest.mark.parametrize("moment", range(5), ids=lambda number: f"before creation {number}")
def test_two_workers_at_once_go_on_with_the_same_resources(moment: int) -> None:
    aws, place = world()
    rival: list[Any] = []
    creations = iter(range(99))

    def meanwhile(service: str) -> Any:
        if next(creations) == moment:
            rival.append(ensure_transfer_resources(place))  # the other worker does everything between two lines
        return aws.client(service)

    assert [ensure_transfer_resources(replace(place, single_try=meanwhile))] == rival
    assert ensure_transfer_resources(place) == rival[0]
    assert (len(aws.file_systems), len(aws.locations), len(aws.tasks)) == (1, 3, 2)


def test_the_resource_that_was_noted_first_counts_until_it_is_gone() -> None:
    _, place = world()
    entry = intend(place, "task", "agent-1")
    assert settle(place, entry, arn="first", origin=Origin.CREATED) == "first"
    assert settle(place, entry, arn="second", origin=Origin.CREATED) == "first"
    assert settle(place, entry, arn="third", origin=Origin.CREATED, over="first") == "third"
