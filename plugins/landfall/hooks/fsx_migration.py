"""Everything the tasks of FSx migrations touch, behind Airflow connections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from include.fsx_migration.settings import FsxMigrationSettings
from landfall.connections import AWS, aws_client

if TYPE_CHECKING:
    from include.object_store import ObjectStore
    from landfall.gates import EvidenceStore


class FsxMigrationHook(BaseHook):
    """Everything the tasks of FSx migrations touch: the object store, AWS, logins of file servers.

    Names of resources are read from `LANDFALL_FSX_MIGRATION_*` when a task asks, never while a DAG file is parsed.

    :param aws_conn_id: the Airflow connection to AWS.
    """

    def __init__(self, aws_conn_id: str = AWS) -> None:
        super().__init__()
        self.aws_conn_id = aws_conn_id
        self.settings = FsxMigrationSettings.from_environment(os.environ)
        self._clients: dict[tuple[str, bool], Any] = {}

    def client(self, service: str) -> Any:
        """Return a boto3 client, the same one every time: a step makes hundreds of calls."""
        return self._client(service, patient=True)

    def client_once(self, service: str) -> Any:
        """Return a boto3 client that sends each request once, for calls that AWS would do twice."""
        return self._client(service, patient=False)

    @property
    def store(self) -> ObjectStore:
        """Where the family keeps its documents."""
        return self.settings.store(self.client("s3"))

    @property
    def gate_store(self) -> EvidenceStore:
        """Where gates of this family keep their evidence: the same bucket."""
        from landfall.gates import EvidenceStore

        return EvidenceStore(bucket=self.settings.bucket, aws_conn_id=self.aws_conn_id)

    def login(self, connection_id: str) -> tuple[str, str]:
        """Return login and password of an Airflow connection; Airflow masks the password in every log.

        :raises ValueError: the connection has no login or no password.
        """
        found = self.get_connection(connection_id)
        if not found.login or not found.password:
            raise ValueError(
                f"Connection {connection_id} lacks its login or password: add it under Admin > Connections."
            )
        return found.login, found.password

    def _client(self, service: str, *, patient: bool) -> Any:
        key = (service, patient)
        if key not in self._clients:
            make = aws_client if patient else _single_try_client
            self._clients[key] = make(service, aws_conn_id=self.aws_conn_id)
        return self._clients[key]


def _single_try_client(service: str, *, aws_conn_id: str) -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    return AwsBaseHook(aws_conn_id=aws_conn_id, client_type=service, config=config).get_conn()
