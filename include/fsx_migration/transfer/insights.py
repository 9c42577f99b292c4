"""What DataSync's logs say of failures, counted by CloudWatch Logs Insights; for both forms of its lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clients import error_text
from include.fsx_migration.resources.transfer_resources import load_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from include.fsx_migration.workplace import Workplace

WAIT_SECONDS: Final = 60.0
_ENDED: Final = frozenset({"Complete", "Failed", "Cancelled", "Timeout", "Unknown"})
_BASIC: Final = {
    "by_reason": (
        "filter @message like /^\\[(WARN|ERROR)\\]/ | parse @message '[*] *: *' as level, subject, reason "
        "| stats count(*) as lines by level, reason | sort lines desc | limit 50"
    ),
    "failed_verification": "filter @message like /Verification failed/ | stats count(*) as lines",
}
_ENHANCED: Final = {
    "by_reason": (
        "filter ispresent(ErrorCode) | stats count(*) as lines by Action, ErrorCode | sort lines desc | limit 50"
    ),
    "failed_verification": "filter ispresent(ErrorCode) and Action = 'VERIFY' | stats count(*) as lines",
}


def saved_queries(mode: str, task_arns: Iterable[str]) -> dict[str, str]:
    """Return the queries for a task mode (BASIC, ENHANCED), narrowed to the log streams of tasks.

    The name of a stream holds the id of its task (DataSync user guide, "... CloudWatch Logs").
    """
    ids = "|".join(sorted(arn.rsplit("/", 1)[-1] for arn in task_arns))
    streams = f"fields @timestamp, @message | filter @logStream like /({ids})/ | " if ids else ""
    return {name: streams + text for name, text in (_ENHANCED if mode == "ENHANCED" else _BASIC).items()}


def scan_logs(
    place: Workplace, *, start: datetime, end: datetime, pause: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Run the saved queries over a time span and return their rows by name.

    The logs are a second opinion: a scan that cannot be had says so under `error` and stops nobody.
    """
    from botocore.exceptions import ClientError

    resources, client = load_resources(place), place.clients("logs")
    queries = saved_queries(place.migration.transfer.mode, [task.task_arn for task in resources.tasks])
    found: dict[str, Any] = {"start": start.isoformat(), "end": end.isoformat(), "log_group": resources.log_group}
    try:
        for name, text in queries.items():
            query = client.start_query(
                logGroupName=resources.log_group,
                startTime=int(start.timestamp()),
                endTime=int(end.timestamp()) + 1,
                queryString=text,
            )
            found[name] = _rows(client, query["queryId"], pause)
    except (ClientError, QueryEndedError) as error:
        found["error"] = error_text(error)
    return found


class QueryEndedError(RuntimeError):
    """A query ended without a result."""


def _rows(client: Any, query_id: str, pause: Callable[[float], None]) -> list[dict[str, str]]:
    waited, delay = 0.0, 0.2
    while True:
        answer: Mapping[str, Any] = client.get_query_results(queryId=query_id)
        if answer["status"] in _ENDED:
            break
        if waited >= WAIT_SECONDS:
            client.stop_query(queryId=query_id)
            raise QueryEndedError(f"Query {query_id} did not end within {WAIT_SECONDS:.0f} s and was stopped.")
        pause(delay)
        waited, delay = waited + delay, min(delay * 2, 5.0)
    if answer["status"] != "Complete":
        raise QueryEndedError(f"Query {query_id} ended as {answer['status']}.")
    return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in answer["results"]]
