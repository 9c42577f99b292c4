"""Wait for an FSx file system without a worker slot."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger

from landfall.hooks.fsx import FsxHook


class FsxFileSystemAvailableTrigger(AwsBaseWaiterTrigger):
    """Fires when a file system is AVAILABLE, or can no longer become so.

    :param file_system_id: the file system to watch.
    :param waiter_delay: seconds between two looks.
    :param waiter_max_attempts: how often to look.
    :param aws_conn_id: the Airflow connection.
    """

    aws_hook_class = FsxHook

    def __init__(
        self,
        *,
        file_system_id: str,
        waiter_delay: int = 30,
        waiter_max_attempts: int = 120,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            serialized_fields={"file_system_id": file_system_id},
            waiter_name="file_system_available",
            waiter_args={"FileSystemIds": [file_system_id]},
            failure_message="The file system did not become available",
            status_message="The file system is",
            status_queries=["FileSystems[0].Lifecycle", "FileSystems[0].FailureDetails.Message"],
            return_key="file_system_id",
            return_value=file_system_id,
            waiter_delay=waiter_delay,
            waiter_max_attempts=waiter_max_attempts,
            aws_conn_id=aws_conn_id,
            **kwargs,
        )
