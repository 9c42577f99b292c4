"""One trigger for a whole pass, over a real socket: it sees the end, trouble, the calendar, and who ends the task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.planning.plans import load_plan
from include.fsx_migration.resources.transfer_resources import load_resources
from include.fsx_migration.transfer.passes import list_passes
from include.fsx_migration.transfer.transferring import Kinds, TransferOrder, Waiting, advance, begin
from tests.include.fsx_migration.transfer_site import RUN, Site, make_site, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_aws import LocalAws

ORDER = TransferOrder(kinds=Kinds.FULL, run=RUN)


@pytest.fixture
def quick(aws: LocalAws) -> LocalAws:
    aws.control("POST", "fsx", {"create_seconds": 0})
    aws.control("POST", "datasync/pace", {"launch_seconds": 0.02})
    client = aws.client("s3")
    if "landfall-lake" not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket="landfall-lake")
    return aws


def started(site: Site) -> int:
    step = advance(site.place, ORDER)
    assert isinstance(step, Waiting)
    return step.executions


def trigger(site: Site, **changes: Any) -> Any:
    from landfall.triggers.fsx_migration import MigrationTrigger

    wanted = {"migration": site.place.migration.name, "bucket": "landfall-lake", "pass_number": 1}
    return MigrationTrigger(**{**wanted, "poll_seconds": 0.1, "settle_seconds": 0.0, **changes})


def fired(found: Any) -> dict[str, Any]:
    async def first() -> dict[str, Any]:
        async with asyncio.timeout(40):
            async for event in found.run():
                return dict(event.payload)
        raise AssertionError("no event")

    return asyncio.run(first())


def statuses(site: Site) -> list[str]:
    client = site.aws.client("datasync")
    arns = [attempt.arn for one in list_passes(site.place.places) for _, attempt in one.attempts()]
    return [client.describe_task_execution(TaskExecutionArn=arn)["Status"] for arn in arns]


def test_a_trigger_is_built_again_from_what_it_serializes() -> None:
    from landfall.triggers.fsx_migration import MigrationTrigger

    made = MigrationTrigger(
        migration="m", bucket="b", pass_number=3, on_cancel="cancel", poll_seconds=1.5, patience={"launching": 5.0}
    )
    path, arguments = made.serialize()
    assert path == "landfall.triggers.fsx_migration.MigrationTrigger"
    assert MigrationTrigger(**arguments).serialize() == (path, arguments)


def test_it_fires_when_every_execution_has_settled_and_leaves_its_progress(quick: LocalAws, tmp_path: Path) -> None:
    site = make_site(quick, tmp_path, "fires")
    assert started(site) == 4
    rule = {"kind": "throttle", "service": "datasync", "operation": "DescribeTaskExecution", "times": 6}
    quick.control("POST", "faults", rule)
    assert fired(trigger(site)) == {"event": "settled"}, "throttling only slows it down"
    quick.control("DELETE", "faults")
    progress = site.place.store.get_json(site.place.places.transfer_pass(1, "progress.json"))
    assert progress["totals"]["files"] == progress["totals"]["of_files"] > 0
    assert {row["seen"]["status"] for row in progress["executions"]} == {"SUCCESS"}
    assert progress["gates"]["targets"] >= 1
    assert fired(trigger(site)) == {"event": "settled"}, "a second one does no harm"
    event = fired(trigger(site, pass_number=7, poll_seconds=0.01))
    assert event["event"] == "unreadable"
    assert "NoSuchKey" in event["error"]


def test_a_failed_part_wakes_the_worker_while_others_go_on(quick: LocalAws, tmp_path: Path) -> None:
    site = make_site(quick, tmp_path, "wakes", parts=2)
    site.fault("unreadable", match="*f00.bin")
    parts = load_plan(site.place.places).parts
    agent = next(part.agent for part in parts if b"f00.bin" not in site.place.store.get_bytes(part.manifest_key))
    other = next(task.task_arn for task in load_resources(site.place).tasks if task.agent == agent)
    site.aws.control("POST", "datasync/faults", {"kind": "slow", "task": other, "seconds": 1})
    started(site)
    assert fired(trigger(site))["event"] == "failures"
    site.mend()


def test_trouble_comes_with_its_remedy_and_is_told_once(quick: LocalAws, tmp_path: Path) -> None:
    from include.fsx_migration.watch.remedies import act_on
    from include.fsx_migration.watch.troubles import Trouble

    site = make_site(quick, tmp_path, "troubled", parts=1)
    site.fault("stuck_launching")
    started(site)
    event = fired(trigger(site, patience={"launching": 0.5}))
    assert event["event"] == "trouble"
    (told,) = [Trouble.from_dict(one) for one in event["troubles"]]
    assert told.key == "launching/0000-1"
    act_on(site.place, event["pass_number"], [told])
    site.mend()
    assert fired(trigger(site, patience={"launching": 30.0}))["event"] in ("settled", "failures")
    site.run(Kinds.FULL, fresh=False)
    (part,) = list_passes(site.place.places)[0].parts
    assert [attempt.state.value for attempt in part.attempts] == ["failed", "done"]
    assert part.attempts[0].reason.startswith("stuck: ")
    assert site.differing() == []


def test_an_agent_that_is_offline_is_trouble(quick: LocalAws, tmp_path: Path) -> None:
    site = make_site(quick, tmp_path, "offline")
    site.aws.control(
        "POST", "datasync/faults", {"kind": "agent_offline", "agent": site.place.migration.source.agents[0]}
    )
    started(site)
    event = fired(trigger(site))
    assert [one["key"].split("/")[0] for one in event["troubles"]] == ["agent"]
    site.mend()
    site.run(Kinds.FULL)
    assert site.differing() == []


def test_the_calendar_rules_running_executions(quick: LocalAws, tmp_path: Path) -> None:
    site = make_site(quick, tmp_path, "calendar", parts=2, more="bandwidth: {limit_mib_s: 100}")
    site.fault("slow", match="*f11.bin", seconds=2)
    started(site)
    client = site.aws.client("datasync")
    arns = [attempt.arn for _, attempt in list_passes(site.place.places)[0].attempts()]

    def limits() -> set[int]:
        return {client.describe_task_execution(TaskExecutionArn=arn)["Options"]["BytesPerSecond"] for arn in arns}

    assert limits() == {50 << 20}, "each of two agents starts with its half"
    assert fired(trigger(site)) == {"event": "settled"}
    assert 100 << 20 in limits(), "the one that was left had all of it"
    site.mend()


def test_ending_the_task_leaves_or_cancels_the_executions_and_clearing_it_goes_on(
    quick: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site(quick, tmp_path, "cancelled", parts=2)
    site.fault("slow", match="*", seconds=1)
    started(site)
    asyncio.run(trigger(site, on_cancel="leave").on_kill())
    assert "2 executions of pass 1 go on in DataSync" in capsys.readouterr().out
    begin(site.place)
    assert started(site) == 2
    (one,) = list_passes(site.place.places)
    assert [len(part.attempts) for part in one.parts] == [1, 1]
    assert any("left to go on" in note for note in one.notes)

    asyncio.run(trigger(site, on_cancel="cancel").on_kill())
    assert "2 of 2 executions of pass 1 of migration cancelled were cancelled" in capsys.readouterr().out
    until(lambda: set(statuses(site)) == {"ERROR"})
    site.mend()
    site.run(Kinds.FULL)
    (one,) = list_passes(site.place.places)
    assert [[attempt.state.value for attempt in part.attempts] for part in one.parts] == [["cancelled", "done"]] * 2
    assert site.differing() == []
