"""Everything that transfers need is made once, found again, and left alone when it is not what was described."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.definition_model import Source, SourceKind, Target, Transfer, WindowsFileSystem
from include.fsx_migration.refusals import DriftError, RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.ledger import Origin, read_ledger
from include.fsx_migration.resources.transfer_resources import (
    Resources,
    ensure_transfer_resources,
    load_resources,
)
from tests.include.fsx_migration.fake_aws import AGENTS, FakeAws, migration, workplace

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Migration

CREATED = ("CreateFileSystem", "CreateLogGroup", "CreateLocationFsxLustre", "CreateLocationNfs", "CreateTask")
WINDOWS = Target(
    subdirectory="/share",
    mount=Path("/mnt/target"),
    windows=WindowsFileSystem(storage_gib=2048, throughput_mib_s=64, active_directory_id="d-0123456789"),
    subnet_ids=("subnet-0123456789abcdef0",),
    security_group_ids=("sg-0123456789abcdef0",),
    connection="fsx_windows",
)
SOURCES = {
    "nfs": migration().source,
    "smb": Source(
        kind=SourceKind.SMB,
        server="nas02.example",
        subdirectory="/share",
        agents=AGENTS[:1],
        connection="smb_source",
        mount=Path("/mnt/source"),
    ),
    "s3": Source(
        kind=SourceKind.S3,
        bucket="old-files",
        subdirectory="/projects",
        mount=Path("/mnt/source"),
        access_role_arn="arn:aws:iam::123456789012:role/reader",
    ),
    "object storage": Source(
        kind=SourceKind.OBJECT_STORAGE,
        server="store.example:9000",
        bucket="old-files",
        subdirectory="/projects",
        agents=AGENTS[:1],
        connection="store",
        mount=Path("/mnt/source"),
    ),
}


def made(aws: FakeAws) -> dict[str, int]:
    return {name: count for name, count in aws.writes.items() if name.startswith("Create")}


def test_each_agent_gets_one_location_and_one_task_to_one_target() -> None:
    aws = FakeAws()
    found = ensure_transfer_resources(workplace(aws))
    assert made(aws) == dict(zip(CREATED, (1, 1, 1, 2, 2), strict=True))
    assert [task.agent for task in found.tasks] == list(AGENTS)
    for task in found.tasks:
        described = aws.tasks[task.task_arn]
        assert described["SourceLocationArn"] == task.source_location_arn
        assert described["DestinationLocationArn"] == found.target_location_arn
        assert aws.locations[task.source_location_arn]["OnPremConfig"] == {"AgentArns": [task.agent]}


@pytest.mark.parametrize("target", [migration().target, WINDOWS], ids=["lustre", "windows"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_second_run_makes_nothing_and_finds_the_same(source: Source, target: Target) -> None:
    aws, wanted = FakeAws(), migration(source=source, target=target)
    place = workplace(aws, wanted)
    first = ensure_transfer_resources(place)
    before = made(aws)
    assert ensure_transfer_resources(place) == first
    assert made(aws) == before


def test_without_its_notes_a_migration_finds_everything_by_tag() -> None:
    aws = FakeAws()
    first = ensure_transfer_resources(workplace(aws))
    before = made(aws)
    assert ensure_transfer_resources(workplace(aws)) == first
    assert made(aws) == before


def test_two_migrations_share_no_location_and_no_task() -> None:
    aws = FakeAws()
    one = ensure_transfer_resources(workplace(aws))
    two = ensure_transfer_resources(workplace(aws, migration(name="archive")))
    assert one.target_location_arn != two.target_location_arn
    assert not {task.task_arn for task in one.tasks} & {task.task_arn for task in two.tasks}
    assert one.file_system.id != two.file_system.id


def test_everything_carries_the_migrations_tags() -> None:
    aws = FakeAws()
    found = ensure_transfer_resources(workplace(aws))
    tagged = {arn: tagging.tag_map(tags) for arn, tags in aws.tags.items()}
    file_system = tagging.tag_map(aws.file_systems[found.file_system.id]["Tags"])
    assert {tags[tagging.MIGRATION] for tags in [*tagged.values(), file_system, *aws.log_groups.values()]} == {
        "projects"
    }
    task = found.tasks[1]
    assert tagged[task.task_arn][tagging.AGENT] == AGENTS[1].rsplit("/", 1)[-1]
    assert tagged[task.source_location_arn][tagging.ROLE] == tagging.SOURCE_LOCATION


def test_an_s3_source_needs_no_agent_and_has_one_task() -> None:
    aws = FakeAws()
    found = ensure_transfer_resources(workplace(aws, migration(source=SOURCES["s3"])))
    assert [task.agent for task in found.tasks] == [""]
    assert "AgentArns" not in aws.locations[found.tasks[0].source_location_arn]


def test_a_password_reaches_datasync_alone() -> None:
    aws = FakeAws()
    place = workplace(aws, migration(source=SOURCES["smb"], target=WINDOWS))
    found = ensure_transfer_resources(place)
    sent = [arguments for name, arguments in aws.calls if name in ("CreateLocationSmb", "CreateLocationFsxWindows")]
    assert [(asked["User"], asked["Domain"], asked["Password"]) for asked in sent] == [
        ("fsx_windows", "EXAMPLE", "open sesame"),
        ("smb_source", "EXAMPLE", "open sesame"),
    ]
    kept = b"".join(place.store.objects.values()).decode()
    assert "open sesame" not in kept + repr(found)


def test_a_refused_password_is_in_no_message() -> None:
    aws = FakeAws()
    aws.fail("CreateLocationSmb", code="InvalidRequestException", message="Access denied.")
    with pytest.raises(RefusedError, match=r"nas02\.example/share: Access denied") as caught:
        ensure_transfer_resources(workplace(aws, migration(source=SOURCES["smb"])))
    assert "sesame" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_the_options_of_a_windows_target_leave_posix_out() -> None:
    aws = FakeAws()
    found = ensure_transfer_resources(workplace(aws, migration(source=SOURCES["smb"], target=WINDOWS)))
    options = aws.tasks[found.tasks[0].task_arn]["Options"]
    assert (options["Uid"], options["PosixPermissions"]) == ("NONE", "NONE")
    assert options["SecurityDescriptorCopyFlags"] == "OWNER_DACL"


def test_enhanced_tasks_take_no_log_group() -> None:
    aws = FakeAws()
    found = ensure_transfer_resources(workplace(aws, migration(transfer=Transfer(mode="ENHANCED"))))
    assert found.log_group == "/aws/datasync"
    assert not aws.log_groups
    assert "CloudWatchLogGroupArn" not in aws.tasks[found.tasks[0].task_arn]


def test_what_lets_datasync_log_is_told_when_it_is_missing() -> None:
    (note,) = ensure_transfer_resources(workplace(FakeAws())).notes
    assert "put-resource-policy" in note
    assert "log-group:/landfall/datasync:*" in note


def test_the_log_group_of_somebody_else_is_used_and_not_owned() -> None:
    aws = FakeAws()
    aws.log_groups["/landfall/datasync"] = {}
    place = workplace(aws)
    ensure_transfer_resources(place)
    entry = read_ledger(place).living(tagging.LOG_GROUP)
    assert entry is not None
    assert entry.origin is Origin.ADOPTED


CHANGES: dict[str, tuple[Any, str]] = {
    "verification": (
        lambda m: replace(m, transfer=Transfer(verify="NONE")),
        "Options.VerifyMode is ONLY_FILES_TRANSFERRED, wanted NONE",
    ),
    "mode": (lambda m: replace(m, transfer=Transfer(mode="ENHANCED")), "TaskMode is BASIC, wanted ENHANCED"),
    "server": (
        lambda m: replace(m, source=replace(m.source, server="nas09.example")),
        "wanted nfs://nas09.example/projects",
    ),
    "kind": (lambda m: replace(m, source=replace(SOURCES["smb"], agents=AGENTS)), "wanted smb://nas02.example/share"),
    "folder": (lambda m: replace(m, target=replace(m.target, subdirectory="/other")), "/projects/, wanted fsxl://"),
    "security group": (
        lambda m: replace(m, target=replace(m.target, security_group_ids=("sg-0fedcba9876543210",))),
        "SecurityGroupArns is not the definition's",
    ),
    "capacity": (
        lambda m: replace(m, target=replace(m.target, lustre=replace(m.target.lustre, storage_gib=4800))),
        "StorageCapacity is 2400, wanted 4800",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), CHANGES.values(), ids=CHANGES)
def test_drift_is_refused_and_nothing_is_overwritten(change: Any, sentence: str) -> None:
    aws = FakeAws()
    place = workplace(aws)
    ensure_transfer_resources(place)
    before = dict(aws.writes)
    changed: Migration = change(place.migration)
    with pytest.raises(DriftError, match=sentence.replace(".", r"\.")):
        ensure_transfer_resources(workplace(aws, changed, lake=place.store))
    assert aws.writes == before


def test_a_login_that_changed_is_drift() -> None:
    aws, wanted = FakeAws(), migration(source=SOURCES["smb"])
    place = workplace(aws, wanted)
    ensure_transfer_resources(place)
    other = replace(place, secrets=lambda _: ("somebody", "open sesame"))
    with pytest.raises(DriftError, match="User is not the definition's"):
        ensure_transfer_resources(other)


def test_resources_are_read_back_as_they_were_found() -> None:
    place = workplace(FakeAws())
    with pytest.raises(RefusedError, match="run fsx_migration_migrate"):
        load_resources(place)
    found = ensure_transfer_resources(place)
    assert load_resources(place) == found
    assert Resources.from_dict(found.to_dict()) == found


def test_a_target_without_security_groups_is_refused_by_name() -> None:
    wanted = migration(target=replace(migration().target, security_group_ids=()))
    with pytest.raises(RefusedError, match="security_group_ids"):
        ensure_transfer_resources(workplace(FakeAws(), wanted))
