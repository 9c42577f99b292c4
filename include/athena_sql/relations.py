"""FROM: tables, WITH queries, subqueries, joins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.athena_sql.casts import coerce
from include.athena_sql.coercion import common_type
from include.athena_sql.context import Column, Context, Origin, Relation, Scope, TableRef, Typed
from include.athena_sql.dispatch import check_arguments, condition, mismatch
from include.athena_sql.errors import AthenaSqlError, not_supported
from include.athena_sql.pruning import push_join, push_where
from include.athena_sql.queries import NamedQuery, Query, Use, query, renamed
from include.athena_sql.quoting import identifier
from include.athena_sql.schema import PATH_COLUMN
from include.athena_sql.syntax import is_a, position
from include.athena_sql.types import VARCHAR, parse_type
from include.athena_sql.unnest import unnested

if TYPE_CHECKING:
    from collections.abc import Callable

Item = tuple[str, list[Relation]]
_CATALOG = "awsdatacatalog"


def from_clause(node: Any, ctx: Context) -> str:
    """Translate FROM and JOIN; fills `ctx.scope` with the relations."""
    clause = node.args.get("from_")
    if clause is None:
        return ""
    check_arguments(clause, frozenset({"this"}))
    return f" FROM {joined(clause.this, node.args.get('joins') or [], ctx)}"


def joined(first: Any, joins: list[Any], ctx: Context) -> str:
    """One FROM item and everything joined to it, left to right."""
    sql, relations = _item(first, ctx)
    ctx.scope.relations.extend(relations)
    for join in joins:
        sql += _join(join, ctx)
    return sql


def _item(node: Any, ctx: Context) -> Item:
    handler = _ITEMS.get(type(node).__name__)
    if handler is None:
        raise not_supported(f"{type(node).__name__} in FROM", at=position(node))
    return handler(node, ctx)


def _table(node: Any, ctx: Context) -> Item:
    check_arguments(node, frozenset({"this", "db", "catalog", "alias", "joins"}))
    if not is_a(node.this, "Identifier"):
        raise not_supported("A table function", at=position(node))
    name = str(node.this.this).lower()
    named = ctx.queries.get(name) if not node.args.get("db") else None
    item = _named(node, named, ctx) if named else _catalog_table(node, name, ctx)
    return _parenthesised(node, item, ctx) if node.args.get("joins") else item


def _parenthesised(node: Any, item: Item, ctx: Context) -> Item:
    """(a JOIN b ON ...): its relations join the scope after its own conditions were read."""
    inner = replace(ctx, scope=Scope(parent=ctx.scope.parent))
    inner.scope.relations.extend(item[1])
    sql = item[0] + "".join(_join(join, inner) for join in node.args["joins"])
    return f"({sql})", inner.scope.relations


def _named(node: Any, named: NamedQuery, ctx: Context) -> Item:
    use = Use(named, ctx.container)
    named.uses.append(use)
    ctx.state.reads |= named.hard_reads
    columns = [
        replace(c, origin=replace(c.origin, path=(*c.origin.path, use)) if c.origin else None)
        for c in named.body.columns
    ]
    return _derived(f"{named.alias}", Query("", columns), node, str(node.this.this), ctx)


def _catalog_table(node: Any, name: str, ctx: Context) -> Item:
    catalog = str(node.args["catalog"].this).lower() if node.args.get("catalog") else _CATALOG
    if catalog != _CATALOG:
        raise AthenaSqlError("CATALOG_NOT_FOUND", f"Catalog '{catalog}' does not exist", at=position(node))
    database = str(node.args["db"].this).lower() if node.args.get("db") else ctx.state.default_database
    ref = TableRef(database, name, _schema(database, name, node, ctx), ctx.container)
    ctx.state.reads.add((ref, ""))
    alias = ctx.state.next_name("rel")
    columns = renamed(_table_columns(ref, alias), node.args.get("alias"))
    columns += [c for c in _table_columns(ref, alias) if c.hidden and c not in columns]
    names = (str(node.alias).lower(),) if node.alias else (catalog, database, name)
    return f"{identifier(database)}.{identifier(name)} AS {alias}", [Relation(names, columns)]


def _schema(database: str, name: str, node: Any, ctx: Context) -> Any:
    try:
        schema = ctx.state.lookup(database, name)
    except KeyError:
        schema = None
    if schema is None:
        raise AthenaSqlError(
            "TABLE_NOT_FOUND", f"Table '{_CATALOG}.{database}.{name}' does not exist", at=position(node)
        )
    return schema


def _table_columns(ref: TableRef, alias: str) -> list[Column]:
    columns = []
    for name, kind in {**ref.schema.columns, **ref.schema.partition_columns}.items():
        origin = Origin(ref, name) if name in ref.schema.partition_columns else None
        reads = frozenset({(ref, name)})
        columns.append(Column(name, f"{alias}.{identifier(name)}", parse_type(kind), reads, origin))
    path = f"{alias}.{identifier(PATH_COLUMN)}"
    hidden = Column(PATH_COLUMN, path, VARCHAR, frozenset({(ref, PATH_COLUMN)}), Origin(ref, PATH_COLUMN), hidden=True)
    return [*columns, hidden]


def _derived(sql: str, inner: Query, node: Any, name: str, ctx: Context) -> Item:
    alias = ctx.state.next_name("rel")
    columns = [replace(column, sql=f"{alias}.c{n}") for n, column in enumerate(inner.columns)]
    named = str(node.alias or name).lower()
    return f"{sql} AS {alias}", [Relation((named,) if named else (), renamed(columns, node.args.get("alias")))]


_AROUND = ("order", "limit", "offset", "with_")


def _subquery(node: Any, ctx: Context) -> Item:
    check_arguments(node, frozenset({"this", "alias", "joins", *_AROUND}))
    around = any(node.args.get(name) for name in _AROUND)
    if is_a(node.this, "Table", "Subquery") and not around and not node.args.get("alias"):
        item = _item(node.this, ctx)  # parentheses around a table, a join or another query
    else:
        inner = query(node if around else node.this, replace(ctx, scope=ctx.scope.parent or Scope()))
        item = _derived(f"({inner.sql})", inner, node, "", ctx)
    return _parenthesised(node, item, ctx) if node.args.get("joins") else item


def _values(node: Any, ctx: Context) -> Item:
    inner = query(node, replace(ctx, scope=ctx.scope.parent or Scope()))
    return _derived(f"({inner.sql})", inner, node, "", ctx)


def _lateral(node: Any, ctx: Context) -> Item:
    check_arguments(node, frozenset({"this", "alias"}))
    if not is_a(node.this, "Subquery"):
        raise not_supported("LATERAL over anything but a query", at=position(node))
    inner = query(node.this.this, ctx)
    return _derived(f"LATERAL ({inner.sql})", inner, node, "", ctx)


_ITEMS: dict[str, Callable[[Any, Context], Item]] = {
    "Table": _table,
    "Subquery": _subquery,
    "Values": _values,
    "Lateral": _lateral,
    "Unnest": unnested,
}


def _join(node: Any, ctx: Context) -> str:
    check_arguments(node, frozenset({"this", "kind", "side", "on", "using"}))
    side, kind = str(node.args.get("side") or ""), str(node.args.get("kind") or "")
    if kind not in {"", "CROSS", "INNER", "OUTER"}:
        raise not_supported(f"{kind} JOIN", at=position(node))
    sql, relations = _item(node.this, ctx)
    if is_a(node.this, "Unnest", "Lateral") and (side not in {"", "LEFT"} or not _always(node)):
        raise not_supported("A join with UNNEST or LATERAL on a condition other than TRUE", at=position(node))
    left = list(ctx.scope.relations)
    _mark_nullable(left if side in {"RIGHT", "FULL"} else [])
    _mark_nullable(relations if side in {"LEFT", "FULL"} else [])
    if node.args.get("using"):
        test = _using(node, side, left, relations, ctx)
        ctx.scope.relations.extend(relations)
        return f" {side} JOIN {sql} ON {test}"
    ctx.scope.relations.extend(relations)
    on = node.args.get("on")
    if on is None:
        if side:
            raise AthenaSqlError("SYNTAX_ERROR", "mismatched input: a join needs ON or USING", at=position(node))
        return f" CROSS JOIN {sql}"
    test = condition(on, ctx, clause="JOIN ON clause").sql
    push_join(on, ctx, side=side, left=left, right=relations)
    return f" {side} JOIN {sql} ON {test}"


def _always(node: Any) -> bool:
    on = node.args.get("on")
    return not node.args.get("using") and (on is None or (is_a(on, "Boolean") and bool(on.this)))


def _mark_nullable(relations: list[Relation]) -> None:
    for relation in relations:
        relation.nullable = True


def _using(node: Any, side: str, left: list[Relation], right: list[Relation], ctx: Context) -> str:
    """USING (a, b): the two columns become one, the first of the output."""
    tests = []
    for name in (str(part.this).lower() for part in node.args["using"]):
        a = ctx.scope.merged.get(name) or _one(name, left, node)
        b = _one(name, right, node)
        kind = common_type(a.type, b.type)
        if kind is None:
            raise mismatch(f"Column types of '{name}' do not match: {a.type}, {b.type}", node)
        ctx.state.reads |= a.reads | b.reads
        one, other = coerce(Typed(a.sql, a.type), kind).sql, coerce(Typed(b.sql, b.type), kind).sql
        tests.append(f"{one} = {other}")
        sql = {"RIGHT": other, "FULL": f"coalesce({one}, {other})"}.get(side, one)
        origin = {"RIGHT": b.origin, "FULL": None}.get(side, a.origin)
        ctx.scope.merged[name] = Column(a.name, sql, kind, a.reads | b.reads, origin)
    return " AND ".join(tests)


def _one(name: str, relations: list[Relation], node: Any) -> Column:
    found = [c for relation in relations for c in relation.columns if c.name is not None and c.name.lower() == name]
    if len(found) != 1:
        words = f"Column '{name}' is {'ambiguous' if found else 'missing from one side of the join'}"
        raise AthenaSqlError("AMBIGUOUS_NAME" if found else "COLUMN_NOT_FOUND", words, at=position(node))
    return found[0]


def where_clause(node: Any, ctx: Context) -> str:
    """WHERE, and what of it can be decided from partition columns alone."""
    clause = node.args.get("where")
    if clause is None:
        return ""
    test = condition(clause.this, ctx, clause="WHERE clause")
    push_where(clause.this, ctx)
    return f" WHERE {test.sql}"
