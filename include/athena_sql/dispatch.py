"""From a node to the function that translates it: the allow-list of syntax."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from include.athena_sql.context import Context, Typed
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.syntax import position

if TYPE_CHECKING:
    from include.athena_sql.types import Type

Handler = Callable[[Any, Context], Typed]
_HANDLERS: dict[str, tuple[Handler, frozenset[str]]] = {}
# Marks that sqlglot's parser leaves on nodes and that carry no meaning here.
_MARKS = frozenset({"typed", "safe", "value_constructor", "bracket_notation", "null_ordering"})


def compiles(*names: str, args: str) -> Callable[[Handler], Handler]:
    """Register a translator for node classes. `args` are the node arguments it understands: any other refuses."""

    def register(handler: Handler) -> Handler:
        for name in names:
            _HANDLERS[name] = (handler, frozenset(args.split()))
        return handler

    return register


def check_arguments(node: Any, known: frozenset[str]) -> None:
    """Refuse a node that carries a clause nobody translates."""
    for name, value in node.args.items():
        if value not in (None, False, []) and name not in known and name not in _MARKS:
            clause = name.strip("_").replace("_", " ").upper()
            raise not_supported(f"{type(node).__name__} with {clause}", at=position(node))


def expression(node: Any, ctx: Context) -> Typed:
    """Translate one expression; raises AthenaSqlError for whatever is not on the list."""
    entry = _HANDLERS.get(type(node).__name__)
    if entry is None:
        raise not_supported(f"The expression {type(node).__name__}", at=position(node))
    handler, known = entry
    check_arguments(node, known)
    return handler(node, ctx)


def condition(node: Any, ctx: Context, *, clause: str) -> Typed:
    """Translate an expression that must be a boolean."""
    result = expression(node, ctx)
    if result.type.name not in {"boolean", "unknown"}:
        words = f"{clause} must evaluate to a boolean (actual: {result.type})"
        raise AthenaSqlError("TYPE_MISMATCH", words, at=position(node))
    return result


def mismatch(words: str, node: Any) -> AthenaSqlError:
    """A TYPE_MISMATCH at a node."""
    return AthenaSqlError("TYPE_MISMATCH", words, at=position(node))


def typed(sql: str, kind: Type, *parts: Typed) -> Typed:
    """An expression made of others."""
    return Typed(sql, kind, subquery=any(part.subquery for part in parts))
