"""The pool that runs queries: QUEUED, RUNNING, then SUCCEEDED, FAILED or CANCELLED, whether anybody looks or not."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from include.standins.aws.athena_errors import SYSTEM, USER, QueryCancelledError, QueryFailedError, athena_error
from include.standins.aws.athena_task import Outcome, Task
from include.standins.aws.sql_text import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.standins.aws.athena_catalog import Catalog
    from include.standins.aws.athena_executions import Execution, Executions
    from include.standins.aws.athena_prepared import PreparedStatements
    from include.standins.aws.athena_session import Session
    from include.standins.aws.faults import FaultRegistry
    from include.standins.aws.object_store import ObjectStore

log = logging.getLogger(__name__)

SLOTS = 2
THREADS_PER_QUERY = 2
MEMORY_PER_QUERY = "2GB"
CANCELLED_BY_USER = "Query cancelled by user"
INTERRUPT_AGAIN_SECONDS = 0.05
_OWN_SCHEMAS = ("main", "temp", "pg_catalog", "information_schema", "system")


class QueryEngine:
    """Runs executions on a few threads, each with a DuckDB connection of its own."""

    def __init__(
        self,
        *,
        executions: Executions,
        prepared: PreparedStatements,
        store: ObjectStore,
        catalog: Callable[[], Catalog],
        faults: FaultRegistry,
        scratch: Path,
    ) -> None:
        self._executions = executions
        self._prepared = prepared
        self._store = store
        self._catalog = catalog
        self._faults = faults
        self._scratch = scratch
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="athena")
        self._running: dict[str, duckdb.DuckDBPyConnection] = {}
        self._stops: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._closing = False
        scratch.mkdir(parents=True, exist_ok=True)

    def submit(self, execution: Execution) -> None:
        """Queue an execution."""
        self._stops[execution.id] = threading.Event()
        self._pool.submit(self._run, execution)

    def stop(self, execution: Execution) -> None:
        """Cancel an execution that is queued or running; an ended one stays as it is."""
        self._executions.change(execution, state="CANCELLED", reason=CANCELLED_BY_USER, completed=time.time())
        event = self._stops.get(execution.id)
        if event:
            event.set()
        threading.Thread(target=self._interrupt, args=(execution.id,), name="athena-stop", daemon=True).start()

    def _interrupt(self, execution_id: str) -> None:
        """Interrupt whatever the query runs until it has let go: one interrupt ends one DuckDB statement only."""
        while True:
            with self._lock:
                connection = self._running.get(execution_id)
                if connection is None:
                    return
                connection.interrupt()
            time.sleep(INTERRUPT_AGAIN_SECONDS)

    def close(self) -> None:
        """Interrupt what runs and end the threads; what has not ended is FAILED at the next start."""
        self._closing = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for event in list(self._stops.values()):
            event.set()
        for execution_id in list(self._running):
            self._interrupt(execution_id)
        self._pool.shutdown(wait=True)

    def _run(self, execution: Execution) -> None:
        try:
            if not self._executions.change(execution, state="RUNNING", started=time.time()):
                return
            outcome = self._outcome(execution)
            self._executions.change(execution, **outcome.fields(), state="SUCCEEDED", completed=time.time())
        except QueryCancelledError as error:
            self._end(execution, "CANCELLED", str(error))
        except QueryFailedError as error:
            self._end(execution, "FAILED", str(error), error=athena_error(str(error), category=USER))
        except duckdb.InterruptException:
            log.info("query %s was interrupted", execution.id)
        except Exception as error:
            log.exception("query %s crashed inside the local Athena", execution.id)
            reason = f"GENERIC_INTERNAL_ERROR: The local Athena crashed: {error!r}; see its log."
            self._end(execution, "FAILED", reason, error=athena_error(reason, category=SYSTEM))
        finally:
            self._stops.pop(execution.id, None)

    def _end(self, execution: Execution, state: str, reason: str, *, error: dict[str, Any] | None = None) -> None:
        if self._closing:
            return  # the next start finds it unfinished and says so
        self._executions.change(execution, state=state, reason=reason, error=error, completed=time.time())

    def _outcome(self, execution: Execution) -> Outcome:
        self._strike(execution)
        connection = self._connection()
        with self._lock:
            self._running[execution.id] = connection
        try:
            return self._session(execution, connection).run()
        finally:
            with self._lock:
                self._running.pop(execution.id, None)
            self._clean(connection)

    def _session(self, execution: Execution, connection: duckdb.DuckDBPyConnection) -> Session:
        from include.standins.aws.athena_session import Session  # late, as above

        task = Task(
            id=execution.id,
            sql=execution.query,
            database=execution.database,
            output=execution.output.rpartition("/")[0] + "/",
            workgroup=execution.workgroup,
            parameters=execution.parameters,
            scan_limit=execution.scan_limit,
            now=datetime.now(UTC).replace(tzinfo=None),
        )

        def on_scan(scanned: int) -> None:
            if not self._executions.change(execution, scanned_bytes=scanned):
                raise QueryCancelledError(CANCELLED_BY_USER)

        return Session(connection, self._catalog(), self._store, self._prepared, self._scratch, task, on_scan)

    def _strike(self, execution: Execution) -> None:
        """Let an injected fault end the query, or hold it until it is stopped."""
        fault = self._faults.query_fault()
        if fault is None:
            return
        if fault.kind == "query_stuck":
            self._stops[execution.id].wait()
            raise QueryCancelledError(CANCELLED_BY_USER)
        if fault.kind == "query_cancel":
            raise QueryCancelledError(fault.error or "Query was cancelled by a fault of the local AWS")
        raise QueryFailedError(*(fault.error or "GENERIC_INTERNAL_ERROR: a fault of the local AWS").split(": ", 1))

    def _connection(self) -> duckdb.DuckDBPyConnection:
        """Give this thread's connection; made once, as its macros take time."""
        if getattr(self._local, "connection", None) is None:
            from include.athena_sql import connect  # late: the dialect is loaded by the first query
            from include.standins.aws.athena_formats import lower_json_keys

            made = connect(threads=THREADS_PER_QUERY, memory_limit=MEMORY_PER_QUERY)
            made.create_function("lower_json_keys", lower_json_keys, ["VARCHAR"], "VARCHAR")
            made.execute(f"SET temp_directory = {literal(str(self._scratch / 'spill'))}")
            self._local.connection = made
        connection: duckdb.DuckDBPyConnection = self._local.connection
        return connection

    def _clean(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Drop the query's views; a connection that cannot is thrown away."""
        try:
            made = connection.execute("SELECT DISTINCT schema_name FROM duckdb_views() WHERE NOT internal").fetchall()
            for (schema,) in made:
                if schema not in _OWN_SCHEMAS:
                    connection.execute(f"DROP SCHEMA {identifier(schema)} CASCADE")
            tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
            for (table,) in tables:
                connection.execute(f"DROP TABLE IF EXISTS temp.{identifier(table)}")
        except duckdb.Error:
            log.exception("a DuckDB connection could not be cleaned and is replaced")
            connection.close()
            self._local.connection = None
