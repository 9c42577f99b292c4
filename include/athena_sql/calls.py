"""Function calls: the allow-list, argument types, and the DuckDB text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from include.athena_sql.casts import coerce, local_time
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import expression, mismatch
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.signatures import Argument, Lambda, Signature, choose, resolve, unexpected
from include.athena_sql.syntax import is_a, position
from include.athena_sql.type_names import to_duckdb
from include.athena_sql.types import UNKNOWN, Type


@dataclass(frozen=True)
class Modifiers:
    """What stands around an aggregate's or window function's arguments, as DuckDB text."""

    distinct: str = ""
    order: str = ""
    nulls: str = ""
    filter: str = ""
    over: str = ""

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return any((self.distinct, self.order, self.nulls, self.filter, self.over))


@dataclass(frozen=True)
class Call:
    """A call whose overload is chosen: what a builder in Python works from."""

    name: str
    arguments: list[Typed]
    bound: dict[str, Type]
    result: Type
    node: Any

    def constant(self, index: int, what: str) -> str:
        """The value of an argument that must be a constant text."""
        value = self.arguments[index].text
        if value is None:
            raise not_supported(f"{self.name} with {what} that is not a constant", at=position(self.node))
        return value

    def refuse(self, words: str) -> AthenaSqlError:
        """An INVALID_FUNCTION_ARGUMENT at this call."""
        return AthenaSqlError("INVALID_FUNCTION_ARGUMENT", words, at=position(self.node))


Builder = Callable[[Call], Typed]
Special = Callable[[list[Any], Any, Context, Modifiers], Typed]
BUILDERS: dict[str, Builder] = {}
SPECIALS: dict[str, Special] = {}
SIGNATURES: dict[str, list[Signature]] = {}
WINDOW_ONLY: set[str] = set()
AGGREGATES = {"count", "sum", "avg", "grouping"}
# Trino has these; they are refused by name, so that nobody takes the refusal for a misspelling.
UNMODELLED = frozenset(
    """
    approx_set merge approx_most_frequent numeric_histogram qdigest_agg tdigest_agg value_at_quantile checksum
    evaluate_classifier_predictions learn_classifier word_stem soundex random rand uuid shuffle human_readable_seconds
    regexp_position reduce_agg map_zip_with combinations json_value json_query json_exists json_object json_array
    json_array_get geometric_distance st_point current_time current_user
    """.split()
)


def builder(name: str) -> Callable[[Builder], Builder]:
    """Register the Python behind a template ``@name``."""

    def register(function: Builder) -> Builder:
        BUILDERS[name] = function
        return function

    return register


def special(*names: str) -> Callable[[Special], Special]:
    """Register a function whose arguments follow no signature."""

    def register(function: Special) -> Special:
        SPECIALS.update(dict.fromkeys(names, function))
        return function

    return register


def call(name: str, nodes: list[Any], node: Any, ctx: Context, modifiers: Modifiers | None = None) -> Typed:
    """Translate a call; raises AthenaSqlError for a name that is not on the list or arguments that do not fit."""
    key, around = name.lower(), modifiers or Modifiers()
    if key in SPECIALS:
        return SPECIALS[key](nodes, node, ctx, around)
    overloads = SIGNATURES.get(key)
    if overloads is None:
        if key in UNMODELLED:
            raise not_supported(f"Function '{key}'", at=position(node))
        raise AthenaSqlError("SYNTAX_ERROR", f"Function '{key}' not registered", at=position(node))
    arguments: list[Argument] = [n if is_a(n, "Lambda") else expression(n, ctx) for n in nodes]
    chosen = choose(overloads, arguments)
    if chosen is None:
        shown = [str(a.type) if isinstance(a, Typed) else "function" for a in arguments]
        raise unexpected(key, overloads, shown, position(node))
    signature, bound = chosen
    values = _coerced(signature, arguments, bound, ctx)
    result = Call(key, values, bound, resolve(signature.result, bound), node)
    return _render(signature, result, around)


def _coerced(signature: Signature, arguments: list[Argument], bound: dict[str, Type], ctx: Context) -> list[Typed]:
    """Arguments as the parameters' types; lambdas last, since their bodies need the others' types."""
    values = []
    for index, argument in enumerate(arguments):
        parameter = signature.parameter(index)
        if isinstance(parameter, Lambda):
            values.append(_lambda(argument, parameter, bound, ctx))
            continue
        target = resolve(parameter, bound)
        same = target.name == argument.type.name and target.name in {
            "varchar",
            "decimal",
            "timestamp",
            "timestamp with time zone",
        }
        values.append(argument if same else coerce(argument, target))
    return values


def _lambda(node: Any, wanted: Lambda, bound: dict[str, Type], ctx: Context) -> Typed:
    names = [part.name.lower() for part in node.expressions]
    if len(names) != len(wanted.parameters):
        raise mismatch(f"Expected a lambda that takes {len(wanted.parameters)} argument(s)", node)
    kinds = [resolve(kind, bound) for kind in wanted.parameters]
    inner = {n: Typed(ctx.state.next_name("item"), kind) for n, kind in zip(names, kinds, strict=True)}
    body = expression(node.this, ctx.with_lambdas(inner))
    variable = wanted.result.name
    if variable in bound or len(variable) > 1:
        body = coerce(body, resolve(wanted.result, bound))
    else:
        bound[variable] = body.type
    head = ", ".join(parameter.sql for parameter in inner.values())
    return Typed(f"lambda {head}: {body.sql}", body.type, subquery=body.subquery)


_HOLE = re.compile(r"\$(l\d|\d\*|\d|\*|[a-zA-Z])")


def _render(signature: Signature, made: Call, around: Modifiers) -> Typed:
    if made.name in WINDOW_ONLY and not around.over:
        raise AthenaSqlError(
            "MISSING_OVER", f"Window function {made.name} requires an OVER clause", at=position(made.node)
        )
    template = signature.template
    if around.any and "$f" not in template:
        raise AthenaSqlError(
            "FUNCTION_NOT_AGGREGATE", f"{made.name} is not an aggregate or window function", at=position(made.node)
        )
    if template.startswith("@"):
        return BUILDERS[template[1:]](made)
    subquery = any(argument.subquery for argument in made.arguments)
    return Typed(_HOLE.sub(lambda m: _fill(m[1], made, around), template), made.result, subquery=subquery)


def _fill(hole: str, made: Call, around: Modifiers) -> str:
    if hole[0].isdigit() or hole == "*":
        start = int(hole[0]) - 1 if hole != "*" else 0
        chosen = made.arguments[start:] if hole.endswith("*") else made.arguments[start : start + 1]
        return ", ".join(argument.sql for argument in chosen)
    if hole[0] == "l" and len(hole) > 1:
        return local_time(made.arguments[int(hole[1]) - 1])
    marks = {"d": around.distinct, "o": around.order, "n": around.nulls, "f": around.filter + around.over}
    if hole in marks:
        return marks[hole]
    return to_duckdb(made.result if hole == "R" else made.bound.get(hole, UNKNOWN))


def filled(template: str, made: Call) -> str:
    """A template filled by a builder."""
    return _HOLE.sub(lambda m: _fill(m[1], made, Modifiers()), template)


def with_type(value: Typed, kind: Type) -> Typed:
    """The same text, seen as another type."""
    return replace(value, type=kind)
