"""What DataSync's task reports say of single files that failed.

Layout (DataSync user guide, "Viewing your task reports"): below the report's prefix,
`Detailed-Reports/<task id>/<execution id>/<execution id>.files-<section>-v1-<number>-<suffix>.json`, each object
`{"TaskExecutionId": ..., "Transferred" | "Verified" | "Skipped" | "Deleted": [entry, ...]}`. An entry has RelativePath,
`<Verb>Status` (SUCCESS or FAILED), and in Basic mode FailureReason and FailureCode, in Enhanced mode ErrorDetail and
ErrorCode; paths begin with a slash in Basic mode only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.path_text import escape_path
from include.fsx_migration.transfer.pass_model import VERIFY, FailedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.object_store import ObjectStore

_STEPS: Final = {"Transferred": "transfer", "Verified": VERIFY, "Skipped": "prepare", "Deleted": "delete"}
_RANK: Final = {step: rank for rank, step in enumerate(("delete", "prepare", "transfer", VERIFY))}
_FAILED: Final = "FAILED"
NAMED_AT_MOST: Final = 100_000
"""Failed files of one attempt that are kept by name; when more failed, the part is moved again as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFailures:
    """The failed files of one execution, each once.

    :param found: whether there is a detailed report at all.
    :param overflow: whether more failed than are kept by name.
    """

    files: tuple[FailedFile, ...]
    found: bool
    overflow: bool = False


def read_failures(
    store: ObjectStore, prefix: str, execution_arn: str, *, part: str, attempt: int, from_manifest: bool
) -> ReportedFailures:
    """Read the detailed report of an execution that is over.

    A file that failed twice is named once, by the gravest step: a failed verification is never hidden by another.

    :param prefix: TaskReportConfig's Subdirectory.
    :param from_manifest: the names were UTF-8, so a backslash in a path is a backslash; without a manifest the report
        writes bytes that are no UTF-8 as listings do.
    """
    kept: dict[str, FailedFile] = {}
    found = False
    for key in store.list_keys(*_below(store, prefix, execution_arn)):
        found = True
        for step, entry in _failed_entries(store.get_bytes(key)):
            failed = _failed_file(entry, step, part=part, attempt=attempt, from_manifest=from_manifest)
            before = kept.get(failed.path)
            if before is None or _RANK[before.step] < _RANK[failed.step]:
                kept[failed.path] = failed
            if len(kept) > NAMED_AT_MOST:
                return ReportedFailures(files=tuple(kept.values()), found=True, overflow=True)
    return ReportedFailures(files=tuple(kept[path] for path in sorted(kept)), found=found)


def _below(store: ObjectStore, prefix: str, execution_arn: str) -> tuple[str, ...]:
    """Return the parts of the report's prefix below the store's root; the ARN ends in `<task id>/execution/<id>`."""
    task, _, execution = execution_arn.rpartition(":task/")[2].partition("/execution/")
    return (prefix.removeprefix(f"{store.root}/"), "Detailed-Reports", task, execution, "")


def _failed_entries(body: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the failed entries with their step; an object without any is not parsed, for most have none."""
    if f'"{_FAILED}"'.encode() not in body:
        return
    document = json.loads(body)
    for section, step in _STEPS.items():
        for entry in document.get(section, ()):
            if any(value == _FAILED for name, value in entry.items() if name.endswith("Status")):
                yield step, entry


def _failed_file(entry: Mapping[str, Any], step: str, *, part: str, attempt: int, from_manifest: bool) -> FailedFile:
    path = str(entry["RelativePath"]).removeprefix("/")
    metadata = entry.get("SrcMetadata") or entry.get("SourceMetadata") or {}
    return FailedFile(
        path=escape_path(path.encode(errors="surrogateescape")) if from_manifest else path,
        step=step,
        reason=str(entry.get("FailureReason") or entry.get("ErrorDetail") or "DataSync gives no reason"),
        code=str(entry.get("FailureCode") or entry.get("ErrorCode") or ""),
        part=part,
        attempt=attempt,
        directory=metadata.get("Type") == "Directory",
    )
