"""Remove what runs leave behind and nobody reads again; the journal itself stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from include.scanner_block.lake.counts_store import prune_counts
from include.scanner_block.lake.deletions import delete_keys

if TYPE_CHECKING:
    from include.object_store import ObjectStore
    from include.scanner_block.lake.count_files import CountFiles
    from include.scanner_block.lake.journal import Commit

KEPT_COMMITS: Final = 2_000
"""Newest commits to which the sets can be rolled back: at one in five minutes, a week."""

KEPT_SHORTLY: Final = 20
"""The same for ledgers, which each run that reads something writes whole, and for what only its own run reads again."""

_LONG: Final = ("plans", "states", "blocks", "tallies")
_SHORT: Final = ("ledger", "intents", "drafts", "news")
_SEQUENCE: Final = re.compile(r"/(?:version=)?(\d{8})-")


def remove_old_versions(
    store: ObjectStore, last: Commit, *, files: CountFiles, kept: int = KEPT_COMMITS, kept_shortly: int = KEPT_SHORTLY
) -> dict[str, int]:
    """Delete what commits before the newest ones wrote and return the number of objects by folder.

    The state and the ledger that `last` relies on stay, however old they are.

    :param last: the newest commit. :param files: the counts that its state relies on.
    """
    spared = {last.version, last.ledger}
    newest = dict.fromkeys(_LONG, kept) | dict.fromkeys(_SHORT, kept_shortly)
    removed = {
        folder: _remove(store, folder, below=last.sequence - number + 1, spared=spared)
        for folder, number in newest.items()
    }
    removed["counts"] = prune_counts(store, files=files, sequence=last.sequence)
    return removed


def _remove(store: ObjectStore, folder: str, *, below: int, spared: set[str | None]) -> int:
    """Delete a folder's objects of sequences below one; keys sort by sequence, so the newer ones are not listed."""
    old = []
    for key in store.list_keys(folder, ""):
        sequence = _SEQUENCE.search(key)
        if sequence is None:
            continue
        if int(sequence[1]) >= below:
            break
        if not any(version and version in key for version in spared):
            old.append(key)
    return delete_keys(store, old)
