"""The statements about rows, tables, variables and control flow, as the parser found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.standins.sqlserver.results import SqlType
    from include.standins.sqlserver.tsql.expressions import Expression
    from include.standins.sqlserver.tsql.query_tree import Query, SelectItem, Source, ValueRows


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """Any statement."""


@dataclass(frozen=True, slots=True, eq=False)
class SelectRows(Statement):
    """SELECT that returns rows, or fills variables."""

    query: Query


@dataclass(frozen=True, slots=True, eq=False)
class Insert(Statement):
    """INSERT; without rows and query it is DEFAULT VALUES."""

    table: tuple[str, ...]
    columns: tuple[str, ...]
    source: ValueRows | Query | None
    output: tuple[SelectItem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """One column = value of UPDATE; `operator` is +, - ... in column += value."""

    column: str
    value: Expression
    operator: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Update(Statement):
    """UPDATE; `target` is a table or the alias of one in `source`."""

    target: tuple[str, ...]
    assignments: tuple[Assignment, ...]
    source: Source | None = None
    where: Expression | None = None
    output: tuple[SelectItem, ...] = ()
    top: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Delete(Statement):
    """DELETE."""

    target: tuple[str, ...]
    source: Source | None = None
    where: Expression | None = None
    output: tuple[SelectItem, ...] = ()
    top: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSpec:
    """A column of CREATE TABLE; `default` and `check` are the text and the tree of their expressions."""

    name: str
    type: SqlType
    nullable: bool | None = None
    identity: tuple[int, int] | None = None
    default: str | None = None
    default_name: str | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ConstraintSpec:
    """A constraint; `kind` is PRIMARY KEY, UNIQUE, CHECK, FOREIGN KEY or DEFAULT (`columns` then names its column)."""

    kind: str
    name: str | None
    columns: tuple[str, ...] = ()
    text: str = ""
    references: tuple[str, ...] = ()
    referenced_columns: tuple[str, ...] = ()
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


@dataclass(frozen=True, slots=True, eq=False)
class CreateTable(Statement):
    table: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]
    constraints: tuple[ConstraintSpec, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AlterTable(Statement):
    """ALTER TABLE: exactly one of the fields says what."""

    table: tuple[str, ...]
    add_columns: tuple[ColumnSpec, ...] = ()
    add_constraints: tuple[ConstraintSpec, ...] = ()
    drop_columns: tuple[str, ...] = ()
    drop_constraints: tuple[str, ...] = ()
    alter_column: ColumnSpec | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DropTable(Statement):
    tables: tuple[tuple[str, ...], ...]
    if_exists: bool


@dataclass(frozen=True, slots=True, eq=False)
class CreateIndex(Statement):
    name: str
    table: tuple[str, ...]
    columns: tuple[tuple[str, bool], ...]
    unique: bool
    clustered: bool


@dataclass(frozen=True, slots=True, eq=False)
class DropIndex(Statement):
    name: str
    table: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True, eq=False)
class TruncateTable(Statement):
    table: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SetVariable(Statement):
    name: str
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Declare(Statement):
    variables: tuple[tuple[str, SqlType, Expression | None], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Begin(Statement):
    name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Commit(Statement):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Rollback(Statement):
    name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Save(Statement):
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Block(Statement):
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class If(Statement):
    condition: Expression
    then: Statement
    otherwise: Statement | None


@dataclass(frozen=True, slots=True, eq=False)
class While(Statement):
    condition: Expression
    body: Statement


@dataclass(frozen=True, slots=True, eq=False)
class Leave(Statement):
    """BREAK, CONTINUE or RETURN."""

    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class TryCatch(Statement):
    tried: tuple[Statement, ...]
    caught: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Print(Statement):
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class RaiseError(Statement):
    """RAISERROR (message, severity, state, arguments)."""

    arguments: tuple[Expression, ...]
    no_wait: bool


@dataclass(frozen=True, slots=True, eq=False)
class Throw(Statement):
    """THROW number, message, state; without arguments it raises the caught error again."""

    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """An argument of EXEC, by name or by place."""

    name: str | None
    value: Expression
    output: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Execute(Statement):
    """EXEC procedure arguments."""

    procedure: tuple[str, ...]
    arguments: tuple[Argument, ...]
    result: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExecuteText(Statement):
    """EXEC ('...' + @x)."""

    text: Expression
