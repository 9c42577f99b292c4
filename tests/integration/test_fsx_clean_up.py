"""The clean-up DAG, run to its end: shown, refused, approved, killed in the middle and ended by the next try."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.definition import read_definition
from include.fsx_migration.places import Places
from include.fsx_migration.resources.file_systems import ensure_file_system
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources
from include.fsx_migration.settings import FsxMigrationSettings
from include.fsx_migration.workplace import Workplace
from tests.integration.dag_runner import DagRunner, Run
from tests.local_aws import LocalAws, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.airflow

DEFINITION = """
name: projects
source: {{kind: nfs, server: nas01.example, subdirectory: /projects, agents: ["{agent}"], mount: /mnt/source}}
target:
  subdirectory: /projects
  mount: /mnt/target
  lustre: {{storage_gib: 1200, throughput_per_tib: 125}}
  subnet_ids: [subnet-0123456789abcdef0]
  security_group_ids: [sg-0123456789abcdef0]
cut_over: {{name: {{kind: ssm, parameter: /projects/server}}, old_value: nas01.example}}
"""
REASON = "the rehearsal of the move is over"
YES = {"approve_clean_up": {"option": "Approve", "user": "oncall"}}


@dataclass
class Site:
    aws: LocalAws
    runner: DagRunner
    clock: datetime

    @property
    def place(self) -> Workplace:
        settings = FsxMigrationSettings()
        store = settings.store(self.aws.client("s3"))
        places = Places(store, "projects")
        return Workplace(
            store=store,
            places=places,
            migration=read_definition(store.get_bytes(places.definition).decode()),
            settings=settings,
            clients=self.aws.client,
            now=lambda: datetime.now(UTC),
            secrets=lambda _: ("", ""),
        )

    def run(self, **given: Any) -> Run:
        self.clock += timedelta(seconds=1)
        answers, cuts, user = given.pop("answers", None), given.pop("cuts", ()), given.pop("user", "admin")
        conf = {"migration": "projects", "reason": REASON, **given}
        return self.runner.run(
            "fsx_migration_clean_up", run_after=self.clock, conf=conf, answers=answers, cuts=cuts, user=user
        )

    def left(self) -> tuple[int, int, int]:
        client = self.aws.client("datasync")
        found = len(client.list_tasks()["Tasks"]), len(client.list_locations()["Locations"])
        return *found, len(self.aws.client("fsx").describe_file_systems()["FileSystems"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("fsx_clean_up")
    with start_local_aws(home / "aws") as aws:
        aws.control("POST", "fsx", {"create_seconds": 0})
        aws.client("s3").create_bucket(Bucket="landfall-lake")
        agent = aws.client("datasync").create_agent(ActivationKey="AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")["AgentArn"]
        with DagRunner(home, aws) as runner:
            made = Site(aws, runner, datetime.now(UTC))
            store = FsxMigrationSettings().store(aws.client("s3"))
            store.put_bytes(Places(store, "projects").definition, DEFINITION.format(agent=agent).encode())
            yield made


@pytest.fixture
def provisioned(site: Site) -> Site:
    """The site with file system, locations and one task; what a test before it left is used."""
    place = site.place
    deadline = time.monotonic() + 30
    while not ensure_file_system(place).is_available:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ensure_transfer_resources(place)
    return site


def test_a_dry_run_shows_the_list_and_deletes_nothing(provisioned: Site) -> None:
    run = provisioned.run(delete_file_system=True)
    assert run.state == "success", run.log
    assert run.states["delete_resources"] == "skipped"
    assert run.results["write_report"]["result"] == "dry run"
    assert "delete_log_group is off" in run.log
    assert provisioned.left() == (1, 2, 1)


def test_before_the_sign_off_the_run_is_red_and_nobody_is_asked(provisioned: Site) -> None:
    place = provisioned.place
    key = place.places.transfer_pass(1, "pass.json")
    place.store.put_json(key, {})
    run = provisioned.run(dry_run=False)
    place.store.delete(key)
    assert run.states["list_resources"] == "failed"
    assert run.states["approve_clean_up"] == "upstream_failed"
    assert "fsx_migration_cut_over" in run.log
    assert provisioned.left() == (1, 2, 1)


def test_a_rejected_list_is_left_alone(provisioned: Site) -> None:
    answers = {"approve_clean_up": {"option": "Reject", "user": "oncall"}}
    run = provisioned.run(dry_run=False, answers=answers)
    assert run.state == "success", run.log
    assert run.results["write_report"]["result"] == "rejected"
    assert provisioned.left() == (1, 2, 1)


def test_who_asked_may_not_approve(provisioned: Site) -> None:
    run = provisioned.run(dry_run=False, answers=YES, user="oncall")
    assert run.states["approve_clean_up"] == "failed"
    assert run.states["delete_resources"] == "upstream_failed"
    assert provisioned.left() == (1, 2, 1)


def test_a_worker_killed_in_the_middle_leaves_the_rest_to_the_next_try(provisioned: Site) -> None:
    run = provisioned.run(
        dry_run=False, delete_file_system=True, last_backup=False, answers=YES, cuts=["3 answer lost", "2 not sent"]
    )
    assert run.state == "success", run.log
    assert run.results["write_report"]["result"] == "deleted"
    assert run.results["write_report"]["deleted"] == 4
    assert provisioned.left() == (0, 0, 0)
