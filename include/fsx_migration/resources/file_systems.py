"""The target file system: created once, found again, or adopted; never changed here."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clients import error_code, error_text, pages
from include.fsx_migration.refusals import DriftError, NotReadyError, RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.ledger import Entry, Origin, intend, read_ledger, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.fsx_migration.definition_model import Target
    from include.fsx_migration.workplace import Workplace

LUSTRE: Final = "LUSTRE"
WINDOWS: Final = "WINDOWS"
AVAILABLE: Final = "AVAILABLE"
ON_THE_WAY: Final = frozenset({"CREATING", "UPDATING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """A file system as FSx describes it.

    :param kind: LUSTRE or WINDOWS.
    :param mount_name: of Lustre; empty for Windows.
    :param throughput_mb_s: of the whole file system, baseline.
    :param owner: the migration it is tagged for, empty without the tag.
    """

    id: str
    arn: str
    kind: str
    lifecycle: str
    dns_name: str = ""
    mount_name: str = ""
    storage_gib: int = 0
    throughput_mb_s: float = 0.0
    throughput_per_tib: int = 0
    deployment: str = ""
    compression: str = ""
    subnet_ids: tuple[str, ...] = ()
    failure: str = ""
    owner: str = ""

    @property
    def is_available(self) -> bool:
        """Whether it takes files now."""
        return self.lifecycle == AVAILABLE

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {**asdict(self), "subnet_ids": list(self.subnet_ids)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> FileSystem:
        """Read what `to_dict` wrote."""
        return cls(**{**document, "subnet_ids": tuple(document["subnet_ids"])})


def read_file_system(found: Mapping[str, Any]) -> FileSystem:
    """Return the file system in an entry of DescribeFileSystems.

    A Lustre file system moves PerUnitStorageThroughput for each TB of its capacity, 2.4 TiB at 50 being 120 MB/s
    (FSx API reference, PerUnitStorageThroughput): capacity in GiB counts as thousandths.
    """
    lustre, windows = found.get("LustreConfiguration", {}), found.get("WindowsConfiguration", {})
    storage, per_tib = int(found.get("StorageCapacity", 0)), int(lustre.get("PerUnitStorageThroughput", 0))
    return FileSystem(
        id=found["FileSystemId"],
        arn=found["ResourceARN"],
        kind=found["FileSystemType"],
        lifecycle=found["Lifecycle"],
        dns_name=found.get("DNSName", ""),
        mount_name=lustre.get("MountName", ""),
        storage_gib=storage,
        throughput_mb_s=float(windows["ThroughputCapacity"]) if windows else storage / 1000 * per_tib,
        throughput_per_tib=per_tib,
        deployment=(lustre or windows).get("DeploymentType", ""),
        compression=lustre.get("DataCompressionType", ""),
        subnet_ids=tuple(found.get("SubnetIds", ())),
        failure=found.get("FailureDetails", {}).get("Message", ""),
        owner=tagging.tag_map(found.get("Tags", ())).get(tagging.MIGRATION, ""),
    )


def ensure_file_system(place: Workplace) -> FileSystem:
    """Return the migration's file system, adopted or created when there is none; it may still be CREATING.

    :raises RefusedError: it cannot be adopted, is gone or has failed.
    :raises DriftError: it is not what the definition describes.
    """
    adopt = place.migration.target.file_system_id
    entry = intend(place, tagging.FILE_SYSTEM)
    if adopt:
        return _adopt(place, entry, adopt)
    noted = find_file_system(place, file_system_id(entry.arn)) if entry.arn else _tagged(place)
    if noted is None and entry.arn:
        raise RefusedError(
            f"File system {file_system_id(entry.arn)}, which this migration created, is gone: run "
            "fsx_migration_clean_up to forget it; then this task creates another one."
        )
    found = noted or _create(place, entry)
    settle(place, entry, arn=found.arn, origin=Origin.CREATED)
    _refuse_drift(place.migration.target, found)
    return found


def describe(place: Workplace) -> FileSystem:
    """Return the migration's file system as it is now.

    :raises RefusedError: there is none yet, or it is gone.
    """
    entry = read_ledger(place).living(tagging.FILE_SYSTEM)
    wanted = place.migration.target.file_system_id or (file_system_id(entry.arn) if entry and entry.arn else "")
    if not wanted:
        raise RefusedError(f"Migration {place.migration.name} has no file system yet: run fsx_migration_migrate.")
    found = find_file_system(place, wanted)
    if found is None:
        raise RefusedError(f"File system {wanted} of migration {place.migration.name} does not exist in this Region.")
    return found


def require_available(found: FileSystem) -> FileSystem:
    """Return the file system when it takes files.

    :raises NotReadyError: it is on its way.
    :raises RefusedError: it has failed, with what FSx says.
    """
    if found.is_available:
        return found
    if found.lifecycle in ON_THE_WAY:
        raise NotReadyError(f"File system {found.id} is {found.lifecycle}: wait until it is AVAILABLE.")
    told = f" ({found.failure})" if found.failure else ""
    raise RefusedError(f"File system {found.id} is {found.lifecycle}{told}: mend or delete it, then clear this task.")


def find_file_system(place: Workplace, wanted: str) -> FileSystem | None:
    """Return a file system by its id, or None when FSx knows none."""
    from botocore.exceptions import ClientError

    try:
        answer = place.clients("fsx").describe_file_systems(FileSystemIds=[wanted])
    except ClientError as error:
        if error_code(error) != "FileSystemNotFound":
            raise
        return None
    return read_file_system(answer["FileSystems"][0])


def tagged_file_systems(place: Workplace) -> Iterator[FileSystem]:
    """Yield the file systems that carry this migration's tag, except those that are being deleted."""
    for found in pages(place.clients("fsx").describe_file_systems, "FileSystems"):
        state = read_file_system(found)
        if state.owner == place.migration.name and state.lifecycle != "DELETING":
            yield state


def file_system_id(arn: str) -> str:
    """Return the id in a file system's ARN."""
    return arn.rsplit("/", 1)[-1]


def client_token(place: Workplace, entry: Entry) -> str:
    """Return the ClientRequestToken of an intent: every try of the same intent sends the same."""
    text = "\n".join((place.settings.bucket, place.migration.name, entry.role, str(entry.generation)))
    return "landfall-" + hashlib.sha256(text.encode()).hexdigest()[:40]


def create_request(place: Workplace, token: str) -> dict[str, Any]:
    """Return the arguments of CreateFileSystem: PERSISTENT_2 or Windows, both on SSD.

    :raises RefusedError: the definition neither describes a file system nor names one to adopt.
    """
    target, name = place.migration.target, place.migration.name
    tags = {**tagging.tags_of(name, tagging.FILE_SYSTEM), "Name": f"landfall-{name}"}
    request: dict[str, Any] = {
        "ClientRequestToken": token,
        "StorageType": "SSD",
        "SubnetIds": list(target.subnet_ids),
        "Tags": tagging.tag_list(tags),
    }
    if target.security_group_ids:
        request["SecurityGroupIds"] = list(target.security_group_ids)
    if target.kms_key_id:
        request["KmsKeyId"] = target.kms_key_id
    return {**request, **_configuration(target, name)}


def _configuration(target: Target, name: str) -> dict[str, Any]:
    if lustre := target.lustre:
        options = {
            "DeploymentType": "PERSISTENT_2",
            "PerUnitStorageThroughput": lustre.throughput_per_tib,
            "DataCompressionType": lustre.compression,
        }
        return {"FileSystemType": LUSTRE, "StorageCapacity": lustre.storage_gib, "LustreConfiguration": options}
    if windows := target.windows:
        options = {
            "ActiveDirectoryId": windows.active_directory_id,
            "DeploymentType": windows.deployment,
            "ThroughputCapacity": windows.throughput_mib_s,
        }
        if windows.deployment.startswith("MULTI_AZ"):
            options["PreferredSubnetId"] = target.subnet_ids[0]
        return {"FileSystemType": WINDOWS, "StorageCapacity": windows.storage_gib, "WindowsConfiguration": options}
    raise RefusedError(f"Migration {name} names no target: describe target.lustre or target.windows, or adopt by id.")


def _create(place: Workplace, entry: Entry) -> FileSystem:
    from botocore.exceptions import ClientError

    try:
        answer = place.clients("fsx").create_file_system(**create_request(place, client_token(place, entry)))
    except ClientError as error:
        if error_code(error) != "IncompatibleParameterError":
            raise
        raise DriftError(
            f"FSx was asked for the file system of {place.migration.name} with other parameters before: the definition "
            f"changed after the first try; change it back. FSx says: {error_text(error)}"
        ) from error
    return read_file_system(answer["FileSystem"])


def _tagged(place: Workplace) -> FileSystem | None:
    found = list(tagged_file_systems(place))
    if len(found) > 1:
        raise RefusedError(
            f"{', '.join(state.id for state in found)} all carry the tag {tagging.MIGRATION}={place.migration.name}: "
            "take it off those that this migration does not fill."
        )
    return found[0] if found else None


def _adopt(place: Workplace, entry: Entry, wanted: str) -> FileSystem:
    if entry.arn and file_system_id(entry.arn) != wanted:
        raise DriftError(
            f"Migration {place.migration.name} already fills {file_system_id(entry.arn)} and the definition now adopts "
            f"{wanted}: change target.file_system_id back, or run fsx_migration_clean_up first."
        )
    found = find_file_system(place, wanted)
    region = place.clients("fsx").meta.region_name
    if found is None or found.arn.split(":")[3] != region:
        raise RefusedError(f"File system {wanted} does not exist in {region}: correct target.file_system_id.")
    if found.owner not in ("", place.migration.name):
        raise RefusedError(
            f"File system {wanted} belongs to migration {found.owner} (tag {tagging.MIGRATION}): adopt another one."
        )
    _refuse_drift(place.migration.target, found)
    require_available(found)
    # One that this migration created stays its own, also when the definition names it by its id later on.
    settle(place, entry, arn=found.arn, origin=Origin.CREATED if found.owner else Origin.ADOPTED)
    return found


def _refuse_drift(target: Target, found: FileSystem) -> None:
    wanted: dict[str, tuple[object, object]] = {
        "FileSystemType": (WINDOWS if target.is_windows else LUSTRE, found.kind)
    }
    if lustre := target.lustre:
        wanted["StorageCapacity"] = (lustre.storage_gib, found.storage_gib)
        wanted["PerUnitStorageThroughput"] = (lustre.throughput_per_tib, found.throughput_per_tib)
        wanted["DataCompressionType"] = (lustre.compression, found.compression or "NONE")
        wanted["DeploymentType"] = ("PERSISTENT_2", found.deployment)
    elif windows := target.windows:
        wanted["StorageCapacity"] = (windows.storage_gib, found.storage_gib)
        wanted["ThroughputCapacity"] = (windows.throughput_mib_s, found.throughput_mb_s)
        wanted["DeploymentType"] = (windows.deployment, found.deployment)
    if target.subnet_ids:
        wanted["SubnetIds"] = (sorted(target.subnet_ids), sorted(found.subnet_ids))
    differing = [f"{name} is {is_}, wanted {want}" for name, (want, is_) in wanted.items() if want != is_]
    if differing:
        raise DriftError(
            f"File system {found.id} is not what the definition describes ({'; '.join(differing)}): it is left as it "
            "is; correct the definition or the file system."
        )
