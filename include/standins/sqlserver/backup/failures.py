"""SQL Server's errors of BACKUP and RESTORE, in its own words.

Source: learn.microsoft.com, "Database Engine events and errors".
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError

if TYPE_CHECKING:
    from pathlib import Path

_SYSTEM_ERRORS = {
    errno.ENOENT: (2, "The system cannot find the file specified."),
    errno.ENOTDIR: (3, "The system cannot find the path specified."),
    errno.EACCES: (5, "Access is denied."),
    errno.EPERM: (5, "Access is denied."),
    errno.EISDIR: (5, "Access is denied."),
    errno.EROFS: (19, "The media is write protected."),
    errno.ENOSPC: (112, "There is not enough space on the disk."),
    errno.EDQUOT: (112, "There is not enough space on the disk."),
}

_DEVICE_ERROR = (1117, "The request could not be performed because of an I/O device error.")


def system_error(error: OSError, path: Path) -> str:
    """Write an operating system error as Windows numbers and words it, as in "5(Access is denied.)"."""
    if error.errno == errno.ENOENT and not path.parent.is_dir():
        return "3(The system cannot find the path specified.)"
    number, text = _SYSTEM_ERRORS.get(error.errno or 0, _DEVICE_ERROR)
    return f"{number}({text})"


def cannot_open_device(path: Path, error: OSError) -> SqlError:
    """3201."""
    return SqlError(3201, f"Cannot open backup device '{path}'. Operating system error {system_error(error, path)}.")


def write_failed(path: Path, error: OSError) -> SqlError:
    """3202."""
    return SqlError(3202, f'Write on "{path}" failed: {system_error(error, path)}')


def read_failed(path: Path, error: OSError | None = None) -> SqlError:
    """3203; without an error, the file ends too early."""
    reason = system_error(error, path) if error else "38(Reached the end of the file.)"
    return SqlError(3203, f'Read on "{path}" failed: {reason}')


def malformed_media(path: Path) -> SqlError:
    """3241."""
    text = f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process this media family."
    return SqlError(3241, text)


def empty_media(path: Path) -> SqlError:
    """3254."""
    return SqlError(3254, f"The volume on device '{path}' is empty.")


def damaged_set() -> SqlError:
    """3189."""
    return SqlError(3189, "Damage to the backup set was detected.")


def no_such_file(position: int, path: Path) -> SqlError:
    """4038."""
    return SqlError(4038, f"Cannot find file ID {position} on device '{path}'.")


def missing_families(expected: int, given: int) -> SqlError:
    """3132."""
    text = f"The media set has {expected} media families but only {given} are provided. All members must be provided."
    return SqlError(3132, text)


def other_family_count(path: Path, *, found: int, expected: int) -> SqlError:
    """3231."""
    text = (
        f'The media loaded on "{path}" is formatted to support {found} media families, but {expected} media families '
        "are expected according to the backup device specification."
    )
    return SqlError(3231, text)


def wrong_kind(path: Path, statement: str) -> SqlError:
    """3135."""
    text = f"The backup set in file '{path}' was created by {statement} and cannot be used for this restore operation."
    return SqlError(3135, text)


def simple_model(statement: str) -> SqlError:
    """4208."""
    text = (
        f"The statement {statement} is not allowed while the recovery model is SIMPLE. "
        "Use BACKUP DATABASE or change the recovery model using ALTER DATABASE."
    )
    return SqlError(4208, text)


def no_full_backup() -> SqlError:
    """4214."""
    return SqlError(4214, "BACKUP LOG cannot be performed because there is no current database backup.")


def no_differential_base(name: str) -> SqlError:
    """3035."""
    text = (
        f'Cannot perform a differential backup for database "{name}", because a current database backup does not '
        "exist. Perform a full database backup by reissuing BACKUP DATABASE, omitting the WITH DIFFERENTIAL option."
    )
    return SqlError(3035, text)


def warm_standby(name: str) -> SqlError:
    """3036."""
    text = (
        f'The database "{name}" is in warm-standby state (set by executing RESTORE WITH STANDBY) and cannot be backed '
        "up until the entire restore sequence is completed."
    )
    return SqlError(3036, text)


def other_database(name: str) -> SqlError:
    """3154."""
    return SqlError(3154, f"The backup set holds a backup of a database other than the existing '{name}' database.")


def tail_not_backed_up(name: str) -> SqlError:
    """3159."""
    text = (
        f'The tail of the log for the database "{name}" has not been backed up. Use BACKUP LOG WITH NORECOVERY to '
        "backup the log if it contains work you do not want to lose. Use the WITH REPLACE or WITH STOPAT clause of "
        "the RESTORE statement to just overwrite the contents of the log."
    )
    return SqlError(3159, text)


def no_database_for_log(name: str) -> SqlError:
    """3118."""
    text = (
        f'The database "{name}" does not exist. RESTORE can only create a database when restoring either a full '
        "backup or a file backup of the primary file."
    )
    return SqlError(3118, text)


def not_ready_to_roll_forward() -> SqlError:
    """3117."""
    text = "The log or differential backup cannot be restored because no files are ready to rollforward."
    return SqlError(3117, text)


def already_recovered() -> SqlError:
    """3153."""
    return SqlError(3153, "The database is already fully recovered.")


def wrong_differential_base() -> SqlError:
    """3136."""
    text = (
        "This differential backup cannot be restored because the database has not been restored to the correct "
        "earlier state."
    )
    return SqlError(3136, text)


def log_too_recent(first_lsn: int, redo_lsn: int) -> SqlError:
    """4305."""
    text = (
        f"The log in this backup set begins at LSN {first_lsn}, which is too recent to apply to the database. "
        f"An earlier log backup that includes LSN {redo_lsn} can be restored."
    )
    return SqlError(4305, text)


def log_too_early(last_lsn: int, redo_lsn: int) -> SqlError:
    """4326."""
    text = (
        f"The log in this backup set terminates at LSN {last_lsn}, which is too early to apply to the database. "
        f"A more recent log backup that includes LSN {redo_lsn} can be restored."
    )
    return SqlError(4326, text)


def other_recovery_path() -> SqlError:
    """4330."""
    text = (
        "This backup set cannot be applied because it is on a recovery path that is inconsistent with the database. "
        "The recovery path is the sequence of data and log backups that have brought the database to a particular "
        "recovery point. Find a compatible backup to restore, or restore the rest of the database to match a recovery "
        "point within this backup set, which will restore the database to a different point in time. For more "
        "information about recovery paths, see SQL Server Books Online."
    )
    return SqlError(4330, text)


def interrupted_restore(path: str) -> SqlError:
    """4319."""
    text = (
        f"A previous restore operation was interrupted and did not complete processing on file '{path}'. "
        "Either restore the backup set that was interrupted or restart the restore sequence."
    )
    return SqlError(4319, text)


def rolled_past_stop() -> SqlError:
    """4335."""
    text = (
        "The specified STOPAT time is too early. All or part of the database is already rolled forward beyond that "
        "point."
    )
    return SqlError(4335, text)


def stop_before_set() -> SqlError:
    """4338."""
    text = (
        "The STOPAT clause specifies a point too early to allow this backup set to be restored. Choose a different "
        "stop point or use RESTORE DATABASE WITH RECOVERY to recover at the current point."
    )
    return SqlError(4338, text)


def unknown_logical_file(logical: str, database: str) -> SqlError:
    """3234."""
    text = (
        f"Logical file '{logical}' is not part of database '{database}'. "
        "Use RESTORE FILELISTONLY to list the logical file names."
    )
    return SqlError(3234, text)


def file_belongs_to(path: Path, database: str, logical: str) -> SqlError:
    """1834, with 3156."""
    text = f"The file '{path}' cannot be overwritten.  It is being used by database '{database}'."
    return SqlError(1834, text, follow=(_use_move(path, logical),))


def no_directory_for(path: Path, logical: str) -> SqlError:
    """5133, with 3156."""
    text = (
        f'Directory lookup for the file "{path}" failed with the operating system error '
        "3(The system cannot find the path specified.)."
    )
    return SqlError(5133, text, follow=(_use_move(path, logical),))


def _use_move(path: Path, logical: str) -> SqlError:
    text = f"File '{logical}' cannot be restored to '{path}'. Use WITH MOVE to identify a valid location for the file."
    return SqlError(3156, text)
