"""SQL Server's errors about databases as a whole, in its own words."""

from __future__ import annotations

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.storage.properties import DatabaseState

_NO_FILES = "inaccessible files or insufficient memory or disk space"
_SEE_LOG = "See the SQL Server errorlog for"


def unknown_database(name: str) -> SqlError:
    """911, as USE and most statements say it."""
    return SqlError(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.")


def cannot_open(name: str, state: DatabaseState) -> SqlError:
    """Why a database that is not ONLINE or STANDBY has no connections."""
    number, text = {
        DatabaseState.RESTORING: (927, f"Database '{name}' cannot be opened. It is in the middle of a restore."),
        DatabaseState.RECOVERING: (922, f"Database '{name}' is being recovered. Waiting until recovery is finished."),
        DatabaseState.OFFLINE: (942, f"Database '{name}' cannot be opened because it is offline."),
        DatabaseState.SUSPECT: (
            926,
            f"Database '{name}' cannot be opened. It has been marked SUSPECT by recovery. {_SEE_LOG} more information.",
        ),
    }.get(
        state,
        (
            945,
            f"Database '{name}' cannot be opened due to {_NO_FILES}. {_SEE_LOG} details.",
        ),
    )
    return SqlError(number, text, severity=14)


def read_only(name: str) -> SqlError:
    """3906."""
    return SqlError(3906, f'Failed to update database "{name}" because the database is read-only.')


def in_use() -> SqlError:
    """3101."""
    return SqlError(3101, "Exclusive access could not be obtained because the database is in use.")


def log_full(name: str, reason: str) -> SqlError:
    """9002."""
    return SqlError(9002, f"The transaction log for database '{name}' is full due to '{reason}'.", severity=17, state=4)


def log_unavailable(name: str) -> SqlError:
    """9001: the session must go, the database must be recovered."""
    text = (
        f"The log for database '{name}' is not available. "
        "Check the operating system error log for related error messages."
    )
    return SqlError(9001, text, severity=21, ends_batch=True)
