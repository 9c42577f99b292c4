"""Task reports: what an execution did with each file, as JSON objects in S3 after its end.

Layout (DataSync user guide, "Monitoring your data transfers with task reports" and "Viewing your task reports"),
`prefix` is TaskReportConfig.Destination.S3.Subdirectory without its slashes:

    <prefix>/Summary-Reports/<task id>/<execution id>/<execution id>.json              SUMMARY_ONLY and STANDARD
    <prefix>/Detailed-Reports/<task id>/<execution id>/
        <execution id>.files-transferred-v1-00001-<17 hex digits>.json                 STANDARD only
        <execution id>.files-verified-v1-..., .files-skipped-v1-..., .files-deleted-v1-...

A detailed object is at most 5 MB; more entries go to -00002- and so on. A section without entries has no object.
`{"TaskExecutionId": "exec-...", "Transferred" | "Verified" | "Skipped" | "Deleted": [entry, ...]}`. With ERRORS_ONLY
only entries whose status is FAILED are there; `Overrides` sets the level of one section. An entry of a BASIC task:

    RelativePath           "/a/b.bin", from the location's root; a byte that is no UTF-8 is written \\xHH (lower case)
    SrcMetadata            Type Regular | Directory | SymLink, ContentSize (files), Mtime, Atime, Uid, Gid, Mode "0644"
    TransferStatus         SUCCESS | FAILED; with TransferTimestamp; when it succeeded also Overwrite and
                           TransferType CONTENT_AND_METADATA | METADATA
    VerifyStatus           with VerifyTimestamp, DstMetadata (where known), SrcChecksum and DstChecksum (SHA-256, files)
    SkipStatus             with SkipTimestamp and, when it succeeded, SkipReason
    DeleteStatus           with DeleteTimestamp
    FailureReason, FailureCode    when FAILED; the code is 40960 plus the errno

An ENHANCED task writes RelativePath without the first slash, SourceMetadata and DestinationMetadata, and ErrorCode and
ErrorDetail. Documented are the object names of the Transferred and Verified reports, their fields up to the statuses
and the failure fields; the names of the summary, of the fields of skipped and deleted entries, of the checksums and
the numbers of FailureCode are this stand-in's own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from include.standins.aws.datasync_trees import Entry
    from include.standins.aws.object_store import ObjectStore

DETAILED, SUMMARY = "Detailed-Reports", "Summary-Reports"
OBJECT_LIMIT_BYTES = 5_000_000
FAILURE_CODE_BASE = 0xA000
TYPES = {"R": "Regular", "D": "Directory", "L": "SymLink"}


class Section(StrEnum):
    """The parts of a standard report; the value is the JSON member, lower-cased it stands in the object's name."""

    TRANSFERRED = "Transferred"
    VERIFIED = "Verified"
    SKIPPED = "Skipped"
    DELETED = "Deleted"


_VERBS = {
    Section.TRANSFERRED: "Transfer",
    Section.VERIFIED: "Verify",
    Section.SKIPPED: "Skip",
    Section.DELETED: "Delete",
}


@dataclass
class Failure:
    """Why one file failed: the service's words, and a code (an errno, or a name in Enhanced mode)."""

    reason: str
    number: int = 0
    name: str = ""


@dataclass
class Report:
    """Collects entries of one execution in scratch files, and uploads them at its end."""

    config: Mapping[str, Any]
    execution_id: str
    task_id: str
    enhanced: bool
    scratch: Path
    _open: dict[Section, list[bytes]] = field(default_factory=dict)
    _sizes: dict[Section, int] = field(default_factory=dict)
    _closed: list[tuple[Section, int, Path]] = field(default_factory=list)

    def wants(self, section: Section, *, failed: bool) -> bool:
        """Tell whether an entry would be kept, before anybody makes it."""
        if self.config.get("OutputType", "SUMMARY_ONLY") != "STANDARD":
            return False
        override = (self.config.get("Overrides") or {}).get(section.value) or {}
        level = override.get("ReportLevel") or self.config.get("ReportLevel", "ERRORS_ONLY")
        return failed or bool(level == "SUCCESSES_AND_ERRORS")

    def add(
        self, section: Section, path: bytes, *, entry: Entry | None, failure: Failure | None = None, **more: Any
    ) -> None:
        """Take an entry when the report's level asks for it; `more` are members of its own."""
        if not self.wants(section, failed=failure is not None):
            return
        made: dict[str, Any] = {"RelativePath": path_text(path) if not self.enhanced else path_text(path)[1:]}
        if entry is not None and section is not Section.DELETED:
            made["SourceMetadata" if self.enhanced else "SrcMetadata"] = metadata(entry)
        verb = _VERBS[section]
        made |= more
        made[f"{verb}Timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "000Z")
        made[f"{verb}Status"] = "SUCCESS" if failure is None else "FAILED"
        if failure is not None:
            made |= self._failure(failure)
        self._append(section, json.dumps(made).encode())

    def _failure(self, failure: Failure) -> dict[str, Any]:
        if self.enhanced:
            return {"ErrorCode": failure.name or "Failed", "ErrorDetail": failure.reason}
        return {"FailureReason": failure.reason, "FailureCode": FAILURE_CODE_BASE + failure.number}

    def _append(self, section: Section, line: bytes) -> None:
        entries = self._open.setdefault(section, [])
        if self._sizes.get(section, 0) + len(line) > OBJECT_LIMIT_BYTES - 1000:
            self._close(section)
            entries = self._open.setdefault(section, [])
        entries.append(line)
        self._sizes[section] = self._sizes.get(section, 0) + len(line) + 2

    def _close(self, section: Section) -> None:
        entries = self._open.pop(section, [])
        self._sizes[section] = 0
        if not entries:
            return
        number = 1 + sum(1 for closed, _, _ in self._closed if closed is section)
        path = self.scratch / f"{self.execution_id}-{section}-{number:05d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f'{{"TaskExecutionId": "{self.execution_id}", "{section}": ['.encode()
        path.write_bytes(head + b",\n".join(entries) + b"]}")
        self._closed.append((section, number, path))

    def upload(self, store: ObjectStore, summary: Mapping[str, Any]) -> None:
        """Write everything to S3; raises NoSuchBucketError when the bucket is not there."""
        place = self.config["Destination"]["S3"]
        prefix = (place.get("Subdirectory") or "").strip("/")
        base = f"s3://{place['S3BucketArn'].rpartition(':')[2]}/{prefix + '/' if prefix else ''}"
        folder = f"{self.task_id}/{self.execution_id}/{self.execution_id}"
        for section in Section:
            self._close(section)
        for section, number, path in self._closed:
            ending = f"files-{section.lower()}-v1-{number:05d}-{uuid4().hex[:17]}.json"
            store.put(f"{base}{DETAILED}/{folder}.{ending}", path, content_type="application/json")
        store.put(f"{base}{SUMMARY}/{folder}.json", json.dumps(summary).encode(), content_type="application/json")


def path_text(path: bytes) -> str:
    """Write a relative path as reports and logs do."""
    return "/" + path.decode(errors="backslashreplace")


def metadata(entry: Entry) -> dict[str, Any]:
    """Give the SrcMetadata structure of an entry."""
    made: dict[str, Any] = {"Type": TYPES[entry.kind]}
    if entry.kind == "R":
        made["ContentSize"] = entry.size
    made |= {"Mtime": stamp(entry.mtime_ns), "Atime": stamp(entry.atime_ns)}
    return made | {"Uid": entry.uid, "Gid": entry.gid, "Mode": f"{entry.mode:04o}"}


def stamp(nanoseconds: int) -> str:
    """Write a time as ISO 8601 with nanoseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
