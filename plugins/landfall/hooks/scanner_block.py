"""Everything the tasks of scanner blocking touch, behind one connection."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from include.scanner_block.settings import ScannerSettings
from landfall.athena_queries import AthenaQuery
from landfall.connections import AWS, aws_client

if TYPE_CHECKING:
    from include.scanner_block.desk import Desk
    from include.scanner_block.policy_model import Policy
    from include.scanner_block.steps.collecting import Batch
    from landfall.alerts import AlertTopic
    from landfall.gates import EvidenceStore


class ScannerBlockHook(BaseHook):
    """The desk that the steps work at, the queries they ask, and whom they tell.

    Names of resources are read from `LANDFALL_SCANNER_BLOCK_*` when a task asks, never while a DAG file is parsed.

    :param aws_conn_id: the Airflow connection.
    """

    def __init__(self, aws_conn_id: str = AWS) -> None:
        super().__init__()
        self.aws_conn_id = aws_conn_id
        self.settings = ScannerSettings.from_environment(os.environ)

    def client(self, service: str, *, region_name: str | None = None) -> Any:
        """Return a boto3 client, in the connection's region where none is given."""
        return aws_client(service, aws_conn_id=self.aws_conn_id, region_name=region_name)

    @property
    def desk(self) -> Desk:
        """Return what the steps work with."""
        from include.scanner_block.desk import Desk
        from include.scanner_block.search_engines import SystemResolver

        store = self.settings.store(self.client("s3"))
        return Desk(settings=self.settings, store=store, clients=self.client, resolver=SystemResolver())

    @property
    def topic(self) -> AlertTopic:
        """Return whom the family tells."""
        from landfall.alerts import AlertTopic

        store = self.settings.store(self.client("s3"))
        return AlertTopic(store, sns=self.client("sns"), topic_arn=self.settings.alert_topic)

    @property
    def gate_store(self) -> EvidenceStore:
        """Return where gates of this family keep their evidence: the same bucket."""
        from landfall.gates import EvidenceStore

        return EvidenceStore(bucket=self.settings.bucket, aws_conn_id=self.aws_conn_id)

    def count_query(self, batch: Batch, policy: Policy) -> AthenaQuery:
        """Return the query that counts a batch of objects into its folder."""
        from include.scanner_block.athena.queries import count_objects, unload

        target = self.settings.uri(*batch.folder) + "/"
        select = count_objects(
            batch.source,
            table=batch.source.name,
            objects=[found.uri for found in batch.objects],
            rules=policy.rules,
        )
        return AthenaQuery(
            name=batch.name,
            sql=unload(select, to=target),
            database=self.settings.database,
            workgroup=self.settings.workgroup,
            target=target,
        )
