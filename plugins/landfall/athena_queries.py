"""An Athena query as data: what to ask, what came of it, and what each ending is called."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
ENDED = frozenset({SUCCEEDED, FAILED, "CANCELLED"})

_PASSING_REASONS = ("throttl", "too many requests", "slow down", "internal error", "resources exhausted", "please try")


class QueryFailedError(RuntimeError):
    """Athena ended a query without a result and would do so again; `outcome` has its words."""

    def __init__(self, name: str, outcome: QueryOutcome) -> None:
        super().__init__(f"Athena query {name} ({outcome.execution_id}) is {outcome.state}: {outcome.reason}")
        self.outcome = outcome


class QueryInterruptedError(QueryFailedError):
    """Athena ended a query for a reason that passes (throttled, internal error): it may be started again."""


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


def task_scope(context: Mapping[str, Any]) -> str:
    """Return what names a task instance across its tries, as the scope of its queries."""
    instance = context["ti"]
    map_index = -1 if instance.map_index is None else instance.map_index
    return "/".join((instance.dag_id, instance.run_id, instance.task_id, str(map_index)))
