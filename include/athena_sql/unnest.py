"""UNNEST (docs: sql/select, UNNEST): arrays, arrays of rows, maps, several at once, with their position."""

from __future__ import annotations

from typing import Any

from include.athena_sql.context import Column, Context, Relation, Typed
from include.athena_sql.dispatch import check_arguments, expression, mismatch
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.quoting import text
from include.athena_sql.syntax import is_a, position
from include.athena_sql.type_names import field_name
from include.athena_sql.types import BIGINT


def unnested(node: Any, ctx: Context) -> tuple[str, list[Relation]]:
    """Rows from arrays side by side; shorter ones are filled up with NULL, an empty or NULL one gives no row."""
    check_arguments(node, frozenset({"expressions", "alias", "offset"}))
    values = [expression(part, ctx) for part in node.expressions]
    columns: list[Column] = []
    cells: list[str] = []
    for value in values:
        for name, sql, kind in _parts(value, node):
            columns.append(Column(name, "", kind))
            cells.append(f"unnest({sql})")
    if node.args.get("offset"):
        columns.append(Column(None, "", BIGINT))
        sizes = ", ".join(f"coalesce({_size(value)}, 0)" for value in values)
        cells.append(f"unnest(generate_series(1, greatest({sizes})))")
    alias = ctx.state.next_name("rel")
    names = [f"c{n}" for n in range(len(cells))]
    shown = ", ".join(f"{cell} AS {name}" for cell, name in zip(cells, names, strict=True))
    named = [Column(c.name, f"{alias}.{n}", c.type) for c, n in zip(columns, names, strict=True)]
    relation = Relation((str(node.alias).lower(),) if node.alias else (), _aliased(named, node))
    return f"LATERAL (SELECT {shown}) AS {alias}", [relation]


def _parts(value: Typed, node: Any) -> list[tuple[str | None, str, Any]]:
    kind = value.type
    if kind.name == "map":
        keys = (None, f"map_keys({value.sql})", kind.items[0])
        return [keys, (None, f"map_values({value.sql})", kind.items[1])]
    if kind.name != "array":
        raise mismatch(f"Cannot unnest type: {kind}", node)
    item = kind.items[0]
    if item.name != "row":
        return [(None, value.sql, item)]
    return [
        (
            item.fields[n],
            f"list_transform({value.sql}, lambda nested: struct_extract(nested, {text(field_name(item, n))}))",
            k,
        )
        for n, k in enumerate(item.items)
    ]


def _size(value: Typed) -> str:
    return f"CAST(cardinality({value.sql}) AS BIGINT)" if value.type.name == "map" else f"len({value.sql})"


def _aliased(columns: list[Column], node: Any) -> list[Column]:
    """The names of ``AS t (a, b, n)``. The grammar keeps the last one apart when WITH ORDINALITY stands before it."""
    alias, offset = node.args.get("alias"), node.args.get("offset")
    names = [str(part.this) for part in alias.columns] if alias is not None else []
    if is_a(offset, "Identifier"):
        names.append(str(offset.this))
    if not names:
        return columns
    if len(names) != len(columns):
        words = f"Column alias list has {len(names)} entries but '{alias.name}' has {len(columns)} columns available"
        raise AthenaSqlError("MISMATCHED_COLUMN_ALIASES", words, at=position(node))
    return [Column(name, column.sql, column.type) for name, column in zip(names, columns, strict=True)]
