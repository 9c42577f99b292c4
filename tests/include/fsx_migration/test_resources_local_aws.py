"""The same code against the local AWS, over a socket: provisioned, transferred once, cleaned up."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.clean_up.clean_ups import CleanUpChoices, plan_clean_up
from include.fsx_migration.clean_up.removing import apply_clean_up
from include.fsx_migration.places import Places
from include.fsx_migration.refusals import DriftError
from include.fsx_migration.resources.agents import check_agents
from include.fsx_migration.resources.file_systems import ensure_file_system
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources
from include.fsx_migration.settings import FsxMigrationSettings
from include.fsx_migration.transfer.executions import ExecutionOrder, cancel, describe, find, set_bandwidth, start_once
from include.fsx_migration.workplace import Workplace
from tests.include.fsx_migration.fake_aws import migration
from tests.include.fsx_migration.test_resources import SOURCES, WINDOWS
from tests.local_aws import LocalAws, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.fsx_migration.definition_model import Migration


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with start_local_aws(tmp_path_factory.mktemp("fsx_resources") / "state") as found:
        found.control("POST", "fsx", {"create_seconds": 0})
        found.client("s3").create_bucket(Bucket="landfall-lake")
        yield found


def place_of(aws: LocalAws, wanted: Migration) -> Workplace:
    settings = FsxMigrationSettings()
    store = settings.store(aws.client("s3"))
    return Workplace(
        store=store,
        places=Places(store, wanted.name),
        migration=wanted,
        settings=settings,
        clients=aws.client,
        now=lambda: datetime.now(UTC),
        secrets=lambda _: ("EXAMPLE\\mover", "open sesame"),
    )


def until(claim: Callable[[], Any], *, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def available(place: Workplace) -> None:
    until(lambda: ensure_file_system(place).is_available)


def agents_of(aws: LocalAws, count: int) -> tuple[str, ...]:
    create = aws.client("datasync").create_agent
    return tuple(create(ActivationKey="AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")["AgentArn"] for _ in range(count))


def test_a_migration_from_provisioning_to_clean_up(aws: LocalAws, tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "a.bin").write_bytes(b"a" * 1000)
    (tmp_path / "projects" / "b.bin").write_bytes(b"b" * 500)
    aws.control("POST", "mounts", {"location": "nfs://nas01.example", "directory": str(tmp_path)})
    source = replace(migration().source, agents=agents_of(aws, 2))
    place = place_of(aws, migration(source=source))
    assert all(agent.is_healthy for agent in check_agents(place))
    available(place)
    resources = ensure_transfer_resources(place)
    assert ensure_transfer_resources(place) == resources
    assert resources.file_system.dns_name

    manifest = place.places.transfer_pass(1, "manifests", "part-0000.csv")
    place.store.put_bytes(manifest, b"a.bin\n")
    order = ExecutionOrder(
        task_arn=resources.tasks[0].task_arn, pass_number=1, part="0000", attempt=1, manifest_key=manifest
    )
    arn = start_once(place, order)
    assert find(place, 1) == {("0000", 1): arn}
    assert start_once(place, order) == arn
    state = until(lambda: (now := describe(place, arn)).is_over and now)
    assert (state.succeeded, state.files_transferred, state.bytes_written) == (True, 1, 1000), state.why
    assert set_bandwidth(place, {arn: 10_000_000}) == ()
    assert cancel(place, [arn]) == ()

    assert plan_clean_up(place).refusals
    place.store.put_json(place.places.cut_over("outcome.json"), {"state": "rolled_back"})
    plan = plan_clean_up(place, CleanUpChoices(file_system=True, last_backup=False, log_group=True, documents=True))
    assert plan.refusals == ()
    deleted = apply_clean_up(place, plan)
    assert [deleted[kind] for kind in ("task", "source-location", "target-location", "log-group")] == [2, 2, 1, 1]
    assert (deleted["file-system"], deleted["documents"]) == (1, 1)
    assert plan_clean_up(place).items == ()


@pytest.mark.parametrize("kind", ["smb", "s3", "object storage"])
def test_every_kind_of_source_is_found_again(aws: LocalAws, kind: str) -> None:
    source = SOURCES[kind]
    if source.agents:
        source = replace(source, agents=agents_of(aws, 1))
    target = WINDOWS if kind == "smb" else migration().target
    place = place_of(aws, migration(name=kind.replace(" ", "-"), source=source, target=target))
    available(place)
    first = ensure_transfer_resources(place)
    place.store.delete(place.places.resources)
    assert ensure_transfer_resources(place) == first
    elsewhere = replace(source, subdirectory="/elsewhere")
    with pytest.raises(DriftError, match=r"wanted .*/elsewhere"):
        ensure_transfer_resources(place_of(aws, replace(place.migration, source=elsewhere)))
