"""What the tasks of a migration get: its definition, clients that retry only where it is safe, logins by connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from landfall.fsx_migration_runs import MigrationUnknownError, workplace
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
