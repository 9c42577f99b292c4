"""AWS DataSync in the grammar of the amazon provider: what its own hook lacks.

The provider's DataSyncHook waits in a worker slot, knows no FSx locations and takes CANCELLING for a failure of its own
(amazon provider 9.39); this one has waiters as data instead, for triggers too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

WAITERS = Path(__file__).parents[1] / "waiters"


class DataSyncMigrationHook(AwsBaseHook):
    """Interact with AWS DataSync; wraps :external+boto3:py:class:`boto3.client("datasync") <DataSync.Client>`.

    Arguments are those of AwsBaseHook. Waiters: `agent_online`, `task_execution_complete`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "datasync"
        super().__init__(*args, **kwargs)

    @property
    def waiter_path(self) -> os.PathLike[str] | None:
        """Where this hook's waiters are described."""
        return WAITERS / "datasync.json"

    def executions_with_tags(self, task_arn: str, tags: Mapping[str, str]) -> Iterator[str]:
        """Yield the executions of a task that carry all of these tags: how one is found again after a lost answer."""
        client = self.get_conn()
        for page in client.get_paginator("list_task_executions").paginate(TaskArn=task_arn):
            for entry in page["TaskExecutions"]:
                arn: str = entry["TaskExecutionArn"]
                listed = client.get_paginator("list_tags_for_resource").paginate(ResourceArn=arn)
                found = {tag["Key"]: tag.get("Value", "") for answer in listed for tag in answer["Tags"]}
                if tags.items() <= found.items():
                    yield arn
