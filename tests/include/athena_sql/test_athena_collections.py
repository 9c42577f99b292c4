"""Arrays, maps, JSON and lambdas: what one expression gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[[str], list[tuple[Any, ...]]]


ARRAYS = [
    ("cardinality(ARRAY[1, 2, NULL])", 3),
    ("cardinality(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", 2),
    ("ARRAY[5, 6][2]", 6),
    ("element_at(ARRAY[5, 6], -1)", 6),
    ("element_at(ARRAY[5, 6], 9)", None),
    ("slice(ARRAY[1, 2, 3, 4], 2, 2)", [2, 3]),
    ("slice(ARRAY[1, 2, 3], -2, 2)", [2, 3]),
    ("slice(ARRAY[1, 2, 3], -9, 2)", []),
    ("slice(ARRAY[1, 2, 3], 2, 0)", []),
    ("slice(ARRAY[1, 2, 3], 3, 5)", [3]),
    ("contains(ARRAY[1, 2], 2)", True),
    ("contains(ARRAY[1, NULL], 2)", None),
    ("contains(ARRAY[1], NULL)", None),
    ("array_position(ARRAY['a', 'b'], 'b')", 2),
    ("array_position(ARRAY['a', 'b'], 'c')", 0),
    ("array_distinct(ARRAY[3, 1, 3, NULL, NULL, 1])", [3, 1, None]),
    ("array_sort(ARRAY[3, NULL, 1])", [1, 3, None]),
    ("array_max(ARRAY[1, 3, 2])", 3),
    ("array_max(ARRAY[1, NULL])", None),
    ("array_min(ARRAY[3, 1])", 1),
    ("array_remove(ARRAY[1, 2, 1, NULL], 1)", [2, None]),
    ("array_union(ARRAY[1, 2], ARRAY[2, 3])", [1, 2, 3]),
    ("array_intersect(ARRAY[1, 2, 2, NULL], ARRAY[2, NULL])", [2, None]),
    ("array_except(ARRAY[1, 2, 1, NULL], ARRAY[2])", [1, None]),
    ("arrays_overlap(ARRAY[1, 2], ARRAY[2, 3])", True),
    ("arrays_overlap(ARRAY[1, NULL], ARRAY[2])", None),
    ("arrays_overlap(ARRAY[1], ARRAY[2])", False),
    ("array_join(ARRAY[1, NULL, 3], '-')", "1-3"),
    ("array_join(ARRAY['a', NULL], ',', '?')", "a,?"),
    ("ARRAY[1] || ARRAY[2] || 3", [1, 2, 3]),
    ("concat(ARRAY[1], ARRAY[2, 3])", [1, 2, 3]),
    ("flatten(ARRAY[ARRAY[1], NULL, ARRAY[2, 3]])", [1, 2, 3]),
    ("reverse(ARRAY[1, 2, 3])", [3, 2, 1]),
    ("repeat('x', 3)", ["x", "x", "x"]),
    ("sequence(1, 5)", [1, 2, 3, 4, 5]),
    ("sequence(5, 1)", [5, 4, 3, 2, 1]),
    ("sequence(1, 6, 2)", [1, 3, 5]),
    ("cardinality(sequence(DATE '2020-01-01', DATE '2020-01-31'))", 31),
    (
        "array_join(sequence(DATE '2020-01-30', DATE '2020-02-01', INTERVAL '1' DAY), ' ')",
        "2020-01-30 2020-01-31 2020-02-01",
    ),
    ("cardinality(sequence(TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 12:00:00', INTERVAL '3' HOUR))", 5),
    ("ngrams(ARRAY['a', 'b', 'c'], 2)", [["a", "b"], ["b", "c"]]),
    ("trim_array(ARRAY[1, 2, 3], 1)", [1, 2]),
    ("cardinality(zip(ARRAY[1, 2], ARRAY['a']))", 2),
    ("zip(ARRAY[1, 2], ARRAY['a'])[2][1]", 2),
    ("zip(ARRAY[1, 2], ARRAY['a'])[2][2]", None),
    ("ARRAY[1, 2] = ARRAY[1, 2]", True),
    ("ARRAY[]", []),
    ("cardinality(ARRAY[1, 2.5])", 2),
]
LAMBDAS = [
    ("transform(ARRAY[5, NULL, 6], x -> x + 1)", [6, None, 7]),
    ("transform(ARRAY[1, 2], x -> transform(ARRAY[10], y -> x + y))", [[11], [12]]),
    ("filter(ARRAY[5, -6, NULL, 7], x -> x > 0)", [5, 7]),
    ("reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", 75),
    ("reduce(ARRAY[]  , 7, (s, x) -> s, s -> s * 2)", 14),
    ("reduce(ARRAY['a', 'b'], '', (s, x) -> s || x, s -> upper(s))", "AB"),
    ("zip_with(ARRAY[1, 3, 5], ARRAY['a', 'b'], (x, y) -> coalesce(y, '?') || CAST(x AS varchar))", ["a1", "b3", "?5"]),
    ("any_match(ARRAY[1, 2], x -> x = 2)", True),
    ("any_match(ARRAY[1, NULL], x -> x = 2)", None),
    ("any_match(ARRAY[], x -> x = 2)", False),
    ("all_match(ARRAY[1, 2], x -> x > 0)", True),
    ("all_match(ARRAY[1, NULL], x -> x > 0)", None),
    ("all_match(ARRAY[1, 0, NULL], x -> x > 0)", False),
    ("none_match(ARRAY[1, 2], x -> x > 5)", True),
    ("none_match(ARRAY[1, NULL], x -> x = 1)", False),
    ("map_filter(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1)", {"b": 2}),
    ("transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> k || CAST(v AS varchar))", {"a": "a1"}),
    ("transform_keys(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> upper(k))", {"A": 1}),
]
MAPS = [
    ("MAP(ARRAY['a'], ARRAY[1])['a']", 1),
    ("element_at(MAP(ARRAY['a'], ARRAY[1]), 'z')", None),
    ("map_keys(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", ["a", "b"]),
    ("map_values(MAP(ARRAY['a', 'b'], ARRAY[1, NULL]))", [1, None]),
    ("map_entries(MAP(ARRAY['a'], ARRAY[1]))[1][2]", 1),
    ("map_from_entries(ARRAY[(1, 'x'), (2, 'y')])[2]", "y"),
    ("multimap_from_entries(ARRAY[(1, 'x'), (2, 'y'), (1, 'z')])[1]", ["x", "z"]),
    ("map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a', 'b'], ARRAY[2, 3]))", {"a": 2, "b": 3}),
    ("cardinality(MAP())", 0),
]
JSON = [
    ('json_extract_scalar(\'{"a":{"b":"c"}}\', \'$.a.b\')', "c"),
    ("json_extract_scalar('{\"a\":1}', '$.a')", "1"),
    ("json_extract_scalar('{\"a\":[1]}', '$.a')", None),
    ("json_extract_scalar('{\"a\":null}', '$.a')", None),
    ("json_extract_scalar('{\"a.b\":5}', '$[\"a.b\"]')", "5"),
    ("json_extract_scalar('[1,2]', '$[1]')", "2"),
    ("json_extract_scalar('{\"a\":1}', '$.A')", None),
    ("json_extract_scalar('not json', '$.a')", None),
    ("json_format(json_extract('{\"a\": [1, 2]}', '$.a'))", "[1,2]"),
    ('json_format(json_parse(\'{"b": 1, "a": 2}\'))', '{"a":2,"b":1}'),
    ("JSON '{\"a\": 1}' = json_parse('{\"a\":1}')", True),
    ('json_size(\'{"x": {"a": 1, "b": 2}}\', \'$.x\')', 2),
    ("json_size('{\"x\": [1, 2, 3]}', '$.x')", 3),
    ("json_size('{\"x\": 1}', '$.x')", 0),
    ("json_size('{\"x\": 1}', '$.y')", None),
    ("json_array_length('[1, 2, 3]')", 3),
    ("json_array_contains('[1, 2, 3]', 2)", True),
    ("json_array_contains('[\"2\"]', 2)", False),
    ("json_array_contains('[\"a\"]', 'a')", True),
    ("json_array_contains('[true]', true)", True),
    ("json_array_contains('{}', 1)", None),
    ("is_json_scalar('[1]')", False),
    ("is_json_scalar('1')", True),
    ("CAST(json_parse('[1, 2]') AS array(bigint))", [1, 2]),
    ("CAST(JSON '{\"a\": 1}' AS map(varchar, integer))", {"a": 1}),
    ('CAST(JSON \'{"b": "x", "a": 1}\' AS ROW(a bigint, b varchar)).b', "x"),
    ("CAST(JSON '\"x\"' AS varchar)", "x"),
    ("CAST(JSON '1.6' AS bigint)", 2),
    ("CAST(JSON 'null' AS bigint)", None),
    ("json_format(CAST(ARRAY[1, NULL] AS JSON))", "[1,null]"),
    ("json_format(CAST(CAST(ROW(1, 'x') AS ROW(a bigint, b varchar)) AS JSON))", '{"a":1,"b":"x"}'),
    ("json_format(CAST('x' AS JSON))", '"x"'),
    ("json_format(CAST(MAP(ARRAY['k'], ARRAY[DATE '2020-01-01']) AS JSON))", '{"k":"2020-01-01"}'),
]


def _cases() -> list[Any]:
    return [pytest.param(sql, expected, id=sql) for topic in (ARRAYS, LAMBDAS, MAPS, JSON) for sql, expected in topic]


@pytest.mark.parametrize(("sql", "expected"), _cases())
def test_a_collection_expression_gives_what_trino_documents(run: Run, sql: str, expected: Any) -> None:
    (value,) = run(f"SELECT {sql}")[0]

    assert value == expected
