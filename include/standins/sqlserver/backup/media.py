"""Backup files: a media set of one or more files ("families") with backup sets one after the other."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import backup_set, failures, frames
from include.standins.sqlserver.backup.backup_set import BackupSet, SetHeader
from include.standins.sqlserver.backup.frames import Frame, FrameKind
from include.standins.sqlserver.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.standins.sqlserver.storage.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLabel:
    """A file's media header."""

    media_guid: str
    family_guid: str
    family_number: int
    family_count: int
    written: datetime
    compressed: bool


@dataclass(frozen=True, slots=True)
class PlacedSet:
    """A set in one file; `complete` is None when the file ends, or was left, in the middle of the set."""

    position: int
    header: SetHeader
    begin: int
    data_begin: int
    end: int
    complete: BackupSet | None


NUL = Path("NUL")
"""The device that forgets what is written to it: `BACKUP LOG x TO DISK = 'NUL'` breaks a log chain without a trace."""


def device_path(catalog: Catalog, device: str) -> Path:
    """Return the file of a DISK device; a bare name is in the instance's backup directory, `NUL` is no file.

    :raises SqlError: 3201 for a Windows path, which no file here can have.
    """
    if device.rstrip(":").upper() == "NUL":
        return NUL
    if "\\" in device or "\0" in device or device[1:2] == ":":
        raise failures.cannot_open_device(Path(device), NotADirectoryError(20, "not a path of this machine"))
    return catalog.backup_directory / device


def _open_for_reading(path: Path) -> int:
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory")
    return os.open(path, os.O_RDONLY)


class MediaFile:
    """One open backup file. Close it."""

    def __init__(self, path: Path) -> None:
        """Open and read the media header.

        :raises SqlError: 3201, 3203, 3241, 3254.
        """
        self.path = path
        try:
            self.descriptor = _open_for_reading(path)
        except OSError as error:
            raise failures.cannot_open_device(path, error) from error
        try:
            self._size = os.fstat(self.descriptor).st_size
            self.label, self._first = self._read_label()
        except BaseException:
            os.close(self.descriptor)
            raise

    def sets(self) -> Iterator[PlacedSet]:
        """Yield the sets in the file's order; a last, incomplete one too.

        :raises SqlError: 3241 when the file is no sequence of frames, 3189 when a header is harmed.
        """
        offset, position = self._first, 0
        while offset < self._size:
            position += 1
            try:
                placed = self._set_at(offset, position)
            except SqlError as error:
                if error.number == 3203:  # not even the set's header is whole
                    return
                raise
            yield placed
            if placed.complete is None:
                return
            offset = placed.end

    def find(self, position: int) -> PlacedSet:
        """Return the set at a position.

        :raises SqlError: 4038 there is none, 3203 it is incomplete.
        """
        for placed in self.sets():
            if placed.position == position:
                if placed.complete is None:
                    raise failures.read_failed(self.path)
                return placed
        raise failures.no_such_file(position, self.path)

    def content(self, placed: PlacedSet) -> Iterator[Frame]:
        """Yield the data and log frames of a complete set."""
        offset = placed.data_begin
        while (frame := self._frame(offset)).kind is not FrameKind.END:
            yield frame
            offset = frame.end

    def payload(self, frame: Frame) -> bytes:
        """Read a frame; 3189 when it is harmed."""
        return frames.payload(self.descriptor, frame)

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)

    def _frame(self, offset: int) -> Frame:
        return frames.frame_at(self.descriptor, offset, path=self.path, size=self._size)

    def _read_label(self) -> tuple[MediaLabel, int]:
        if self._size == 0:
            raise failures.empty_media(self.path)
        frame = self._frame(0)
        if frame.kind is not FrameKind.MEDIA:
            raise failures.malformed_media(self.path)
        try:
            values = json.loads(self.payload(frame))
        except SqlError as error:
            raise failures.malformed_media(self.path) from error
        values["written"] = datetime.fromisoformat(values["written"])
        return MediaLabel(**values), frame.end

    def _set_at(self, offset: int, position: int) -> PlacedSet:
        first = self._frame(offset)
        if first.kind is not FrameKind.SET:
            raise failures.malformed_media(self.path)
        header = backup_set.header_from_bytes(self.payload(first))
        at, complete = first.end, None
        try:
            while (frame := self._frame(at)).kind in (FrameKind.DATA, FrameKind.LOG):
                at = frame.end
            if frame.kind is FrameKind.END:
                end = backup_set.end_from_bytes(self.payload(frame))
                complete = BackupSet(position=position, header=header, end=end)
                at = frame.end
        except SqlError as error:
            if error.number != 3203:
                raise
        return PlacedSet(position, header, offset, first.end, at, complete)


class MediaSet:
    """All files of a set, in the order of their families, read as one stream. A context manager."""

    def __init__(self, paths: Sequence[Path], *, position: int) -> None:
        """Open the files and find the set.

        :raises SqlError: 3201, 3203, 3241, 3254, 4038, 3132 when a family is missing.
        """
        with ExitStack() as stack:
            files = []
            for path in paths:
                file = MediaFile(path)
                stack.callback(file.close)
                files.append(file)
            self._files = sorted(files, key=lambda file: file.label.family_number)
            self._check_families()
            self._placed = [file.find(position) for file in self._files]
            self._stack = stack.pop_all()
        complete = self._placed[0].complete
        if complete is None or len({placed.header.guid for placed in self._placed}) != 1:
            raise failures.malformed_media(self._files[0].path)
        self.set = complete

    @property
    def path(self) -> Path:
        """The first family's file."""
        return self._files[0].path

    @property
    def labels(self) -> list[tuple[Path, MediaLabel]]:
        """Each file with its media header."""
        return [(file.path, file.label) for file in self._files]

    @property
    def size(self) -> int:
        """Bytes of the set on its media."""
        return sum(placed.end - placed.data_begin for placed in self._placed)

    def stream(self) -> Iterator[tuple[FrameKind, bytes, int]]:
        """Yield kind, payload and stored length of each frame, in the order they were written (round the families).

        :raises SqlError: 3189 a frame is harmed or missing.
        """
        contents = [file.content(placed) for file, placed in zip(self._files, self._placed, strict=True)]
        for number in range(self.set.end.frames):
            turn = number % len(contents)
            frame = next(contents[turn], None)
            if frame is None:
                raise failures.damaged_set()
            yield frame.kind, self._files[turn].payload(frame), frame.length

    def __enter__(self) -> MediaSet:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _check_families(self) -> None:
        first = self._files[0].label
        for file in self._files:
            if file.label.media_guid != first.media_guid:
                raise failures.malformed_media(file.path)
        numbers = {file.label.family_number for file in self._files}
        if len(numbers) != first.family_count:
            raise failures.missing_families(first.family_count, len(numbers))
