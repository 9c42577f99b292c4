"""A connection, and tables with partition keys, for the Athena dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.athena_sql import TableSchema, connect, explain_error, translate_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

MAILS = TableSchema(
    {
        "id": "bigint",
        "sender": "struct<domain:string,score:double>",
        "urls": "array<struct<url:string,kind:string>>",
        "tags": "array<string>",
        "counts": "map<string,int>",
        "size": "int",
        "price": "decimal(10,2)",
        "received": "timestamp",
    },
    {"dt": "string", "region": "string"},
)
OTHER = TableSchema({"id": "bigint", "note": "string"}, {"dt": "string"})

_VIEWS = """
CREATE SCHEMA db;
CREATE VIEW db.mails AS SELECT * FROM (VALUES
    (1::BIGINT, {'domain': 'a.org', 'score': 0.5::DOUBLE},
     [{'url': 'http://a.org/', 'kind': 'link'}, {'url': 'http://b.org/', 'kind': 'res'}],
     ['x', 'y'], MAP(['n'], [1]), 10, 1.25::DECIMAL(10, 2), TIMESTAMP '2024-03-01 00:59:00',
     '2024-03-01', 'eu', 's3://lake/1'),
    (2, {'domain': 'b.org', 'score': NULL}, [], ['y'], MAP(['n', 'm'], [2, 3]), 20, 2.50,
     TIMESTAMP '2024-03-01 01:01:00', '2024-03-01', 'us', 's3://lake/2'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-02', 'eu', 's3://lake/3')
) AS t(id, sender, urls, tags, counts, size, price, received, dt, region, "$path");
CREATE VIEW db.other AS SELECT * FROM (VALUES
    (1::BIGINT, 'one', '2024-03-01', 's3://lake/o'), (4, 'four', '2024-03-02', 's3://lake/o')
) AS t(id, note, dt, "$path");
"""


@pytest.fixture(scope="session")
def schemas() -> dict[tuple[str, str], TableSchema]:
    return {("db", "mails"): MAILS, ("db", "other"): OTHER}


@pytest.fixture(scope="session")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(threads=1) as opened:
        opened.execute(_VIEWS)
        yield opened


@pytest.fixture(scope="session")
def run(
    connection: duckdb.DuckDBPyConnection, schemas: dict[Any, TableSchema]
) -> Callable[[str], list[tuple[Any, ...]]]:
    """Translate an Athena query and fetch its rows; failures arrive as AthenaSqlError."""
    import duckdb

    def rows(sql: str) -> list[tuple[Any, ...]]:
        translated = translate_query(sql, schemas=schemas, default_database="db")
        try:
            return connection.execute(translated.duckdb_sql).fetchall()
        except duckdb.Error as error:
            raise explain_error(error) from error

    return rows
