"""What SQL Server refuses, by its own error numbers, and what an operator does about each."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reaction(StrEnum):
    """What follows from an error; the numbers are SQL Server's (sys.messages)."""

    RETRY = "retry"
    """It passes by itself, or after readers were sent away: try again, a bounded number of times."""
    ALREADY_APPLIED = "already applied"
    """The file ends before the restore position. On the same recovery fork it was restored before: skip it."""
    GAP = "gap"
    """A log backup between the restore position and this file is missing."""
    DIVERGED = "diverged"
    """The file belongs to another recovery path: a person decides."""
    RECOVERED = "recovered"
    """The database takes no more logs: it was recovered. Stop shipping to it."""
    DAMAGED = "damaged"
    """The file is not what was written: copy it again, compare, then back up again."""
    UNREACHABLE_FILE = "unreachable file"
    """The server cannot open the file: path or rights."""
    DISK_FULL = "disk full"
    NOT_SEEDED = "not seeded"
    """There is no database to restore onto, or no full backup to build on."""
    NOT_ALLOWED = "not allowed"
    """The recovery model, the rights or the login refuse it; another try changes nothing."""
    IN_DOUBT = "in doubt"
    """The connection ended before the answer: whether it was done is only known by reading the state again."""
    OTHER = "other"


REACTIONS: Final = {
    596: Reaction.IN_DOUBT,
    1205: Reaction.RETRY,
    1222: Reaction.RETRY,
    3101: Reaction.RETRY,
    5061: Reaction.RETRY,
    5069: Reaction.RETRY,
    5070: Reaction.RETRY,
    924: Reaction.RETRY,
    4326: Reaction.ALREADY_APPLIED,
    4305: Reaction.GAP,
    4330: Reaction.DIVERGED,
    4331: Reaction.DIVERGED,
    4334: Reaction.DIVERGED,
    4335: Reaction.GAP,
    3117: Reaction.RECOVERED,
    3153: Reaction.RECOVERED,
    3183: Reaction.DAMAGED,
    3189: Reaction.DAMAGED,
    3203: Reaction.DAMAGED,
    3241: Reaction.DAMAGED,
    3242: Reaction.DAMAGED,
    3243: Reaction.DAMAGED,
    3246: Reaction.DAMAGED,
    3254: Reaction.DAMAGED,
    3287: Reaction.DAMAGED,
    3201: Reaction.UNREACHABLE_FILE,
    112: Reaction.DISK_FULL,
    3202: Reaction.DISK_FULL,
    3257: Reaction.DISK_FULL,
    9002: Reaction.DISK_FULL,
    911: Reaction.NOT_SEEDED,
    3118: Reaction.NOT_SEEDED,
    3136: Reaction.NOT_SEEDED,
    4214: Reaction.NOT_SEEDED,
    3021: Reaction.NOT_ALLOWED,
    3110: Reaction.NOT_ALLOWED,
    3154: Reaction.NOT_ALLOWED,
    3159: Reaction.NOT_ALLOWED,
    4060: Reaction.NOT_ALLOWED,
    4208: Reaction.NOT_ALLOWED,
    18452: Reaction.NOT_ALLOWED,
    18456: Reaction.NOT_ALLOWED,
    20002: Reaction.IN_DOUBT,
    20003: Reaction.IN_DOUBT,
    20004: Reaction.IN_DOUBT,
    20006: Reaction.IN_DOUBT,
    20009: Reaction.IN_DOUBT,
    20017: Reaction.IN_DOUBT,
    20047: Reaction.IN_DOUBT,
}
"""Server errors below 20000; DB-Library's own (20000 and above) say that the connection, not the server, failed."""


class SqlServerError(Exception):
    """A server refused a statement, or the connection to it ended.

    :ivar number: SQL Server's or DB-Library's number; 0 when the driver gave none.
    :ivar text: the server's sentence, without the driver's additions.
    :ivar server: the name of the server as the configuration has it.
    :ivar doing: what was attempted, as "BACKUP LOG Sales".
    """

    def __init__(self, *, number: int, text: str, server: str, doing: str) -> None:
        super().__init__(f"{server} refused {doing}: {text} (error {number})")
        self.number = number
        self.text = text
        self.server = server
        self.doing = doing

    @property
    def reaction(self) -> Reaction:
        """What follows from it."""
        return REACTIONS.get(self.number, Reaction.OTHER)

    @property
    def is_final(self) -> bool:
        """Whether another try of the task is refused as well."""
        return self.reaction in {Reaction.NOT_ALLOWED, Reaction.DIVERGED, Reaction.RECOVERED, Reaction.GAP}


class ServerUnreachableError(SqlServerError):
    """No connection could be opened: the server does not answer, as after the loss of a site."""

    def __init__(self, *, number: int, text: str, server: str) -> None:
        super().__init__(number=number, text=text, server=server, doing="a connection")
        self.args = (f"{server} cannot be reached: {text} (error {number})",)


class LoginRefusedError(SqlServerError):
    """The server answers and refuses the login: wrong credentials, or a database that cannot be opened."""

    def __init__(self, *, number: int, text: str, server: str) -> None:
        super().__init__(number=number, text=text, server=server, doing="the login")
        self.args = (
            f"{server} refused the login: {text} (error {number}). Check login and password of its Airflow connection.",
        )
