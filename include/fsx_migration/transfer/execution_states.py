"""What DataSync says of an execution."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SUCCESS: Final = "SUCCESS"
ERROR: Final = "ERROR"
QUEUED: Final = "QUEUED"
CANCELLING: Final = "CANCELLING"
RUNNING: Final = frozenset({"LAUNCHING", "PREPARING", "TRANSFERRING", "VERIFYING"})
OVER: Final = frozenset({SUCCESS, ERROR})
NO_LIMIT: Final = -1
"""BytesPerSecond that means none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionState:
    """What DescribeTaskExecution says; counts are 0 and times None where it says nothing.

    In Enhanced mode the file counters leave directories out, in Basic mode they include them (DataSync user guide).
    """

    arn: str
    status: str
    mode: str = "BASIC"
    started: datetime | None = None
    ended: datetime | None = None
    error_code: str = ""
    error_detail: str = ""
    bytes_per_second: int = NO_LIMIT
    report_status: str = ""
    report_error: str = ""
    prepare_status: str = ""
    transfer_status: str = ""
    verify_status: str = ""
    prepare_milliseconds: int = 0
    transfer_milliseconds: int = 0
    verify_milliseconds: int = 0
    total_milliseconds: int = 0
    files_estimated: int = 0
    bytes_estimated: int = 0
    files_to_delete_estimated: int = 0
    files_listed_at_source: int = 0
    files_listed_at_target: int = 0
    files_prepared: int = 0
    files_transferred: int = 0
    files_verified: int = 0
    files_skipped: int = 0
    files_deleted: int = 0
    files_failed_prepare: int = 0
    files_failed_transfer: int = 0
    files_failed_verify: int = 0
    files_failed_delete: int = 0
    folders_estimated: int = 0
    folders_to_delete_estimated: int = 0
    folders_listed_at_source: int = 0
    folders_listed_at_target: int = 0
    folders_prepared: int = 0
    folders_transferred: int = 0
    folders_verified: int = 0
    folders_skipped: int = 0
    folders_deleted: int = 0
    folders_failed_list: int = 0
    folders_failed_prepare: int = 0
    folders_failed_transfer: int = 0
    folders_failed_verify: int = 0
    folders_failed_delete: int = 0
    bytes_transferred: int = 0
    bytes_written: int = 0
    bytes_compressed: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status in OVER

    @property
    def succeeded(self) -> bool:
        """Whether it ended in SUCCESS; single files may have failed all the same."""
        return self.status == SUCCESS

    @property
    def files_failed(self) -> int:
        """Failed files and directories, over all phases."""
        return sum(getattr(self, name) for name in _FAILED)

    @property
    def why(self) -> str:
        """The error in one line, empty without one."""
        return ": ".join(text for text in (self.error_code, self.error_detail) if text)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        found = {name.name: getattr(self, name.name) for name in fields(self)}
        return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in found.items()}


_FAILED: Final = tuple(
    name.name for name in fields(ExecutionState) if name.name.startswith(("files_failed_", "folders_failed_"))
)
_WHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "mode": ("TaskMode",),
    "started": ("StartTime",),
    "ended": ("EndTime",),
    "error_code": ("Result", "ErrorCode"),
    "error_detail": ("Result", "ErrorDetail"),
    "bytes_per_second": ("Options", "BytesPerSecond"),
    "report_status": ("ReportResult", "Status"),
    "report_error": ("ReportResult", "ErrorDetail"),
    "prepare_status": ("Result", "PrepareStatus"),
    "transfer_status": ("Result", "TransferStatus"),
    "verify_status": ("Result", "VerifyStatus"),
    "prepare_milliseconds": ("Result", "PrepareDuration"),
    "transfer_milliseconds": ("Result", "TransferDuration"),
    "verify_milliseconds": ("Result", "VerifyDuration"),
    "total_milliseconds": ("Result", "TotalDuration"),
    "files_estimated": ("EstimatedFilesToTransfer",),
    "bytes_estimated": ("EstimatedBytesToTransfer",),
    "files_to_delete_estimated": ("EstimatedFilesToDelete",),
    "files_listed_at_source": ("FilesListed", "AtSource"),
    "files_listed_at_target": ("FilesListed", "AtDestinationForDelete"),
    "files_prepared": ("FilesPrepared",),
    "files_transferred": ("FilesTransferred",),
    "files_verified": ("FilesVerified",),
    "files_skipped": ("FilesSkipped",),
    "files_deleted": ("FilesDeleted",),
    "files_failed_prepare": ("FilesFailed", "Prepare"),
    "files_failed_transfer": ("FilesFailed", "Transfer"),
    "files_failed_verify": ("FilesFailed", "Verify"),
    "files_failed_delete": ("FilesFailed", "Delete"),
    "folders_estimated": ("EstimatedFoldersToTransfer",),
    "folders_to_delete_estimated": ("EstimatedFoldersToDelete",),
    "folders_listed_at_source": ("FoldersListed", "AtSource"),
    "folders_listed_at_target": ("FoldersListed", "AtDestinationForDelete"),
    "folders_prepared": ("FoldersPrepared",),
    "folders_transferred": ("FoldersTransferred",),
    "folders_verified": ("FoldersVerified",),
    "folders_skipped": ("FoldersSkipped",),
    "folders_deleted": ("FoldersDeleted",),
    "folders_failed_list": ("FoldersFailed", "List"),
    "folders_failed_prepare": ("FoldersFailed", "Prepare"),
    "folders_failed_transfer": ("FoldersFailed", "Transfer"),
    "folders_failed_verify": ("FoldersFailed", "Verify"),
    "folders_failed_delete": ("FoldersFailed", "Delete"),
    "bytes_transferred": ("BytesTransferred",),
    "bytes_written": ("BytesWritten",),
    "bytes_compressed": ("BytesCompressed",),
}


def read_state(answer: Mapping[str, Any]) -> ExecutionState:
    """Return the state in an answer of DescribeTaskExecution, of boto3 or aiobotocore."""
    found = {name: _at(answer, path) for name, path in _WHERE.items()}
    said = {name: value for name, value in found.items() if value is not None}
    return ExecutionState(arn=answer["TaskExecutionArn"], status=answer["Status"], **said)


def _at(answer: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = answer
    for key in path:
        found = (found or {}).get(key)
    return found
