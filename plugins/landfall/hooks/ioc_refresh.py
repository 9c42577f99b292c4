"""Everything the tasks of IOC refresh touch, behind one connection, and the queries they ask."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from include.ioc_refresh import collect, queries
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.settings import IocSettings
from landfall.athena_queries import AthenaQuery, task_scope
from landfall.connections import AWS, aws_client
from landfall.hooks.athena import AthenaQueryHook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from include.ioc_refresh.evidence import ReceiptStore
    from include.ioc_refresh.refreshes import RefreshPlan
    from include.ioc_refresh.table import IndicatorTable
    from landfall.gates import EvidenceStore


class IocRefreshHook(BaseHook):
    """The lake, the indicator table, the receipts and the queries of IOC refresh.

    Names of resources are read from `LANDFALL_IOC_*` when a task asks, never while a DAG file is parsed.

    :param aws_conn_id: the Airflow connection.
    """

    def __init__(self, aws_conn_id: str = AWS) -> None:
        super().__init__()
        self.aws_conn_id = aws_conn_id
        self.settings = IocSettings.from_environment(os.environ)
        self.lake = Lake(self.client("s3"), self.settings)

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        return aws_client(service, aws_conn_id=self.aws_conn_id)

    @property
    def table(self) -> IndicatorTable:
        """The indicators."""
        from include.ioc_refresh.table import IndicatorTable

        return IndicatorTable(self.client("dynamodb"), self.settings.indicators_table)

    @property
    def receipts(self) -> ReceiptStore:
        """What the front door noted of each mail."""
        from include.ioc_refresh.evidence import ReceiptStore

        return ReceiptStore(self.client("dynamodb"), self.settings.receipts_table)

    @property
    def popularity(self) -> Popularity:
        """The list that guards popular domains; the same that was published as the table `popular_domains`."""
        return Popularity.from_environment(os.environ)

    @property
    def gate_store(self) -> EvidenceStore:
        """Where gates of this family keep their evidence: the same bucket."""
        from landfall.gates import EvidenceStore

        return EvidenceStore(bucket=self.settings.bucket, aws_conn_id=self.aws_conn_id)

    def new_mail_queries(self, plan: RefreshPlan) -> list[AthenaQuery]:
        """Profile the new mails for their gate."""
        return self._news("mails", plan.mail_objects, select=queries.new_mail, version=plan.version)

    def new_verdict_queries(self, plan: RefreshPlan) -> list[AthenaQuery]:
        """Read the new verdicts."""
        return self._news("verdicts", plan.verdict_objects, select=queries.new_verdicts, version=plan.version)

    def state_queries(self, plan: RefreshPlan, *, inputs: str) -> list[AthenaQuery]:
        """Write the state and the ledger of a version; `inputs` is the digest of its evidence."""
        version, previous, as_of = plan.version, plan.previous_version, plan.as_of
        state = queries.update_state(version=version, previous=previous, as_of=as_of)
        ledger = queries.update_ledger(version=version, previous=previous, as_of=as_of)
        return [
            self.unload("state", state, "state", f"version={version}", partitioned_by="kind", inputs=inputs),
            self.unload("ledger", ledger, "ledger", f"version={version}", inputs=inputs),
        ]

    def candidate_queries(self, plan: RefreshPlan, *, inputs: str) -> list[AthenaQuery]:
        """Write the candidates of a version; `inputs` names the execution that wrote its state."""
        select = queries.candidates(version=plan.version, as_of=plan.as_of)
        return [self.unload("candidates", select, "candidates", f"version={plan.version}", inputs=inputs)]

    def query(self, name: str, sql: str, *, target: str | None = None, inputs: str = "") -> AthenaQuery:
        """Return a query in the family's database and workgroup."""
        return AthenaQuery(
            name=name,
            sql=sql,
            database=self.settings.database,
            workgroup=self.settings.workgroup,
            target=target,
            inputs=inputs,
        )

    def unload(
        self, name: str, select: str, *folder: str, partitioned_by: str | None = None, inputs: str = ""
    ) -> AthenaQuery:
        """Return a query that writes a SELECT as Parquet into a folder below `ioc/`."""
        target = self.settings.uri(*folder) + "/"
        sql = queries.unload(select, to=target, partitioned_by=partitioned_by)
        return self.query(name, sql, target=target, inputs=inputs)

    def run(
        self, asked: Sequence[AthenaQuery], *, context: Mapping[str, Any], limit: timedelta = timedelta(minutes=10)
    ) -> list[dict[str, Any]]:
        """Run short queries inside the task and return their outcomes as JSON types; raises as AthenaQueryHook.run."""
        outcomes = AthenaQueryHook(aws_conn_id=self.aws_conn_id).run(
            asked, scope=task_scope(context), store=context["task_state_store"], limit=limit
        )
        return [outcome.to_dict() for outcome in outcomes.values()]

    def rows(
        self, asked: AthenaQuery, *, context: Mapping[str, Any]
    ) -> tuple[list[dict[str, str | None]], list[dict[str, Any]]]:
        """Run one short SELECT inside the task; return its rows as text and its outcome."""
        outcomes = self.run([asked], context=context)
        return AthenaQueryHook(aws_conn_id=self.aws_conn_id).rows(outcomes[0]["execution_id"]), outcomes

    def _news(self, table: str, keys: Sequence[str], *, select: Callable[..., str], version: str) -> list[AthenaQuery]:
        return [
            self.unload(
                f"new_{table}_{number}",
                select(objects=objects, hours=hours),
                *("news", f"version={version}", table, f"part={number}"),
            )
            for number, (objects, hours) in enumerate(collect.object_batches(self.lake, keys))
        ]
