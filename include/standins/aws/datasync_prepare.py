"""The first phase: what is there, what differs, what is to be done."""

from __future__ import annotations

import csv
import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from include.standins.aws.datasync_reports import Failure, Section
from include.standins.aws.datasync_run import AbortedError, Run
from include.standins.aws.object_store import NoSuchBucketError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.aws.datasync_trees import Entry

MANIFEST_LIMIT_BYTES = 20_000_000_000
"""Source: DataSync user guide, "Transferring specific files or objects by using a manifest" (Enhanced mode)."""
PATH_LIMIT_BYTES = 4096


class Item(NamedTuple):
    """One thing to transfer; `held` is what the destination has by that name, `content` False is metadata alone."""

    entry: Entry
    held: Entry | None
    content: bool


@dataclass
class Plan:
    """What the transfer will do, in this order: delete, copy, set the metadata of directories, verify."""

    extra: list[Entry] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    directories: list[Entry] = field(default_factory=list)
    unchanged: list[Entry] = field(default_factory=list)
    """Kept only when everything is verified at the end."""


def prepare(run: Run) -> Plan:
    """Compare both sides; raises AbortedError when the manifest cannot be used."""
    plan, seen = Plan(), set[bytes]()
    options = run.execution.options
    removing = options["PreserveDeletedFiles"] == "REMOVE"
    manifest = (run.execution.settings.get("ManifestConfig") or {}).get("Source", {}).get("S3")
    entries = _listed(run, manifest) if manifest else run.source.scan(run.verdict, run.unread)
    for entry in entries:
        run.checkpoint()
        run.tally("Listed", entry.kind)
        run.counts["BytesPreparedSource"] += entry.size
        if removing:
            seen.add(entry.path)
        if entry.kind == "D" and not manifest:
            plan.directories.append(entry)
        _decide(run, plan, entry)
    if removing:
        _find_extra(run, plan, seen)
    return plan


def _decide(run: Run, plan: Plan, entry: Entry) -> None:
    options = run.execution.options
    if entry.kind == "O" or (entry.kind == "L" and run.is_windows):
        _leave_out(run, entry)
        return
    try:
        held = run.destination.find(entry.path)
    except OSError as error:
        reason = f"Failed to read metadata for destination file: {error.strerror}"
        run.fail("Prepare", entry.path, Failure(reason, error.errno or 0), entry=entry)
        return
    if held is not None:
        run.tally("ListedAtDestination", held.kind)
        run.counts["BytesPreparedDestination"] += held.size
    everything = options["TransferMode"] == "ALL"
    content = everything or held is None or _differs(run, entry, held)
    if content or _metadata_differs(run, entry, held):
        if held is not None and options["OverwriteMode"] == "NEVER" and entry.kind != "D":
            _skip(run, entry, "The destination is not overwritten")
            return
        run.tally("Estimated", entry.kind)
        run.counts["BytesEstimated"] += entry.size if content else 0
        if not everything:
            run.tally("Prepared", entry.kind)
        plan.items.append(Item(entry, held, content))
        return
    _skip(run, entry, "The destination has it already")
    if options["VerifyMode"] == "POINT_IN_TIME_CONSISTENT" and entry.kind == "R":
        plan.unchanged.append(entry)


def _leave_out(run: Run, entry: Entry) -> None:
    """Special files are passed over; symlinks between Windows shares fail, as documented."""
    if entry.kind == "L":
        reason = "Failed to read metadata for file: No data available"
        run.fail("Prepare", entry.path, Failure(reason, errno.ENODATA), entry=entry)
    else:
        run.tally("Skipped", entry.kind)


def _skip(run: Run, entry: Entry, reason: str) -> None:
    run.tally("Skipped", entry.kind)
    if run.report.wants(Section.SKIPPED, failed=False):
        run.report.add(Section.SKIPPED, entry.path, entry=entry, SkipReason=reason)


def _differs(run: Run, entry: Entry, held: Entry) -> bool:
    """Tell whether content has to be copied: by kind, size and time, a symlink by what it says."""
    if entry.kind != held.kind:
        return True
    if entry.kind == "R":
        later = held.mtime_ns != entry.mtime_ns if run.metadata.mtime else held.mtime_ns < entry.mtime_ns
        return entry.size != held.size or later
    if entry.kind == "L":
        try:
            return run.source.target(entry.path) != run.destination.target(entry.path)
        except OSError:
            return True
    return False


def _metadata_differs(run: Run, entry: Entry, held: Entry | None) -> bool:
    wanted = run.metadata
    if held is None:
        return True
    owner = run.compares_owner and ((wanted.uid and entry.uid != held.uid) or (wanted.gid and entry.gid != held.gid))
    mode = wanted.mode and entry.kind != "L" and entry.mode != held.mode
    return owner or mode or (wanted.mtime and entry.mtime_ns != held.mtime_ns)


def _find_extra(run: Run, plan: Plan, seen: set[bytes]) -> None:
    """List what the destination has and the source has not, what lies deepest first."""

    def unread(path: bytes, error: OSError) -> None:
        run.fail("Delete", path, Failure(f"Failed to read destination directory: {error.strerror}", error.errno or 0))

    for held in run.destination.scan(run.filters.verdict, unread):
        run.checkpoint()
        run.tally("ListedForDelete", held.kind)
        if held.path not in seen and not _is_below(held.path, run.unlisted):
            plan.extra.append(held)
            run.tally("EstimatedToDelete", held.kind)
    plan.extra.sort(key=lambda entry: entry.path.count(b"/"), reverse=True)


def _is_below(path: bytes, unlisted: set[bytes]) -> bool:
    """Tell whether nobody knows what the source has by this name."""
    if not unlisted:
        return False
    parts = path.split(b"/")
    return b"" in unlisted or any(b"/".join(parts[:end]) in unlisted for end in range(1, len(parts) + 1))


def _listed(run: Run, place: dict[str, Any]) -> Iterator[Entry]:
    """Give the entries of the files that a manifest names; what is not there fails by name."""
    for path in _manifest(run, place):
        name = path.removeprefix(b"/")
        if b".." in name.split(b"/") or not name:
            run.fail("Prepare", name, Failure("Invalid manifest entry: Not a path of a file", errno.EINVAL))
            continue
        try:
            entry = run.source.find(name)
        except OSError as error:
            run.unread(name, error)
            continue
        if entry is None:
            why = Failure(
                "Failed to open source file: No such file or directory", errno.ENOENT, "ManifestFileDoesNotExist"
            )
            run.fail("Transfer", name, why)
        elif entry.kind == "D":
            why = Failure("Failed to open source file: Is a directory", errno.EISDIR)
            run.fail("Transfer", name, why, entry=entry)
        else:
            yield entry


def _manifest(run: Run, place: dict[str, Any]) -> Iterator[bytes]:
    uri = f"s3://{place['S3BucketArn'].rpartition(':')[2]}/{place['ManifestObjectPath'].lstrip('/')}"
    try:
        stored = run.around.store.get(uri)
    except NoSuchBucketError:
        stored = None
    if stored is None:
        raise AbortedError("ManifestNotFound", f"DataSync could not read the manifest {uri}: it does not exist.")
    if stored.size > MANIFEST_LIMIT_BYTES:
        raise AbortedError("ManifestTooLarge", f"The manifest {uri} is larger than 20 GB.")
    duplicates = set[str]()
    with stored.path.open(encoding="utf-8", newline="") as text:
        try:
            for row in csv.reader(text):
                if not row:
                    continue
                _check_row(row, uri)
                if row[0] in duplicates:
                    raise AbortedError("InvalidManifest", f"The manifest {uri} names {row[0]!r} twice.")
                duplicates.add(row[0])
                yield row[0].encode()
        except (UnicodeDecodeError, csv.Error) as error:
            raise AbortedError("InvalidManifest", f"The manifest {uri} is no CSV in UTF-8: {error}.") from error


def _check_row(row: list[str], uri: str) -> None:
    if len(row) > 1 and any(row[1:]):
        raise AbortedError("InvalidManifest", f"The manifest {uri} names object versions, which are not modelled here.")
    if len(row[0].encode()) > PATH_LIMIT_BYTES:
        raise AbortedError("InvalidManifest", f"The manifest {uri} has a path longer than {PATH_LIMIT_BYTES} bytes.")
