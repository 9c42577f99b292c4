"""Athena queries that are started once, found again after a crash, and judged by what Athena says about them."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUCCEEDED = "SUCCEEDED"
ENDED = frozenset({SUCCEEDED, "FAILED", "CANCELLED"})

_PASSING_REASONS = ("throttl", "too many requests", "slow down", "internal error", "resources exhausted", "please try")
_MAX_ROWS = 10_000


class QueryFailedError(RuntimeError):
    """Athena ended a query without a result and would do so again; `outcome` has its words."""

    def __init__(self, name: str, outcome: QueryOutcome) -> None:
        super().__init__(f"Athena query {name} ({outcome.execution_id}) is {outcome.state}: {outcome.reason}")
        self.outcome = outcome


class QueryInterruptedError(QueryFailedError):
    """Athena ended a query for a reason that passes (throttled, internal error): the same query may be started again."""


class QueryCancelledError(QueryFailedError):
    """Somebody, or the workgroup's limit, stopped the query."""


class QueryTimeoutError(TimeoutError):
    """A query did not end in the time given; it still runs and the next try finds it."""


class AttemptStore(Protocol):
    """Keeps a JSON value by key between the tries of one task: `context["task_state_store"]`."""

    def get(self, key: str, default: Any = None) -> Any: ...
    def set(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AthenaQuery:
    """One statement and where it runs.

    :param name: lower-case words joined by "_"; names the query in messages, state and results.
    :param target: the prefix (`s3://bucket/key/`) that the statement fills and that nobody reads before it is
        committed; it is emptied before each fresh start, because a start that died may have left files there.
    :param inputs: anything the result depends on that the text does not show, such as a digest of the rows read.
    """

    name: str
    sql: str
    database: str
    workgroup: str
    target: str | None = None
    inputs: str = ""

    @property
    def digest(self) -> str:
        """Tell two different queries apart: 16 hex digits over everything that decides the result."""
        parts = (self.sql, self.database, self.workgroup, self.target or "", self.inputs)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOutcome:
    """What Athena says about an execution; `retryable` is true when the same query may succeed later."""

    execution_id: str
    state: str
    reason: str
    retryable: bool
    scanned_bytes: int
    milliseconds: int
    output_uri: str

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.state in ENDED

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types, for XCom and the commit log."""
        return asdict(self)

    @classmethod
    def of(cls, execution: Mapping[str, Any]) -> QueryOutcome:
        """Read the `QueryExecution` of GetQueryExecution."""
        status, statistics = execution["Status"], execution.get("Statistics", {})
        reason = str(status.get("StateChangeReason") or "")
        failure = status.get("AthenaError") or {}
        return cls(
            execution_id=execution["QueryExecutionId"],
            state=status["State"],
            reason=reason,
            retryable=bool(failure.get("Retryable")) or any(word in reason.lower() for word in _PASSING_REASONS),
            scanned_bytes=int(statistics.get("DataScannedInBytes", 0)),
            milliseconds=int(statistics.get("TotalExecutionTimeInMillis", 0)),
            output_uri=execution.get("ResultConfiguration", {}).get("OutputLocation", ""),
        )


class AthenaQueryHook(AthenaHook):
    """Starts, finds and reads Athena executions; everything goes by the Airflow connection."""

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

    def run(self, query: AthenaQuery, *, scope: str, store: AttemptStore, limit: timedelta) -> QueryOutcome:
        """Start or find a query and wait for it inside the worker slot: for short queries in a `@task` body.

        Raises QueryFailedError (or a subclass) with Athena's reason, QueryTimeoutError after `limit`.
        """
        execution_id = self.start_once(query, scope=scope, store=store)
        outcome = self.wait([execution_id], limit=limit)[execution_id]
        require_success(query.name, outcome, limit=limit)
        return outcome

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


def client_token(query: AthenaQuery, *, scope: str, attempt: int) -> str:
    """Return the ClientRequestToken (64 hex digits; Athena takes 32 to 128 characters): same start, same token."""
    return hashlib.sha256("\0".join((scope, query.name, query.digest, str(attempt))).encode()).hexdigest()


def require_success(name: str, outcome: QueryOutcome, *, limit: timedelta) -> None:
    """Raise the named error of an execution that did not succeed; `limit` is how long it was waited for."""
    if outcome.state == SUCCEEDED:
        return
    if not outcome.ended:
        raise QueryTimeoutError(
            f"Athena query {name} ({outcome.execution_id}) is still {outcome.state} after {limit}; "
            "it goes on, and the next try finds it."
        )
    if outcome.retryable:
        raise QueryInterruptedError(name, outcome)
    raise (QueryCancelledError if outcome.state == "CANCELLED" else QueryFailedError)(name, outcome)
