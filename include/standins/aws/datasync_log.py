"""What executions tell CloudWatch: metrics in AWS/DataSync, and log lines in the two forms of the two task modes.

Source: DataSync user guide, "Monitoring data transfers with Amazon CloudWatch metrics", "... CloudWatch Logs" and
"Troubleshooting data verification issues" (lines of Basic mode: `[LEVEL] text`; Enhanced mode: one JSON object a line).
The real service sends metrics every five minutes; here about once a second and at the end of each phase.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.standins.aws.datasync_reports import metadata, path_text
from include.standins.aws.telemetry import Datum, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.standins.aws.datasync_records import Execution, Task
    from include.standins.aws.datasync_reports import Failure
    from include.standins.aws.datasync_trees import Entry

NAMESPACE = "AWS/DataSync"
ENHANCED_GROUP = "/aws/datasync"
FLUSH_LINES = 5_000
# Metric -> the counters it adds up; Files in Basic mode count directories too.
_BASIC = {
    "BytesCompressed": ("BytesTransferred",),
    "BytesPreparedSource": ("BytesPreparedSource",),
    "BytesPreparedDestination": ("BytesPreparedDestination",),
    "BytesTransferred": ("BytesTransferred",),
    "BytesVerifiedSource": ("BytesVerified",),
    "BytesVerifiedDestination": ("BytesVerified",),
    "BytesWritten": ("BytesWritten",),
    "FilesDeleted": ("FilesDeleted", "FoldersDeleted"),
    "FilesPreparedSource": ("FilesListed", "FoldersListed"),
    "FilesPreparedDestination": ("FilesListedAtDestination", "FoldersListedAtDestination"),
    "FilesSkipped": ("FilesSkipped", "FoldersSkipped"),
    "FilesTransferred": ("FilesTransferred", "FoldersTransferred"),
    "FilesVerifiedSource": ("FilesVerified", "FoldersVerified"),
    "FilesVerifiedDestination": ("FilesVerified", "FoldersVerified"),
}
_ENHANCED = {
    "BytesWritten": ("BytesWritten",),
    "FilesDeleted": ("FilesDeleted",),
    "FilesListedSource": ("FilesListed",),
    "FilesPrepared": ("FilesPrepared",),
    "FilesTransferred": ("FilesTransferred",),
    "FilesVerified": ("FilesVerified",),
}


class NoTelemetry:
    """Nobody listens."""

    def measure(self, namespace: str, data: Iterable[Datum]) -> None:
        """Drop values."""

    def log(self, group: str, stream: str, lines: Iterable[tuple[datetime, str]]) -> None:
        """Drop lines."""


@dataclass
class Journal:
    """The metrics and the log of one execution."""

    telemetry: Telemetry
    execution: Execution
    task: Task
    _lines: list[tuple[datetime, str]] = field(default_factory=list)
    _sent: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.enhanced = self.execution.mode == "ENHANCED"
        arn = str(self.task.settings.get("CloudWatchLogGroupArn") or "")
        self.group = arn.partition(":log-group:")[2].removesuffix(":*") or (ENHANCED_GROUP if self.enhanced else "")
        level = self.execution.options["LogLevel"]
        self.on = bool(self.group) and level != "OFF"
        self.detailed = self.on and level == "TRANSFER"

    def say(self, level: str, text: str) -> None:
        """Log a line about the execution."""
        if self.on:
            line = json.dumps({"Level": level, "Message": text}) if self.enhanced else f"[{level}] {text}"
            self._put(line)

    def failed(self, action: str, path: bytes, failure: Failure, entry: Entry | None = None) -> None:
        """Log what went wrong with one name; `action` is PREPARE, TRANSFER, VERIFY or DELETE."""
        if not self.on:
            return
        if self.enhanced:
            error = {"ErrorCode": failure.name or "Failed", "ErrorDetail": failure.reason}
            self._put(json.dumps(self._subject(action, path, entry) | error))
        else:
            before, _, why = failure.reason.rpartition(": ")
            self._put(f"[{'WARN' if action == 'PREPARE' else 'ERROR'}] {before or 'Failed'} {path_text(path)}: {why}")

    def mismatch(self, source: tuple[Entry, str], held: tuple[Entry | None, str], failure: Failure) -> None:
        """Log a failed verification: entries and SHA-256 of both sides."""
        entry = source[0]
        if self.enhanced:
            self.failed("VERIFY", entry.path, failure, entry)
        elif self.on:
            name = path_text(entry.path)
            self._put(f"[NOTICE] Verification failed <> {name}")
            self._put(f"[NOTICE] {name}   srcMeta: {_meta(entry)}")
            self._put(f"[NOTICE]   srcHash: {source[1] or '0' * 64}")
            self._put(f"[NOTICE] {name}   dstMeta: {_meta(held[0])}")
            self._put(f"[NOTICE]   dstHash: {held[1] or '0' * 64}")

    def done(self, action: str, entry: Entry) -> None:
        """Log a success, at level TRANSFER."""
        if not self.detailed:
            return
        if self.enhanced:
            self._put(json.dumps(self._subject(action, entry.path, entry)))
        else:
            verb = {"TRANSFER": "Transferred", "VERIFY": "Verified", "DELETE": "Deleted"}[action]
            kind = "directory" if entry.kind == "D" else "file"
            self._put(f"[NOTICE] {verb} {kind} {path_text(entry.path)}, {entry.size} bytes")

    def _subject(self, action: str, path: bytes, entry: Entry | None) -> dict[str, Any]:
        name = path_text(path)[1:]
        source: dict[str, Any] = {"LocationId": self.task.source.rpartition("/")[2], "RelativePath": name}
        if entry is not None:
            source["Metadata"] = metadata(entry)
        target = {"LocationId": self.task.destination.rpartition("/")[2], "RelativePath": name}
        return {"Action": action, "Source": source, "Destination": target, "TransferType": "CONTENT_AND_METADATA"}

    def _put(self, line: str) -> None:
        self._lines.append((datetime.now(UTC), line))
        if len(self._lines) >= FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Send what came together since the last time."""
        lines, self._lines = self._lines, []
        if lines:
            self.telemetry.log(self.group, f"{self.execution.task_id}-{self.execution.id}", lines)
        data = list(self._data(datetime.now(UTC)))
        if data:
            self.telemetry.measure(NAMESPACE, data)

    def _data(self, now: datetime) -> Iterable[Datum]:
        dimensions = [{"TaskId": self.execution.task_id}]
        dimensions += [{"AgentId": arn.rpartition("/")[2]} for arn in self.execution.agents]
        for name, counters in (_ENHANCED if self.enhanced else _BASIC).items():
            total = sum(self.execution.counts[counter] for counter in counters)
            value, self._sent[name] = total - self._sent[name], total
            if value:
                unit = "Bytes" if name.startswith("Bytes") else "Count"
                for each in dimensions:
                    yield Datum(name=name, value=value, unit=unit, dimensions=each, at=now)


def _meta(entry: Entry | None) -> str:
    """Write metadata as Basic mode's logs do."""
    if entry is None:
        return "type=R mode=0000 uid=0 gid=0 size=0 atime=0/0 mtime=0/0 extAttrsHash=0"
    atime, mtime = ("{}/{}".format(*divmod(when, 1_000_000_000)) for when in (entry.atime_ns, entry.mtime_ns))
    owner = f"mode={entry.mode:04o} uid={entry.uid} gid={entry.gid}"
    return f"type={entry.kind} {owner} size={entry.size} atime={atime} mtime={mtime} extAttrsHash=0"
