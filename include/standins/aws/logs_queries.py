"""Insights queries: started, run by threads, asked for, stopped.

Source: CloudWatch Logs API reference, StartQuery, GetQueryResults, StopQuery, DescribeQueries, GetLogRecord. Results
live in memory: a restart forgets them (CloudWatch keeps them for seven days).
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from include.standins.aws.errors import AwsError
from include.standins.aws.logs_insights import LIMIT, Query, read_query
from include.standins.aws.logs_insights_rows import Moment, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.aws.logs_store import Event, LogStore

log = logging.getLogger(__name__)

Parameters = dict[str, Any]
KEPT = 200
WORKERS = 2


class _StoppedError(Exception):
    """The query was stopped while it ran."""


@dataclass
class Running:
    """One query and how far it is; `groups` are ARNs by name, times in milliseconds since the epoch."""

    id: str
    text: str
    groups: dict[str, str]
    start: int
    end: int
    created: int
    status: str = "Scheduled"
    results: list[list[dict[str, str]]] = field(default_factory=list)
    matched: int = 0
    scanned: int = 0
    scanned_bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def count(self) -> None:
        """Count an event that passed the filters."""
        self.matched += 1


class Queries:
    """The latest queries of the account."""

    def __init__(self, events: LogStore, *, account: str) -> None:
        self._events = events
        self._account = account
        self._lock = threading.Lock()
        self._queries: dict[str, Running] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="insights")

    def start(self, groups: dict[str, str], parameters: Parameters) -> Parameters:
        """StartQuery over groups, ARNs by name; raises AwsError MalformedQueryException."""
        if parameters.get("queryLanguage", "CWLI") != "CWLI":
            raise AwsError("InvalidParameterException", "The local AWS models the query language CWLI only.")
        if parameters["startTime"] > parameters["endTime"]:
            raise AwsError("InvalidParameterException", "End time should not be before start time.")
        query = read_query(parameters["queryString"])
        query.limit = min(parameters.get("limit") or LIMIT, LIMIT)
        start, end = _milliseconds(parameters["startTime"]), _milliseconds(parameters["endTime"])
        text, created = parameters["queryString"], int(time.time() * 1000)
        running = Running(str(uuid4()), text, groups, start, end + 999, created)
        with self._lock:
            self._queries[running.id] = running
            for old in list(self._queries)[:-KEPT]:
                self._queries.pop(old).stop.set()
        self._pool.submit(self._run, running, query)
        return {"queryId": running.id}

    def results(self, parameters: Parameters) -> Parameters:
        """GetQueryResults; while it runs there are none."""
        running = self._find(parameters["queryId"])
        statistics = {
            "recordsMatched": float(running.matched),
            "recordsScanned": float(running.scanned),
            "bytesScanned": float(running.scanned_bytes),
        }
        status = running.status
        results = running.results if status == "Complete" else []
        return {"queryLanguage": "CWLI", "results": results, "statistics": statistics, "status": status}

    def stop(self, parameters: Parameters) -> Parameters:
        """StopQuery."""
        running = self._find(parameters["queryId"])
        with self._lock:
            if running.status not in ("Scheduled", "Running"):
                raise AwsError("InvalidParameterException", f"Query {running.id} is not running.")
            running.stop.set()
            running.status = "Cancelled"
        return {"success": True}

    def describe(self, parameters: Parameters) -> Parameters:
        """DescribeQueries, newest first."""
        with self._lock:
            known = list(reversed(self._queries.values()))
        found = [
            {"queryLanguage": "CWLI", "queryId": query.id, "queryString": query.text, "status": query.status}
            | {"createTime": query.created, "logGroupName": name}
            for query in known
            for name in query.groups
            if parameters.get("logGroupName") in (None, name) and parameters.get("status") in (None, query.status)
        ]
        start, limit = int(parameters.get("nextToken") or 0), parameters.get("maxResults") or 1_000
        more = {"nextToken": str(start + limit)} if len(found) > start + limit else {}
        return {"queries": found[start : start + limit], **more}

    def record(self, parameters: Parameters) -> Parameters:
        """GetLogRecord, by the @ptr of a result."""
        try:
            found = self._events.find(int(base64.b64decode(parameters["logRecordPointer"], validate=True)))
        except ValueError:
            found = None
        if found is None:
            raise AwsError("InvalidParameterException", "The log record pointer is invalid.")
        group, event = found
        values = self._row(group, event).values
        return {"logRecord": {name: str(value) for name, value in values.items()}}

    def _find(self, query_id: str) -> Running:
        with self._lock:
            found = self._queries.get(query_id)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"The query {query_id} does not exist.")
        return found

    def _run(self, running: Running, query: Query) -> None:
        if not self._moves(running, "Scheduled", "Running"):
            return
        try:
            results = query.run(self._rows(running), running.count)
        except _StoppedError:
            return
        except Exception:
            log.exception("the Insights query %s failed", running.id)
            self._moves(running, "Running", "Failed")
            return
        running.results = results
        self._moves(running, "Running", "Complete")

    def _moves(self, running: Running, before: str, after: str) -> bool:
        with self._lock:
            if running.status != before:
                return False
            running.status = after
            return True

    def _rows(self, running: Running) -> Iterator[Row]:
        for arn in running.groups.values():
            for event in self._events.events(arn, start=running.start, end=running.end):
                if running.stop.is_set():
                    raise _StoppedError
                running.scanned += 1
                running.scanned_bytes += len(event.message)
                yield self._row(arn, event)

    def _row(self, arn: str, event: Event) -> Row:
        return Row(
            {
                "@timestamp": Moment(event.at),
                "@message": event.message,
                "@logStream": event.stream,
                "@log": f"{self._account}:{arn.partition(':log-group:')[2]}",
                "@ingestionTime": Moment(event.ingested),
                "@ptr": base64.b64encode(str(event.id).encode()).decode(),
            }
        )

    def close(self) -> None:
        """Stop what runs."""
        with self._lock:
            for running in self._queries.values():
                running.stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _milliseconds(given: int) -> int:
    """Take seconds, as documented, or milliseconds, which the service takes too for times that far ahead."""
    return given if given > 10**11 else given * 1000
