"""Everything the tasks of an assessment touch, behind the Airflow connection to AWS."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from include.discovery.lake import DiscoverySettings
from landfall.connections import AWS, aws_client

if TYPE_CHECKING:
    from include.object_store import ObjectStore
    from landfall.gates import EvidenceStore


class DiscoveryHook(BaseHook):
    """The object store of assessments.

    Names are read from `LANDFALL_DISCOVERY_*` when a task asks, never while a DAG file is parsed.

    :param aws_conn_id: the Airflow connection to AWS.
    """

    def __init__(self, aws_conn_id: str = AWS) -> None:
        super().__init__()
        self.aws_conn_id = aws_conn_id
        self.settings = DiscoverySettings.from_environment(os.environ)

    @cached_property
    def client(self) -> Any:
        """The boto3 client of S3."""
        return aws_client("s3", aws_conn_id=self.aws_conn_id)

    @property
    def store(self) -> ObjectStore:
        """Where the family keeps its documents."""
        return self.settings.store(self.client)

    @property
    def gate_store(self) -> EvidenceStore:
        """Where gates of this family keep their evidence: the same bucket."""
        from landfall.gates import EvidenceStore

        return EvidenceStore(bucket=self.settings.bucket, aws_conn_id=self.aws_conn_id)
