"""The counters of DescribeTaskExecution, by task mode.

Source: DataSync API reference, DescribeTaskExecution: in Basic mode files, objects and directories are counted
together, and what was listed, prepared and failed is not counted; in Enhanced mode directories have their own counters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.standins.aws.datasync_records import Execution

_BOTH = {
    "EstimatedFilesToTransfer": "Estimated",
    "EstimatedFilesToDelete": "EstimatedToDelete",
    "FilesTransferred": "Transferred",
    "FilesSkipped": "Skipped",
    "FilesVerified": "Verified",
    "FilesDeleted": "Deleted",
}
_BYTES = {
    "EstimatedBytesToTransfer": "BytesEstimated",
    "BytesTransferred": "BytesTransferred",
    "BytesCompressed": "BytesTransferred",
    "BytesWritten": "BytesWritten",
}
_PHASES = ("Prepare", "Transfer", "Verify", "Delete")


def counters(execution: Execution) -> dict[str, Any]:
    """Give the counter members; nothing is compressed here, so BytesCompressed is BytesTransferred."""
    counts = execution.counts
    made: dict[str, Any] = {member: counts[name] for member, name in _BYTES.items()}
    enhanced = execution.mode == "ENHANCED"
    for member, name in _BOTH.items():
        folders = counts[f"Folders{name}"]
        made[member] = counts[f"Files{name}"] + (0 if enhanced else folders)
        if enhanced:
            made[member.replace("Files", "Folders")] = folders
    if enhanced:
        for what in ("Files", "Folders"):
            made[f"{what}Prepared"] = counts[f"{what}Prepared"]
            made[f"{what}Listed"] = {
                "AtSource": counts[f"{what}Listed"],
                "AtDestinationForDelete": counts[f"{what}ListedForDelete"],
            }
            made[f"{what}Failed"] = {phase: counts[f"{what}Failed{phase}"] for phase in _PHASES}
        made["FoldersFailed"]["List"] = counts["FoldersFailedList"]
        made["FilesFailed"]["Prepare"] += counts["FilesFailedList"]
    return made
