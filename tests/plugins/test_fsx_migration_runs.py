"""What the tasks of a migration get: its definition, clients that retry only where it is safe, logins by connection."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from include.fsx_migration.refusals import RefusedError
from landfall.fsx_migration_runs import MigrationUnknownError, held_workplace, hold, let_go, workplace
from landfall.hooks.fsx_migration import FsxMigrationHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_aws import LocalAws

BUCKET = "fsx-migration-runs"
DEFINITION = """
name: projects
source: {kind: s3, bucket: old-files, subdirectory: /projects, mount: /mnt/source,
  access_role_arn: "arn:aws:iam::123456789012:role/reader"}
target:
  subdirectory: /projects
  mount: /mnt/target
  lustre: {storage_gib: 1200, throughput_per_tib: 125}
  subnet_ids: [subnet-0123456789abcdef0]
  security_group_ids: [sg-0123456789abcdef0]
cut_over: {name: {kind: ssm, parameter: /projects/server}, old_value: nas01.example}
"""


@pytest.fixture
def hook(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[FsxMigrationHook]:
    monkeypatch.setenv("LANDFALL_FSX_MIGRATION_BUCKET", BUCKET)
    aws.client("s3").create_bucket(Bucket=BUCKET)
    yield FsxMigrationHook()
    aws.control("DELETE", "faults")


def test_a_planned_migration_is_read_from_its_place(hook: FsxMigrationHook) -> None:
    hook.store.put_bytes("fsx_migration/projects/migration.yaml", DEFINITION.encode())
    place = workplace("projects")
    assert place.migration.source.bucket == "old-files"
    assert place.places.definition == "fsx_migration/projects/migration.yaml"
    assert place.settings.bucket == BUCKET
    assert place.now().tzinfo is not None
    with pytest.raises(MigrationUnknownError, match="no migration archive: run fsx_migration_plan"):
        workplace("archive")


def test_only_calls_that_are_safe_to_repeat_are_repeated(hook: FsxMigrationHook, aws: LocalAws) -> None:
    fault = {"kind": "fail", "service": "datasync", "operation": "ListTasks", "times": 2, "status": 500}
    aws.control("POST", "faults", fault)
    assert hook.client("datasync").list_tasks()["Tasks"] == []
    aws.control("POST", "faults", fault)
    with pytest.raises(ClientError):
        hook.client_once("datasync").list_tasks()
    assert hook.client("datasync") is hook.client("datasync")


def test_a_login_comes_from_its_connection_or_is_missed_by_name(
    hook: FsxMigrationHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = {"conn_type": "generic", "login": "EXAMPLE\\mover", "password": "open sesame"}
    monkeypatch.setenv("AIRFLOW_CONN_SMB_SOURCE", json.dumps(complete))
    assert hook.login("smb_source") == ("EXAMPLE\\mover", "open sesame")
    monkeypatch.setenv("AIRFLOW_CONN_SMB_SOURCE", json.dumps({**complete, "password": ""}))
    with pytest.raises(ValueError, match="smb_source lacks its login or password"):
        hook.login("smb_source")


def run(dag_id: str, states: dict[str, str], *, migration: str = "projects") -> Any:
    """The context of a run; `states` are those that Airflow tells of runs, by run id."""
    instance = SimpleNamespace(get_dagrun_state=lambda _dag_id, run_id: states[run_id])
    return {
        "dag_run": SimpleNamespace(dag_id=dag_id, run_id=f"{dag_id}-1"),
        "ti": instance,
        "params": {"migration": migration},
    }


@pytest.fixture
def migrations(hook: FsxMigrationHook, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("projects", "archive"):
        text = DEFINITION.replace("name: projects", f"name: {name}", 1)
        hook.store.put_bytes(f"fsx_migration/{name}/migration.yaml", text.encode())
    yield
    for key in hook.store.list_keys("leases"):
        hook.store.client.delete_object(Bucket=BUCKET, Key=key)


def act_as(context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("landfall.fsx_migration_runs.get_current_context", lambda: context)
    return context


@pytest.mark.usefixtures("migrations")
def test_two_runs_never_work_on_one_migration_and_always_on_two(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"fsx_migration_migrate-1": "running", "fsx_migration_cut_over-1": "running"}
    first, second = run("fsx_migration_migrate", states), run("fsx_migration_cut_over", states)
    held_workplace(act_as(first, monkeypatch), "transfer")
    held_workplace(first, "full pass")
    act_as(second, monkeypatch)
    held = r"projects is held by fsx_migration_migrate/\S+ \(full pass\).*wait for that"
    with pytest.raises(RefusedError, match=held):
        held_workplace(second, "leading clients over or back")
    assert workplace("projects").migration.name == "projects", "reading is for everybody"
    other = run("fsx_migration_migrate", states, migration="archive")
    assert held_workplace(act_as(other, monkeypatch), "transfer").migration.name == "archive"


@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_is_over_holds_nothing_and_cannot_come_back_meanwhile(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"fsx_migration_migrate-1": state, "fsx_migration_cut_over-1": "running"}
    first, second = run("fsx_migration_migrate", states), run("fsx_migration_cut_over", states)
    held_workplace(act_as(first, monkeypatch), "transfer")
    held_workplace(act_as(second, monkeypatch), "leading clients over or back")
    act_as(first, monkeypatch)
    with pytest.raises(RefusedError, match="held by fsx_migration_cut_over"):
        held_workplace(first, "full pass")
    let_go(workplace("projects"), first)
    with pytest.raises(RefusedError):
        held_workplace(first, "full pass")
    let_go(workplace("projects"), second)
    held_workplace(first, "full pass")


@pytest.mark.usefixtures("migrations")
def test_a_plan_may_be_made_while_the_migration_is_transferred(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"fsx_migration_migrate-1": "running", "fsx_migration_plan-1": "running"}
    held_workplace(act_as(run("fsx_migration_migrate", states), monkeypatch), "transfer")
    place = workplace("projects")
    planning = "the plan of migration projects"
    hold(place, run("fsx_migration_plan", states), subject=planning, purpose="planning")
    with pytest.raises(RefusedError, match="the plan of migration projects is held"):
        hold(place, run("fsx_migration_migrate", states), subject=planning, purpose="planning")
