"""The last phase: SHA-256 of what arrived against what was read, and only then the files' times.

Source: DataSync user guide, "Troubleshooting data verification issues": content by SHA-256, metadata exactly; a source
file whose time is no longer that of the preparation fails.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from include.standins.aws.datasync_reports import Failure, Section, metadata
from include.standins.aws.datasync_throttle import CHUNK

if TYPE_CHECKING:
    from include.standins.aws.datasync_copy import Copied
    from include.standins.aws.datasync_prepare import Plan
    from include.standins.aws.datasync_run import Run
    from include.standins.aws.datasync_trees import Destination, Entry, Source

CONTENT = Failure("Checksum failure", name="ChecksumMismatch")
CHANGED = Failure("Metadata failure: the source changed since the preparation", name="MetadataDiffers")
REMOVED = Failure("Files were removed: the source has it no longer", name="FileNotAtSource")
MISSING = Failure("Failed to read metadata for destination file: No such file or directory", 2, "FileNotAtDestination")


def verify(run: Run, plan: Plan, copied: Copied) -> None:
    """Verify what was copied; with POINT_IN_TIME_CONSISTENT also what was not."""
    for entry, digest in copied:
        run.checkpoint()
        _file(run, entry, digest, stamp=True)
    for item in plan.items:
        if item.entry.kind == "D" or not item.content:
            run.tally("Verified", item.entry.kind)
    for entry in plan.unchanged:
        run.checkpoint()
        _file(run, entry, "", stamp=False)


def _file(run: Run, entry: Entry, digest: str, *, stamp: bool) -> None:
    """Verify one file and give it its times; `digest` "" reads the source too."""
    now = _find(run.source, entry.path)
    if now is None or now.kind != "R":
        _mismatch(run, entry, digest, None, "", REMOVED)
        return
    if now.mtime_ns != entry.mtime_ns or now.size != entry.size:
        held = _find(run.destination, entry.path)
        _mismatch(run, now, digest, held, digest, CHANGED)
        return
    try:
        digest = digest or _digest(run, run.source, entry)
        arrived = _digest(run, run.destination, entry, expected=digest if stamp else "")
    except OSError:
        _mismatch(run, entry, digest, None, "", MISSING)
        return
    if arrived != digest:
        _mismatch(run, entry, digest, _find(run.destination, entry.path), arrived, CONTENT)
        return
    run.tally("Verified", "R")
    run.counts["BytesVerified"] += entry.size
    run.journal.done("VERIFY", entry)
    if run.report.wants(Section.VERIFIED, failed=False):
        run.report.add(Section.VERIFIED, entry.path, entry=entry, SrcChecksum=digest, DstChecksum=arrived)


def _digest(run: Run, side: Source | Destination, entry: Entry, *, expected: str = "") -> str:
    """Read a file; when its digest is the expected one, give it its times while it is open."""
    descriptor = side.open(entry.path)
    try:
        digest = hashlib.sha256()
        left = entry.size
        while data := os.read(descriptor, wanted := min(CHUNK, left + 1) if left > 0 else CHUNK):
            digest.update(data)
            if len(data) < wanted:  # a regular file gives less only at its end
                break
            left -= len(data)
            run.checkpoint()
        found = digest.hexdigest()
        if expected and found == expected:
            run.destination.set_times(descriptor, entry, run.metadata)
        return found
    finally:
        os.close(descriptor)


def _find(side: Source, path: bytes) -> Entry | None:
    try:
        return side.find(path)
    except OSError:
        return None


def _mismatch(run: Run, entry: Entry, digest: str, held: Entry | None, arrived: str, failure: Failure) -> None:
    run.tally("FailedVerify", "R")
    run.failures["Verify"] += 1
    run.journal.mismatch((entry, digest), (held, arrived), failure)
    known = {"DestinationMetadata" if run.enhanced else "DstMetadata": metadata(held)} if held else {}
    run.report.add(
        Section.VERIFIED, entry.path, entry=entry, failure=failure, SrcChecksum=digest, DstChecksum=arrived, **known
    )
