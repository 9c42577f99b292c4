"""TRY and TRY_CAST.

DuckDB's TRY takes no aggregates, and its optimizer moves an expression that occurs twice out of TRY, where its failure
is no longer caught (2.0.0). So the tried expression stands in a lambda, which the optimizer leaves alone, and
aggregates are computed outside and carried in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from include.athena_sql.context import Context, Typed
from include.athena_sql.errors import not_supported
from include.athena_sql.syntax import position

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Carried:
    """Values that are computed outside a lambda and read inside it as fields of its parameter."""

    name: str
    outer: Carried | None
    values: list[str] = field(default_factory=list)

    def carry(self, sql: str) -> str:
        """Keep a value, through every lambda around this one; returns what names it inside."""
        self.values.append(self.outer.carry(sql) if self.outer else sql)
        return f"{self.name}.v{len(self.values) - 1}"


def attempted(translate: Callable[[Context], Typed], node: Any, ctx: Context) -> Typed:
    """The value, or NULL where computing it fails."""
    carried = Carried(ctx.state.next_name("tried"), ctx.carried)
    value = translate(replace(ctx, carried=carried))
    if value.subquery:
        raise not_supported("TRY over a subquery", at=position(node))
    fields = ", ".join(f"v{n} := {sql}" for n, sql in enumerate(carried.values))
    start = f"struct_pack({fields})" if fields else "0"
    return Typed(f"list_transform([{start}], lambda {carried.name}: TRY({value.sql}))[1]", value.type)


def carried_in(value: Typed, ctx: Context) -> Typed:
    """An aggregate as the expression around it may name it."""
    return replace(value, sql=ctx.carried.carry(value.sql)) if ctx.carried else value
