"""A client's look at the target: write, read back, remove; and a few files read against the source."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.checksums import checksum
from include.fsx_migration.listings.directories import Unreadable
from include.fsx_migration.listings.listing import out_of_core
from include.fsx_migration.listings.path_text import unescape_path
from include.fsx_migration.reconciliation.reconciliations import FINDINGS
from include.fsx_migration.reconciliation.sampling import choose_sample
from include.workbench import workbench

if TYPE_CHECKING:
    from pathlib import Path

    from include.fsx_migration.workplace import Workplace

PROBE: Final = ".landfall-probe"
FILES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the probe found; `faults` are sentences, none when clients can work."""

    read: int
    faults: tuple[str, ...]

    @property
    def went_well(self) -> bool:
        """Whether clients can work."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {"read": self.read, "faults": list(self.faults), "went_well": self.went_well}


def probe_target(place: Workplace, *, label: str, token: str) -> Probe:
    """Write, read and remove a file on the target, and read some files on both sides.

    Workers reach the target by its mount, not by the name: that the name leads there is read, not travelled.

    :param label: of the reconciliation whose source listing the files are taken from.
    :param token: goes into the file, as the run's id: what is read back is this run's.
    """
    target, source = place.migration.target.mount, place.migration.source.mount
    faults = [fault] if (fault := write_fault(target, token)) else []
    with workbench(place.store) as bench:
        listing = bench.fetch(place.places.listing("source", label), "source.parquet")
        findings = bench.fetch(place.places.reconciliation(label, FINDINGS))
        names = sorted(choose_sample(listing, seed=token, files=FILES) - _known(findings))
    looked_at = [_look_at(source, target, name) for name in names]
    different = [told for _, told in looked_at if told]
    return Probe(read=sum(read for read, _ in looked_at), faults=(*faults, *different))


def write_fault(folder: Path, token: str) -> str:
    """Write, sync, read and remove a file; return what went wrong as a sentence, empty when nothing did."""
    file, content = folder / PROBE, token.encode()
    try:
        with file.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        found = file.read_bytes()
        file.unlink()
    except OSError as error:
        return f"A file cannot be written, read and removed in {folder}: {error.strerror}."
    return "" if found == content else f"What was written to {file} is not what is read."


def _known(findings: Path) -> frozenset[str]:
    """Return what the reconciliation knows to differ: it was judged there, and a person has seen it."""
    with out_of_core(memory_limit="500MB") as connection:
        rows = connection.read_parquet(str(findings)).project("path").fetchall()
    return frozenset(path for (path,) in rows)


def _look_at(source: Path, target: Path, name: str) -> tuple[bool, str]:
    """Tell whether a file was read on both sides, and what is wrong with it.

    What workers may read on neither side says nothing about clients.
    """
    try:
        here, there = (_sum(root, name) for root in (source, target))
    except OSError as error:
        return False, f"{name} is not on both sides: {error.strerror}."
    if isinstance(here, Unreadable) and isinstance(there, Unreadable):
        return False, ""
    if here == there:
        return True, ""
    unread = next((one.reason for one in (here, there) if isinstance(one, Unreadable)), "")
    return False, f"{name} differs between {source} and {target}{f' ({unread})' if unread else ''}."


def _sum(root: Path, name: str) -> str | Unreadable | None:
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        facts = os.stat(unescape_path(name), dir_fd=top, follow_symlinks=False)
        return checksum(top, name, size=facts.st_size, mtime_us=facts.st_mtime_ns // 1_000)
    finally:
        os.close(top)
