"""What a query can see while it is translated: relations, columns, parameters of lambdas, tables read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.schema import TableSchema

if TYPE_CHECKING:
    from include.athena_sql.types import Type

Lookup = Callable[[str | None, str], TableSchema]


@dataclass(frozen=True, slots=True)
class Typed:
    """One translated expression: DuckDB text, Trino type, and the value where it is a constant text."""

    sql: str
    type: Type
    text: str | None = None
    subquery: bool = False


@dataclass(eq=False, slots=True)
class TableRef:
    """One mention of a table in a query. `container` is the WITH query it stands in, None for the main query."""

    database: str
    table: str
    schema: TableSchema
    container: Any
    conjuncts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Origin:
    """The partition column that an output column passes on unchanged, and the WITH mentions it came through."""

    ref: TableRef
    column: str
    path: tuple[Any, ...] = ()


Read = tuple[TableRef, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that expressions can name."""

    name: str | None
    sql: str
    type: Type
    reads: frozenset[Read] = frozenset()
    origin: Origin | None = None
    hidden: bool = False


@dataclass(slots=True)
class Relation:
    """One FROM item. `nullable` is true where an outer join can fill its columns with NULL."""

    names: tuple[str, ...]
    columns: list[Column]
    nullable: bool = False

    def answers_to(self, qualifier: tuple[str, ...]) -> bool:
        """Whether a column written with this qualifier can mean this relation."""
        return not qualifier or (bool(self.names) and self.names[-len(qualifier) :] == qualifier)


@dataclass(slots=True)
class Scope:
    """The relations of one SELECT, and of the queries around it."""

    relations: list[Relation] = field(default_factory=list)
    parent: Scope | None = None
    merged: dict[str, Column] = field(default_factory=dict)
    outputs: dict[str, Typed] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """What one translation collects."""

    lookup: Lookup
    default_database: str
    reads: set[Read] = field(default_factory=set)
    counter: int = 0

    def next_name(self, stem: str) -> str:
        """A name that this translation has not used: it can never meet a column's."""
        self.counter += 1
        return f"{stem}_{self.counter}"

    @contextmanager
    def collecting(self) -> Iterator[set[Read]]:
        """Collect what is read inside the block apart from the rest."""
        before, self.reads = self.reads, set()
        try:
            yield self.reads
        finally:
            self.reads = before


@dataclass(frozen=True, slots=True)
class Context:
    """Where an expression stands."""

    state: State
    scope: Scope
    queries: Mapping[str, Any] = field(default_factory=dict)
    container: Any = None
    lambdas: Mapping[str, Typed] = field(default_factory=dict)
    windows: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False
    carried: Any = None

    def inside(self, scope: Scope) -> Context:
        """The context of a query whose outer query is this one."""
        return replace(self, scope=scope, windows={}, carried=None)

    def with_lambdas(self, parameters: Mapping[str, Typed]) -> Context:
        """The context of a lambda's body."""
        return replace(self, lambdas={**self.lambdas, **parameters})


def column_not_found(name: str, at: tuple[int, int]) -> AthenaSqlError:
    """Athena's words for a name that no relation answers to."""
    words = f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources"
    return AthenaSqlError("COLUMN_NOT_FOUND", words, at=at)


def find_column(ctx: Context, parts: list[str], at: tuple[int, int]) -> tuple[Column, list[str]]:
    """The column that a dotted name means, and the rest of the name: fields of that column.

    A qualified column wins over a field of a column; inner queries win over outer ones.
    """
    names = [part.lower() for part in parts]
    scope: Scope | None = ctx.scope
    while scope:
        for length in range(min(3, len(names) - 1), -1, -1):
            found = _matches(scope, tuple(names[:length]), names[length])
            if len(found) > 1:
                raise AthenaSqlError("AMBIGUOUS_NAME", f"Column '{'.'.join(parts[: length + 1])}' is ambiguous", at=at)
            if found:
                return found[0], parts[length + 1 :]
        scope = scope.parent
    raise column_not_found(".".join(parts), at)


def _matches(scope: Scope, qualifier: tuple[str, ...], name: str) -> list[Column]:
    if not qualifier and name in scope.merged:
        return [scope.merged[name]]
    return [
        column
        for relation in scope.relations
        if relation.answers_to(qualifier)
        for column in relation.columns
        if column.name is not None and column.name.lower() == name
    ]
