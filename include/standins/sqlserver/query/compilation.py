"""What compiling one statement needs and gathers: schema, variables, parameters, foreign tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from include.standins.sqlserver.query.schema import Schema
    from include.standins.sqlserver.results import Column


@dataclass(frozen=True, slots=True)
class Emitted:
    """A piece of SQLite's SQL with its T-SQL type.

    :param type: None for an untyped NULL, and for a condition.
    :param column: a bare column, which brings its own collation.
    """

    sql: str
    type: SqlType | None
    condition: bool = False
    column: bool = False

    @property
    def known_type(self) -> SqlType:
        """Its type; an untyped NULL counts as int, as in SELECT NULL."""
        return self.type or SqlType("int")


@dataclass(frozen=True, slots=True)
class Binding:
    """A parameter of the compiled statement: `kind` is literal, variable, global or system."""

    kind: str
    key: Any


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """A catalog view, or a table of another database: its rows are copied to a temporary table before the query.

    :param key: the temporary table's name.
    """

    key: str
    columns: tuple[Column, ...]
    rows: Callable[[], Sequence[Sequence[Any]]]
    encoded: bool = False


@dataclass(slots=True)
class Context:
    """One compilation.

    :param literals: the values of this execution; a compiler that builds one into the SQL must `bake` it.
    :param foreign_table: finds what is not a table of the home database: (database, schema, name) to its shape.
    """

    schema: Schema
    database: str
    variables: Mapping[str, SqlType]
    literals: Sequence[Any]
    foreign_table: Callable[[str, str, str], ForeignTable | None]
    bindings: dict[Binding, int] = field(default_factory=dict)
    baked: dict[int, Any] = field(default_factory=dict)
    foreign: dict[str, ForeignTable] = field(default_factory=dict)
    inline: bool = False

    def bind(self, kind: str, key: Any) -> str:
        """Return the placeholder of a parameter; the same one gets the same placeholder."""
        binding = Binding(kind, key)
        return f"?{self.bindings.setdefault(binding, len(self.bindings) + 1)}"

    def bake(self, slot: int) -> Any:
        """Return a literal's value and note that the compiled statement is only good for this value."""
        self.baked[slot] = self.literals[slot]
        return self.literals[slot]

    def compiled(self, sql: str, columns: Sequence[Column], *, verb: str, command: int = 0) -> Compiled:
        """Return the finished statement with what this compilation gathered."""
        return Compiled(
            sql,
            tuple(self.bindings),
            tuple(columns),
            command,
            verb=verb,
            foreign=tuple(self.foreign),
            baked=tuple(self.baked.items()),
        )


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for SQLite.

    :param command: the DONE token's CurCmd.
    :param columns: of the rows it returns; empty when it returns none.
    :param assigns: variables that SELECT @x = ... fills, in the order of the columns.
    :param identity: the table whose IDENTITY an INSERT draws from.
    :param explicit_identity: the INSERT gives the identity column itself.
    :param table: the table that it changes.
    """

    sql: str
    bindings: tuple[Binding, ...]
    columns: tuple[Column, ...] = ()
    command: int = 0
    assigns: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    identity: str | None = None
    explicit_identity: bool = False
    table: str | None = None
    verb: str = ""
    baked: tuple[tuple[int, Any], ...] = ()


def quoted(name: str) -> str:
    """A name as SQLite quotes it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A string as SQLite quotes it."""
    return "'" + text.replace("'", "''").replace("\0", "") + "'"
