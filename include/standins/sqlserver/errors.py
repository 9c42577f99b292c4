"""SQL Server's errors as values: number, severity ("class"), state and the sentence the client sees."""

from __future__ import annotations


class SqlError(Exception):
    """An error that goes to the client as one or more ERROR tokens.

    :param number: SQL Server's own number, as 4305. What the stand-in does not model is 40515.
    :param severity: 11 to 16 end a statement, 17 to 25 are resource and fatal errors; the client ranks by it.
    :param follow: errors sent after this one, as 3013 "terminating abnormally" after the cause.
    :param ends_batch: whether the rest of the batch is given up, as after a syntax error or a lost transaction.
    """

    def __init__(
        self,
        number: int,
        message: str,
        *,
        severity: int = 16,
        state: int = 1,
        follow: tuple[SqlError, ...] = (),
        ends_batch: bool = False,
    ) -> None:
        super().__init__(f"{number}: {message}")
        self.number = number
        self.message = message
        self.severity = severity
        self.state = state
        self.follow = follow
        self.ends_batch = ends_batch


class BatchCancelled(Exception):  # noqa: N818 -- the client asked for it by ATTENTION; it is no error
    """The client sent ATTENTION: the running batch stops, the session goes on."""


class SessionKilled(Exception):  # noqa: N818 -- a state of the session, told to the client as 596
    """KILL or ROLLBACK IMMEDIATE ended this session: its transaction is rolled back and its connection closed."""


def not_modelled(what: str) -> SqlError:
    """Refuse what the stand-in does not know; a wrong answer would be worse."""
    return SqlError(40515, f"{what} is not modelled by the local SQL Server.", ends_batch=True)


def backup_terminated(cause: SqlError, *, verb: str) -> SqlError:
    """Return `cause` followed by 3013, as every failing BACKUP and RESTORE ends; `verb` as in "RESTORE LOG"."""
    cause.follow = (*cause.follow, SqlError(3013, f"{verb} is terminating abnormally."))
    return cause
