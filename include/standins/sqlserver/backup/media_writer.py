"""Writing a backup set: to new media, or behind the sets that are there. What fails leaves nothing behind."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import backup_set, failures, frames
from include.standins.sqlserver.backup.frames import FrameKind
from include.standins.sqlserver.backup.media import NUL, MediaFile, MediaLabel
from include.standins.sqlserver.storage import durable
from include.standins.sqlserver.storage.catalog import new_guid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from include.standins.sqlserver.backup.backup_set import SetEnd, SetHeader


class _Family:
    """One file being written; `keep` is how much of it goes on existing if the backup fails."""

    def __init__(self, path: Path, *, descriptor: int, label: MediaLabel, keep: int, position: int) -> None:
        self.path, self.descriptor, self.label = path, descriptor, label
        self.keep = self.offset = keep
        self.position = position
        self.is_nul = path == NUL


class MediaWriter:
    """The devices of one backup. Call `finish` or `abandon`."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        init: bool,
        compressed: bool,
        written: datetime,
        before_write: Callable[[Path, int], None],
    ) -> None:
        """Open the devices; without `init` the set goes behind those of existing media.

        :param before_write: called with path and bytes before each write: paces, cancels, raises OSError when full.
        :raises SqlError: 3201, 3241, 3231.
        """
        self._before_write = before_write
        self._families: list[_Family] = []
        self.frames = 0
        self.bytes = 0
        media_guid = new_guid()
        try:
            for number, path in enumerate(paths, start=1):
                label = MediaLabel(
                    media_guid=media_guid,
                    family_guid=new_guid(),
                    family_number=number,
                    family_count=len(paths),
                    written=written,
                    compressed=compressed,
                )
                self._families.append(_open_family(path, label=label, init=init))
        except BaseException:
            self.abandon()
            raise

    @property
    def labels(self) -> list[tuple[Path, MediaLabel]]:
        """Each file with its media header."""
        return [(family.path, family.label) for family in self._families]

    @property
    def position(self) -> int:
        """The new set's position."""
        return self._families[0].position

    def begin(self, header: SetHeader) -> None:
        """Write the media header where it is due, and the set's header."""
        for family in self._families:
            if family.keep == 0:
                label = json.dumps(asdict(family.label), default=lambda moment: moment.isoformat()).encode()
                self._write(family, frames.encode(FrameKind.MEDIA, label))
            self._write(family, frames.encode(FrameKind.SET, backup_set.to_bytes(header)))

    def add(self, kind: FrameKind, payload: bytes, *, compress: bool = False) -> None:
        """Write the next frame, on the next device."""
        frame = frames.encode(kind, payload, compress=compress)
        self._write(self._families[self.frames % len(self._families)], frame)
        self.frames += 1
        self.bytes += len(frame)

    def finish(self, end: SetEnd) -> None:
        """Make the content durable, then write the trailers, which make it a backup, durably."""
        self._sync()
        for family in self._families:
            self._write(family, frames.encode(FrameKind.END, backup_set.to_bytes(end)))
        self._sync()
        self._close()

    def abandon(self) -> None:
        """Put the devices back as they were; what `init` overwrote is gone."""
        for family in self._families:
            if family.is_nul:
                continue
            if family.keep:
                os.ftruncate(family.descriptor, family.keep)
                os.fsync(family.descriptor)
            else:
                durable.remove(family.path)
        self._close()

    def _write(self, family: _Family, frame: bytes) -> None:
        try:
            self._before_write(family.path, len(frame))
            if not family.is_nul:
                durable.write_all(family.descriptor, frame, family.offset)
        except OSError as error:
            raise failures.write_failed(family.path, error) from error
        family.offset += len(frame)

    def _sync(self) -> None:
        for family in self._families:
            if family.is_nul:
                continue
            try:
                os.fsync(family.descriptor)
            except OSError as error:
                raise failures.write_failed(family.path, error) from error
            durable.sync_directory(family.path.parent)

    def _close(self) -> None:
        for family in self._families:
            os.close(family.descriptor)
        self._families.clear()


def _open_family(path: Path, *, label: MediaLabel, init: bool) -> _Family:
    if path == NUL:
        return _Family(path, descriptor=os.open(os.devnull, os.O_WRONLY), label=label, keep=0, position=1)
    existing = None if init else _existing(path, label.family_count)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if existing is None:
            os.ftruncate(descriptor, 0)
            return _Family(path, descriptor=descriptor, label=label, keep=0, position=1)
    except OSError as error:
        raise failures.cannot_open_device(path, error) from error
    found, keep, position = existing
    os.ftruncate(descriptor, keep)
    return _Family(path, descriptor=descriptor, label=found, keep=keep, position=position)


def _existing(path: Path, family_count: int) -> tuple[MediaLabel, int, int] | None:
    """Return label, end of the last complete set (a half set behind it is given up) and the next position."""
    if not path.exists() or path.is_dir() or path.stat().st_size == 0:
        return None
    file = MediaFile(path)
    try:
        if file.label.family_count != family_count:
            raise failures.other_family_count(path, found=file.label.family_count, expected=family_count)
        complete = [placed for placed in file.sets() if placed.complete is not None]
        return (file.label, complete[-1].end, len(complete) + 1) if complete else None
    finally:
        file.close()
