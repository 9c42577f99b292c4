"""What is known of a file system, how it is kept, and how FSx describes it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from include.standins.aws.fsx_volumes import GIB
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "fsx"
LUSTRE, WINDOWS = "LUSTRE", "WINDOWS"
WINDOWS_DOMAIN = "corp.example.com"  # the directory's, which nobody asks
USABLE = frozenset({"AVAILABLE", "UPDATING"})


@dataclass
class Update:
    """A change that UpdateFileSystem asked for; it takes effect when `done_at` has come."""

    storage_gib: int
    configuration: dict[str, Any]
    requested_at: float
    done_at: float
    done: bool = False


@dataclass
class FileSystem:
    """One file system; times in seconds since the epoch.

    :param request: the parameters it was created with, to know a repeated request by.
    :param directory: name of its folder.
    :param capacity_bytes: what its files may take when a test made it smaller than `storage_gib`; None: not.
    :param forced: a lifecycle that a test put it into, with `failure` as its details.
    """

    id: str
    kind: str
    storage_gib: int
    configuration: dict[str, Any]
    request: dict[str, Any]
    tags: dict[str, str]
    directory: str
    created_at: float
    ready_at: float
    account: str
    region: str
    updates: list[Update] = field(default_factory=list)
    gone_at: float | None = None
    capacity_bytes: int | None = None
    forced: str = ""
    failure: str = ""

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:fsx:{self.region}:{self.account}:file-system/{self.id}"

    @property
    def capacity(self) -> int:
        """Bytes that its files may take."""
        return self.storage_gib * GIB if self.capacity_bytes is None else self.capacity_bytes

    def lifecycle(self, now: float) -> str:
        """Tell its state, which moves by itself."""
        if self.gone_at is not None:
            return "DELETING"
        if now < self.ready_at:
            return "CREATING"
        if self.forced:
            return self.forced
        return "UPDATING" if any(now < update.done_at for update in self.updates) else "AVAILABLE"

    def settle(self, now: float) -> bool:
        """Let updates take effect whose time has come; tell whether there were any."""
        due = [update for update in self.updates if not update.done and now >= update.done_at]
        for update in due:
            update.done, self.storage_gib = True, update.storage_gib
            self.configuration |= update.configuration
        return bool(due)

    def describe(self, now: float) -> dict[str, Any]:
        """Describe it as the API does."""
        lustre = self.kind == LUSTRE
        subnets = self.request["SubnetIds"]
        described = {
            "OwnerId": self.account,
            "CreationTime": self.created_at,
            "FileSystemId": self.id,
            "FileSystemType": self.kind,
            "Lifecycle": self.lifecycle(now),
            "StorageCapacity": self.storage_gib,
            "StorageType": self.request.get("StorageType", "SSD"),
            "VpcId": f"vpc-{_digits(subnets[0])}",
            "SubnetIds": subnets,
            "NetworkInterfaceIds": [f"eni-{_digits(f'{self.id}/{number}')}" for number in range(2 if lustre else 1)],
            "DNSName": f"{self.id}.fsx.{self.region}.amazonaws.com" if lustre else f"{self.id}.{WINDOWS_DOMAIN}",
            "KmsKeyId": self.request.get("KmsKeyId") or f"arn:aws:kms:{self.region}:{self.account}:key/aws-fsx",
            "ResourceARN": self.arn,
            "AdministrativeActions": [self._action(update) for update in reversed(self.updates)],
            f"{'Lustre' if lustre else 'Windows'}Configuration": self.configuration,
        }
        if lustre:
            described["FileSystemTypeVersion"] = self.request.get("FileSystemTypeVersion", "2.15")
        if self.tags:
            described["Tags"] = tag_list(self.tags)
        if self.failure:
            described["FailureDetails"] = {"Message": self.failure}
        return described

    def _action(self, update: Update) -> dict[str, Any]:
        name = "LustreConfiguration" if self.kind == LUSTRE else "WindowsConfiguration"
        target: dict[str, Any] = {"StorageCapacity": update.storage_gib}
        if update.configuration:
            target[name] = update.configuration
        return {
            "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
            "RequestTime": update.requested_at,
            "Status": "COMPLETED" if update.done else "IN_PROGRESS",
            "TargetFileSystemValues": target,
        }


def mount_name(file_system_id: str) -> str:
    """Give the mount name of a Lustre file system: eight letters and digits."""
    return _digits(f"{file_system_id}/mount")[:8]


def _digits(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:17]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Give tags as the API lists them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]


class FileSystems:
    """Every file system that is not gone, kept in the state store; the caller holds a lock."""

    def __init__(self, kept: StateStore) -> None:
        self._kept = kept
        self._all: dict[str, FileSystem] = {}
        for name, value in kept.read(KIND):
            fields = json.loads(value)
            fields["updates"] = [Update(**update) for update in fields["updates"]]
            self._all[name] = FileSystem(**fields)

    def save(self, found: FileSystem) -> None:
        """Keep a file system as it is now."""
        self._kept.write([Change(KIND, found.id, json.dumps(asdict(found)).encode())])
        self._all[found.id] = found

    def forget(self, found: FileSystem) -> None:
        """Drop a file system that is gone."""
        self._kept.write([Change(KIND, found.id, None)])
        self._all.pop(found.id, None)

    def get(self, file_system_id: str) -> FileSystem | None:
        """Find a file system."""
        return self._all.get(file_system_id)

    def __iter__(self) -> Iterator[FileSystem]:
        """Give all, oldest first."""
        return iter(sorted(self._all.values(), key=lambda found: (found.created_at, found.id)))
