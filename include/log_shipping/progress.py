"""Where a secondary stands, and what it restores next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.log_shipping import tsql
from include.log_shipping.next_restores import NextRestores, next_restores
from include.log_shipping.server_state import DatabaseState, states_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from include.log_shipping.client import SqlServer
    from include.log_shipping.header_book import HeaderBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A database that takes logs, and the checkpoint LSN of the full backup that its differentials must build on."""

    state: DatabaseState
    base_lsn: int | None


def read_standing(server: SqlServer, database: str) -> Standing | None:
    """Return the standing of one database, None when the server has none of that name."""
    databases = server.run(tsql.database_states(), doing="reading sys.databases")
    files = server.run(tsql.master_files(), doing="reading sys.master_files")
    state = states_of(databases, files).get(database.lower())
    if state is None:
        return None
    number = next(row["database_id"] for row in databases if row["name"].lower() == database.lower())
    bases = [row["differential_base_lsn"] for row in files if row["database_id"] == number]
    known = [int(lsn) for lsn in bases if lsn]
    return Standing(state=state, base_lsn=min(known, default=None))


def next_for(standing: Standing, book: HeaderBook, *, present: Collection[str] | None = None) -> NextRestores | None:
    """Return what a database restores next; None when the server does not say where it stands.

    :param present: the files in the folder it restores from. Of a file that is not there only its past counts: that it
        was applied, and which recovery forks it joined.
    """
    redo_lsn = standing.state.redo_lsn
    if redo_lsn is None:
        return None
    known = [
        header
        for header in book.headers()
        if present is None or header.files[0] in present or header.last_lsn <= redo_lsn
    ]
    return next_restores(
        known,
        redo_lsn=redo_lsn,
        fork=standing.state.redo_fork,
        differential_base_lsn=standing.base_lsn,
    )
