"""The syntax tree of expressions. Nodes compare by identity: one parsed batch is compiled once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from include.standins.sqlserver.results import SqlType
    from include.standins.sqlserver.tsql.query_tree import OrderItem, Query


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A literal by its number in the batch: its value comes with each execution."""

    slot: int
    type: SqlType


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """NULL."""


@dataclass(frozen=True, slots=True, eq=False)
class Default:
    """DEFAULT as a value of INSERT or UPDATE."""


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A column, with its qualifiers in front."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Star:
    """* or t.*"""

    qualifier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """@x, in lower case."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """@@ROWCOUNT and its kin, in upper case."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """-x, +x or ~x."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """Arithmetic, bits and concatenation."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """=, <>, <, <=, >, >= between two values."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Logical:
    """AND or OR."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    """NOT condition."""

    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class IsNull:
    """x IS [NOT] NULL."""

    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """x [NOT] BETWEEN low AND high."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class InList:
    """x [NOT] IN (a, b, c)."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class InQuery:
    """x [NOT] IN (SELECT ...)."""

    operand: Expression
    query: Query
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Like:
    """x [NOT] LIKE pattern [ESCAPE c]."""

    operand: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Exists:
    """EXISTS (SELECT ...)."""

    query: Query


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """CASE, simple when it has an operand."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Over:
    """OVER (PARTITION BY ... ORDER BY ...); `frame` is its ROWS or RANGE clause in SQL."""

    partition: tuple[Expression, ...]
    order: tuple[OrderItem, ...]
    frame: str


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function by its upper-case name. `star` is COUNT(*); `within` is STRING_AGG's WITHIN GROUP."""

    name: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    star: bool = False
    over: Over | None = None
    within: tuple[OrderItem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Convert:
    """CAST, CONVERT and their TRY_ forms."""

    operand: Expression
    type: SqlType
    style: Expression | None
    tries: bool


@dataclass(frozen=True, slots=True, eq=False)
class Collate:
    """x COLLATE name."""

    operand: Expression
    collation: str


@dataclass(frozen=True, slots=True, eq=False)
class Subquery:
    """A query as a value."""

    query: Query


Expression: TypeAlias = (
    Literal
    | Null
    | Default
    | Name
    | Star
    | Variable
    | Global
    | Unary
    | Binary
    | Comparison
    | Logical
    | Not
    | IsNull
    | Between
    | InList
    | InQuery
    | Like
    | Exists
    | Case
    | Call
    | Convert
    | Collate
    | Subquery
)
