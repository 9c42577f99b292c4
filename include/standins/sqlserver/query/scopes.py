"""Which names a part of a query sees, and what GROUP BY leaves of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.compilation import Emitted, quoted
from include.standins.sqlserver.results import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.standins.sqlserver.results import SqlType


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of a table, derived table or result; `name` is empty when it has none."""

    name: str
    type: SqlType


def result_columns(columns: Iterable[OutputColumn]) -> list[Column]:
    """The columns as the client sees them."""
    return [Column(column.name, column.type) for column in columns]


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """A source in FROM; `qualified` is its full name. A CHECK's own table has no alias: its columns stand alone."""

    alias: str
    columns: tuple[OutputColumn, ...]
    qualified: tuple[str, ...] = ()

    def matches(self, qualifier: tuple[str, ...]) -> bool:
        """Whether t, dbo.t or database.dbo.t means this source."""
        folded = tuple(part.lower() for part in qualifier)
        if len(folded) == 1:
            return folded[0] == self.alias.lower()
        named = tuple(part.lower() for part in self.qualified)
        return bool(named) and all(
            not asked or asked == known for asked, known in zip(reversed(folded), reversed(named), strict=False)
        )


@dataclass(slots=True)
class Scope:
    """The sources of one SELECT; an outer query's scope is its parent.

    :param groups: the shapes of GROUP BY's expressions, None when the query does not group.
    :param free: inside an aggregate or a grouped expression, where every column may stand.
    """

    parent: Scope | None = None
    sources: list[SourceColumns] = field(default_factory=list)
    groups: frozenset[object] | None = None
    free: bool = False
    tables: dict[str, tuple[OutputColumn, ...]] = field(default_factory=dict)

    def common_table(self, name: str) -> tuple[OutputColumn, ...] | None:
        """Find a common table expression in this query or an outer one."""
        scope: Scope | None = self
        while scope is not None:
            if name.lower() in scope.tables:
                return scope.tables[name.lower()]
            scope = scope.parent
        return None

    def add(self, source: SourceColumns) -> None:
        """Add a source of FROM.

        :raises SqlError: 1011 when its alias is taken.
        """
        if any(other.alias.lower() == source.alias.lower() for other in self.sources):
            raise SqlError(
                1011,
                f"The correlation name '{source.alias}' is specified multiple times in a FROM clause.",
                ends_batch=True,
            )
        self.sources.append(source)

    def resolve(self, parts: tuple[str, ...]) -> Emitted:
        """Find a column.

        :raises SqlError: 207, 209, 4104, and 8120 for a column that GROUP BY has lost.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope._own(parts)
            if found is not None:
                source, column = found
                scope._check_grouped(source, column)
                qualifier = f"{quoted(source.alias)}." if source.alias else ""
                return Emitted(f"{qualifier}{quoted(column.name)}", column.type, column=True)
            scope = scope.parent
        if len(parts) == 1:
            raise SqlError(207, f"Invalid column name '{parts[0]}'.", ends_batch=True)
        raise SqlError(4104, f'The multi-part identifier "{".".join(parts)}" could not be bound.', ends_batch=True)

    def _own(self, parts: tuple[str, ...]) -> tuple[SourceColumns, OutputColumn] | None:
        folded = parts[-1].lower()
        found = [
            (source, column)
            for source in self.sources
            if len(parts) == 1 or source.matches(parts[:-1])
            for column in source.columns
            if column.name.lower() == folded
        ]
        if len(found) > 1:
            raise SqlError(209, f"Ambiguous column name '{parts[-1]}'.", ends_batch=True)
        return found[0] if found else None

    def shape(self, parts: tuple[str, ...]) -> tuple[str, str] | None:
        """A column's identity, by which GROUP BY's expressions are recognised."""
        found = self._own(parts)
        return (found[0].alias.lower(), found[1].name.lower()) if found else None

    def _check_grouped(self, source: SourceColumns, column: OutputColumn) -> None:
        if self.groups is None or self.free:
            return
        if ("column", source.alias.lower(), column.name.lower()) in self.groups:
            return
        raise SqlError(
            8120,
            f"Column '{source.alias}.{column.name}' is invalid in the select list because it is not "
            "contained in either "
            "an aggregate function or the GROUP BY clause.",
            ends_batch=True,
        )
