"""Progress, bandwidth and trouble, from successive states of executions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.definition_model import Bandwidth
from include.fsx_migration.resources.error_filters import error_filters
from include.fsx_migration.resources.file_systems import LUSTRE, WINDOWS, FileSystem
from include.fsx_migration.resources.metrics import Measured, metric_request, read_metrics
from include.fsx_migration.transfer.execution_states import ExecutionState
from include.fsx_migration.transfer.pass_model import AttemptState
from include.fsx_migration.watch.progress import progress_document, restore
from include.fsx_migration.watch.space import space_troubles
from include.fsx_migration.watch.troubles import Patience, Remedy, Trouble, agent_troubles, find_troubles
from include.fsx_migration.watch.watching import (
    Board,
    Watched,
    bandwidth_orders,
    observe,
    queued_without_work,
    rate,
    sample,
)
from tests.include.fsx_migration.fake_aws import AGENTS, AT
from tests.include.fsx_migration.test_passes import a_pass, attempt, part

PATIENCE = Patience(stalled=timedelta(minutes=15))
GIB = 1 << 30


def watched(number: int = 1, *, agent: str = AGENTS[0]) -> Watched:
    return Watched(arn=f"arn{number}", part=f"{number:04d}", attempt=1, agent=agent, files=10, bytes=1000)


def state(status: str, **fields: Any) -> ExecutionState:
    return ExecutionState(arn="", status=status, **fields)


def board(*executions: Watched) -> Board:
    return Board(executions or (watched(),))


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def see(found: Board, one: Watched, status: str, *, minutes: float = 0, settled: bool = False, **fields: Any) -> None:
    observe(found, one, state(status, **fields), now=after(minutes), settled=settled)


def troubles(found: Board, minutes: float, *, share: float = 0.001) -> list[Trouble]:
    return find_troubles(found, now=after(minutes), patience=PATIENCE, failed_share=share)


def test_the_estimate_counts_as_soon_as_there_is_one() -> None:
    found, one = board(), watched()
    see(found, one, "PREPARING", files_estimated=3)
    assert found.totals()["of_files"] == 10
    see(found, one, "TRANSFERRING", files_estimated=8, bytes_estimated=700, bytes_transferred=300)
    assert (found.totals()["of_files"], found.totals()["of_bytes"], found.totals()["bytes"]) == (8, 700, 300)


def test_a_counter_that_runs_over_its_estimate_is_not_more_than_all() -> None:
    found, one = board(), watched()
    see(found, one, "TRANSFERRING", files_estimated=8, files_transferred=11, bytes_estimated=7, bytes_transferred=9)
    assert (found.totals()["files"], found.totals()["bytes"]) == (8, 7)


def test_an_execution_nobody_looked_at_counts_with_its_manifest() -> None:
    assert board(watched(1), watched(2)).totals()["of_files"] == 20


def test_standing_still_is_trouble_after_a_while_and_told_once() -> None:
    found, one = board(), watched()
    see(found, one, "TRANSFERRING", bytes_transferred=5)
    see(found, one, "TRANSFERRING", minutes=14, bytes_transferred=5)
    assert troubles(found, 14) == []
    see(found, one, "TRANSFERRING", minutes=16, bytes_transferred=5)
    (first,) = troubles(found, 16)
    (again,) = troubles(found, 40)
    assert (first.key, first.remedy) == (again.key, Remedy.TELL)
    assert "moved nothing since 2026-03-01 12:00 UTC" in first.sentence
    see(found, one, "TRANSFERRING", minutes=41, bytes_transferred=6)
    assert troubles(found, 42) == []
    (later,) = troubles(found, 60)
    assert later.key != first.key


def test_counting_and_verifying_is_no_standing_still() -> None:
    found, one = board(), watched()
    see(found, one, "PREPARING", files_prepared=1)
    see(found, one, "PREPARING", minutes=20, files_prepared=2)
    assert troubles(found, 30) == []
    see(found, one, "VERIFYING", minutes=50, files_verified=2)
    assert troubles(found, 60) == []


def test_launching_for_ever_is_tried_again() -> None:
    found, one = board(), watched()
    see(found, one, "LAUNCHING")
    assert troubles(found, 29) == []
    (trouble,) = troubles(found, 31)
    assert (trouble.remedy, trouble.arn) == (Remedy.RETRY, "arn1")


def test_a_queue_without_anybody_at_work_is_told() -> None:
    found = board(watched(1), watched(2))
    see(found, watched(1), "QUEUED")
    see(found, watched(2), "TRANSFERRING")
    assert queued_without_work(found) == {}
    see(found, watched(2), "SUCCESS", minutes=10, settled=True)
    assert [trouble.remedy for trouble in troubles(found, 31)] == [Remedy.TELL]


def test_many_failed_files_are_told_and_a_few_are_not() -> None:
    found, one = board(), watched()
    see(found, one, "TRANSFERRING", files_estimated=1000, files_transferred=600, files_failed_transfer=3)
    (trouble,) = troubles(found, 1)
    assert "3 of 603 files failed, more than the 0.10%" in trouble.sentence
    assert troubles(found, 1, share=0.01) == []


def test_an_agent_that_is_gone_for_long_stops_the_run() -> None:
    offline = {AGENTS[0]: AT}
    (told,) = agent_troubles(offline, AGENTS, now=after(5), patience=PATIENCE)
    (stopped,) = agent_troubles(offline, AGENTS, now=after(61), patience=PATIENCE)
    assert (told.remedy, stopped.remedy) == (Remedy.TELL, Remedy.STOP)
    assert told.key != stopped.key
    assert agent_troubles(offline, [AGENTS[1]], now=after(61), patience=PATIENCE) == []


def test_a_trouble_survives_the_way_to_the_worker() -> None:
    found, one = board(), watched()
    see(found, one, "LAUNCHING")
    (trouble,) = troubles(found, 31)
    assert Trouble.from_dict(trouble.to_dict()) == trouble


def test_the_limit_is_split_over_those_who_run() -> None:
    found = board(*(watched(number) for number in (1, 2, 3)))
    see(found, watched(1), "TRANSFERRING")
    see(found, watched(2), "PREPARING")
    see(found, watched(3), "QUEUED")
    assert bandwidth_orders(found, 2_000_000.0) == {"arn1": 1_000_000, "arn2": 1_000_000}
    assert bandwidth_orders(found, None) == {}
    see(found, watched(1), "TRANSFERRING", bytes_per_second=1_000_000)
    assert bandwidth_orders(found, 2_000_000.0) == {"arn2": 1_000_000}
    assert bandwidth_orders(found, None) == {"arn1": -1}


@settings(derandomize=True, max_examples=100)
@given(limit=st.floats(1e6, 1e10), running=st.integers(1, 50))
def test_all_agents_together_keep_to_the_limit(limit: float, running: int) -> None:
    found = board(*(watched(number) for number in range(running)))
    for number in range(running):
        see(found, watched(number), "TRANSFERRING")
    assert sum(bandwidth_orders(found, limit).values()) <= limit


def test_settled_and_failed_are_seen() -> None:
    found = board(watched(1), watched(2))
    see(found, watched(1), "ERROR", settled=True)
    assert (found.is_settled, found.has_failures) == (False, True)
    see(found, watched(2), "SUCCESS")
    assert not found.is_settled
    see(found, watched(2), "SUCCESS", settled=True)
    assert found.is_settled


def test_the_rate_is_that_of_the_last_minutes() -> None:
    found, one = board(), watched()
    for minute in range(30):
        moved = 60 * minute if minute < 20 else 60 * 20 + 600 * (minute - 20)
        see(found, one, "TRANSFERRING", minutes=minute, bytes_estimated=10**9, bytes_transferred=moved)
        sample(found, now=after(minute))
    assert rate(found) == (10.0, 0.0)


@settings(derandomize=True, max_examples=50)
@given(moved=st.lists(st.integers(0, 1000), min_size=1, max_size=900))
def test_samples_never_shrink_and_stay_few(moved: list[int]) -> None:
    found, one = board(), watched()
    for minute, size in enumerate(moved):
        see(found, one, "TRANSFERRING", minutes=minute, bytes_estimated=1000, bytes_transferred=size)
        sample(found, now=after(minute))
    sizes = [size for _, size, _ in found.samples]
    assert sizes == sorted(sizes)
    assert len(sizes) <= 400
    assert found.samples[0][0] == AT


def test_another_watcher_goes_on_from_the_document() -> None:
    started = attempt(state=AttemptState.STARTED, arn="arn1")
    one = a_pass(part(started), part(attempt(arn="arn2", counters={"bytes_transferred": 7}), name="0001"))
    found, offline = restore(None, one)
    assert (offline, found.moved_before, [each.arn for each in found.watched]) == ({}, (0, 7), ["arn1"])
    see(found, found.watched[0], "TRANSFERRING", bytes_estimated=30, bytes_transferred=5)
    sample(found, now=AT)
    document = progress_document(
        found, now=AT, bandwidth=Bandwidth(limit_mib_s=10.0), offline={AGENTS[0]: AT}, gates=Measured().to_dict()
    )
    other, offline = restore(document, one)
    assert (other.seen, other.samples) == (found.seen, found.samples)
    assert list(offline.values()) == [AT]
    assert document["bandwidth"]["limit_bytes_per_second"] == 10 * (1 << 20)
    assert document["totals"]["bytes"] == 12


def test_an_execution_that_was_counted_is_no_longer_watched() -> None:
    document = {"executions": [{"arn": "gone", "seen": {}}], "samples": [], "agents_offline": {}}
    assert restore(document, a_pass(part(attempt(arn="gone"))))[0].watched == ()


def answer(**values: list[tuple[int, float]]) -> dict[str, Any]:
    return {
        "MetricDataResults": [
            {"Id": name, "Timestamps": [after(at) for at, _ in found], "Values": [value for _, value in found]}
            for name, found in values.items()
        ]
    }


FILE_SYSTEM = FileSystem(id="fs-1", arn="arn", kind=LUSTRE, lifecycle="AVAILABLE", storage_gib=2400)


def test_a_minute_in_which_a_storage_target_is_missing_does_not_count() -> None:
    found = read_metrics(
        answer(free=[(2, 50.0), (1, 100.0)], least=[(2, 50.0), (1, 40.0)], targets=[(2, 1.0), (1, 2.0)], errors=[])
    )
    assert (found.free_bytes, found.least_free_bytes, found.targets, found.error_lines) == (100.0, 40.0, 2, None)


def test_room_is_asked_for_in_all_and_on_each_storage_target() -> None:
    plenty, little = 1000 * GIB, 100 * GIB
    assert space_troubles(Measured(), storage_gib=2400, free_share=0.1) == []
    even = Measured(free_bytes=plenty, least_free_bytes=plenty / 2, targets=2)
    assert space_troubles(even, storage_gib=2400, free_share=0.1) == []
    (total,) = space_troubles(replace(even, free_bytes=little), storage_gib=2400, free_share=0.1)
    (target,) = space_troubles(replace(even, least_free_bytes=little), storage_gib=2400, free_share=0.1)
    assert (total.key, target.key) == ("space/total", "space/target")
    assert total.remedy is target.remedy is Remedy.STOP_ALL
    assert "100.0 GiB of 1,200.0 GiB" in target.sentence


@pytest.mark.parametrize(("kind", "metric"), [(LUSTRE, "FreeDataStorageCapacity"), (WINDOWS, "FreeStorageCapacity")])
def test_each_kind_of_file_system_has_its_metric(kind: str, metric: str) -> None:
    request = metric_request(replace(FILE_SYSTEM, kind=kind), migration="projects", now=AT)
    names = {query["MetricStat"]["Metric"]["MetricName"] for query in request["MetricDataQueries"]}
    assert names == {metric, "projects-failure-lines"}


def test_requests_are_what_cloudwatch_takes() -> None:
    import botocore.session
    from botocore.validate import validate_parameters

    session = botocore.session.get_session()
    shape = session.get_service_model("cloudwatch").operation_model("GetMetricData").input_shape
    validate_parameters(metric_request(FILE_SYSTEM, migration="projects", now=AT), shape)
    shape = session.get_service_model("logs").operation_model("PutMetricFilter").input_shape
    for arguments in error_filters("projects"):
        validate_parameters({"logGroupName": "/landfall/datasync", **arguments}, shape)
