"""The target as it is, or as it will be: capacity, storage targets and throughput, read without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.fsx_migration.planning import capabilities
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.file_systems import WINDOWS, file_system_id, find_file_system
from include.fsx_migration.resources.ledger import read_ledger
from include.fsx_migration.resources.metrics import Measured, metric_request, read_metrics

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Target
    from include.fsx_migration.resources.file_systems import FileSystem
    from include.fsx_migration.workplace import Workplace

GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """What the target can take.

    :ivar file_system_id: empty while it is only described.
    :ivar capacity_bytes: what files may use, after the file system's own share.
    :ivar free_bytes: of it; of a described file system all.
    :ivar targets: object storage targets; 1 for Windows.
    :ivar least_free_bytes: free on the fullest one.
    :ivar throughput_mb_s: of the whole file system, 10**6 bytes/s.
    :ivar throughput_per_tib: of Lustre; 0 for Windows.
    :ivar measured: free space is CloudWatch's, not the description's.
    :ivar problem: why nothing is known, a sentence; empty when it is.
    """

    is_windows: bool
    file_system_id: str = ""
    storage_gib: int = 0
    capacity_bytes: float = 0.0
    free_bytes: float = 0.0
    targets: int = 1
    least_free_bytes: float = 0.0
    throughput_mb_s: float = 0.0
    throughput_per_tib: int = 0
    compression: str = ""
    measured: bool = False
    problem: str = ""


def read_target(place: Workplace) -> TargetState:
    """Return the state of a migration's target: of the file system where there is one, else of its description.

    Free space is known of a file system that reports to CloudWatch; of one that does not yet, all is taken for free
    and `measured` says so.
    """
    target = place.migration.target
    entry = read_ledger(place).living(tagging.FILE_SYSTEM)
    wanted = target.file_system_id or (file_system_id(entry.arn) if entry and entry.arn else "")
    if not wanted:
        return described(target)
    found = find_file_system(place, wanted)
    if found is None:
        return TargetState(
            is_windows=target.is_windows,
            file_system_id=wanted,
            problem=f"File system {wanted} does not exist in this Region: correct target.file_system_id, or run "
            "fsx_migration_clean_up to forget it.",
        )
    return _existing(found, _measured(place, found))


def described(target: Target) -> TargetState:
    """Return the state that a file system will have when it is made from its description."""
    if target.windows is not None:
        capacity = target.windows.storage_gib * GIB * capabilities.fsx("windows_usable_share").value
        return TargetState(
            is_windows=True,
            storage_gib=target.windows.storage_gib,
            capacity_bytes=capacity,
            free_bytes=capacity,
            least_free_bytes=capacity,
            throughput_mb_s=float(target.windows.throughput_mib_s),
        )
    if target.lustre is None:
        return TargetState(is_windows=target.is_windows, problem="The definition describes no file system.")
    storage = target.lustre.storage_gib
    capacity, targets = _lustre_capacity(storage), _lustre_targets(storage)
    return TargetState(
        is_windows=False,
        storage_gib=storage,
        capacity_bytes=capacity,
        free_bytes=capacity,
        targets=targets,
        least_free_bytes=capacity / targets,
        throughput_mb_s=storage / 1000 * target.lustre.throughput_per_tib,  # as file_systems.read_file_system counts
        throughput_per_tib=target.lustre.throughput_per_tib,
        compression=target.lustre.compression,
    )


def _existing(found: FileSystem, measured: Measured) -> TargetState:
    is_windows = found.kind == WINDOWS
    usable = capabilities.fsx("windows_usable_share").value
    capacity = found.storage_gib * GIB * usable if is_windows else _lustre_capacity(found.storage_gib)
    targets = 1 if is_windows else max(1, measured.targets or _lustre_targets(found.storage_gib))
    free = measured.free_bytes
    least = measured.least_free_bytes
    return TargetState(
        is_windows=is_windows,
        file_system_id=found.id,
        storage_gib=found.storage_gib,
        capacity_bytes=max(capacity, free or 0.0),
        free_bytes=capacity if free is None else free,
        targets=targets,
        least_free_bytes=capacity / targets if least is None else least,
        throughput_mb_s=found.throughput_mb_s,
        throughput_per_tib=found.throughput_per_tib,
        compression=found.compression,
        measured=free is not None,
    )


def _measured(place: Workplace, found: FileSystem) -> Measured:
    request = metric_request(found, migration=place.migration.name, now=place.now())
    return read_metrics(place.clients("cloudwatch").get_metric_data(**request))


def _lustre_capacity(storage_gib: int) -> float:
    return storage_gib * GIB * capabilities.fsx("lustre_usable_share").value


def _lustre_targets(storage_gib: int) -> int:
    return max(1, round(storage_gib / capabilities.fsx("lustre_target_gib").value))
