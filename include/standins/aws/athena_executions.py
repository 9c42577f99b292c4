"""Query executions: their record, their states, and the memory of them across restarts."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from include.standins.aws.athena_errors import SYSTEM, athena_error
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Iterable

KIND = "athena.execution"
HISTORY_SECONDS = 45 * 86_400  # source: Athena user guide, "View query history": 45 days
TERMINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
STOPPED = "INTERNAL_ERROR: The local AWS stopped while the query was running; run it again."


@dataclass
class Execution:
    """One query execution; times are seconds since the epoch."""

    id: str
    query: str
    workgroup: str
    output: str
    submitted: float
    statement_type: str
    database: str = "default"
    catalog: str = "AwsDataCatalog"
    parameters: list[str] = field(default_factory=list)
    token: str | None = None
    scan_limit: int | None = None
    state: str = "QUEUED"
    reason: str | None = None
    error: dict[str, Any] | None = None
    started: float | None = None
    completed: float | None = None
    scanned_bytes: int = 0
    columns: list[list[str]] = field(default_factory=list)
    manifest: str | None = None
    update_count: int | None = None
    output_rows: int = 0

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.state in TERMINAL

    def describe(self) -> dict[str, Any]:
        """Give the QueryExecution structure."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.reason:
            status["StateChangeReason"] = self.reason
        if self.completed is not None:
            status["CompletionDateTime"] = self.completed
        if self.error:
            status["AthenaError"] = self.error
        described: dict[str, Any] = {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.statement_type,
            "ResultConfiguration": {"OutputLocation": self.output},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": {"Database": self.database, "Catalog": self.catalog.lower()},
            "Status": status,
            "Statistics": self.statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": {
                "SelectedEngineVersion": "AUTO",
                "EffectiveEngineVersion": "Athena engine version 3",
            },
        }
        if self.parameters:
            described["ExecutionParameters"] = self.parameters
        return described

    def statistics(self) -> dict[str, Any]:
        """Give times in milliseconds and bytes scanned, as far as they are known."""
        statistics: dict[str, Any] = {"ResultReuseInformation": {"ReusedPreviousResult": False}}
        if self.manifest:
            statistics["DataManifestLocation"] = self.manifest
        if self.completed is not None:
            started = self.started if self.started is not None else self.completed
            statistics |= {
                "EngineExecutionTimeInMillis": round((self.completed - started) * 1000),
                "DataScannedInBytes": self.scanned_bytes,
                "TotalExecutionTimeInMillis": round((self.completed - self.submitted) * 1000),
                "QueryQueueTimeInMillis": round((started - self.submitted) * 1000),
                "QueryPlanningTimeInMillis": 0,
                "ServicePreProcessingTimeInMillis": 0,
                "ServiceProcessingTimeInMillis": 0,
            }
        return statistics


class Executions:
    """Every execution by id; each change of state is written before anybody can read it."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._by_id: dict[str, Execution] = {}
        self._by_token: dict[str, str] = {}

    def restore(self, *, now: float) -> None:
        """Read all back; one that was queued or running has failed with the process it ran in."""
        lost, forgotten = [], []
        for _, blob in self._store.read(KIND):
            execution = Execution(**json.loads(blob))
            if execution.submitted < now - HISTORY_SECONDS:
                forgotten.append(Change(KIND, execution.id, None))
                continue
            if not execution.ended:
                execution.state, execution.reason, execution.completed = "FAILED", STOPPED, now
                execution.error = athena_error(STOPPED, category=SYSTEM, retryable=True)
                lost.append(execution)
            self._remember(execution)
        self._save(lost)
        self._store.write(forgotten)

    def _remember(self, execution: Execution) -> None:
        self._by_id[execution.id] = execution
        if execution.token:
            self._by_token[execution.token] = execution.id

    def _save(self, executions: Iterable[Execution]) -> None:
        self._store.write([Change(KIND, found.id, json.dumps(asdict(found)).encode()) for found in executions])

    def add(self, execution: Execution) -> Execution:
        """Take in a new execution, or give the earlier one of the same token."""
        with self._lock:
            earlier = self._by_token.get(execution.token or "")
            if earlier:
                return self._by_id[earlier]
            self._save([execution])
            self._remember(execution)
            return execution

    def get(self, execution_id: str) -> Execution | None:
        """Give an execution by id."""
        return self._by_id.get(execution_id)

    def ids(self, workgroup: str) -> list[str]:
        """Ids of a workgroup's executions, the newest first."""
        found = [execution for execution in list(self._by_id.values()) if execution.workgroup == workgroup]
        return [execution.id for execution in sorted(found, key=lambda one: one.submitted, reverse=True)]

    def change(self, execution: Execution, **values: Any) -> bool:
        """Set fields and write them; an execution that has ended stays as it is, and False comes back."""
        with self._lock:
            if execution.ended:
                return False
            for name, value in values.items():
                setattr(execution, name, value)
            self._save([execution])
            return True
