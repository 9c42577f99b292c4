"""Whether workers see both trees, and how to mount the one that they do not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources.file_systems import WINDOWS

if TYPE_CHECKING:
    from pathlib import Path

    from include.fsx_migration.resources.file_systems import FileSystem
    from include.fsx_migration.workplace import Workplace


def require_source_mount(place: Workplace) -> None:
    """Refuse when the workers cannot list the source.

    :raises RefusedError: with what to mount.
    """
    source = place.migration.source
    if not _can_list(source.mount):
        where = f"{source.server}:{source.subdirectory}" if source.server else f"{source.bucket}{source.subdirectory}"
        raise RefusedError(
            f"Workers cannot list the source at {source.mount}: mount {where} there on every worker, for reading, then "
            "clear this task."
        )


def ensure_target_mount(place: Workplace, file_system: FileSystem) -> None:
    """Make the target's folder on a mounted file system where it is missing, and refuse when nothing is mounted.

    A new file system is empty: its root can be mounted, the migration's folder is not there yet.

    :raises RefusedError: with the command that mounts it.
    """
    target = place.migration.target
    root = _root_of(target.mount, target.subdirectory)
    if root != target.mount and _can_list(root):
        target.mount.mkdir(parents=True, exist_ok=True)
    if not (_can_list(target.mount) and os.access(target.mount, os.W_OK)):
        raise RefusedError(
            f"Workers cannot write to the target at {target.mount}: run `{mount_command(file_system, root)}` on every "
            "worker, then clear this task."
        )


def mount_command(file_system: FileSystem, where: Path) -> str:
    """Return how a Linux worker mounts a file system.

    Source: FSx for Lustre user guide, "Mounting from an Amazon EC2 instance", and FSx for Windows File Server user
    guide, "Mounting a file share on an Amazon EC2 Linux instance".
    """
    if file_system.kind == WINDOWS:
        options = "vers=3.0,sec=ntlmsspi,cruid=$USER"
        return f"sudo mount -t cifs //{file_system.dns_name}/share {where} -o {options}"
    return f"sudo mount -t lustre -o relatime,flock {file_system.dns_name}@tcp:/{file_system.mount_name} {where}"


def _root_of(mount: Path, subdirectory: str) -> Path:
    """Return where the file system itself is mounted, when the mount ends with the subdirectory; else the mount."""
    parts = tuple(part for part in subdirectory.split("/") if part)
    if parts and mount.parts[-len(parts) :] == parts:
        return mount.parents[len(parts) - 1]
    return mount


def _can_list(folder: Path) -> bool:
    try:
        with os.scandir(folder):
            return True
    except OSError:
        return False
