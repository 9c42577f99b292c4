"""From a location to the tree behind it: a mapped directory, an FSx file system, or a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.aws.datasync_files import FileTarget, FileTree
from include.standins.aws.datasync_objects import ObjectTree
from include.standins.aws.datasync_run import AbortedError
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from include.standins.aws.datasync_records import Location
    from include.standins.aws.datasync_trees import Destination, Source
    from include.standins.aws.mounts import Mounts
    from include.standins.aws.object_store import ObjectStore
    from include.standins.aws.volumes import Volume, Volumes

WINDOWS = ("smb", "fsxw")
OBJECTS = ("s3", "object-storage")
_DRIVERS = {"nfs": "nfs", "smb": "cifs", "fsxl": "lustre", "fsxw": "cifs"}


@dataclass
class Sides:
    """Opens locations; raises AbortedError when one cannot be reached, in the words of a failed mount."""

    mounts: Mounts
    volumes: Volumes | None
    store: ObjectStore
    scratch: Path

    def source(self, location: Location, *, execution_id: str) -> Source:
        """Open a location for reading."""
        if location.kind in OBJECTS:
            return self._objects(location, execution_id)
        directory, _ = self._directory(location)
        try:
            return FileTree(directory)
        except OSError as error:
            raise _unreachable(location, error.strerror or "No such file or directory") from error

    def destination(
        self, location: Location, *, execution_id: str, alive: Callable[[], Collection[str]]
    ) -> Destination:
        """Open a location for writing; `alive` tells the executions that have not ended."""
        if location.kind in OBJECTS:
            return self._objects(location, execution_id)
        directory, volume = self._directory(location)
        try:
            return FileTarget(directory, volume=volume, execution_id=execution_id, alive=alive)
        except OSError as error:
            raise _unreachable(location, error.strerror or "No such file or directory") from error

    def _directory(self, location: Location) -> tuple[Path, Volume | None]:
        mapped = self.mounts.directory(location.uri)
        if mapped is not None:
            return mapped, None
        arn = location.settings.get("FsxFilesystemArn")
        if arn is None or self.volumes is None:
            raise _unreachable(location, "Connection timed out")
        try:
            volume = self.volumes.of_file_system(arn)
        except AwsError as error:
            raise _unreachable(location, error.message) from error
        return volume.root / str(location.settings.get("Subdirectory") or "").strip("/"), volume

    def _objects(self, location: Location, execution_id: str) -> ObjectTree:
        uri = "s3://" + location.uri.partition("://")[2]
        if location.kind == "object-storage":  # object-storage://server/bucket/prefix
            uri = "s3://" + location.uri.partition("://")[2].partition("/")[2]
        try:
            return ObjectTree(self.store, uri, scratch=self.scratch / execution_id)
        except FileNotFoundError as error:
            raise _unreachable(location, error.strerror or "NoSuchBucket") from error


def _unreachable(location: Location, why: str) -> AbortedError:
    what = f"mount.{_DRIVERS[location.kind]}" if location.kind in _DRIVERS else "S3"
    name = location.arn.rpartition("/")[2]
    return AbortedError("LocationUnreachable", f"Task failed to access location {name}: x40016: {what}: {why}")
