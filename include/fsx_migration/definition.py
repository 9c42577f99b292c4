"""Read the definition of a migration from YAML; every mistake is named by line and path at once."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from include.fsx_migration.definition_model import (
    LustreFileSystem,
    Migration,
    Source,
    SourceKind,
    Target,
    WindowsFileSystem,
)
from include.fsx_migration.definition_sections import (
    read_bandwidth,
    read_convergence,
    read_cut_over,
    read_limits,
    read_reconciling,
    read_transfer,
)
from include.yaml_lines import Mapping, ProblemsError, open_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

# Patterns of DataSync's and FSx's API models (botocore), so that AWS does not refuse them in the middle of a run.
_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_HOST: Final = re.compile(r"(?=.{1,255}$)(([a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9\-:]*[A-Za-z0-9])")
_AGENT: Final = re.compile(r"arn:aws[a-z-]*:datasync:([a-z\-0-9]+:[0-9]{12}):agent/agent-[0-9a-z]{17}")
_FOLDER: Final = re.compile(r"/[a-zA-Z0-9_\-+./()$ ]*")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+")
_CONNECTION: Final = re.compile(r"[A-Za-z0-9_\-.]{1,200}")
_FILE_SYSTEM: Final = re.compile(r"fs-[0-9a-f]{8,17}")
_SUBNET: Final = re.compile(r"subnet-[0-9a-f]{8,17}")
_SECURITY_GROUP: Final = re.compile(r"sg-[0-9a-f]{8,17}")
_DIRECTORY: Final = re.compile(r"d-[0-9a-f]{10}")
LUSTRE_THROUGHPUTS: Final = (125, 250, 500, 1000)
"""MB/s for each TiB of PERSISTENT_2 SSD. Source: FSx API reference, PerUnitStorageThroughput."""
WINDOWS_THROUGHPUTS: Final = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4608, 6144, 9216, 12288)
"""MB/s. Source: FSx API reference, ThroughputCapacity, to 2,048; the larger ones from the Windows user guide."""


class DefinitionError(ProblemsError):
    """The definition cannot be used; `problems` has one entry for each thing to correct."""


def read_definition(text: str) -> Migration:
    """Read and check the YAML (or JSON) text of a definition; at most 1 MiB, no aliases.

    :raises DefinitionError: with a line, a path and a sentence for everything that is wrong.
    """
    try:
        root = open_mapping(text, opening="`name:`, `source:`, `target:` and `cut_over:`")
    except ProblemsError as error:
        raise DefinitionError(error.problems) from None
    source, target = _source(root), _target(root)
    migration = Migration(
        name=_matching(root, "name", _NAME, example="projects", told="lower case letters, digits, hyphens; at most 40"),
        source=source,
        target=target,
        cut_over=read_cut_over(root),
        bandwidth=read_bandwidth(root),
        transfer=read_transfer(root),
        convergence=read_convergence(root),
        reconciling=read_reconciling(root),
        limits=read_limits(root),
    )
    _refuse_nested_mounts(root, source.mount, target.mount)
    root.refuse_other_keys()
    if root.problems:
        raise DefinitionError(root.problems)
    return migration


def _source(root: Mapping) -> Source:
    section = root.mapping("source", required=True)
    if section is None:
        return Source(kind=SourceKind.NFS, subdirectory="/", mount=Path("/"))
    kind = SourceKind(section.choice("kind", list(SourceKind), required=True) or SourceKind.NFS)
    on_server, in_bucket = kind is not SourceKind.S3, kind in (SourceKind.S3, SourceKind.OBJECT_STORAGE)
    has_login = kind in (SourceKind.SMB, SourceKind.OBJECT_STORAGE)
    role = "arn:aws:iam::123456789012:role/datasync-reads"
    source = Source(
        kind=kind,
        subdirectory=_folder(section),
        mount=_mount(section),
        server=_of_kind(section, "server", belongs=on_server, pattern=_HOST, example="nas01.corp.example"),
        bucket=_of_kind(section, "bucket", belongs=in_bucket, pattern=_BUCKET, example="corp-archive"),
        agents=_agents(section, kind),
        connection=_of_kind(
            section,
            "connection",
            belongs=has_login,
            pattern=_CONNECTION,
            example="smb_nas01",
            required=kind is SourceKind.SMB,
        ),
        access_role_arn=_of_kind(section, "access_role_arn", belongs=not on_server, pattern=_ROLE, example=role),
    )
    section.refuse_other_keys()
    return source


def _of_kind(
    section: Mapping, key: str, *, belongs: bool, pattern: re.Pattern[str], example: str, required: bool = True
) -> str:
    """Return a key that only some kinds of source have; at others it would promise what nobody does."""
    if key not in section and not (belongs and required):
        return ""
    found = _matching(section, key, pattern, example=example, told="AWS takes it otherwise")
    if not belongs:
        section.problem(key, f"this kind of source has no {key}; take it out.")
    return found if belongs else ""


def _agents(section: Mapping, kind: SourceKind) -> tuple[str, ...]:
    found = section.texts("agents")
    if kind is SourceKind.S3:
        if found:
            section.problem("agents", "DataSync reads S3 without agents; take them out.")
        return ()
    if not found:
        section.problem("agents", "name the ARN of at least one DataSync agent that reaches the server.")
    homes = {match[1] for agent in found if (match := _AGENT.fullmatch(agent))}
    for agent in found:
        if not _AGENT.fullmatch(agent):
            section.problem("agents", f"{agent!r} is no agent's ARN; copy it from `aws datasync list-agents`.")
    if len(set(found)) < len(found):
        section.problem("agents", "an agent stands twice; keep one, an agent runs one execution at a time.")
    if len(homes) > 1:
        section.problem("agents", "the agents are of several Regions or accounts; a migration has one of each.")
    return found


def _target(root: Mapping) -> Target:
    section = root.mapping("target", required=True)
    if section is None:
        return Target(subdirectory="/", mount=Path("/"))
    adopted = _optional(section, "file_system_id", _FILE_SYSTEM, "fs-0123456789abcdef0")
    lustre, windows = _lustre(section), _windows(section)
    target = Target(
        subdirectory=_folder(section),
        mount=_mount(section),
        file_system_id=adopted,
        lustre=lustre,
        windows=windows,
        subnet_ids=_ids(section, "subnet_ids", _SUBNET, "subnet-0123456789abcdef0"),
        security_group_ids=_ids(section, "security_group_ids", _SECURITY_GROUP, "sg-0123456789abcdef0"),
        kms_key_id=section.text("kms_key_id", example="alias/aws/fsx", required=False) or "",
        connection=_optional(section, "connection", _CONNECTION, "fsx_projects_admin"),
    )
    _check_target(section, target)
    section.refuse_other_keys()
    return target


def _check_target(section: Mapping, target: Target) -> None:
    described = [name for name in ("lustre", "windows") if name in section]
    if len(described) > 1:
        section.problem(described[1], "a file system is lustre or windows, not both; keep one.")
    if not described and not target.file_system_id:
        section.problem(None, "describe the file system under lustre or windows, or adopt one by file_system_id.")
    if not target.file_system_id:
        wanted = 2 if target.windows is not None and target.windows.deployment == "MULTI_AZ_1" else 1
        if len(target.subnet_ids) != wanted:
            section.problem("subnet_ids", f"it has {len(target.subnet_ids)} subnets; this file system takes {wanted}.")
    if target.windows is not None and not target.connection:
        section.problem("connection", "name the Airflow connection of a user who may write to the Windows file system.")
    if target.lustre is not None and target.connection:
        section.problem("connection", "Lustre knows no login; take it out.")


def _lustre(section: Mapping) -> LustreFileSystem | None:
    found = section.mapping("lustre")
    if found is None:
        return None
    storage = found.whole("storage_gib", low=1, high=10_000_000)
    if storage is None or (storage != 1200 and storage % 2400):
        found.problem(
            "storage_gib" if storage is not None else None, "storage_gib is 1200 or a multiple of 2400; write it so."
        )
    throughput = found.whole("throughput_per_tib", low=1, high=100_000)
    if throughput not in LUSTRE_THROUGHPUTS:
        told = ", ".join(map(str, LUSTRE_THROUGHPUTS))
        found.problem("throughput_per_tib" if throughput else None, f"throughput_per_tib is one of {told} MB/s.")
    compression = found.choice("compression", ("NONE", "LZ4")) or "NONE"
    found.refuse_other_keys()
    return LustreFileSystem(storage_gib=storage or 1200, throughput_per_tib=throughput or 125, compression=compression)


def _windows(section: Mapping) -> WindowsFileSystem | None:
    found = section.mapping("windows")
    if found is None:
        return None
    storage = found.whole("storage_gib", low=32, high=65_536)
    if "storage_gib" not in found:
        found.problem(None, "storage_gib is missing; write 32 to 65536.")
    throughput = found.whole("throughput_mib_s", low=1, high=100_000)
    if throughput not in WINDOWS_THROUGHPUTS:
        told = ", ".join(map(str, WINDOWS_THROUGHPUTS))
        found.problem("throughput_mib_s" if throughput else None, f"throughput_mib_s is one of {told}.")
    windows = WindowsFileSystem(
        storage_gib=storage or 32,
        throughput_mib_s=throughput or 8,
        active_directory_id=_matching(found, "active_directory_id", _DIRECTORY, example="d-0123456789", told="its id"),
        deployment=found.choice("deployment", ("SINGLE_AZ_2", "SINGLE_AZ_1", "MULTI_AZ_1")) or "SINGLE_AZ_2",
    )
    found.refuse_other_keys()
    return windows


def _refuse_nested_mounts(root: Mapping, source: Path, target: Path) -> None:
    section = root.mapping("target")
    if section is None or source == Path("/") or target == Path("/"):
        return
    if source == target or source in target.parents or target in source.parents:
        section.problem(
            "mount", f"{target} and the source's mount {source} lie in each other; mount them side by side."
        )


def _folder(section: Mapping) -> str:
    found = _matching(section, "subdirectory", _FOLDER, example="/projects", told="letters, digits and _-+.()$ after /")
    if {"..", "."} & set(found.split("/")) or "//" in found:
        section.problem("subdirectory", f"{found!r} goes through . or .. or an empty part; write the plain path.")
    return found if found == "/" else found.rstrip("/")


def _mount(section: Mapping) -> Path:
    found = section.text("mount", example="/mnt/projects")
    if found is not None and (not found.startswith("/") or {"..", "."} & set(found.split("/")) or found == "/"):
        section.problem("mount", f"{found!r} is no absolute path of a mount; write for example /mnt/projects.")
    return Path(PurePosixPath(found or "/"))


def _ids(section: Mapping, key: str, pattern: re.Pattern[str], example: str) -> tuple[str, ...]:
    return section.values(key, _reader(pattern), told=f"is no id; write for example {example}.")


def _reader(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return text

    return read


def _optional(section: Mapping, key: str, pattern: re.Pattern[str], example: str) -> str:
    return _matching(section, key, pattern, example=example, told="write its id") if key in section else ""


def _matching(section: Mapping, key: str, pattern: re.Pattern[str], *, example: str, told: str) -> str:
    found = section.text(key, example=example)
    if found is not None and not pattern.fullmatch(found):
        section.problem(key, f"{found!r} does not do ({told}); write for example {example}.")
        return ""
    return found or ""
