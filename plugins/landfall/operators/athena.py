"""Run Athena queries so that a killed worker starts nothing twice and a long wait holds no worker slot."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from landfall.athena_queries import FAILED, require_success, task_scope
from landfall.hooks.athena import AthenaQueryHook
from landfall.retries import AwsRetryPolicy
from landfall.triggers.athena import AthenaQueriesTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow.sdk import Context

    from landfall.athena_queries import AthenaQuery


class AthenaQueryOperator(BaseOperator):
    """Run one or several queries side by side and return `{name: outcome}` when all have succeeded.

    It waits `inline_wait` in its slot, because most refresh queries end within seconds and a deferral costs two
    process starts; then it defers. A retry, a clear or a restarted worker finds the execution that runs or has
    succeeded; only one that failed or was cancelled is replaced. Killing the task leaves its queries running, for the
    next try to find: cancel them in Athena when they must end.

    :param queries: a function of the task's context that returns the queries; their names are distinct.
    :param aws_conn_id: the Airflow connection.
    :param inline_wait: how long to hold the slot before deferring.
    :param poll: the time between two looks, in the slot and in the trigger.
    :param wait_limit: how long to wait in all; then the task fails and its next try finds the query again.
    :param tolerate_failed: give the outcome of a query that would fail again, as one over an unreadable object, to the
        task after this one instead of failing. What passes (throttling) and a cancelled query still fail this task.
    """

    ui_color = "#cfe8d8"

    def __init__(
        self,
        *,
        queries: Callable[[Mapping[str, Any]], Sequence[AthenaQuery]],
        aws_conn_id: str = "aws_default",
        inline_wait: timedelta = timedelta(seconds=20),
        poll: timedelta = timedelta(seconds=0.5),
        wait_limit: timedelta = timedelta(minutes=30),
        tolerate_failed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.retry_policy = self.retry_policy or AwsRetryPolicy()
        self.queries = queries
        self.aws_conn_id = aws_conn_id
        self.inline_wait = inline_wait
        self.poll = poll
        self.wait_limit = wait_limit
        self.tolerate_failed = tolerate_failed

    def execute(self, context: Context) -> dict[str, Any]:
        """Start or find the queries, wait in the slot, then without it."""
        hook, scope = AthenaQueryHook(aws_conn_id=self.aws_conn_id), task_scope(context)
        executions = {
            query.name: hook.start_once(query, scope=scope, store=context["task_state_store"])
            for query in self.queries(context)
        }
        outcomes = hook.wait(list(executions.values()), limit=self.inline_wait, poll=self.poll)
        if not all(outcome.ended for outcome in outcomes.values()):
            self.defer(
                trigger=AthenaQueriesTrigger(
                    execution_ids=list(executions.values()),
                    poll_seconds=max(self.poll.total_seconds(), 2.0),
                    aws_conn_id=self.aws_conn_id,
                ),
                method_name="resume",
                kwargs={"executions": executions},
                timeout=self.wait_limit,
            )
        return self._results(executions)

    def resume(self, context: Context, event: Mapping[str, Any], executions: dict[str, str]) -> dict[str, Any]:
        """Ask Athena for the outcomes; the trigger's event says only that it is worth asking."""
        return self._results(executions)

    def _results(self, executions: Mapping[str, str]) -> dict[str, Any]:
        hook = AthenaQueryHook(aws_conn_id=self.aws_conn_id)
        outcomes = {name: hook.outcome(execution_id) for name, execution_id in executions.items()}
        for name, outcome in outcomes.items():
            if not (self.tolerate_failed and outcome.state == FAILED and not outcome.retryable):
                require_success(name, outcome, limit=self.wait_limit)
        return {name: outcome.to_dict() for name, outcome in outcomes.items()}
