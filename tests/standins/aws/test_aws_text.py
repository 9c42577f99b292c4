"""Statements told apart, values written, dates projected: the pure parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.standins.aws.athena_errors import QueryFailedError
from include.standins.aws.athena_lexer import Reader
from include.standins.aws.athena_projection import python_date_format
from include.standins.aws.athena_results import Column, _line, read_page, text
from include.standins.aws.athena_statements import (
    CreateTableAs,
    Execute,
    InsertInto,
    Query,
    Unload,
    parse_statement,
    statement_type,
)
from include.standins.aws.keep_service import reads_only
from include.standins.aws.sql_text import identifier, literal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("  SELECT 1 ;", Query("SELECT 1")),
        ("-- why\nWITH a AS (SELECT ';') SELECT * FROM a", Query("-- why\nWITH a AS (SELECT ';') SELECT * FROM a")),
        (
            (
                'CREATE TABLE IF NOT EXISTS "D".t '
                "WITH (format = 'PARQUET', partitioned_by = ARRAY['a', 'b']) AS SELECT ')' x"
            ),
            CreateTableAs(("d", "t"), "SELECT ')' x", {"format": "PARQUET", "partitioned_by": ["a", "b"]}, True, True),
        ),
        ("CREATE TABLE t AS (SELECT 1) WITH NO DATA", CreateTableAs((None, "t"), "SELECT 1", {}, False, False)),
        ("INSERT INTO d.t (b, a) SELECT 1, 2", InsertInto(("d", "t"), ["b", "a"], "SELECT 1, 2")),
        ("INSERT INTO t (SELECT 1)", InsertInto((None, "t"), [], "(SELECT 1)")),
        ("UNLOAD (SELECT f(')')) TO 's3://b/x'", Unload("SELECT f(')')", "s3://b/x", {})),
        ("EXECUTE p USING 'a,b', f(1, 2), 3", Execute("p", ["'a,b'", "f(1, 2)", "3"])),
    ],
)
def test_a_statement_is_told_apart_with_its_parts(sql: str, statement: object) -> None:
    assert parse_statement(sql) == statement


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELEKT 1",
        "EXPLAIN SELECT 1",
        "MERGE INTO t",
        "DELETE FROM t",
        "CREATE VIEW v AS SELECT 1",
        "GRANT x",
        "PRAGMA y",
    ],
)
def test_every_other_statement_is_refused(sql: str) -> None:
    with pytest.raises(QueryFailedError, match=r"SYNTAX_ERROR|NOT_SUPPORTED"):
        parse_statement(sql)


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(QueryFailedError, match=r"line 2:3: mismatched input 'x'"):
        parse_statement("UNLOAD (SELECT 1)\n  x 's3://b'")


@pytest.mark.parametrize(
    ("sql", "kind"), [("show tables", "UTILITY"), ("CREATE TABLE t AS", "DDL"), ("values 1", "DML")]
)
def test_statement_types_are_athenas(sql: str, kind: str) -> None:
    assert statement_type(sql) == kind


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        ("", ""),
        (True, "true"),
        (7, "7"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (0.0001, "1.0E-4"),
        (-0.001, "-0.001"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
        (Decimal("1.50"), "1.50"),
        (b"\x00\xff", "00 ff"),
        (datetime(2024, 1, 2, 3, 4, 5, 678000), "2024-01-02 03:04:05.678"),  # noqa: DTZ001 - a zoneless timestamp
        (datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2024-01-02 02:00:00.000 UTC"),
        (datetime(2024, 1, 2, tzinfo=UTC).date(), "2024-01-02"),
        ([1, None, "a"], "[1, null, a]"),
        ({"a": 1, "b": [True]}, "{a=1, b=[true]}"),
    ],
)
def test_values_are_written_as_athena_writes_them(value: object, written: str | None) -> None:
    assert text(value) == written


@pytest.mark.parametrize(
    ("kind", "base", "precision", "scale"),
    [
        ("decimal(10,2)", "decimal", 10, 2),
        ("timestamp(3) with time zone", "timestamp with time zone", 3, 0),
        ("row(a varchar, b array(bigint))", "row", 0, 0),
        ("varchar(5)", "varchar", 2147483647, 0),
        ("real", "float", 17, 0),
    ],
)
def test_result_types_are_named_without_their_sizes(kind: str, base: str, precision: int, scale: int) -> None:
    info = Column("c", kind).info()

    assert (info["Type"], info["Precision"], info["Scale"]) == (base, precision, scale)


CELLS = st.one_of(st.none(), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8))


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8)),
    st.integers(1, 3),
)
def test_pages_give_back_exactly_the_rows_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str | None]], limit: int
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "page.csv"
    path.write_bytes("".join(map(_line, rows)).encode())

    found: list[list[str | None]] = []
    offset: int | None = 0
    while offset is not None:
        page = read_page(path, offset=offset, limit=limit, is_csv=True)
        assert len(page.rows) <= limit
        found += page.rows
        offset = page.next_offset

    assert found == rows


@settings(deadline=None)
@given(st.text())
def test_quoted_text_stays_one_token(words: str) -> None:
    sql = f"{literal(words)}{identifier(words or 'x')}"
    tokens = Reader(f"{sql}-").sql

    assert sql.startswith("'")
    assert tokens.startswith(literal(words))
    first = Reader(literal(words))
    assert first.string() == words
    first.end()


@pytest.mark.parametrize(
    ("java", "python"),
    [("yyyy-MM-dd-HH", "%Y-%m-%d-%H"), ("yyyy/MM/dd", "%Y/%m/%d"), ("yyyyMMdd'T'HHmmss", "%Y%m%dT%H%M%S")],
)
def test_java_date_patterns_are_understood(java: str, python: str) -> None:
    assert python_date_format(java) == python


@pytest.mark.parametrize(
    ("operation", "reads"),
    [
        ("GetItem", True),
        ("DescribeTable", True),
        ("ReceiveMessage", False),
        ("PutItem", False),
        ("Publish", False),
        ("TagResource", False),
    ],
)
def test_only_operations_that_read_leave_the_state_unwritten(operation: str, reads: bool) -> None:
    assert reads_only(operation) is reads
