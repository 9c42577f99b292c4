"""The operator with its trigger: it waits without a slot, tries again what failed, tells people once, and stops."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.transfer.passes import list_passes
from tests.include.fsx_migration.transfer_site import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_aws import LocalAws


@pytest.fixture
def quick(aws: LocalAws) -> LocalAws:
    aws.control("POST", "fsx", {"create_seconds": 0})
    aws.control("POST", "datasync/pace", {"launch_seconds": 0.02})
    client = aws.client("s3")
    if "landfall-lake" not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket="landfall-lake")
    return aws


@pytest.fixture
def site(quick: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Site:
    made = make_site(quick, tmp_path, request.param if hasattr(request, "param") else "operated", parts=2)
    topic = quick.client("sns").create_topic(Name="migrations")["TopicArn"]
    place = replace(made.place, settings=replace(made.place.settings, alert_topic=topic))
    monkeypatch.setattr("landfall.fsx_migration_runs.workplace", lambda _name=None: place)
    return replace(made, place=place)


def context() -> Any:
    run = SimpleNamespace(
        dag_id="fsx_migration_migrate",
        run_id="manual__1",
        run_after=datetime(2026, 3, 1, tzinfo=UTC),
        start_date=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return {"dag_run": run}


def operator(kinds: str, **changes: Any) -> Any:
    from landfall.operators.fsx_migration import TransferPassesOperator

    wanted = {"poll": timedelta(seconds=0.1), "settle": timedelta(0), "tells_start": True, "patience": {}}
    return TransferPassesOperator(task_id="passes", kinds=kinds, **{**wanted, **changes})


def carried_out(made: Any, woken: Callable[[], None] = lambda: None) -> tuple[dict[str, Any], list[str]]:
    """Run an operator with its triggers to its end; returns its result and the events that woke it."""
    from airflow.sdk.exceptions import TaskDeferred

    async def first(trigger: Any) -> dict[str, Any]:
        async with asyncio.timeout(40):
            async for event in trigger.run():
                return dict(event.payload)
        raise AssertionError("no event")

    events: list[str] = []
    step = lambda: made.execute(context())  # noqa: E731 - the next step, by turns
    while True:
        try:
            return step(), events
        except TaskDeferred as deferred:
            event = asyncio.run(first(deferred.trigger))
            events.append(event["event"])
            woken()
            step = lambda event=event: made.resume(context(), event)  # noqa: E731 - as above


def subjects(site: Site) -> list[str]:
    store = site.place.store
    alerts = [store.get_json(key) for key in store.list_keys("alerts")]
    return sorted(alert["subject"] for alert in alerts if alert["group"] == site.place.migration.name)


@pytest.mark.parametrize("site", ["operated"], indirect=True)
def test_a_pass_with_a_bad_file_ends_with_it_named_and_one_notice(site: Site) -> None:
    site.fault("unreadable", match="*f07.bin")
    result, events = carried_out(operator("full"))
    assert (result["passes"], result["failed"], result["suspects"], result["retries"]) == ([1], 1, 0, 2)
    assert result["uri"].startswith("s3://landfall-lake/fsx_migration/operated/passes/")
    assert set(events) <= {"failures", "settled"}
    assert subjects(site) == ["[Landfall] operated: transfer started"]
    result, events = carried_out(operator("full"))
    assert (result["passes"], events) == ([1], []), "a pass that is done is not made again"
    site.mend()
    result, _ = carried_out(operator("incremental"))
    assert (result["answer"], result["failed"]) == ("converged", 0)
    carried_out(operator("closing"))
    assert site.differing() == []
    assert len(subjects(site)) == 1


@pytest.mark.parametrize("site", ["stuck"], indirect=True)
def test_a_stuck_execution_is_told_cancelled_and_tried_again(site: Site) -> None:
    site.fault("stuck_launching")
    _, events = carried_out(operator("full", patience={"launching": 2.0}), woken=site.mend)
    assert events[0] == "trouble"
    assert set(subjects(site)) == {"[Landfall] stuck: transfer started", "[Landfall] stuck: trouble: launching"}
    for part in list_passes(site.place.places)[0].parts:
        states = [attempt.state.value for attempt in part.attempts]
        assert states == ["failed"] * (len(states) - 1) + ["done"]
    site.mend()
    assert site.differing() == []


def test_what_does_not_pass_stops_the_task_without_a_retry_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from include.fsx_migration.transfer.transferring import TransferStoppedError
    from tests.include.fsx_migration.fake_aws import FakeAws, workplace

    def stops(*_: Any) -> Any:
        raise TransferStoppedError("The target is full.")

    place = workplace(FakeAws())
    monkeypatch.setattr("landfall.fsx_migration_runs.workplace", lambda _name=None: place)
    monkeypatch.setattr("include.fsx_migration.transfer.transferring.advance", stops)
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="is full"):
            operator("full").execute(context())
    alerts = [place.store.get_json(key) for key in place.store.list_keys("alerts")]
    assert [alert["subject"] for alert in alerts] == ["[Landfall] projects: waits for a person"]


def test_a_run_without_a_full_pass_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from tests.include.fsx_migration.fake_aws import FakeAws, workplace

    place = workplace(FakeAws())
    monkeypatch.setattr("landfall.fsx_migration_runs.workplace", lambda _name=None: place)
    with pytest.raises(AirflowFailException, match="no full pass yet: run fsx_migration_migrate"):
        operator("final").execute(context())


def test_a_trigger_that_cannot_read_ends_in_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    from landfall.operators.fsx_migration import TransferUnreadableError
    from tests.include.fsx_migration.fake_aws import FakeAws, workplace

    monkeypatch.setattr("landfall.fsx_migration_runs.workplace", lambda _name=None: workplace(FakeAws()))
    with pytest.raises(TransferUnreadableError, match="no route"):
        operator("full").resume(context(), {"event": "unreadable", "error": "no route"})


@pytest.mark.parametrize("site", ["lingering"], indirect=True)
def test_a_pass_that_ends_in_seconds_is_not_deferred(site: Site) -> None:
    site.fault("unreadable", match="*f03.bin")
    result, events = carried_out(operator("full", linger=timedelta(seconds=60)))
    assert (result["passes"], result["failed"], events) == ([1], 1, [])
    assert subjects(site) == ["[Landfall] lingering: transfer started"]
    site.mend()
