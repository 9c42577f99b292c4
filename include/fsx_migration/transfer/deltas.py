"""What changed in the source between two listings, as a listing of the files to move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import open_listing, out_of_core, refuse_duplicates
from include.fsx_migration.partition.manifests import refusal

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# Sizes and times of directories follow their contents, which are compared themselves.
_CHANGED: Final = """
    n.type IS DISTINCT FROM o.type OR n.mode <> o.mode OR n.uid <> o.uid OR n.gid <> o.gid
    OR (n.type <> 'directory' AND (n.size <> o.size OR n.mtime <> o.mtime))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaFacts:
    """Rows of any type that are new, changed or gone; `files` and `bytes` are what has to be moved.

    :param left_out: of the files, those that no manifest can hold.
    :param repairs: those of the repairs asked for that the newer listing still has, as (path, size).
    """

    new: int
    changed: int
    deleted: int
    files: int
    bytes: int
    left_out: int = 0
    repairs: tuple[tuple[str, int], ...] = ()


def find_delta(
    older: Path, newer: Path, out: Path, *, repairs: Collection[str] = (), memory_limit: str = "2GB"
) -> DeltaFacts:
    """Write the listing `out` of the files and links of `newer` that `older` has not, or has otherwise.

    A file that was changed and changed back, size and time included, is not found: nothing that reads metadata can.

    :param repairs: paths that are moved anyway, by a part of their own: they are left out of `out`.
    :raises ListingRefusedError: a listing cannot be meant, or has a path twice.
    """
    with out_of_core(memory_limit=memory_limit) as connection:
        old = open_listing(connection, older, name="older")
        new = open_listing(connection, newer, name="newer")
        refuse_duplicates(new)
        connection.execute("CREATE TABLE repairs (path VARCHAR)")
        if repairs:
            connection.execute("INSERT INTO repairs SELECT unnest(?)", [sorted(repairs)])
        columns = ", ".join(f"n.{column}" for column in new.columns)
        connection.execute(
            f"CREATE TABLE delta AS SELECT {columns}, o.path IS NULL AS is_new, r.path IS NOT NULL AS is_repair "  # noqa: S608 - own identifiers
            f"FROM {new.sql} n LEFT JOIN {old.sql} o USING (path) LEFT JOIN repairs r USING (path) "
            f"WHERE o.path IS NULL OR r.path IS NOT NULL OR {_CHANGED}"
        )
        columns = ", ".join(new.columns)
        connection.execute(
            f"COPY (SELECT {columns} FROM delta WHERE type <> 'directory' AND NOT is_repair ORDER BY path) "  # noqa: S608 - own identifiers
            f"TO '{str(out).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)"
        )
        return _facts(connection, older=old.sql, newer=new.sql)


def _facts(connection: Any, *, older: str, newer: str) -> DeltaFacts:
    counts = connection.execute(
        """SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new AND NOT is_repair),
                  count(*) FILTER (WHERE type <> 'directory'), coalesce(sum(size) FILTER (WHERE type <> 'directory'), 0)
           FROM delta"""
    ).fetchone()
    gone = connection.execute(f"SELECT count(*) FROM {older} o ANTI JOIN {newer} n USING (path)").fetchone()  # noqa: S608 - own identifiers
    found = connection.execute("SELECT path, size FROM delta WHERE is_repair AND type <> 'directory' ORDER BY path")
    new, changed, files, size = (int(count) for count in counts)
    repairs = tuple((str(path), int(size)) for path, size in found.fetchall())
    return DeltaFacts(
        new=new,
        changed=changed,
        deleted=int(gone[0]),
        files=files,
        bytes=size,
        left_out=_left_out(connection),
        repairs=repairs,
    )


def _left_out(connection: Any) -> int:
    """Ask for the few names that may be refused only: those with an escape, and long ones."""
    query = (
        "SELECT path FROM delta WHERE type <> 'directory' AND NOT is_repair "
        "AND (contains(path, '\\x') OR strlen(path) > 1000)"
    )
    return sum(bool(refusal(path)) for (path,) in connection.execute(query).fetchall())
