"""One running batch: its literals and variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.values import Cell, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.standins.sqlserver.results import Parameter, SqlType
    from include.standins.sqlserver.tsql.parser import Batch


@dataclass(slots=True)
class Frame:
    """The state of one batch; `nesting` counts the batches around it (EXEC)."""

    batch: Batch
    literals: Sequence[Any]
    types: dict[str, SqlType] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)
    nesting: int = 0

    def declare(self, name: str, type_: SqlType) -> None:
        """Declare a variable.

        :raises SqlError: 134 when it is declared already.
        """
        if name in self.types:
            raise SqlError(
                134,
                f"The variable name '{name}' has already been declared. Variable names must be unique "
                "within a query batch "
                "or stored procedure.",
                severity=15,
                ends_batch=True,
            )
        self.types[name] = type_
        self.cells[name] = None

    def type_of(self, name: str) -> SqlType:
        """Return a variable's type.

        :raises SqlError: 137 when it is not declared.
        """
        type_ = self.types.get(name)
        if type_ is None:
            raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15, ends_batch=True)
        return type_

    def bind(self, parameters: Sequence[Parameter]) -> None:
        """Declare the parameters of a call as variables."""
        for parameter in parameters:
            name = parameter.name.lower()
            self.declare(name, parameter.type)
            self.cells[name] = encode(parameter.value, parameter.type)
