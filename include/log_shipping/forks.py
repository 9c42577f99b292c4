"""Recovery forks: every RECOVERY begins a new one, and a log backup belongs to the path it was written on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.log_shipping.headers import BackupHeader

Lineage: TypeAlias = "Mapping[str, int | None]"
"""The forks that lead to a position, each with the LSN where it was left; None for the last, which goes on."""


def lineage(headers: Iterable[BackupHeader], fork: str) -> Lineage:
    """Return the path of forks that led to a fork, as far as the headers of log backups that crossed over tell it."""
    parents: dict[str, tuple[str, int]] = {}
    for header in headers:
        first, last = header.first_fork, header.recovery_fork
        if first is not None and last is not None and first != last:
            point = header.first_lsn if header.fork_point_lsn is None else header.fork_point_lsn
            parents.setdefault(last, (first, point))
    path: dict[str, int | None] = {fork: None}
    while fork in parents and parents[fork][0] not in path:
        fork, left_at = parents[fork]
        path[fork] = left_at
    return path


def is_on_path(header: BackupHeader, path: Lineage) -> bool:
    """Tell whether a backup holds only what a database on this path has, or had before; an unknown fork counts so."""
    fork = header.recovery_fork
    if fork is None:
        return True
    if fork not in path:
        return False
    left_at = path[fork]
    return left_at is None or header.last_lsn <= left_at
