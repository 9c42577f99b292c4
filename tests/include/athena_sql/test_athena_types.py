"""Type names between Hive, Trino and DuckDB; parameters; errors; the connection."""

from __future__ import annotations

import pytest

from include.athena_sql import (
    AthenaSqlError,
    TableSchema,
    athena_type,
    connect,
    duckdb_type,
    hive_type,
    substitute_parameters,
    translate_query,
)


@pytest.mark.parametrize(
    ("hive", "duckdb"),
    [
        ("string", "VARCHAR"),
        ("int", "INTEGER"),
        ("float", "FLOAT"),
        ("binary", "BLOB"),
        ("varchar(20)", "VARCHAR"),
        ("decimal(10,2)", "DECIMAL(10, 2)"),
        ("decimal", "DECIMAL(10, 0)"),
        ("timestamp", "TIMESTAMP"),
        ("array<struct<kind:string,value:string>>", 'STRUCT("kind" VARCHAR, "value" VARCHAR)[]'),
        ("map<string,array<int>>", "MAP(VARCHAR, INTEGER[])"),
        ("ARRAY<DOUBLE>", "DOUBLE[]"),
        ("struct<a:struct<b:map<string,decimal(5,1)>>>", 'STRUCT("a" STRUCT("b" MAP(VARCHAR, DECIMAL(5, 1))))'),
    ],
)
def test_a_glue_column_type_has_a_duckdb_type(hive: str, duckdb: str) -> None:
    assert duckdb_type(hive) == duckdb


@pytest.mark.parametrize(
    ("duckdb", "athena"),
    [
        ("VARCHAR", "varchar"),
        ("HUGEINT", "decimal"),
        ("FLOAT", "float"),
        ("INTEGER[]", "array"),
        ('STRUCT(a INTEGER, "b c" VARCHAR)', "row"),
        ("MAP(VARCHAR, INTEGER)", "map"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
        ("TIMESTAMP_NS", "timestamp"),
        ("BLOB", "varbinary"),
        ("JSON", "json"),
        ("DECIMAL(18,3)", "decimal"),
        ("INTERVAL", "interval day to second"),
        ('"NULL"', "unknown"),
    ],
)
def test_a_result_column_has_athenas_type_word(duckdb: str, athena: str) -> None:
    assert athena_type(duckdb) == athena


@pytest.mark.parametrize(
    ("duckdb", "hive"),
    [
        ("INTEGER", "int"),
        ("STRUCT(a INTEGER, b VARCHAR[])[]", "array<struct<a:int,b:array<string>>>"),
        ("MAP(VARCHAR, DECIMAL(10,2))", "map<string,decimal(10,2)>"),
        ("BLOB", "binary"),
        ("TIMESTAMP", "timestamp"),
        ("HUGEINT", "decimal(38,0)"),
    ],
)
def test_a_created_table_gets_hive_types(duckdb: str, hive: str) -> None:
    assert hive_type(duckdb) == hive


def test_a_type_that_hive_tables_cannot_hold_is_refused() -> None:
    with pytest.raises(AthenaSqlError, match="NOT_SUPPORTED"):
        hive_type("TIMESTAMP WITH TIME ZONE")


@pytest.mark.parametrize("text", ["nosuch", "array<", "struct<a>", "map<int>", "int int", "", "array<int>>"])
def test_a_text_that_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(AthenaSqlError, match="TYPE_NOT_FOUND"):
        duckdb_type(text)


def test_parameters_go_where_the_question_marks_are_and_nowhere_else() -> None:
    sql = """SELECT '?', "?" -- ?\n, /* ? */ ? FROM t WHERE a = ?"""

    filled = substitute_parameters(sql, ["'it''s'", "DATE '2024-01-01'"])

    assert filled == """SELECT '?', "?" -- ?\n, /* ? */ 'it''s' FROM t WHERE a = DATE '2024-01-01'"""


@pytest.mark.parametrize(("sql", "values"), [("SELECT ?", []), ("SELECT 1", ["1"]), ("SELECT ?, ?", ["1"])])
def test_a_wrong_number_of_parameters_is_refused(sql: str, values: list[str]) -> None:
    with pytest.raises(AthenaSqlError) as refused:
        substitute_parameters(sql, values)

    assert refused.value.code == "INVALID_PARAMETER_USAGE"


def test_schemas_may_be_a_function_or_a_mapping_by_name() -> None:
    schema = TableSchema({"a": "int"})
    asked: list[tuple[str | None, str]] = []

    def find(database: str | None, table: str) -> TableSchema:
        asked.append((database, table))
        return schema

    expected = translate_query("SELECT A FROM T", schemas=find, default_database="Lake")

    assert asked == [("lake", "t")]
    assert expected.duckdb_sql == 'SELECT rel_1."a" AS "A" FROM "lake"."t" AS rel_1'
    for mapping in ({("lake", "t"): schema}, {"lake.t": schema}, {"t": schema}):
        assert translate_query("SELECT A FROM T", schemas=mapping, default_database="lake") == expected


def test_a_translation_is_the_same_every_time() -> None:
    schemas = {"t": TableSchema({"a": "int"}, {"dt": "string", "h": "string"})}
    sql = "SELECT x.a FROM t x, t y, t z WHERE x.dt = 'a' AND y.dt = 'b' AND z.h = 'c'"

    assert len({translate_query(sql, schemas=schemas) for _ in range(20)}) == 1


def test_cursors_of_a_connection_share_its_functions() -> None:
    translated = translate_query(
        "SELECT 7 / 2, to_base(255, 16), contains('10.0.0.0/8', IPADDRESS '10.0.0.1')", schemas={}
    )

    with connect(threads=1) as connection:
        assert connection.cursor().execute(translated.duckdb_sql).fetchall() == [(3, "ff", True)]
