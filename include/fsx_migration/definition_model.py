"""What a migration is: from where to where, by which agents, within which limits; `definition` reads it from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date, time
    from pathlib import Path


class SourceKind(StrEnum):
    """Where the files are now."""

    NFS = "nfs"
    SMB = "smb"
    S3 = "s3"
    OBJECT_STORAGE = "object_storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The source tree under its two names: as DataSync reaches it, and as an Airflow worker does.

    :param server: host name of an NFS, SMB or object storage server; empty for S3.
    :param bucket: of S3 and object storage; empty for the others.
    :param subdirectory: the exported path or prefix that becomes the root of the migration, as `/projects`.
    :param agents: ARNs of the DataSync agents that reach the server, none for S3. Each gets a location and a task of
        its own: an agent runs one execution at a time.
    :param connection: Airflow connection with the login of an SMB or object storage server; empty where none is needed.
    :param access_role_arn: the role by which DataSync reads an S3 bucket.
    :param mount: where workers see the same tree; reading is enough.
    """

    kind: SourceKind
    subdirectory: str
    mount: Path
    server: str = ""
    bucket: str = ""
    agents: tuple[str, ...] = ()
    connection: str = ""
    access_role_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LustreFileSystem:
    """A file system to provision: PERSISTENT_2, SSD.

    :param storage_gib: 1,200 or a multiple of 2,400 GiB (FSx API reference, StorageCapacity).
    :param throughput_per_tib: 125, 250, 500 or 1,000 MB/s for each TiB (PerUnitStorageThroughput).
    """

    storage_gib: int
    throughput_per_tib: int
    compression: str = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsFileSystem:
    """A file system to provision: SSD, joined to a managed Active Directory.

    :param throughput_mib_s: ThroughputCapacity in MB/s: a power of two from 8 to 2,048, or 4,608, 6,144, 9,216, 12,288.
    :param active_directory_id: the directory, as `d-0123456789`.
    """

    storage_gib: int
    throughput_mib_s: int
    active_directory_id: str
    deployment: str = "SINGLE_AZ_2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target file system: to provision by its description, or to adopt by its id.

    :param file_system_id: the file system to adopt; empty provisions the described one.
    :param subdirectory: where the source's root becomes, as `/projects`.
    :param connection: Airflow connection with the login of a Windows file system; empty for Lustre.
    :param mount: where workers see the target's subdirectory, writable.
    """

    subdirectory: str
    mount: Path
    file_system_id: str = ""
    lustre: LustreFileSystem | None = None
    windows: WindowsFileSystem | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    kms_key_id: str = ""
    connection: str = ""

    @property
    def is_windows(self) -> bool:
        """Whether names, owners and locations follow Windows; an adopted file system says so by its connection."""
        return self.windows is not None or bool(self.file_system_id and self.connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthWindow:
    """A weekly window; `days` are 0 (Monday) to 6; a window may pass midnight; `limit_mib_s` None is no limit."""

    days: frozenset[int]
    start: time
    end: time
    limit_mib_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """How much all agents together may take, by the clock of a time zone (an IANA name).

    The first window that holds a moment rules it, a holiday rules its whole day, outside both `limit_mib_s` does.
    """

    time_zone: str = "UTC"
    limit_mib_s: float | None = None
    windows: tuple[BandwidthWindow, ...] = ()
    holidays: frozenset[date] = frozenset()
    holiday_limit_mib_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How DataSync copies.

    :param mode: TaskMode, BASIC or ENHANCED.
    :param parts: manifests of the full pass; None takes as many as agents, more where the limits ask for it.
    :param max_files: files per execution at most.
    :param attempts: tries of a part, the first included.
    :param log_group: CloudWatch log group of the tasks.
    :param delete_extra: remove from the target, in the closing pass, what the source no longer has.
    """

    mode: str = "BASIC"
    verify: str = "ONLY_FILES_TRANSFERRED"
    parts: int | None = None
    max_files: int = 20_000_000
    attempts: int = 3
    log_group: str = "/landfall/datasync"
    delete_extra: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """When incremental passes end: what is pending fits the cut-over window, or they no longer help.

    :param window_minutes: how long writing may stop at the cut-over.
    :param shrink_at_least: the share by which a delta has to be smaller than the one before it, 0 to 1.
    :param passes_at_most: incremental passes after the full one.
    """

    window_minutes: int = 60
    shrink_at_least: float = 0.2
    passes_at_most: int = 10


class Checksums(StrEnum):
    """Of which files the reconciliation compares contents."""

    NONE = "none"
    SAMPLE = "sample"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """What source and target are compared by, besides path, type and size."""

    checksums: Checksums = Checksums.SAMPLE
    sample_files: int = 1_000
    mtime_tolerance_seconds: float = 0.0
    mode: bool = True
    owner: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What stops or alarms a running migration.

    :param free_share: share of the capacity that stays free, in total and on each storage target.
    :param failed_share: share of the files that may stay failed after all attempts, each named.
    :param stalled_minutes: minutes without a byte or file while an execution transfers.
    """

    free_share: float = 0.1
    failed_share: float = 0.001
    stalled_minutes: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route53Name:
    """A record that clients follow: its value is switched from the source's server to the file system's DNS name."""

    zone_id: str
    record: str
    ttl_seconds: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SsmName:
    """A Systems Manager parameter that clients read."""

    parameter: str


Name: TypeAlias = Route53Name | SsmName


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOver:
    """How clients are led to the target.

    :param old_value: what the name says before, for the way back.
    :param new_value: what it shall say; empty takes the file system's DNS name.
    :param quiet_seconds: how long nothing in the source may change before it counts as frozen.
    """

    name: Name
    old_value: str
    new_value: str = ""
    quiet_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """The whole definition; `name` is in lower case letters, digits and hyphens, and names folders, tags and tasks."""

    name: str
    source: Source
    target: Target
    cut_over: CutOver
    bandwidth: Bandwidth = field(default_factory=Bandwidth)
    transfer: Transfer = field(default_factory=Transfer)
    convergence: Convergence = field(default_factory=Convergence)
    reconciling: Reconciling = field(default_factory=Reconciling)
    limits: Limits = field(default_factory=Limits)
