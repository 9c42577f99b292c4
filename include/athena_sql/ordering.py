"""ORDER BY: in Trino NULLs come last, ascending or descending, unless the query says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.athena_sql.dispatch import expression
from include.athena_sql.errors import not_supported
from include.athena_sql.syntax import position

if TYPE_CHECKING:
    from include.athena_sql.context import Context


def direction(ordered: Any) -> str:
    """ASC or DESC with NULLS written out."""
    if ordered.args.get("with_fill"):
        raise not_supported("WITH FILL", at=position(ordered))
    first = ordered.args.get("nulls_first")
    return f"{'DESC' if ordered.args.get('desc') else 'ASC'} NULLS {'FIRST' if first else 'LAST'}"


def order_terms(terms: list[Any], ctx: Context) -> str:
    """The terms of an ORDER BY inside a window or an aggregate."""
    return ", ".join(f"{expression(term.this, ctx).sql} {direction(term)}" for term in terms)
