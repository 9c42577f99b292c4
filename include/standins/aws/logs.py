"""CloudWatch Logs: what moto lacks stands here, in front of it; groups, streams and events remain moto's.

Metric filters publish (`logs_filters`), Insights queries run (`logs_queries`), events lie in a store of their own
(`logs_store`), from where they go with their group or stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from include.standins.aws import logs_streams
from include.standins.aws.calls import json_body
from include.standins.aws.errors import AwsError, json_reply
from include.standins.aws.logs_filters import MetricFilters
from include.standins.aws.logs_queries import Queries
from include.standins.aws.model_checks import check_answer, check_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.calls import Call, Environ
    from include.standins.aws.errors import Reply
    from include.standins.aws.keeping import Keeping
    from include.standins.aws.logs_store import LogStore
    from include.standins.aws.metrics_store import MetricStore

Parameters = dict[str, Any]
INVALID = "InvalidParameterException"


class Logs:
    """Gateway step before Keeping; it keeps what it changes itself."""

    def __init__(self, *, events: LogStore, metrics: MetricStore, keeping: Keeping, account: str) -> None:
        self._events = events
        self._keeping = keeping
        self._account = account
        self._filters = MetricFilters(keeping.store, metrics)
        self._queries = Queries(events, account=account)
        logs_streams.install(events, self._filters.arrived)
        self._own: dict[str, Callable[[str, Parameters], Parameters]] = {
            "PutMetricFilter": self._put_filter,
            "DescribeMetricFilters": self._filters.describe,
            "DeleteMetricFilter": self._filters.delete,
            "TestMetricFilter": lambda _region, parameters: self._filters.test(parameters),
            "StartQuery": self._start_query,
            "GetQueryResults": lambda _region, parameters: self._queries.results(parameters),
            "StopQuery": lambda _region, parameters: self._queries.stop(parameters),
            "DescribeQueries": lambda _region, parameters: self._queries.describe(parameters),
            "GetLogRecord": lambda _region, parameters: self._queries.record(parameters),
        }

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Answer what is modelled here; let moto answer the rest, and clear up behind its deletions."""
        if call.service != "logs":
            return inner()
        parameters = json_body(environ)
        own = self._own.get(call.operation)
        if own is None:
            reply = inner()
            if reply.status < 400:
                self._deleted(call, parameters)
            return reply
        check_request("logs", call.operation, parameters, code=INVALID)
        answer = own(call.region, parameters)
        check_answer("logs", call.operation, answer)
        return json_reply(answer)

    def _group(self, region: str, name: str) -> Any:
        """Find a group by its name or ARN."""
        name = name.removesuffix(":*").rpartition(":log-group:")[2]
        with self._keeping.locked("logs"):
            found = get_backend("logs")[self._account][region].groups.get(name)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"The specified log group does not exist: {name}")
        return found

    def _put_filter(self, region: str, parameters: Parameters) -> Parameters:
        self._group(region, parameters["logGroupName"])
        return self._filters.put(region, parameters)

    def _start_query(self, region: str, parameters: Parameters) -> Parameters:
        names = [
            *([parameters["logGroupName"]] if parameters.get("logGroupName") else []),
            *(parameters.get("logGroupNames") or []),
            *(parameters.get("logGroupIdentifiers") or []),
        ]
        if not names:
            raise AwsError(INVALID, "Exactly one of logGroupName, logGroupNames or logGroupIdentifiers is needed.")
        groups = {found.name: found.arn for found in (self._group(region, name) for name in names)}
        return self._queries.start(groups, parameters)

    def _deleted(self, call: Call, parameters: Parameters) -> None:
        if call.operation not in ("DeleteLogGroup", "DeleteLogStream"):
            return
        group = parameters["logGroupName"]
        arn = f"arn:aws:logs:{call.region}:{self._account}:log-group:{group}"
        self._events.drop(arn, parameters.get("logStreamName", ""))
        if call.operation == "DeleteLogGroup":
            self._filters.drop_group(call.region, group)

    def close(self) -> None:
        """Stop running queries."""
        self._queries.close()
