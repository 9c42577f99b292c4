"""Whole queries: WITH, set operations, VALUES, ORDER BY and LIMIT. One SELECT is in `selects`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from include.athena_sql.casts import coerce, implicit
from include.athena_sql.coercion import common_type
from include.athena_sql.context import Column, Context, Relation, Scope, TableRef, Typed
from include.athena_sql.dispatch import check_arguments, expression, mismatch
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.literals import meet, one_zone
from include.athena_sql.ordering import direction
from include.athena_sql.quoting import identifier, select
from include.athena_sql.syntax import is_a, literal_number, position
from include.athena_sql.types import UNKNOWN, Type


@dataclass(frozen=True)
class Query:
    """A translated query. Its columns are called c0, c1 ... in `sql`, or by their names where it is the whole query."""

    sql: str
    columns: list[Column]


@dataclass(eq=False)
class Use:
    """One mention of a WITH query, with the conditions that only this mention puts on a table inside it."""

    query: NamedQuery
    container: NamedQuery | None
    conjuncts: dict[tuple[TableRef, tuple[Use, ...]], list[str]] = field(default_factory=dict)


@dataclass(eq=False)
class NamedQuery:
    """A WITH query: translated once, read by every mention."""

    alias: str
    body: Query
    hard_reads: set[Any]
    uses: list[Use] = field(default_factory=list)


Body = Callable[[Any, Context, bool], Query]
BODIES: dict[str, Body] = {}
_TAIL = frozenset({"order", "limit", "offset"})


def body(*names: str) -> Callable[[Body], Body]:
    """Register the translator of a query's node class."""

    def register(function: Body) -> Body:
        BODIES.update(dict.fromkeys(names, function))
        return function

    return register


def query(node: Any, ctx: Context, *, top: bool = False) -> Query:
    """Translate a query. `ctx.scope` is the scope around it."""
    translate = BODIES.get(type(node).__name__)
    if translate is None:
        raise not_supported(f"The query {type(node).__name__}", at=position(node))
    named, inner = _named_queries(node, ctx)
    result = translate(node, inner, top)
    kept = _reachable(named)
    if not kept:
        return result
    definitions = ", ".join(f"{entry.alias} AS ({entry.body.sql})" for entry in kept)
    return replace(result, sql=f"WITH {definitions} {result.sql}")


def _named_queries(node: Any, ctx: Context) -> tuple[list[NamedQuery], Context]:
    clause = node.args.get("with_")
    if clause is None:
        return [], ctx
    check_arguments(clause, frozenset({"expressions"}))
    named = []
    for part in clause.expressions:
        check_arguments(part, frozenset({"this", "alias"}))
        entry = NamedQuery(ctx.state.next_name("with"), Query("", []), set())
        with ctx.state.collecting() as reads:
            entry.body = query(part.this, replace(ctx.inside(Scope()), container=entry))
        entry.hard_reads = reads
        entry.body = replace(entry.body, columns=renamed(entry.body.columns, part.args["alias"]))
        named.append(entry)
        ctx = replace(ctx, queries={**ctx.queries, str(part.alias).lower(): entry})
    return named, ctx


def _reachable(named: list[NamedQuery]) -> list[NamedQuery]:
    """WITH queries that the result needs, so that no view is read for nothing."""
    kept: list[NamedQuery] = []
    for entry in reversed(named):
        if any(use.container is None or use.container not in named or use.container in kept for use in entry.uses):
            kept.insert(0, entry)
    return kept


def renamed(columns: list[Column], alias: Any) -> list[Column]:
    """Columns under the names of ``AS t (a, b)``; raises AthenaSqlError when the counts differ."""
    names = [str(name.this) for name in alias.columns] if alias is not None else []
    if not names:
        return columns
    visible = [column for column in columns if not column.hidden]
    if len(names) != len(visible):
        words = f"Column alias list has {len(names)} entries but '{alias.name}' has {len(visible)} columns available"
        raise AthenaSqlError("MISMATCHED_COLUMN_ALIASES", words, at=position(alias))
    return [replace(column, name=name) for column, name in zip(visible, names, strict=True)]


def output_name(column: Column, index: int, *, top: bool) -> str:
    """What a column is called in the text: for people outside, by position inside."""
    return identifier(column.name or f"_col{index}") if top else f"c{index}"


def limit_text(node: Any) -> str:
    """LIMIT and OFFSET. Trino writes OFFSET first; both skip before they count."""
    text = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is not None and not (is_a(limit, "Limit") and is_a(limit.expression, "Var")):
        options = limit.args.get("limit_options")
        if (
            is_a(limit, "Fetch")
            and options is not None
            and (options.args.get("with_ties") or options.args.get("percent"))
        ):
            raise not_supported("FETCH FIRST WITH TIES", at=position(limit))
        number = limit.args.get("count") if is_a(limit, "Fetch") else limit.expression
        text += f" LIMIT {_count(number, limit) if number is not None else 1}"
    if offset is not None:
        text += f" OFFSET {_count(offset.expression, offset)}"
    return text


def _count(node: Any, clause: Any) -> int:
    number = literal_number(node)
    if number is None:
        raise AthenaSqlError("SYNTAX_ERROR", "LIMIT and OFFSET take a whole number", at=position(clause))
    return number


def order_text(node: Any, ctx: Context, items: list[Typed], *, distinct: bool) -> str:
    """ORDER BY over a query's output: positions, output names, or expressions over the source."""
    clause = node.args.get("order")
    if clause is None:
        return ""
    terms = []
    for term in clause.expressions:
        key = order_key(term.this, ctx, items)
        if distinct and not key.isdigit():
            words = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
            raise AthenaSqlError("EXPRESSION_NOT_IN_DISTINCT", words, at=position(term))
        terms.append(f"{key} {direction(term)}")
    return f" ORDER BY {', '.join(terms)}"


def order_key(node: Any, ctx: Context, items: list[Typed]) -> str:
    """The position of the output that a term means, or the term's own text."""
    number = literal_number(node)
    if number is not None:
        if not 0 < number <= len(items):
            words = f"ORDER BY position {number} is not in select list"
            raise AthenaSqlError("INVALID_COLUMN_REFERENCE", words, at=position(node))
        return str(number)
    value = expression(node, ctx)
    if value.type.name in {"map", "json"}:
        raise mismatch(f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY", node)
    same = [n for n, item in enumerate(items, 1) if item.sql == value.sql]
    return str(same[0]) if same else value.sql


def wrapped(node: Any, inner: Query, ctx: Context, *, top: bool) -> Query:
    """A query with ORDER BY and LIMIT around it, which see its output alone."""
    alias = ctx.state.next_name("rel")
    columns = [replace(column, sql=f"{alias}.c{n}") for n, column in enumerate(inner.columns)]
    scope = Scope([Relation((), columns)], parent=ctx.scope)
    items = [Typed(column.sql, column.type) for column in columns]
    order = order_text(node, ctx.inside(scope), items, distinct=False)
    shown = ", ".join(f"{c.sql} AS {output_name(c, n, top=top)}" for n, c in enumerate(columns))
    sql = select(shown, f"({inner.sql}) AS {alias}{order}{limit_text(node)}")
    cut = any(node.args.get(name) for name in ("limit", "offset"))
    outputs = [replace(c, sql=f"c{n}", origin=None if cut else c.origin) for n, c in enumerate(columns)]
    return Query(sql, outputs)


@body("Subquery")
def _parenthesised(node: Any, ctx: Context, top: bool) -> Query:
    check_arguments(node, frozenset({"this", "with_", "alias"}) | _TAIL)
    if not any(node.args.get(name) for name in _TAIL):
        return query(node.this, ctx, top=top)
    return wrapped(node, query(node.this, ctx), ctx, top=top)


@body("Values")
def _values(node: Any, ctx: Context, top: bool) -> Query:
    check_arguments(node, frozenset({"expressions", "with_", "alias"}) | _TAIL)
    lines = [[expression(cell, ctx) for cell in _cells(line)] for line in node.expressions]
    if len({len(line) for line in lines}) != 1:
        raise mismatch("Values rows have mismatched sizes", node)
    for cells in zip(*lines, strict=True):
        one_zone(list(cells), node)
    kinds = [meet(list(cells), node, "Values rows have mismatched types") for cells in zip(*lines, strict=True)]
    texts = [", ".join(coerce(c, _known(k)).sql for c, k in zip(line, kinds, strict=True)) for line in lines]
    names = ", ".join(f"c{n}" for n in range(len(kinds)))
    alias = ctx.state.next_name("rel")
    sql = select(names, f"(VALUES {', '.join(f'({text})' for text in texts)}) AS {alias}({names})")
    inner = Query(sql, [Column(None, f"c{n}", kind) for n, kind in enumerate(kinds)])
    return wrapped(node, inner, ctx, top=top) if top or any(node.args.get(name) for name in _TAIL) else inner


def _known(kind: Type) -> Type:
    return Type("integer") if kind == UNKNOWN else kind


def _cells(line: Any) -> list[Any]:
    return list(line.expressions) if is_a(line, "Tuple") else [line]


@body("Union", "Except", "Intersect")
def _set_operation(node: Any, ctx: Context, top: bool) -> Query:
    check_arguments(node, frozenset({"this", "expression", "distinct", "with_"}) | _TAIL)
    left, right = query(node.this, ctx), query(node.expression, ctx)
    word = type(node).__name__.upper()
    if len(left.columns) != len(right.columns):
        words = f"{word} query has different number of fields: {len(left.columns)}, {len(right.columns)}"
        raise AthenaSqlError("TYPE_MISMATCH", words, at=position(node))
    kinds = []
    for n, (a, b) in enumerate(zip(left.columns, right.columns, strict=True), 1):
        kind = common_type(a.type, b.type)
        if kind is None:
            raise mismatch(f"column {n} in {word} query has incompatible types: {a.type}, {b.type}", node)
        one_zone([Typed("", a.type), Typed("", b.type)], node)
        kinds.append(kind)
    for side in (left, right):
        ctx.state.reads.update(*(column.reads for column in side.columns))
    operator = word if node.args.get("distinct") else f"{word} ALL"
    sql = f"({_as_types(left, kinds, ctx)}) {operator} ({_as_types(right, kinds, ctx)})"
    inner = Query(sql, [Column(c.name, f"c{n}", k) for n, (c, k) in enumerate(zip(left.columns, kinds, strict=True))])
    return wrapped(node, inner, ctx, top=top)


def _as_types(side: Query, kinds: list[Type], ctx: Context) -> str:
    if all(column.type == kind for column, kind in zip(side.columns, kinds, strict=True)):
        return side.sql
    alias = ctx.state.next_name("rel")
    pairs = enumerate(zip(side.columns, kinds, strict=True))
    cells = ", ".join(f"{implicit(f'{alias}.c{n}', c.type, kind, 0)} AS c{n}" for n, (c, kind) in pairs)
    return select(cells, f"({side.sql}) AS {alias}")
