"""Athena queries that are started once, found again after a crash, and judged by what Athena says about them."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from landfall.athena_queries import SUCCEEDED, AthenaQuery, AttemptStore, QueryOutcome, client_token, require_success
from landfall.connections import AWS, patient_config

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_ROWS = 10_000


class AthenaQueryHook(AthenaHook):
    """Starts, finds and reads Athena executions; everything goes by the Airflow connection."""

    def __init__(self, *, aws_conn_id: str = AWS, **options: Any) -> None:
        super().__init__(aws_conn_id=aws_conn_id, **{"config": patient_config(), **options})

    def start_once(self, query: AthenaQuery, *, scope: str, store: AttemptStore) -> str:
        """Return the execution of a query within `scope`: the one that runs or has succeeded, else a new one.

        A try that dies between any two lines leaves either no note (nothing was started), a note without an id
        (the same client token finds the execution, if there is one) or a note with the id. The target is only ever
        emptied before a note with a new attempt number, hence never under an execution that counts. An execution
        that failed or was cancelled in an earlier try is replaced: whoever asked for another try wants one.
        """
        key = f"athena_{query.name}"
        known = store.get(key)
        if known and known["digest"] == query.digest:
            if not known["execution_id"]:
                return self._start_noted(query, scope=scope, store=store, attempt=known["attempt"])
            found = self.outcome(known["execution_id"])
            if found.state == SUCCEEDED or not found.ended:
                self.log.info("Query %s is found again: %s is %s", query.name, found.execution_id, found.state)
                return found.execution_id
        elif known and known["execution_id"] and not self.outcome(known["execution_id"]).ended:
            self.stop_query(known["execution_id"])  # its inputs changed: it must not write beside its successor
            self.wait([known["execution_id"]], limit=timedelta(minutes=1))
        if query.target:
            self.empty_prefix(query.target)
        attempt = known["attempt"] + 1 if known else 0
        return self._start_noted(query, scope=scope, store=store, attempt=attempt)

    def outcome(self, execution_id: str) -> QueryOutcome:
        """Ask Athena for the state of an execution."""
        answer = self.get_conn().get_query_execution(QueryExecutionId=execution_id)
        return QueryOutcome.of(answer["QueryExecution"])

    def wait(
        self, execution_ids: Sequence[str], *, limit: timedelta, poll: timedelta = timedelta(seconds=0.5)
    ) -> dict[str, QueryOutcome]:
        """Return the outcome of each execution, ended or not, once all have ended or `limit` has passed."""
        deadline = time.monotonic() + limit.total_seconds()
        outcomes = {execution_id: self.outcome(execution_id) for execution_id in execution_ids}
        while (waiting := [i for i, outcome in outcomes.items() if not outcome.ended]) and time.monotonic() < deadline:
            time.sleep(poll.total_seconds())
            outcomes |= {execution_id: self.outcome(execution_id) for execution_id in waiting}
        return outcomes

    def run(
        self, queries: Sequence[AthenaQuery], *, scope: str, store: AttemptStore, limit: timedelta
    ) -> dict[str, QueryOutcome]:
        """Start or find queries and wait for them inside the worker slot: for short ones in a `@task` body.

        Returns the outcomes by name. Raises QueryFailedError (or a subclass) with Athena's reason, QueryTimeoutError
        after `limit`.
        """
        executions = {query.name: self.start_once(query, scope=scope, store=store) for query in queries}
        outcomes = self.wait(list(executions.values()), limit=limit)
        for name, execution_id in executions.items():
            require_success(name, outcomes[execution_id], limit=limit)
        return {name: outcomes[execution_id] for name, execution_id in executions.items()}

    def rows(self, execution_id: str) -> list[dict[str, str | None]]:
        """Return the result of a SELECT as dicts of text; at most 10,000 rows: larger results stay in S3.

        Raises ValueError when the result is larger.
        """
        pages = self.get_conn().get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
        cells: list[list[str | None]] = []
        for page in pages:
            cells += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
            if len(cells) > _MAX_ROWS + 1:
                raise ValueError(f"Query {execution_id} has over {_MAX_ROWS} rows; read its result from S3 instead.")
        header, *body = cells or [[]]
        return [dict(zip((str(name) for name in header), row, strict=True)) for row in body]

    def empty_prefix(self, uri: str) -> int:
        """Delete what lies under `s3://bucket/folder/.../` and return the number of objects.

        Raises ValueError for a bucket's root, a single folder below it, and a prefix without the closing slash.
        """
        bucket, key = S3Hook.parse_s3_url(uri)
        if not uri.endswith("/") or key.strip("/").count("/") < 1:
            raise ValueError(f"{uri} is too wide to be emptied; name a folder at least two levels deep, ending in /.")
        client = S3Hook(aws_conn_id=self.aws_conn_id).get_conn()
        deleted = 0
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
            if keys := [{"Key": found["Key"]} for found in page.get("Contents", ())]:
                answer = client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if errors := answer.get("Errors"):
                    raise RuntimeError(f"{uri} could not be emptied: {errors[0]['Key']} {errors[0]['Message']}")
                deleted += len(keys)
        return deleted

    def _start_noted(self, query: AthenaQuery, *, scope: str, store: AttemptStore, attempt: int) -> str:
        key, note = f"athena_{query.name}", {"attempt": attempt, "digest": query.digest}
        store.set(key, {**note, "execution_id": ""})
        answer = self.get_conn().start_query_execution(
            QueryString=query.sql,
            QueryExecutionContext={"Database": query.database, "Catalog": "AwsDataCatalog"},
            WorkGroup=query.workgroup,
            ClientRequestToken=client_token(query, scope=scope, attempt=attempt),
        )
        execution_id: str = answer["QueryExecutionId"]
        store.set(key, {**note, "execution_id": execution_id})
        self.log.info("Query %s started as %s (attempt %s)", query.name, execution_id, attempt)
        return execution_id
