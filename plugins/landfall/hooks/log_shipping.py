"""Everything the tasks of log shipping touch, behind Airflow connections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from include.log_shipping.client import SqlServer
from include.log_shipping.settings import LogShippingSettings
from landfall.connections import AWS, aws_client
from landfall.hooks.sqlserver import SqlServerHook

if TYPE_CHECKING:
    from include.log_shipping.configuration import ServerSettings
    from include.object_store import ObjectStore
    from landfall.gates import EvidenceStore


class LogShippingHook(BaseHook):
    """Everything the tasks of log shipping touch: the object store, the servers, AWS.

    Names of resources are read from `LANDFALL_LOG_SHIPPING_*` when a task asks, never while a DAG file is parsed.

    :param aws_conn_id: the Airflow connection to AWS.
    """

    def __init__(self, aws_conn_id: str = AWS) -> None:
        super().__init__()
        self.aws_conn_id = aws_conn_id
        self.settings = LogShippingSettings.from_environment(os.environ)

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        return aws_client(service, aws_conn_id=self.aws_conn_id)

    @property
    def store(self) -> ObjectStore:
        """Where the family keeps its documents."""
        return self.settings.store(self.client("s3"))

    @property
    def gate_store(self) -> EvidenceStore:
        """Where gates of this family keep their evidence: the same bucket."""
        from landfall.gates import EvidenceStore

        return EvidenceStore(bucket=self.settings.bucket, aws_conn_id=self.aws_conn_id)

    def server(self, settings: ServerSettings) -> SqlServer:
        """Return a server of the configuration; it connects when the first statement runs."""
        return SqlServer(settings.name, SqlServerHook(mssql_conn_id=settings.connection).open)
