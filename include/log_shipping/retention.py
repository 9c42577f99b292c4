"""Which backup files may be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.log_shipping.forks import is_on_path, lineage
from include.log_shipping.header_fields import id_key
from include.log_shipping.headers import BackupHeader, BackupType
from include.log_shipping.selection import select_full

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta


def deletable(
    headers: Sequence[BackupHeader],
    *,
    keep_for: timedelta,
    now: datetime,
    redo_lsn: int | None,
    fork: str | None,
    keep_chain: bool = True,
) -> list[BackupHeader]:
    """Return what may go: older than `keep_for`, behind the secondary, and of no use for a restore to a later time.

    Never the newest full backup nor the newest differential; nothing at all while the secondary's position is not
    known. A backup of a recovery path that did not lead to the secondary's stays: a person decides about it.

    :param headers: all backups of one database in one folder.
    :param redo_lsn: where the secondary stands; `fork`: on which recovery fork.
    :param keep_chain: a restore to any time within `keep_for` stays possible: the newest full backup that is older
        than that, and all behind it, are kept. Right for the folder of the backups as long as somebody takes full
        backups into it; False for the folder of copies, which serves the secondary only.
    """
    if redo_lsn is None or fork is None:
        return []
    oldest = now - keep_for
    kept = _always_kept(headers)
    path = lineage(headers, id_key(fork))
    limit = redo_lsn
    if keep_chain:
        anchor = select_full(headers, to=oldest)
        if anchor is None:
            return []
        limit = min(redo_lsn, anchor.last_lsn)
    return [
        header
        for header in headers
        if header.finished < oldest and header.last_lsn < limit and header.key not in kept and is_on_path(header, path)
    ]


def _always_kept(headers: Sequence[BackupHeader]) -> set[str]:
    kept: set[str] = set()
    for kind in (BackupType.DATABASE, BackupType.DIFFERENTIAL):
        of_kind = [header for header in headers if header.type is kind]
        if of_kind:
            kept.add(max(of_kind, key=lambda header: (header.last_lsn, header.finished)).key)
    return kept
