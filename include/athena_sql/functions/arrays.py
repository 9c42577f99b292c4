"""Arrays and maps (docs: functions/array, functions/map, functions/lambda)."""

from __future__ import annotations

from typing import Any

from include.athena_sql import casts
from include.athena_sql.calls import Call, Modifiers, builder, special
from include.athena_sql.coercion import can_coerce
from include.athena_sql.context import Context, Typed
from include.athena_sql.dispatch import compiles, expression, mismatch, typed
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.quoting import identifier, text
from include.athena_sql.syntax import is_a, literal_number, position
from include.athena_sql.type_names import field_name
from include.athena_sql.types import BIGINT, VARCHAR, array, map_of, row

TABLE = """
cardinality(array(T)) -> bigint | len($1)
cardinality(map(K, V)) -> bigint | CAST(cardinality($1) AS BIGINT)
contains(array(T), T) -> boolean | ath_contains($1, $2)
element_at(array(T), bigint) -> T | ath_element_at($1, $2)
element_at(map(K, V), K) -> V | map_extract_value($1, $2)
array_distinct(array(T)) -> array(T) | ath_distinct($1)
array_sort(array(T)) -> array(T) | list_sort($1, 'ASC', 'NULLS LAST')
array_max(array(T)) -> T | CASE WHEN NOT ath_has_null($1) THEN list_max($1) END
array_min(array(T)) -> T | CASE WHEN NOT ath_has_null($1) THEN list_min($1) END
array_position(array(T), T) -> bigint | ath_position($1, $2)
array_remove(array(T), T) -> array(T) | ath_remove($1, $2)
array_union(array(T), array(T)) -> array(T) | ath_distinct($1 || $2)
array_intersect(array(T), array(T)) -> array(T) | ath_intersect($1, $2)
array_except(array(T), array(T)) -> array(T) | ath_except($1, $2)
arrays_overlap(array(T), array(T)) -> boolean | ath_overlap($1, $2)
array_join(array(T), varchar) -> varchar | @array_join
array_join(array(T), varchar, varchar) -> varchar | @array_join
slice(array(T), bigint, bigint) -> array(T) | ath_slice($1, $2, $3)
trim_array(array(T), bigint) -> array(T) | ath_slice($1, 1, len($1) - $2)
repeat(T, bigint) -> array(T) | ath_repeat($1, $2)
flatten(array(array(T))) -> array(T) | ath_flatten($1)
ngrams(array(T), bigint) -> array(array(T)) | ath_ngrams($1, $2)
sequence(bigint, bigint) -> array(bigint) | ath_sequence($1, $2, CASE WHEN $1 <= $2 THEN 1 ELSE -1 END)
sequence(bigint, bigint, bigint) -> array(bigint) | ath_sequence($1, $2, $3)
sequence(date, date) -> array(date) | ath_days($1, $2)
sequence(D, D, interval day to second) -> array(D) | CAST(generate_series($1, $2, $3) AS $R)
sequence(D, D, interval year to month) -> array(D) | CAST(generate_series($1, $2, $3) AS $R)
filter(array(T), function(T, boolean)) -> array(T) | list_filter($1, $2)
transform(array(T), function(T, U)) -> array(U) | list_transform($1, $2)
any_match(array(T), function(T, boolean)) -> boolean | ath_verdict(list_transform($1, $2), true)
all_match(array(T), function(T, boolean)) -> boolean | ath_verdict(list_transform($1, $2), false)
none_match(array(T), function(T, boolean)) -> boolean | (NOT ath_verdict(list_transform($1, $2), true))
reduce(array(T), S, function(S, T, S), function(S, R)) -> R | @reduce
zip_with(array(T), array(U), function(T, U, R)) -> array(R) | @zip_with
map() -> map(T, U) | MAP([]::INTEGER[], []::INTEGER[])
map(array(K), array(V)) -> map(K, V) | ath_map($1, $2)
map_keys(map(K, V)) -> array(K) | map_keys($1)
map_values(map(K, V)) -> array(V) | map_values($1)
map_entries(map(K, V)) -> array(row(K, V)) | @map_entries
map_from_entries(array(row(K, V))) -> map(K, V) | @map_from_entries
multimap_from_entries(array(row(K, V))) -> map(K, array(V)) | @map_from_entries
map_concat(map(K, V), map(K, V)...) -> map(K, V) | map_concat($*)
map_filter(map(K, V), function(K, V, boolean)) -> map(K, V) | @map_lambda
transform_keys(map(K, V), function(K, V, U)) -> map(U, V) | @map_lambda
transform_values(map(K, V), function(K, V, U)) -> map(K, U) | @map_lambda
"""


@builder("array_join")
def _array_join(made: Call) -> Typed:
    """Elements as Trino prints them; NULL elements are left out or replaced."""
    item = made.arguments[0].type.items[0]
    shown = casts.explicit("joined", item, VARCHAR)
    if shown is None:
        raise mismatch(f"Input type {made.arguments[0].type} not supported", made.node)
    if len(made.arguments) == 3:
        shown = f"coalesce({shown}, {made.arguments[2].sql})"
    values = f"list_transform({made.arguments[0].sql}, lambda joined: {shown})"
    return Typed(f"array_to_string({values}, {made.arguments[1].sql})", VARCHAR)


@builder("map_entries")
def _map_entries(made: Call) -> Typed:
    fields = "struct_pack(field0 := pair.key, field1 := pair.value)"
    return Typed(f"list_transform(map_entries({made.arguments[0].sql}), lambda pair: {fields})", made.result)


@builder("map_from_entries")
def _map_from_entries(made: Call) -> Typed:
    pair = made.arguments[0].type.items[0]
    key, value = (f"struct_extract(pair, {text(field_name(pair, n))})" for n in (0, 1))
    entries = f"list_transform({made.arguments[0].sql}, lambda pair: struct_pack(key := {key}, value := {value}))"
    gathered = made.name == "multimap_from_entries"
    return Typed(f"{'ath_gathered_entries' if gathered else 'map_from_entries'}({entries})", made.result)


def _parameters(function: Typed) -> tuple[list[str], str]:
    head, _, body = function.sql.removeprefix("lambda ").partition(": ")
    return head.split(", "), body


@builder("reduce")
def _reduce(made: Call) -> Typed:
    values, start, step, finish = (argument.sql for argument in made.arguments)
    result = f"list_transform([list_reduce({values}, {step}, {start})], {finish})[1]"
    return Typed(f"CASE WHEN {values} IS NOT NULL THEN {result} END", made.arguments[3].type)


@builder("map_lambda")
def _map_lambda(made: Call) -> Typed:
    """A lambda of key and value, over the map's entries."""
    entries = f"map_entries({made.arguments[0].sql})"
    (key, value), body = _parameters(made.arguments[1])
    both = f"list_transform([entry.key], lambda {key}: list_transform([entry.value], lambda {value}: {body})[1])[1]"
    if made.name == "map_filter":
        return Typed(f"map_from_entries(list_filter({entries}, lambda entry: {both}))", made.arguments[0].type)
    parts = (both, "entry.value") if made.name == "transform_keys" else ("entry.key", both)
    packed = f"struct_pack(key := {parts[0]}, value := {parts[1]})"
    kind, (old_key, old_value) = made.arguments[1].type, made.arguments[0].type.items
    result = map_of(kind, old_value) if made.name == "transform_keys" else map_of(old_key, kind)
    return Typed(f"map_from_entries(list_transform({entries}, lambda entry: {packed}))", result)


@builder("zip_with")
def _zip_with(made: Call) -> Typed:
    """The shorter array is filled up with NULL."""
    (left, right), body = _parameters(made.arguments[2])
    item = f"list_transform([pair.a[n]], lambda {left}: list_transform([pair.b[n]], lambda {right}: {body})[1])[1]"
    rows = f"list_transform(generate_series(1, greatest(len(pair.a), len(pair.b))), lambda n: {item})"
    known = f"CASE WHEN pair.a IS NOT NULL AND pair.b IS NOT NULL THEN {rows} END"
    sides = f"struct_pack(a := {made.arguments[0].sql}, b := {made.arguments[1].sql})"
    sql = f"list_transform([{sides}], lambda pair: {known})[1]"
    return Typed(sql, array(made.arguments[2].type))


@special("zip")
def _zip(nodes: list[Any], node: Any, ctx: Context, around: Modifiers) -> Typed:
    """Arrays side by side as rows; shorter ones are filled up with NULL."""
    items = [expression(n, ctx) for n in nodes]
    if len(items) < 2 or around.any or any(item.type.name != "array" for item in items):
        raise mismatch("zip takes two or more arrays", node)
    sides = ", ".join(f"a{n} := {item.sql}" for n, item in enumerate(items))
    sizes = ", ".join(f"len(sides.a{n})" for n in range(len(items)))
    fields = ", ".join(f"{identifier(f'field{n}')} := sides.a{n}[n]" for n in range(len(items)))
    rows = f"list_transform(generate_series(1, greatest({sizes})), lambda n: struct_pack({fields}))"
    sql = f"list_transform([struct_pack({sides})], lambda sides: {rows})[1]"
    return typed(sql, array(row(tuple(item.type.items[0] for item in items))), *items)


@compiles("Bracket", args="this expressions")
def _subscript(node: Any, ctx: Context) -> Typed:
    value = expression(node.this, ctx)
    if len(node.expressions) != 1:
        raise mismatch("A subscript takes one value", node)
    index = expression(node.expressions[0], ctx)
    kind = value.type
    if kind.name == "array" and can_coerce(index.type, BIGINT):
        return typed(f"ath_subscript({value.sql}, {index.sql})", kind.items[0], value, index)
    if kind.name == "map" and can_coerce(index.type, kind.items[0]):
        return typed(
            f"ath_map_subscript({value.sql}, {casts.coerce(index, kind.items[0]).sql})", kind.items[1], value, index
        )
    if kind.name == "row":
        return _row_subscript(node, value)
    raise mismatch(f"Cannot apply operator: {kind}[{index.type}]", node)


def _row_subscript(node: Any, value: Typed) -> Typed:
    number = literal_number(node.expressions[0])
    if number is None or not 0 < number <= len(value.type.items):
        raise AthenaSqlError("INVALID_FUNCTION_ARGUMENT", "Invalid subscript of a row", at=position(node))
    return field_of(value, number - 1)


def field_of(value: Typed, index: int) -> Typed:
    """One field of a row."""
    sql = f"struct_extract({value.sql}, {text(field_name(value.type, index))})"
    return typed(sql, value.type.items[index], value)


def field_named(value: Typed, name: str, node: Any) -> Typed:
    """The field of a row with this name; raises AthenaSqlError where there is none."""
    if value.type.name == "row":
        for index, field in enumerate(value.type.fields):
            if field is not None and field.lower() == name.lower():
                return field_of(value, index)
    words = f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources"
    if value.type.name == "row":
        raise AthenaSqlError("COLUMN_NOT_FOUND", words, at=position(node))
    raise mismatch(f"Expression {name} is not of type ROW", node)


@compiles("Dot", args="this expression")
def _dot(node: Any, ctx: Context) -> Typed:
    if not is_a(node.expression, "Identifier"):
        raise AthenaSqlError("SYNTAX_ERROR", "mismatched input '('", at=position(node.expression))
    return field_named(expression(node.this, ctx), str(node.expression.this), node)
