"""The second phase: delete what is extra, copy what differs, set the metadata of directories.

A file's times are set only after it was verified: a copy that turns out wrong, or was never verified because somebody
cancelled, differs in its time and is copied again by the next execution.
"""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

from include.standins.aws.datasync_files import FileTree
from include.standins.aws.datasync_reports import Failure, Section
from include.standins.aws.datasync_run import AbortedError, Run

if TYPE_CHECKING:
    from include.standins.aws.datasync_faults import TransferFault
    from include.standins.aws.datasync_prepare import Item, Plan
    from include.standins.aws.datasync_trees import Entry

Copied = list[tuple["Entry", str]]
"""Files whose content was copied, with the SHA-256 of what was read ("" when nothing is verified)."""
FULL = (errno.ENOSPC, errno.EDQUOT)


class _SourceError(Exception):
    """Reading failed, as opposed to writing."""

    def __init__(self, verb: str, error: OSError) -> None:
        super().__init__(error.strerror)
        self.failure = Failure(f"Failed to {verb} source file: {error.strerror}", error.errno or 0)


def transfer(run: Run, plan: Plan) -> Copied:
    """Do the plan; raises AbortedError when nothing more can be written."""
    strike = run.around.faults.strike(("execution_error",), run.names, "/") if run.around.faults.any else None
    if strike:
        raise AbortedError(strike.code or "InternalError", strike.detail or "A fault of the local AWS struck.")
    copied: Copied = []
    for entry in plan.extra:
        run.checkpoint()
        _delete(run, entry)
    for item in plan.items:
        run.checkpoint()
        try:
            digest = _one(run, item)
        except _SourceError as error:
            run.fail("Transfer", item.entry.path, error.failure, entry=item.entry)
        except AbortedError as error:
            run.fail("Transfer", item.entry.path, Failure(f"Failed to transfer file: {error}"), entry=item.entry)
            raise
        except OSError as error:
            failure = Failure(f"Failed to write destination file: {error.strerror}", error.errno or 0)
            run.fail("Transfer", item.entry.path, failure, entry=item.entry)
            if error.errno in FULL:
                detail = f"Destination file system is full: {os.strerror(error.errno)}."
                raise AbortedError("NoSpace", detail) from error
        else:
            _note(run, item)
            if digest is not None:
                copied.append((item.entry, digest))
    _finish_directories(run, plan)
    return copied


def _note(run: Run, item: Item) -> None:
    entry = item.entry
    run.tally("Transferred", entry.kind)
    run.journal.done("TRANSFER", entry)
    if run.report.wants(Section.TRANSFERRED, failed=False):
        kind = "CONTENT_AND_METADATA" if item.content else "METADATA"
        overwrite = "True" if item.held else "False"
        run.report.add(Section.TRANSFERRED, entry.path, entry=entry, TransferType=kind, Overwrite=overwrite)


def _one(run: Run, item: Item) -> str | None:
    """Transfer one thing; gives a digest for files whose content was copied."""
    entry = item.entry
    if entry.kind == "D":
        run.destination.make_directory(entry)
    elif not item.content:
        run.destination.set_metadata(entry, run.metadata)
    elif entry.kind == "L":
        run.destination.make_link(entry, _read(run, entry), run.metadata)
    else:
        return _copy(run, entry)
    return None


def _read(run: Run, entry: Entry) -> bytes:
    try:
        return run.source.target(entry.path)
    except OSError as error:
        raise _SourceError("read", error) from error


def _copy(run: Run, entry: Entry) -> str:
    fault = run.strike(entry.path)
    if fault:
        _before(run, entry, fault)
    try:
        source = run.source.open(entry.path)
    except OSError as error:
        raise _SourceError("open", error) from error
    try:
        target = run.destination.begin(entry)
        try:
            digest = _pump(run, source, target, entry, fault)
        except BaseException:
            run.destination.abort(target, entry)
            raise
        run.destination.commit(target, entry, run.metadata, times=not run.verifies)
    finally:
        os.close(source)
    return digest


def _before(run: Run, entry: Entry, fault: TransferFault) -> None:
    """Apply the faults that strike before a file is opened."""
    if fault.kind == "slow":
        run.nap(fault.seconds)
    elif fault.kind == "unreadable":
        raise _SourceError("open", PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    elif fault.kind == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif fault.kind == "vanish" and isinstance(run.source, FileTree):
        run.source.unlink(entry.path)


def _pump(run: Run, source: int, target: int, entry: Entry, fault: TransferFault | None) -> str:
    """Move the content from one descriptor to the other in pieces, at the execution's pace."""
    digest = hashlib.sha256() if run.verifies else None
    left, counts, throttle = entry.size, run.counts, run.throttle
    while True:
        wanted = min(throttle.chunk, left + 1) if left > 0 else throttle.chunk
        try:
            data = os.read(source, wanted)
        except OSError as error:
            raise _SourceError("read", error) from error
        if not data:
            break
        if digest:
            digest.update(data)
        throttle.take(len(data), run.checkpoint)
        _write(target, _struck(run, data, entry, fault) if fault else data)
        counts["BytesTransferred"] += len(data)
        counts["BytesWritten"] += len(data)
        if len(data) < wanted:  # a regular file gives less only at its end
            break
        left -= len(data)
        run.checkpoint()
    return digest.hexdigest() if digest else ""


def _struck(run: Run, data: bytes, entry: Entry, fault: TransferFault) -> bytes:
    """Apply the faults that strike while a file is copied."""
    if fault.kind == "connection_lost":
        raise AbortedError("ConnectionLost", f"Connection reset by peer while {entry.size} bytes were copied.")
    if fault.kind == "corrupt":
        return bytes([data[0] ^ 0xFF]) + data[1:]
    if fault.kind == "changing" and isinstance(run.source, FileTree):
        run.source.append(entry.path, b"\n")
    return data


def _write(target: int, data: bytes) -> None:
    written = os.write(target, data)
    while written < len(data):
        written += os.write(target, memoryview(data)[written:])


def _delete(run: Run, entry: Entry) -> None:
    try:
        run.destination.remove(entry)
    except OSError as error:
        failure = Failure(f"Failed to delete destination file: {error.strerror}", error.errno or 0)
        run.fail("Delete", entry.path, failure, entry=entry)
        return
    run.tally("Deleted", entry.kind)
    run.journal.done("DELETE", entry)
    run.report.add(Section.DELETED, entry.path, entry=entry)


def _finish_directories(run: Run, plan: Plan) -> None:
    """Give directories their metadata after everything in them, the deepest first."""
    touched = {item.entry.path.rpartition(b"/")[0] for item in plan.items}
    touched |= {entry.path.rpartition(b"/")[0] for entry in plan.extra}
    touched |= {item.entry.path for item in plan.items if item.entry.kind == "D"}
    for entry in sorted(plan.directories, key=lambda entry: entry.path.count(b"/"), reverse=True):
        if entry.path not in touched:
            continue
        run.checkpoint()
        try:
            run.destination.set_metadata(entry, run.metadata)
        except OSError as error:
            failure = Failure(f"Failed to write metadata of destination directory: {error.strerror}", error.errno or 0)
            run.fail("Transfer", entry.path, failure, entry=entry)
