"""The statements about databases, backups and the server, as the parser found them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from include.standins.sqlserver.tsql.expressions import Variable
from include.standins.sqlserver.tsql.statements import Statement

if TYPE_CHECKING:
    from include.standins.sqlserver.requests import BackupKind, MediaQuestion

Operand: TypeAlias = str | int | Variable
"""Where T-SQL allows a constant or a variable, as in BACKUP DATABASE @name TO DISK = @path."""


@dataclass(frozen=True, slots=True, eq=False)
class CreateDatabase(Statement):
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class DropDatabase(Statement):
    names: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True, eq=False)
class AlterDatabase(Statement):
    """ALTER DATABASE name SET option, or MODIFY NAME; `name` None is CURRENT.

    :param wait: seconds before open transactions are rolled back: 0 IMMEDIATE, None waits, -1 NO_WAIT.
    """

    name: str | None
    options: tuple[tuple[str, str], ...] = ()
    wait: float | None = None
    new_name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Backup(Statement):
    """BACKUP DATABASE or LOG; `options` maps the option's name to its value, True for one without."""

    kind: BackupKind
    database: Operand
    devices: tuple[Operand, ...]
    options: dict[str, Operand | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Restore(Statement):
    """RESTORE DATABASE or LOG."""

    log: bool
    database: Operand
    devices: tuple[Operand, ...]
    options: dict[str, Operand | bool] = field(default_factory=dict)
    moves: tuple[tuple[Operand, Operand], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReadMedia(Statement):
    """RESTORE HEADERONLY and its kin."""

    question: MediaQuestion
    devices: tuple[Operand, ...]
    options: dict[str, Operand | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Use(Statement):
    database: str


@dataclass(frozen=True, slots=True, eq=False)
class SetOption(Statement):
    """SET options value, as SET XACT_ABORT, NOCOUNT ON or SET LOCK_TIMEOUT 1000."""

    options: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Kill(Statement):
    session: int


@dataclass(frozen=True, slots=True, eq=False)
class WaitFor(Statement):
    """WAITFOR DELAY, or TIME when `until` is set."""

    value: Operand
    until: bool


@dataclass(frozen=True, slots=True, eq=False)
class CheckDatabase(Statement):
    """DBCC CHECKDB; None is the current database."""

    database: Operand | None
    no_messages: bool


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint(Statement):
    pass
