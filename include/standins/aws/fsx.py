"""FSx: file systems that come up by themselves, hold real files, and fill up.

Source: FSx API reference. Networks, keys, backups, data repositories and Active Directories are not looked at.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from include.standins.aws.errors import AwsError, not_modelled
from include.standins.aws.fsx_control import FsxControl
from include.standins.aws.fsx_folders import Folders
from include.standins.aws.fsx_metrics import FsxMetrics
from include.standins.aws.fsx_records import LUSTRE, USABLE, FileSystem, FileSystems, Update, mount_name, tag_list
from include.standins.aws.fsx_requests import check_creation, check_tags, check_update
from include.standins.aws.fsx_volumes import FsxVolume, target_count
from include.standins.aws.model_checks import check_answer, check_request

if TYPE_CHECKING:
    from pathlib import Path

    from include.standins.aws.calls import Call, Environ
    from include.standins.aws.errors import Reply
    from include.standins.aws.metrics_store import MetricStore
    from include.standins.aws.state_store import StateStore

log = logging.getLogger(__name__)

Parameters = dict[str, Any]
Row = TypeVar("Row")
TICK_SECONDS = 1.0
ARN = re.compile(r"arn:aws:fsx:[^:]+:[^:]+:file-system/(fs-[0-9a-f]+)\Z")


class Fsx:
    """The file systems of one account and region; implements `volumes.Volumes`.

    :param directory: below it each file system has its folder.
    """

    def __init__(self, *, kept: StateStore, metrics: MetricStore, directory: Path, account: str, region: str) -> None:
        self.create_seconds = float(os.environ.get("LANDFALL_FSX_CREATE_SECONDS", "1.0"))
        self._lock = threading.RLock()
        self._file_systems = FileSystems(kept)
        self._folders = Folders(directory)
        self._metrics = FsxMetrics(metrics)
        self._volumes: dict[str, FsxVolume] = {}
        self._account, self._region = account, region
        self.control = FsxControl(self)
        self._folders.sweep({found.directory for found in self._file_systems})
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="fsx", daemon=True)
        self._watcher.start()

    def answer(self, call: Call, parameters: Parameters) -> Parameters:
        """Answer one call; raises AwsError."""
        method = _OPERATIONS.get(call.operation)
        if method is None:
            raise not_modelled(call)
        check_request("fsx", call.operation, parameters)
        with self._lock:
            self._settle()
            answer = method(self, parameters)
        check_answer("fsx", call.operation, answer)
        return answer

    def create(self, parameters: Parameters) -> Parameters:
        """CreateFileSystem; the same token and parameters give the same file system."""
        now, token = time.time(), parameters.get("ClientRequestToken")
        for found in self._file_systems:
            if token and found.request.get("ClientRequestToken") == token:
                _check_same(found.request, parameters)
                return {"FileSystem": found.describe(now)}
        check_creation(parameters)
        made_id = f"fs-{uuid4().hex[:17]}"
        kind = parameters["FileSystemType"]
        tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags") or []}
        found = FileSystem(
            id=made_id,
            kind=kind,
            storage_gib=parameters["StorageCapacity"],
            configuration=_configuration(parameters, made_id),
            request=parameters,
            tags=tags,
            directory=self._folders.choose(tags.get("Name", ""), made_id),
            created_at=now,
            ready_at=now + self.create_seconds,
            account=self._account,
            region=self._region,
        )
        found.forced, found.failure = self.control.next_fate()
        self._file_systems.save(found)
        self._folders.make(found.directory)
        return {"FileSystem": found.describe(now)}

    def describe(self, parameters: Parameters) -> Parameters:
        """DescribeFileSystems."""
        now, wanted = time.time(), parameters.get("FileSystemIds")
        found = [self.find(name) for name in wanted] if wanted else list(self._file_systems)
        page, more = _page(found, parameters)
        return {"FileSystems": [file_system.describe(now) for file_system in page], **more}

    def update(self, parameters: Parameters) -> Parameters:
        """UpdateFileSystem: takes effect after as long as a creation takes."""
        now, found = time.time(), self.find(parameters["FileSystemId"])
        if found.lifecycle(now) != "AVAILABLE":
            raise AwsError("BadRequest", f"{found.id} cannot be updated while it is {found.lifecycle(now)}.")
        storage_gib, changes = check_update(found, parameters)
        found.updates.append(Update(storage_gib, changes, now, now + self.create_seconds))
        self._file_systems.save(found)
        return {"FileSystem": found.describe(now)}

    def delete(self, parameters: Parameters) -> Parameters:
        """DeleteFileSystem: DELETING at once, gone with its files after as long as a creation takes."""
        found = self.find(parameters["FileSystemId"])
        for name in ("WindowsConfiguration", "LustreConfiguration"):
            if (parameters.get(name) or {}).get("SkipFinalBackup") is False:
                raise AwsError("BadRequest", "The local AWS does not model backups; set SkipFinalBackup.")
        if found.gone_at is None:
            found.gone_at = time.time() + self.create_seconds
            self._file_systems.save(found)
        return {"FileSystemId": found.id, "Lifecycle": "DELETING"}

    def aliases(self, parameters: Parameters) -> Parameters:
        """DescribeFileSystemAliases: those given at the creation of a Windows file system."""
        found = self.find(parameters["FileSystemId"])
        return {"Aliases": found.configuration.get("Aliases", [])}

    def tag(self, parameters: Parameters) -> Parameters:
        """TagResource."""
        found = self._of_arn(parameters["ResourceARN"])
        tags = found.tags | {tag["Key"]: tag["Value"] for tag in parameters["Tags"]}
        check_tags(tag_list(tags))
        found.tags = tags
        self._file_systems.save(found)
        return {}

    def untag(self, parameters: Parameters) -> Parameters:
        """UntagResource."""
        found = self._of_arn(parameters["ResourceARN"])
        found.tags = {name: value for name, value in found.tags.items() if name not in parameters["TagKeys"]}
        self._file_systems.save(found)
        return {}

    def list_tags(self, parameters: Parameters) -> Parameters:
        """ListTagsForResource."""
        tags = tag_list(self._of_arn(parameters["ResourceARN"]).tags)
        page, more = _page(tags, parameters)
        return {"Tags": page, **more}

    def find(self, file_system_id: str) -> FileSystem:
        """Give a file system; raises AwsError FileSystemNotFound."""
        found = self._file_systems.get(file_system_id)
        if found is None:
            raise AwsError("FileSystemNotFound", f"File system '{file_system_id}' does not exist.")
        return found

    def _of_arn(self, arn: str) -> FileSystem:
        match = ARN.match(arn)
        found = self._file_systems.get(match[1]) if match else None
        if found is None:
            raise AwsError("ResourceNotFound", f"{arn} does not exist.", members={"ResourceARN": arn})
        return found

    def of_file_system(self, arn: str) -> FsxVolume:
        """Return the volume of a file system; raises AwsError when there is none or it is not AVAILABLE."""
        with self._lock:
            self._settle()
            match = ARN.match(arn)
            found = self.find(match[1] if match else arn)
            lifecycle = found.lifecycle(time.time())
            if lifecycle not in USABLE:
                raise AwsError("FileSystemNotFound", f"File system '{found.id}' is {lifecycle}, not AVAILABLE.")
            return self._volume(found)

    def _volume(self, found: FileSystem) -> FsxVolume:
        if found.id not in self._volumes:
            targets = target_count(found.storage_gib, lustre=found.kind == LUSTRE)
            root = self._folders.path(found.directory)
            self._volumes[found.id] = FsxVolume(root, capacity=found.capacity, targets=targets)
        return self._volumes[found.id]

    def reshape(self, found: FileSystem) -> None:
        """Keep a file system that was changed from outside, and give its volume its present size."""
        with self._lock:
            self._file_systems.save(found)
            targets = target_count(found.storage_gib, lustre=found.kind == LUSTRE)
            self._volume(found).resize(capacity=found.capacity, targets=targets)

    def overview(self) -> list[dict[str, Any]]:
        """Tell of every file system where its files lie and how full it is."""
        with self._lock:
            self._settle()
            rows, now = [], time.time()
            for found in self._file_systems:
                free = self._volume(found).free()
                rows.append(
                    {"file_system": found.id, "name": found.tags.get("Name", ""), "lifecycle": found.lifecycle(now)}
                    | {"directory": str(self._folders.path(found.directory)), "capacity_bytes": found.capacity}
                    | {"free_bytes": sum(free), "free_bytes_of_targets": free}
                )
            return rows

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer /_landfall/fsx."""
        return self.control.route(environ, rest)

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._watcher.join()

    def _settle(self) -> None:
        """Let time have passed: deletions end, updates take effect."""
        now = time.time()
        for found in list(self._file_systems):
            if found.gone_at is not None and now >= found.gone_at:
                self._file_systems.forget(found)
                self._volumes.pop(found.id, None)
                self._folders.remove(found.directory)
            elif found.settle(now):
                self.reshape(found)

    def _watch(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            try:
                self._report()
            except Exception:
                log.exception("FSx metrics could not be written; tried again in %s s", TICK_SECONDS)

    def _report(self) -> None:
        with self._lock:
            self._settle()
            now = time.time()
            usable = [found for found in self._file_systems if found.lifecycle(now) in USABLE]
            volumes = [(found, self._volume(found)) for found in usable]
        for found, volume in volumes:
            volume.walk()
            self._metrics.report(found, volume)


def _check_same(first: Parameters, again: Parameters) -> None:
    different = sorted(name for name in first.keys() | again.keys() if first.get(name) != again.get(name))
    if different:
        raise AwsError(
            "IncompatibleParameterError",
            f"The file system with this ClientRequestToken was created with another {different[0]}.",
            members={"Parameter": different[0]},
        )


def _configuration(parameters: Parameters, file_system_id: str) -> Parameters:
    """Give the configuration as it is described, with what the service fills in."""
    if parameters["FileSystemType"] == LUSTRE:
        own = {"MountName": mount_name(file_system_id)}
        return {"DataCompressionType": "NONE", "CopyTagsToBackups": False, **parameters["LustreConfiguration"], **own}
    asked = dict(parameters["WindowsConfiguration"])
    aliases = [{"Name": name, "Lifecycle": "AVAILABLE"} for name in asked.pop("Aliases", [])]
    asked.pop("AuditLogConfiguration", None)
    filled = {"DeploymentType": "SINGLE_AZ_1", "PreferredSubnetId": parameters["SubnetIds"][0], **asked}
    return {**filled, "Aliases": aliases} if aliases else filled


def _page(rows: list[Row], parameters: Parameters) -> tuple[list[Row], dict[str, str]]:
    """Give the page that MaxResults and NextToken ask for, and what leads to the next."""
    try:
        start = int(base64.b64decode(parameters.get("NextToken") or "MA==", validate=True))
    except ValueError:
        raise AwsError("BadRequest", "Invalid NextToken.") from None
    end = start + (parameters.get("MaxResults") or len(rows))
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(rows) else {}
    return rows[start:end], more


_OPERATIONS = {
    "CreateFileSystem": Fsx.create,
    "DescribeFileSystems": Fsx.describe,
    "UpdateFileSystem": Fsx.update,
    "DeleteFileSystem": Fsx.delete,
    "DescribeFileSystemAliases": Fsx.aliases,
    "TagResource": Fsx.tag,
    "UntagResource": Fsx.untag,
    "ListTagsForResource": Fsx.list_tags,
}
