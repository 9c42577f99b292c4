"""The syntax tree of queries: SELECT and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.expressions import Expression


@dataclass(frozen=True, slots=True, eq=False)
class OrderItem:
    """One item of ORDER BY."""

    expression: Expression
    descending: bool


@dataclass(frozen=True, slots=True, eq=False)
class SelectItem:
    """One item of a select list; `variable` is set in SELECT @x = ..."""

    expression: Expression
    alias: str | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table or view by name."""

    parts: tuple[str, ...]
    alias: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """(SELECT ...) AS alias(columns)."""

    query: Query
    alias: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """Two sources joined; `kind` is INNER, LEFT, RIGHT, FULL or CROSS."""

    kind: str
    left: Source
    right: Source
    condition: Expression | None


Source: TypeAlias = Table | Derived | Join


@dataclass(frozen=True, slots=True, eq=False)
class Select:
    """SELECT without its ORDER BY."""

    items: tuple[SelectItem, ...]
    source: Source | None = None
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    having: Expression | None = None
    distinct: bool = False
    top: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ValueRows:
    """VALUES (...), (...)."""

    rows: tuple[tuple[Expression, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class SetOperation:
    """UNION, UNION ALL, EXCEPT or INTERSECT."""

    operator: str
    left: Body
    right: Body


Body: TypeAlias = Select | ValueRows | SetOperation


@dataclass(frozen=True, slots=True, eq=False)
class CommonTable:
    """One member of WITH."""

    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A whole query: WITH, body, ORDER BY, OFFSET and FETCH."""

    body: Body
    order_by: tuple[OrderItem, ...] = ()
    offset: Expression | None = None
    fetch: Expression | None = None
    tables: tuple[CommonTable, ...] = ()
