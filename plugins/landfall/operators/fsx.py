"""Create Amazon FSx file systems, in the grammar of the amazon provider."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.amazon.aws.utils.waiter_with_logging import wait
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from landfall.hooks.fsx import FsxHook
from landfall.triggers.fsx import FsxFileSystemAvailableTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

FAILED_LIFECYCLES = frozenset({"FAILED", "MISCONFIGURED", "MISCONFIGURED_UNAVAILABLE", "DELETING"})


class FsxFileSystemFailedError(AirflowFailException):
    """The file system will not become available; not retried: the same request would fail the same way."""


class FsxCreateFileSystemOperator(AwsBaseOperator[FsxHook]):
    """Create a file system, or find the one that an earlier try created, and wait until it is AVAILABLE.

    The ClientRequestToken is the same for every try of the task instance, so a killed worker or a retry creates nothing
    twice. The id is kept in XCom (`file_system_id`) before the wait, and returned after it.

    :param file_system_type: LUSTRE, WINDOWS, ONTAP or OPENZFS.
    :param subnet_ids: the subnets of the file system.
    :param create_file_system_kwargs: further arguments of CreateFileSystem, as StorageCapacity or LustreConfiguration.
    :param client_request_token: the token; None derives one from the task instance.
    :param wait_for_completion: whether to wait at all.
    :param deferrable: whether to wait without a worker slot.
    :param waiter_delay: seconds between two looks.
    :param waiter_max_attempts: how often to look.
    """

    aws_hook_class = FsxHook
    template_fields: Sequence[str] = aws_template_fields(
        "file_system_type", "subnet_ids", "create_file_system_kwargs", "client_request_token"
    )
    ui_color = "#cfe0e8"

    def __init__(
        self,
        *,
        file_system_type: str,
        subnet_ids: list[str],
        create_file_system_kwargs: dict[str, Any] | None = None,
        client_request_token: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        waiter_delay: int = 30,
        waiter_max_attempts: int = 120,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file_system_type = file_system_type
        self.subnet_ids = subnet_ids
        self.create_file_system_kwargs = create_file_system_kwargs or {}
        self.client_request_token = client_request_token
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts

    def execute(self, context: Context) -> str:
        """Create or find the file system, keep its id, wait for it."""
        file_system_id = self.create_file_system(context)
        context["ti"].xcom_push(key="file_system_id", value=file_system_id)
        found = self.hook.describe(file_system_id)
        self.log.info("File system %s is %s", file_system_id, found["Lifecycle"])
        if found["Lifecycle"] == "AVAILABLE" or not self.wait_for_completion:
            return self.finish(context, file_system_id)
        self._refuse_failed(found)
        if self.deferrable:
            self.defer(
                trigger=FsxFileSystemAvailableTrigger(
                    file_system_id=file_system_id,
                    waiter_delay=self.waiter_delay,
                    waiter_max_attempts=self.waiter_max_attempts,
                    aws_conn_id=self.aws_conn_id,
                    region_name=self.region_name,
                    verify=self.verify,
                    botocore_config=self.botocore_config,
                ),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.waiter_delay * self.waiter_max_attempts + 60),
            )
        self._wait(file_system_id)
        return self.finish(context, file_system_id)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:
        """Go on after the wait; the event only says that it is worth asking."""
        file_system_id: str = event["file_system_id"]
        found = self.hook.describe(file_system_id)
        self._refuse_failed(found)
        if found["Lifecycle"] != "AVAILABLE":
            raise AirflowException(
                f"File system {file_system_id} is still {found['Lifecycle']}: {event.get('message')}"
            )
        return self.finish(context, file_system_id)

    def create_file_system(self, context: Context) -> str:
        """Create or find the file system and return its id."""
        token = self.client_request_token or _token(context)
        return self.hook.create(
            FileSystemType=self.file_system_type,
            SubnetIds=self.subnet_ids,
            ClientRequestToken=token,
            **self.create_file_system_kwargs,
        )

    def finish(self, context: Context, file_system_id: str) -> str:
        """Return the result of the task, once the file system is AVAILABLE."""
        return file_system_id

    def _wait(self, file_system_id: str) -> None:
        try:
            wait(
                waiter=self.hook.get_waiter("file_system_available"),
                waiter_delay=self.waiter_delay,
                waiter_max_attempts=self.waiter_max_attempts,
                args={"FileSystemIds": [file_system_id]},
                failure_message="The file system did not become available",
                status_message="The file system is",
                status_args=["FileSystems[0].Lifecycle"],
            )
        except AirflowException:
            self._refuse_failed(self.hook.describe(file_system_id))
            raise

    @staticmethod
    def _refuse_failed(found: Mapping[str, Any]) -> None:
        if found["Lifecycle"] in FAILED_LIFECYCLES:
            told = found.get("FailureDetails", {}).get("Message", "FSx gives no reason")
            raise FsxFileSystemFailedError(f"File system {found['FileSystemId']} is {found['Lifecycle']}: {told}")


def _token(context: Context) -> str:
    """Return a ClientRequestToken (at most 63 characters) that all tries of a task instance share."""
    instance = context["ti"]
    text = "\n".join((instance.dag_id, instance.run_id, instance.task_id, str(instance.map_index)))
    return "airflow-" + hashlib.sha256(text.encode()).hexdigest()[:40]
