"""What must never reach DuckDB, and the words in which it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from include.athena_sql import AthenaSqlError, explain_error, translate_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.athena_sql import TableSchema

    Run = Callable[[str], list[tuple[Any, ...]]]

FOREIGN_FUNCTIONS = [
    "read_csv('x')", "read_parquet('x')", "read_text('/etc/hostname')", "read_blob('x')", "glob('*')", "getenv('HOME')",
    "current_setting('threads')", "pragma_version()", "duckdb_settings()", "list_transform(ARRAY[1], x -> x)",
    "list_value(1)", "struct_pack(1)", "error('x')", "hash('x')", "regexp_matches('a', 'a')", "strptime('x', 'y')",
    "string_agg('a', ',')", "epoch(now())", "printf('%d', 1)", "ath_fail('x', 1)", "ath_ip('x')", "nextval('s')",
    "array_to_string(ARRAY['a'], ',')", "quantile_disc(1, 0.5)", "ip_prefix(IPADDRESS '1.2.3.4', 8)", "nosuch()",
]  # fmt: skip
UNMODELLED = [
    "word_stem('running')", "human_readable_seconds(61)", "approx_set(1)", "merge(1)", "random()", "uuid()",
    "json_query('{}', 'lax $')",
]  # fmt: skip
FOREIGN_SYNTAX = [
    "SELECT 1::integer",
    "SELECT * EXCEPT (id) FROM mails",
    "SELECT DISTINCT ON (id) id FROM mails",
    "SELECT id FROM mails QUALIFY row_number() OVER () = 1",
    "SELECT id FROM mails GROUP BY ALL",
    "SELECT * FROM 'file.csv'",
    "SELECT * FROM read_csv('x')",
    "SELECT * FROM mails PIVOT (sum(id) FOR region IN ('eu'))",
    "SELECT [1, 2]",
    "SELECT {'a': 1}",
    "SELECT 'a' ILIKE 'A'",
    "SELECT 1 IS TRUE",
    "SELECT id FROM mails FOR VERSION AS OF 1",
    "SELECT id FROM mails TABLESAMPLE SYSTEM (10)",
    "SELECT id FROM mails MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS true)",
    "SELECT * FROM UNNEST(ARRAY[1]) AS t(a) JOIN LATERAL (SELECT 1) AS b ON a = 2",
    "SELECT id FROM mails FETCH FIRST 2 ROWS WITH TIES",
    "SELECT x'0'",
    "SELECT 1; SELECT 2",
    "DELETE FROM mails",
    "CREATE TABLE t AS SELECT 1",
    "COPY mails TO 'x'",
    "ATTACH 'x'",
    "PRAGMA version",
    "SET threads = 1",
    "INSTALL httpfs",
    "DESCRIBE mails",
    "SELECT",
    "",
    "SELECT 'unterminated",
]
DENIED = "cannot be resolved or requester is not authorized to access requested resources"
WORDS = [
    ("SELECT foo(1)", "SYNTAX_ERROR: line 1:8: Function 'foo' not registered"),
    ("SELECT 1,\n  Foo(1)", "SYNTAX_ERROR: line 2:3: Function 'foo' not registered"),
    ("SELECT nope FROM mails", f"COLUMN_NOT_FOUND: line 1:8: Column 'nope' {DENIED}"),
    ("SELECT m.nope FROM mails m", f"COLUMN_NOT_FOUND: line 1:8: Column 'm.nope' {DENIED}"),
    ("SELECT sender.nope FROM mails", f"COLUMN_NOT_FOUND: line 1:8: Column 'nope' {DENIED}"),
    ("SELECT 1 FROM nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nope' does not exist"),
    ("SELECT 1 FROM x.nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.x.nope' does not exist"),
    ("SELECT 1 FROM other.db.mails", "CATALOG_NOT_FOUND: line 1:15: Catalog 'other' does not exist"),
    (
        "SELECT md5(note) FROM other",
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar) for function md5. Expected: md5(varbinary)",
    ),
    ("SELECT 1 = 'a'", "TYPE_MISMATCH: line 1:8: Cannot apply operator: integer = varchar(1)"),
    ("SELECT dt + 1 FROM mails", "TYPE_MISMATCH: line 1:8: Cannot apply operator: varchar + integer"),
    ("SELECT DATE '2024-01-01' = '2024-01-01'", "TYPE_MISMATCH: line 1:13: Cannot apply operator: date = varchar(10)"),
    (
        "SELECT 1 FROM mails WHERE id",
        "TYPE_MISMATCH: line 1:27: WHERE clause must evaluate to a boolean (actual: bigint)",
    ),
    ("SELECT CAST(DATE '2024-01-01' AS bigint)", "TYPE_MISMATCH: line 1:18: Cannot cast date to bigint"),
    (
        "SELECT id FROM mails ORDER BY 2",
        "INVALID_COLUMN_REFERENCE: line 1:31: ORDER BY position 2 is not in select list",
    ),
    (
        "SELECT id FROM mails WHERE dt = ?",
        "INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 1 but found 0",
    ),
    ("SELECT FROM mails WHERE", None),
]
FAILURES = [
    ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT 1 % 0", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT 1.5 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT id / (id - id) FROM mails", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT CAST('abc' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to INT"),
    ("SELECT CAST('1.5' AS bigint)", "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to BIGINT"),
    ("SELECT CAST(' 1' AS bigint)", "INVALID_CAST_ARGUMENT: Cannot cast ' 1' to BIGINT"),
    ("SELECT CAST('yes' AS boolean)", "INVALID_CAST_ARGUMENT: Cannot cast 'yes' to BOOLEAN"),
    ("SELECT CAST('2024-13-01' AS date)", "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2024-13-01"),
    ("SELECT DATE '2024/01/01'", "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2024/01/01"),
    ("SELECT CAST('1.2.3' AS ipaddress)", "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 1.2.3"),
    ("SELECT ARRAY[1][0]", "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1"),
    ("SELECT ARRAY[1][-1]", "INVALID_FUNCTION_ARGUMENT: Array subscript is negative: -1"),
    (
        "SELECT ARRAY[1, 2, 3][5]",
        "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 5 > 3",
    ),
    ("SELECT element_at(ARRAY[1], 0)", "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1"),
    ("SELECT MAP(ARRAY['a'], ARRAY[1])['b']", "INVALID_FUNCTION_ARGUMENT: Key not present in map: b"),
    ("SELECT MAP(ARRAY['a', 'a'], ARRAY[1, 2])", "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed"),
    ("SELECT split('a', ',', 0)", "INVALID_FUNCTION_ARGUMENT: Limit must be positive"),
    ("SELECT split_part('a', ',', 0)", "INVALID_FUNCTION_ARGUMENT: Index must be greater than zero"),
    ("SELECT slice(ARRAY[1], 0, 1)", "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1"),
    ("SELECT json_parse('{')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '{'"),
    ("SELECT json_extract('{}', 'x')", "INVALID_FUNCTION_ARGUMENT: line 1:8: Invalid JSON path: 'x'"),
    ("SELECT date_parse('x', '%Y')", 'INVALID_FUNCTION_ARGUMENT: Invalid format: "x"'),
    (
        "SELECT date_add('hour', 1, DATE '2024-01-01')",
        "INVALID_FUNCTION_ARGUMENT: line 1:8: 'hour' is not a valid DATE field",
    ),
    ("SELECT now() AT TIME ZONE 'Mars/Base'", "INVALID_FUNCTION_ARGUMENT: 'Mars/Base' is not a valid time zone"),
    ("SELECT sequence(1, 5, -1)", None),
    ("SELECT from_base('z', 10)", "INVALID_FUNCTION_ARGUMENT: Not a valid base-10 number: z"),
    (
        "SELECT hamming_distance('a', 'ab')",
        "INVALID_FUNCTION_ARGUMENT: The input strings to hamming_distance function must have the same length",
    ),
]


def refusal(sql: str, schemas: dict[Any, TableSchema]) -> AthenaSqlError:
    with pytest.raises(AthenaSqlError) as refused:
        translate_query(sql, schemas=schemas, default_database="db")
    return refused.value


@pytest.mark.parametrize("call", FOREIGN_FUNCTIONS)
def test_a_function_outside_the_list_is_not_registered(schemas: dict[Any, TableSchema], call: str) -> None:
    name = call.split("(", maxsplit=1)[0]

    assert str(refusal(f"SELECT {call}", schemas)) == f"SYNTAX_ERROR: line 1:8: Function '{name}' not registered"


@pytest.mark.parametrize("call", UNMODELLED)
def test_a_function_that_trino_has_and_this_engine_lacks_is_refused_by_name(
    schemas: dict[Any, TableSchema], call: str
) -> None:
    error = refusal(f"SELECT {call}", schemas)

    assert error.code == "NOT_SUPPORTED"
    assert f"Function '{call.split('(', maxsplit=1)[0]}'" in error.message


@pytest.mark.parametrize("sql", FOREIGN_SYNTAX)
def test_syntax_outside_the_list_is_refused(schemas: dict[Any, TableSchema], sql: str) -> None:
    assert refusal(sql, schemas).code in {
        "SYNTAX_ERROR",
        "NOT_SUPPORTED",
        "INVALID_REQUEST",
        "TYPE_MISMATCH",
        "TABLE_NOT_FOUND",
    }


@pytest.mark.parametrize(("sql", "words"), WORDS)
def test_a_refusal_says_what_and_where_in_athenas_words(
    schemas: dict[Any, TableSchema], sql: str, words: str | None
) -> None:
    error = refusal(sql, schemas)

    assert words is None or str(error) == words


@pytest.mark.parametrize(("sql", "words"), FAILURES)
def test_a_failure_while_running_has_athenas_code_and_words(run: Run, sql: str, words: str | None) -> None:
    with pytest.raises(AthenaSqlError) as failed:
        run(sql)

    assert words is None or str(failed.value) == words


def test_an_overflow_is_out_of_range(run: Run) -> None:
    for sql in (
        "SELECT 2147483647 + 1",
        "SELECT CAST(3000000000 AS integer)",
        "SELECT sum(9223372036854775807) FROM mails",
    ):
        with pytest.raises(AthenaSqlError) as failed:
            run(sql)
        assert failed.value.code == "NUMERIC_VALUE_OUT_OF_RANGE"


def test_a_column_that_duckdb_misses_is_not_found() -> None:
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql("SELECT nope FROM (SELECT 1 AS a)")

    assert str(explain_error(raised.value)) == f"COLUMN_NOT_FOUND: Column 'nope' {DENIED}"


def test_a_guard_is_not_bypassed_by_an_error_in_the_branch_it_closes(run: Run) -> None:
    rows = run("SELECT CASE WHEN id > 1 THEN 10 / (id - 1) ELSE 0 END FROM mails ORDER BY id")

    assert rows == [(0,), (10,), (5,)]


def test_texts_and_names_cannot_leave_their_quotes(run: Run) -> None:
    assert run("""SELECT 'it''s -- not "a" comment; DROP' AS "x"";--" """) == [("""it's -- not "a" comment; DROP""",)]


def test_the_zone_of_a_columns_text_is_never_lost_silently(run: Run) -> None:
    texts = "(VALUES '2024-01-01T02:00:00+02:00') AS t(x)"

    with pytest.raises(AthenaSqlError, match="NOT_SUPPORTED: The zone of 2024"):
        run(f"SELECT hour(from_iso8601_timestamp(x)) FROM {texts}")
    with pytest.raises(AthenaSqlError, match="NOT_SUPPORTED: The zone of 2024"):
        run(f"SELECT parse_datetime(replace(x, 'T', ' '), 'yyyy-MM-dd HH:mm:ssZZ') FROM {texts}")
    with pytest.raises(AthenaSqlError, match="NOT_SUPPORTED: The zone of 2024"):
        run(f"SELECT date_trunc('day', from_iso8601_timestamp(x)) AT TIME ZONE 'UTC' FROM {texts}")
    with pytest.raises(AthenaSqlError, match="NOT_SUPPORTED: line 1:17: Times of different zones"):
        run("SELECT if(true, now(), now() AT TIME ZONE 'Asia/Tokyo')")

    assert run(f"SELECT hour(from_iso8601_timestamp(x) AT TIME ZONE 'Asia/Tokyo') FROM {texts}") == [(9,)]
    assert run(f"SELECT to_unixtime(from_iso8601_timestamp(x)) FROM {texts}") == [(1704067200.0,)]


def test_a_condition_of_a_thousand_terms_is_translated(run: Run) -> None:
    terms = " OR ".join(f"id = {n}" for n in range(2, 1002))

    assert run(f"SELECT count(*) FROM mails WHERE ({terms}) AND dt = '2024-03-01'") == [(1,)]
