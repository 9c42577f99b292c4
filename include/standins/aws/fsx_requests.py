"""Which file systems may be created and how they may change: the rules that are not in the service's model.

Source: FSx API reference, CreateFileSystem, CreateFileSystemLustreConfiguration, CreateFileSystemWindowsConfiguration
and UpdateFileSystem; FSx for Lustre and for Windows user guides, "Managing storage capacity". What is refused because
nobody modelled it says so.
"""

from __future__ import annotations

from typing import Any

from include.standins.aws.errors import AwsError
from include.standins.aws.fsx_records import LUSTRE, FileSystem

Parameters = dict[str, Any]
PERSISTENT_2_STEP_GIB = 2400
PER_UNIT = (125, 250, 500, 1000)
WINDOWS_GIB = range(32, 65_537)
WINDOWS_THROUGHPUT = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4608, 6144, 9216, 12288)
WINDOWS_GROWTH = 1.1
TAGS = 50


def check_creation(parameters: Parameters) -> None:
    """Refuse what CreateFileSystem refuses, or what is not modelled; raises AwsError."""
    check_tags(parameters.get("Tags") or [])
    if parameters["FileSystemType"] not in ("LUSTRE", "WINDOWS"):
        raise _unmodelled(f"FileSystemType {parameters['FileSystemType']}")
    if parameters.get("StorageType", "SSD") != "SSD":
        raise _unmodelled(f"StorageType {parameters['StorageType']}")
    if parameters.get("StorageCapacity") is None:
        raise AwsError("BadRequest", "StorageCapacity is required.")
    if parameters["FileSystemType"] == LUSTRE:
        _check_lustre(parameters)
    else:
        _check_windows(parameters)


def _check_lustre(parameters: Parameters) -> None:
    configuration = parameters.get("LustreConfiguration")
    if not configuration:
        raise AwsError("MissingFileSystemConfiguration", "LustreConfiguration is required for a LUSTRE file system.")
    if configuration.get("DeploymentType", "SCRATCH_1") != "PERSISTENT_2":
        raise _unmodelled("a Lustre DeploymentType other than PERSISTENT_2")
    for name in ("ImportPath", "ExportPath", "ThroughputCapacity", "DataReadCacheConfiguration"):
        if configuration.get(name) is not None:
            raise AwsError("BadRequest", f"{name} cannot be used with a PERSISTENT_2 SSD file system.")
    check_lustre_storage(parameters["StorageCapacity"])
    check_per_unit(configuration.get("PerUnitStorageThroughput"))
    if len(parameters["SubnetIds"]) != 1:
        raise AwsError("InvalidNetworkSettings", "A Lustre file system lies in exactly one subnet.")


def check_lustre_storage(storage_gib: int) -> None:
    """Refuse a capacity that PERSISTENT_2 SSD does not come in."""
    if storage_gib != PERSISTENT_2_STEP_GIB // 2 and (storage_gib < 1 or storage_gib % PERSISTENT_2_STEP_GIB):
        raise AwsError(
            "BadRequest",
            f"StorageCapacity {storage_gib} is invalid: a PERSISTENT_2 SSD file system has 1200 GiB, 2400 GiB or a "
            "multiple of 2400 GiB.",
        )


def check_per_unit(throughput: int | None) -> None:
    """Refuse a PerUnitStorageThroughput that PERSISTENT_2 SSD does not have."""
    if throughput not in PER_UNIT:
        raise AwsError(
            "InvalidPerUnitStorageThroughput",
            f"PerUnitStorageThroughput {throughput} is invalid for PERSISTENT_2: it is one of "
            f"{', '.join(map(str, PER_UNIT))} MB/s/TiB.",
        )


def _check_windows(parameters: Parameters) -> None:
    configuration = parameters.get("WindowsConfiguration")
    if not configuration:
        raise AwsError("MissingFileSystemConfiguration", "WindowsConfiguration is required for a WINDOWS file system.")
    if configuration.get("SelfManagedActiveDirectoryConfiguration"):
        raise _unmodelled("a self-managed Active Directory")
    if not configuration.get("ActiveDirectoryId"):
        raise AwsError("BadRequest", "ActiveDirectoryId is required.")
    if parameters["StorageCapacity"] not in WINDOWS_GIB:
        raise AwsError("BadRequest", "StorageCapacity of an SSD Windows file system is 32 to 65536 GiB.")
    check_windows_throughput(configuration["ThroughputCapacity"])
    subnets = 2 if configuration.get("DeploymentType") == "MULTI_AZ_1" else 1
    if len(parameters["SubnetIds"]) != subnets:
        raise AwsError("InvalidNetworkSettings", f"This deployment type needs {subnets} subnet(s).")
    if subnets == 2 and configuration.get("PreferredSubnetId") not in parameters["SubnetIds"]:
        raise AwsError("InvalidNetworkSettings", "PreferredSubnetId must be one of SubnetIds.")


def check_windows_throughput(throughput: int) -> None:
    """Refuse a ThroughputCapacity that FSx for Windows does not have."""
    if throughput not in WINDOWS_THROUGHPUT:
        raise AwsError("BadRequest", f"ThroughputCapacity is one of {', '.join(map(str, WINDOWS_THROUGHPUT))} MB/s.")


def check_update(found: FileSystem, parameters: Parameters) -> tuple[int, Parameters]:
    """Give the storage in GiB and the configuration that UpdateFileSystem asks for; raises AwsError."""
    lustre = found.kind == LUSTRE
    name, other = ("LustreConfiguration", "WindowsConfiguration")[:: 1 if lustre else -1]
    if parameters.get(other):
        raise AwsError("BadRequest", f"{other} does not apply to a {found.kind} file system.")
    changes = dict(parameters.get(name) or {})
    storage_gib = parameters.get("StorageCapacity") or found.storage_gib
    if parameters.get("StorageType") or parameters.get("FileSystemTypeVersion"):
        raise _unmodelled("a change of StorageType or FileSystemTypeVersion")
    if storage_gib != found.storage_gib:
        _check_growth(found, storage_gib)
    elif not changes:
        raise AwsError("BadRequest", "No updates were requested.")
    if lustre and changes.get("PerUnitStorageThroughput") is not None:
        check_per_unit(changes["PerUnitStorageThroughput"])
    if not lustre and changes.get("ThroughputCapacity") is not None:
        check_windows_throughput(changes["ThroughputCapacity"])
    if "SelfManagedActiveDirectoryConfiguration" in changes:
        raise _unmodelled("a self-managed Active Directory")
    return storage_gib, changes


def _check_growth(found: FileSystem, storage_gib: int) -> None:
    if storage_gib < found.storage_gib:
        raise AwsError("BadRequest", f"Storage capacity cannot shrink from {found.storage_gib} to {storage_gib} GiB.")
    if found.kind == LUSTRE:
        check_lustre_storage(storage_gib)
    elif storage_gib < WINDOWS_GROWTH * found.storage_gib or storage_gib not in WINDOWS_GIB:
        raise AwsError("BadRequest", "Storage capacity grows by at least 10 percent, to at most 65536 GiB.")


def check_tags(tags: list[dict[str, str]]) -> None:
    """Refuse tags that FSx does not take."""
    names = [tag["Key"] for tag in tags]
    if len(set(names)) != len(names):
        raise AwsError("BadRequest", "Tag keys must be unique.")
    if any(name.lower().startswith("aws:") for name in names):
        raise AwsError("BadRequest", "Tag keys that start with aws: are reserved.")
    if len(names) > TAGS:
        raise AwsError("BadRequest", f"A resource has at most {TAGS} tags.")


def _unmodelled(what: str) -> AwsError:
    return AwsError("BadRequest", f"The local AWS does not model {what}.")
