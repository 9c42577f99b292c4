"""Amazon FSx in the grammar of the amazon provider: a thin hook with waiters as data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

if TYPE_CHECKING:
    import os

WAITERS = Path(__file__).parents[1] / "waiters"


class FsxHook(AwsBaseHook):
    """Interact with Amazon FSx; wraps :external+boto3:py:class:`boto3.client("fsx") <FSx.Client>`.

    Arguments are those of AwsBaseHook. Waiters: `file_system_available`, `file_system_deleted`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "fsx"
        super().__init__(*args, **kwargs)

    @property
    def waiter_path(self) -> os.PathLike[str] | None:
        """Where this hook's waiters are described."""
        return WAITERS / "fsx.json"

    def describe(self, file_system_id: str) -> dict[str, Any]:
        """Return a file system as DescribeFileSystems gives it; raises ClientError FileSystemNotFound."""
        found: dict[str, Any] = self.get_conn().describe_file_systems(FileSystemIds=[file_system_id])["FileSystems"][0]
        return found

    def create(self, **request: Any) -> str:
        """Create a file system and return its id; the same ClientRequestToken returns the same one."""
        file_system_id: str = self.get_conn().create_file_system(**request)["FileSystem"]["FileSystemId"]
        return file_system_id
