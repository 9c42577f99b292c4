"""Send the readers of a standby away, so that a restore gets the database for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.log_shipping import tsql
from include.log_shipping.failures import SqlServerError

if TYPE_CHECKING:
    from include.log_shipping.client import SqlServer

GONE = 6106
"""KILL of a session that ended by itself."""


def evict_readers(server: SqlServer, database: str) -> int:
    """End all sessions inside a database and return their number.

    KILL and not SINGLE_USER: a standby that is restored comes back with the user access of its primary, and a worker
    that dies in between would leave everybody locked out.
    """
    ended = 0
    for row in server.run(tsql.sessions(database), doing=f"listing the sessions of {database}"):
        try:
            server.run(tsql.kill(int(row["session_id"])), doing=f"KILL {row['session_id']}")
        except SqlServerError as error:
            if error.number != GONE:
                raise
        ended += 1
    return ended
