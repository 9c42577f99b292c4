"""Which rows a table read may skip: conditions on partition columns and "$path" alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.athena_sql import TableRead, translate_query

if TYPE_CHECKING:
    from include.athena_sql import TableSchema

EU, DAY = "(\"region\" = 'eu')", "(\"dt\" = '2024-03-01')"
SINCE = "(\"dt\" >= '2024-03-01')"

ONE_TABLE = [
    ("SELECT id FROM mails", None),
    ("SELECT id FROM mails WHERE dt = '2024-03-01'", DAY),
    ("SELECT id FROM mails WHERE dt = '2024-03-01' AND region = 'eu'", f"{DAY} AND {EU}"),
    ("SELECT id FROM mails WHERE dt = '2024-03-01' AND id = 1", DAY),
    ("SELECT id FROM mails WHERE dt = '2024-03-01' OR id = 1", None),
    ("SELECT id FROM mails WHERE dt = '2024-03-01' OR region = 'eu'", f"({DAY} OR {EU})"),
    ("SELECT id FROM mails WHERE (dt = '2024-03-01' AND id = 1) OR (region = 'eu' AND id = 2)", f"({DAY} OR {EU})"),
    ("SELECT id FROM mails WHERE (dt = '2024-03-01' AND id = 1) OR id = 2", None),
    ("SELECT id FROM mails WHERE NOT (dt = '2024-03-01')", f"(NOT {DAY})"),
    ("SELECT id FROM mails WHERE NOT (dt = '2024-03-01' AND id = 1)", None),
    (
        "SELECT id FROM mails WHERE dt BETWEEN '2024-03-01' AND '2024-03-02'",
        "(\"dt\" BETWEEN '2024-03-01' AND '2024-03-02')",
    ),
    ("SELECT id FROM mails WHERE region IN ('eu', 'us')", "(\"region\" IN ('eu', 'us'))"),
    ("SELECT id FROM mails WHERE dt LIKE '2024-03%'", "(\"dt\" LIKE '2024-03%')"),
    (
        "SELECT id FROM mails WHERE substr(dt, 1, 7) = '2024-03'",
        "(ath_substr_length(\"dt\", CAST(1 AS BIGINT), CAST(7 AS BIGINT)) = '2024-03')",
    ),
    ("SELECT id FROM mails WHERE dt = region", '("dt" = "region")'),
    ("SELECT id FROM mails WHERE dt = CAST(id AS varchar)", None),
    ("SELECT id FROM mails WHERE 1 = 1", None),
    ("SELECT id FROM mails WHERE \"$path\" LIKE '%/1'", "(\"$path\" LIKE '%/1')"),
    ("SELECT id FROM mails WHERE dt = (SELECT max(dt) FROM other)", None),
    ("SELECT m.id FROM mails AS m WHERE m.dt = '2024-03-01'", DAY),
    ("SELECT id FROM mails AS m (id, a, b, c, d, e, f, g, day, r) WHERE day = '2024-03-01'", DAY),
    ("SELECT id FROM mails GROUP BY id, dt HAVING dt = '2024-03-01'", None),
    ("SELECT id, u FROM mails CROSS JOIN UNNEST(tags) AS t(u) WHERE dt = '2024-03-01' AND u = 'x'", DAY),
    ("SELECT id FROM mails LEFT JOIN UNNEST(tags) AS t(u) ON TRUE WHERE dt = '2024-03-01'", DAY),
]
THROUGH_QUERIES = [
    ("SELECT id FROM (SELECT id, dt AS day FROM mails) WHERE day = '2024-03-01'", DAY),
    ("SELECT id FROM (SELECT * FROM mails) AS x WHERE x.dt = '2024-03-01'", DAY),
    ("SELECT id FROM (SELECT id, dt FROM mails WHERE region = 'eu') WHERE dt = '2024-03-01'", f"{EU} AND {DAY}"),
    ("SELECT id FROM (SELECT id, upper(dt) AS dt FROM mails) WHERE dt = '2024-03-01'", None),
    ("SELECT id FROM (SELECT id, dt FROM mails LIMIT 5) WHERE dt = '2024-03-01'", None),
    ("SELECT n FROM (SELECT dt, count(*) AS n FROM mails GROUP BY dt) WHERE dt = '2024-03-01'", DAY),
    ("SELECT n FROM (SELECT dt, count(*) AS n FROM mails GROUP BY dt) WHERE n = 1", None),
    ("SELECT n FROM (SELECT max(dt) AS dt, count(*) AS n FROM mails) WHERE dt = '2024-03-01'", None),
    ("SELECT id FROM (SELECT id, dt, row_number() OVER () AS n FROM mails) WHERE dt = '2024-03-01'", None),
    ("WITH q AS (SELECT id, dt FROM mails) SELECT id FROM q WHERE dt = '2024-03-01'", DAY),
    (
        "WITH q AS (SELECT id, dt FROM mails WHERE region = 'eu') SELECT id FROM q WHERE dt = '2024-03-01'",
        f"{EU} AND {DAY}",
    ),
    ("WITH q AS (SELECT id, dt FROM mails) SELECT a.id FROM q a, q b WHERE a.dt = '2024-03-01'", None),
    (
        (
            "WITH q AS (SELECT id, dt, region FROM mails) "
            "SELECT a.id FROM q a, q b WHERE a.dt = '2024-03-01' AND b.region = 'eu'"
        ),
        f"({DAY}) OR ({EU})",
    ),
    (
        "WITH q AS (SELECT dt FROM mails), r AS (SELECT dt FROM q) SELECT dt FROM r WHERE dt = '2024-03-01'",
        DAY,
    ),
    (
        (
            "WITH q AS (SELECT dt, id FROM mails), r AS (SELECT a.dt FROM q a JOIN q b ON a.id = b.id) "
            "SELECT dt FROM r WHERE dt = '2024-03-01'"
        ),
        None,
    ),
    ("SELECT id FROM other o WHERE EXISTS (SELECT 1 FROM mails WHERE dt = '2024-03-01' AND mails.id = o.id)", DAY),
    ("SELECT dt FROM (SELECT dt FROM mails UNION ALL SELECT dt FROM mails) WHERE dt = '2024-03-01'", None),
]
JOINS = [
    ("SELECT 1 FROM mails m JOIN other o ON m.id = o.id WHERE m.dt = '2024-03-01'", DAY, None),
    ("SELECT 1 FROM mails m JOIN other o ON m.id = o.id AND m.dt = '2024-03-01'", DAY, None),
    ("SELECT 1 FROM mails m JOIN other o USING (dt) WHERE dt = '2024-03-01'", DAY, None),
    ("SELECT 1 FROM mails m, other o WHERE m.dt = '2024-03-01' AND o.dt >= '2024-03-01'", DAY, SINCE),
    ("SELECT 1 FROM mails m, other o WHERE m.dt = o.dt", None, None),
    ("SELECT 1 FROM mails m LEFT JOIN other o ON m.id = o.id WHERE o.dt = '2024-03-01'", None, None),
    ("SELECT 1 FROM mails m LEFT JOIN other o ON m.id = o.id AND o.dt >= '2024-03-01'", None, SINCE),
    ("SELECT 1 FROM mails m LEFT JOIN other o ON m.id = o.id AND m.dt = '2024-03-01'", None, None),
    ("SELECT 1 FROM mails m LEFT JOIN other o ON m.id = o.id WHERE m.dt = '2024-03-01'", DAY, None),
    ("SELECT 1 FROM other o RIGHT JOIN mails m ON m.id = o.id WHERE m.dt = '2024-03-01'", DAY, None),
    (
        "SELECT 1 FROM mails m FULL JOIN other o ON m.id = o.id AND m.dt = '2024-03-01' WHERE m.dt = '2024-03-01'",
        None,
        None,
    ),
    (
        "SELECT 1 FROM mails m JOIN other o ON m.id = o.id FULL JOIN other p ON p.id = m.id WHERE m.dt = '2024-03-01'",
        None,
        None,
    ),
    (
        "SELECT 1 FROM (SELECT m.dt FROM other o LEFT JOIN mails m ON m.id = o.id) WHERE dt = '2024-03-01'",
        None,
        None,
    ),
]


def reads(sql: str, schemas: dict[Any, TableSchema]) -> dict[str, TableRead]:
    return {read.table: read for read in translate_query(sql, schemas=schemas, default_database="db").tables}


@pytest.mark.parametrize(("sql", "pushed"), ONE_TABLE + THROUGH_QUERIES)
def test_only_what_partition_columns_decide_is_pushed(
    schemas: dict[Any, TableSchema], sql: str, pushed: str | None
) -> None:
    assert reads(sql, schemas)["mails"].pushed == pushed


@pytest.mark.parametrize(("sql", "mails", "other"), JOINS)
def test_a_join_pushes_to_the_side_that_cannot_become_null(
    schemas: dict[Any, TableSchema], sql: str, mails: str | None, other: str | None
) -> None:
    found = reads(sql, schemas)

    assert (found["mails"].pushed, found["other"].pushed) == (mails, other)


@pytest.mark.parametrize(
    ("sql", "pushed"),
    [
        ("SELECT 1 FROM mails a, mails b WHERE a.dt = '2024-03-01' AND b.region = 'eu'", f"({DAY}) OR ({EU})"),
        ("SELECT 1 FROM mails a, mails b WHERE a.dt = '2024-03-01' AND b.dt = '2024-03-01'", DAY),
        ("SELECT 1 FROM mails a, mails b WHERE a.dt = '2024-03-01'", None),
        (
            "SELECT id FROM mails WHERE dt = '2024-03-01' UNION ALL SELECT id FROM mails WHERE region = 'eu'",
            f"({DAY}) OR ({EU})",
        ),
    ],
)
def test_a_table_read_twice_keeps_what_either_mention_needs(
    schemas: dict[Any, TableSchema], sql: str, pushed: str | None
) -> None:
    assert reads(sql, schemas)["mails"].pushed == pushed


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT count(*) FROM mails", ()),
        ("SELECT id FROM mails WHERE dt = 'x'", ("dt", "id")),
        ("SELECT sender.domain FROM mails ORDER BY size", ("sender", "size")),
        ("SELECT id FROM (SELECT * FROM mails)", ("id",)),
        (
            "WITH q AS (SELECT id, size, upper(region) AS r FROM mails WHERE price > 1) SELECT r FROM q",
            ("price", "region"),
        ),
        ("SELECT count(*) FROM (SELECT DISTINCT size FROM mails)", ("size",)),
        ("SELECT n FROM (SELECT region, count(*) AS n, sum(size) AS s FROM mails GROUP BY region)", ("region",)),
        ("SELECT 1 FROM other WHERE id IN (SELECT id FROM mails WHERE size > 1)", ("id", "size")),
        ("SELECT n FROM (SELECT region, count(*) AS n FROM mails GROUP BY 1)", ("region",)),
        ("SELECT a FROM (SELECT id AS a, dt AS d FROM mails ORDER BY d LIMIT 1)", ("dt", "id")),
        ("SELECT 1 FROM mails JOIN other USING (dt)", ("dt",)),
        ('SELECT "$path" FROM mails', ("$path",)),
        ("SELECT a.id FROM mails a JOIN mails b ON a.size = b.id", ("id", "size")),
    ],
)
def test_only_the_columns_that_the_result_needs_are_read(
    schemas: dict[Any, TableSchema], sql: str, columns: tuple[str, ...]
) -> None:
    assert reads(sql, schemas)["mails"].columns == columns


def test_a_with_query_that_nobody_mentions_reads_nothing(schemas: dict[Any, TableSchema]) -> None:
    translated = translate_query(
        "WITH q AS (SELECT id FROM mails), r AS (SELECT id FROM q) SELECT 1", schemas=schemas, default_database="db"
    )

    assert translated.tables == ()
    assert "mails" not in translated.duckdb_sql


def test_pruned_rows_are_exactly_the_rows_that_could_not_reach_the_result(
    connection: Any, schemas: dict[Any, TableSchema]
) -> None:
    for sql, _ in ONE_TABLE + THROUGH_QUERIES:
        translated = translate_query(sql, schemas=schemas, default_database="db")
        condition = next(read for read in translated.tables if read.table == "mails").pushed
        full = connection.execute(translated.duckdb_sql).fetchall()
        connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM db.mails WHERE {condition or 'true'}")
        pruned_sql = translated.duckdb_sql.replace('"db"."mails"', "temp.kept")

        assert sorted(connection.execute(pruned_sql).fetchall(), key=repr) == sorted(full, key=repr), sql

        connection.execute("DROP TABLE temp.kept")
