"""Which files are read to compare contents: a sample that the migration's name fixes, and every file in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.fsx_migration.listings.listing import open_listing, out_of_core

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def choose_sample(
    listing: Path, *, seed: str, files: int, also: Collection[str] = (), memory_limit: str = "1GB"
) -> frozenset[str]:
    """Return the paths of `files` files of a listing, and of those of `also`, whether the listing has them or not.

    The files with the least MD5 of seed and path are taken: whoever repeats it takes the same ones, no file is
    favoured, and a file stays in the sample while others come and go. Links and directories have no contents to read.
    """
    with out_of_core(memory_limit=memory_limit) as connection:
        opened = open_listing(connection, listing)
        order = "md5(concat(?, '/', path)), path"
        query = f"FROM {opened.sql} SELECT path WHERE type = 'file' ORDER BY {order} LIMIT ?"
        found = connection.execute(query, [seed, files]).fetchall()
    return frozenset(path for (path,) in found) | frozenset(also)
