"""SELECT answers as SQL Server's documentation says, over a real database."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from tests.standins.sqlserver.engine_lab import Lab

at = datetime.fromisoformat
TABLES = """
CREATE TABLE people (id int NOT NULL PRIMARY KEY, name nvarchar(20) NULL, city varchar(10), pay decimal(10,2),
    born date);
CREATE TABLE visits (id int IDENTITY PRIMARY KEY, person int, at datetime2(3), weight float, token uniqueidentifier);
INSERT INTO people VALUES (1, N'Ann', 'Bonn', 10.10, '1990-01-01'), (2, N'bob', 'Köln', 20.20, '1991-06-15'),
    (3, N'Änne', 'bonn ', 30.30, NULL), (4, NULL, NULL, NULL, '2000-02-29');
INSERT INTO visits (person, at, weight, token) VALUES
    (1, '2024-01-01T10:00:00', 1.5, '00000000-0000-0000-0000-000000000002'),
    (1, '2024-01-02T11:30:00', 2.5, '00000000-0000-0000-0000-010000000000'),
    (2, '2024-02-01T00:00:00.123', NULL, NULL);
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("select"))
    setting_up = lab.session()
    setting_up.run("CREATE DATABASE d")
    session = lab.session("d")
    session.run(TABLES)
    yield session
    lab.close()


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        # literals and operators
        ("SELECT 1, 'a', N'ä', 1.5, 1e1, 0x01, NULL", [(1, "a", "ä", Decimal("1.5"), 10.0, b"\1", None)]),
        ("SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.0 / 2", [(3, -3, 1, -1, Decimal("3.500000"))]),
        ("SELECT 2.0 / 3, 1 / 3.0, 0.1 + 0.2", [(Decimal("0.666666"), Decimal("0.333333"), Decimal("0.3"))]),
        ("SELECT 'a' + 'b', 'a' + NULL, 1 + '2'", [("ab", None, 3)]),
        ("SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5, -(-3)", [(1, 7, 6, -6, 3)]),
        ("SELECT 1 WHERE 'a' = 'A ' AND 'a' <> 'á'", [(1,)]),
        ("SELECT 1 WHERE NULL = NULL OR NOT (NULL <> 1)", []),
        ("SELECT 1 WHERE 2 BETWEEN 1 AND 3 AND 2 NOT BETWEEN 3 AND 4", [(1,)]),
        ("SELECT 1 WHERE '10' > 9", [(1,)]),
        ("SELECT 1 WHERE 1.10 = 1.1 AND 1.0 = 1", [(1,)]),
        # sources
        ("SELECT id FROM people WHERE city = 'BONN'", [(1,), (3,)]),
        ("SELECT ID FROM People P WHERE p.iD = 2", [(2,)]),
        (
            "SELECT p.id, v.weight FROM people p JOIN visits v ON v.person = p.id ORDER BY 2",
            [(2, None), (1, 1.5), (1, 2.5)],
        ),
        (
            "SELECT p.id FROM people p LEFT JOIN visits v ON v.person = p.id WHERE v.id IS NULL ORDER BY p.id",
            [(3,), (4,)],
        ),
        ("SELECT COUNT(*) FROM people, visits", [(12,)]),
        ("SELECT COUNT(*) FROM people a FULL JOIN visits b ON a.id = b.person + 2", [(5,)]),
        ("SELECT x.n FROM (SELECT name FROM people WHERE id < 3) AS x(n) ORDER BY n", [("Ann",), ("bob",)]),
        ("SELECT s, i FROM (VALUES (1, 'a'), (2, 'b')) v(i, s) WHERE i = 2", [("b", 2)]),
        ("SELECT d.dbo.people.id FROM d.dbo.people WHERE dbo.people.id = 1", [(1,)]),
        ("SELECT name FROM d..people WHERE id = 2", [("bob",)]),
        ("WITH a AS (SELECT id FROM people), b(x) AS (SELECT id * 2 FROM a) SELECT MAX(x) FROM b", [(8,)]),
        (
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT COUNT(*), SUM(i) FROM n",
            [(10, 55)],
        ),
        # order, top, offset
        ("SELECT name FROM people ORDER BY name", [(None,), ("Ann",), ("Änne",), ("bob",)]),
        ("SELECT name FROM people ORDER BY name DESC", [("bob",), ("Änne",), ("Ann",), (None,)]),
        ("SELECT id AS n FROM people ORDER BY n DESC, 1", [(4,), (3,), (2,), (1,)]),
        ("SELECT TOP (2) id FROM people ORDER BY pay DESC", [(3,), (2,)]),
        ("SELECT id FROM people ORDER BY id OFFSET 1 ROW FETCH NEXT 2 ROWS ONLY", [(2,), (3,)]),
        (
            "SELECT token FROM visits WHERE token IS NOT NULL ORDER BY token",
            [(UUID("00000000-0000-0000-0000-000000000002"),), (UUID("00000000-0000-0000-0000-010000000000"),)],
        ),
        # sets
        ("SELECT 'a' UNION SELECT 'A ' UNION SELECT 'b' ORDER BY 1", [("A ",), ("b",)]),
        ("SELECT 1 UNION ALL SELECT 1.5", [(Decimal("1.0"),), (Decimal("1.5"),)]),
        ("SELECT id FROM people EXCEPT SELECT person FROM visits ORDER BY id", [(3,), (4,)]),
        ("SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1", [(1,), (2,)]),
        ("SELECT * FROM (SELECT TOP 1 id FROM people ORDER BY id DESC) a UNION ALL SELECT 9", [(4,), (9,)]),
        # groups and aggregates
        ("SELECT city, COUNT(*) c FROM people GROUP BY city HAVING COUNT(*) > 1", [("Bonn", 2)]),
        ("SELECT COUNT(*), COUNT(name), COUNT(DISTINCT city), MAX(name) FROM people", [(4, 3, 2, "bob")]),
        (
            "SELECT SUM(pay), AVG(pay), MIN(pay) FROM people",
            [(Decimal("60.60"), Decimal("20.200000"), Decimal("10.10"))],
        ),
        ("SELECT AVG(id), SUM(id) FROM people", [(2, 10)]),
        ("SELECT AVG(weight), SUM(weight) FROM visits", [(2.0, 4.0)]),
        ("SELECT SUM(id), MAX(name), COUNT(*) FROM people WHERE 1 = 0", [(None, None, 0)]),
        (
            (
                "SELECT YEAR(born) / 10, COUNT(*) FROM people WHERE born IS NOT NULL "
                "GROUP BY YEAR(born) / 10 ORDER BY YEAR(born) / 10"
            ),
            [(199, 2), (200, 1)],
        ),
        ("SELECT STRING_AGG(name, ', ') WITHIN GROUP (ORDER BY id DESC) FROM people", [("Änne, bob, Ann",)]),
        ("SELECT POWER(2, 10), POWER(2e0, -1), SQUARE(3), SIGN(-2.5), SQRT(16)", [(1024, 0.5, 9.0, -1, 4.0)]),
        ("SELECT DATENAME(month, '2024-02-01'), DATENAME(weekday, '2024-02-01')", [("February", "Thursday")]),
        ("SELECT CASE WHEN 1 = 0 THEN 1 / 0 ELSE 2 END, IIF(1 = 0, 1 / 0, 3), COALESCE(1, 1 / 0)", [(2, 3, 1)]),
        # windows
        ("SELECT id, ROW_NUMBER() OVER (ORDER BY pay DESC) FROM people ORDER BY id", [(1, 3), (2, 2), (3, 1), (4, 4)]),
        (
            "SELECT id, SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM people ORDER BY id",
            [(1, 1), (2, 3), (3, 5), (4, 7)],
        ),
        (
            "SELECT id, RANK() OVER (ORDER BY city), SUM(pay) OVER (PARTITION BY city) FROM people ORDER BY id",
            [(1, 2, Decimal("40.40")), (2, 4, Decimal("20.20")), (3, 2, Decimal("40.40")), (4, 1, None)],
        ),
        (
            "SELECT id, LAG(id) OVER (ORDER BY id), LEAD(id, 1, 0) OVER (ORDER BY id) FROM people ORDER BY id",
            [(1, None, 2), (2, 1, 3), (3, 2, 4), (4, 3, 0)],
        ),
        # subqueries
        (
            "SELECT (SELECT MAX(at) FROM visits v WHERE v.person = p.id) FROM people p WHERE id = 1",
            [(at("2024-01-02T11:30:00"),)],
        ),
        ("SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM visits WHERE person = p.id)", [(1,), (2,)]),
        ("SELECT id FROM people WHERE id IN (SELECT person FROM visits) AND id NOT IN (2, 3)", [(1,)]),
        ("SELECT id FROM people WHERE name IN ('ANN', 'x')", [(1,)]),
        ("SELECT id FROM people WHERE pay > (SELECT AVG(pay) FROM people)", [(3,)]),
        # functions
        (
            "SELECT LEN('ab  '), DATALENGTH(N'ab'), UPPER('é'), REVERSE('abc'), LTRIM('  a'), SPACE(2) + 'x'",
            [(2, 4, "É", "cba", "a", "  x")],
        ),
        (
            "SELECT SUBSTRING('hello', 0, 3), LEFT('hello', 2), RIGHT('hello', 9), STR(3.147, 6, 2)",
            [("he", "he", "hello", "  3.15")],
        ),
        (
            (
                "SELECT REPLACE('aXbx', 'x', '-'), CHARINDEX('L', 'hello', 4), "
                "PATINDEX('%l[^l]%', 'hello'), CONCAT('a', NULL, 1)"
            ),
            [("a-b-", 4, 4, "a1")],
        ),
        (
            "SELECT ISNULL(CAST(NULL AS varchar(2)), 'abc'), COALESCE(NULL, 2), NULLIF('a', 'A'), IIF(1 > 2, 1, 0)",
            [("ab", 2, None, 0)],
        ),
        ("SELECT CASE 2 WHEN 1 THEN 'x' WHEN 2 THEN 'y' END, CASE WHEN 1 = 2 THEN 1 END", [("y", None)]),
        (
            "SELECT ROUND(2.345, 2), ROUND(-2.5, 0), ROUND(1250, -2), FLOOR(-1.5), CEILING(1.2), ABS(-2.5)",
            [(Decimal("2.350"), Decimal("-3.0"), 1300, Decimal(-2), Decimal(2), Decimal("2.5"))],
        ),
        (
            "SELECT DATEADD(month, 1, '2024-01-31'), DATEADD(day, -1, CAST('2024-03-01' AS date))",
            [(at("2024-02-29T00:00:00"), date(2024, 2, 29))],
        ),
        (
            (
                "SELECT DATEDIFF(year, '2023-12-31', '2024-01-01'), DATEDIFF(hour, '10:59', '11:00'), "
                "DATEDIFF(week, '2024-01-06', '2024-01-07')"
            ),
            [(1, 1, 1)],
        ),
        (
            (
                "SELECT DATEPART(weekday, '2024-01-07'), DATEPART(iso_week, '2024-12-30'), "
                "EOMONTH('2024-02-10'), DAY('2024-02-10')"
            ),
            [(1, 1, date(2024, 2, 29), 10)],
        ),
        (
            (
                "SELECT CONVERT(varchar(30), CAST('2024-02-03T14:05:06.789' AS datetime2(3)), 121), "
                "CONVERT(char(8), CAST('2024-02-03' AS date), 112)"
            ),
            [("2024-02-03 14:05:06.789", "20240203")],
        ),
        (
            "SELECT CAST('10:11:12.5' AS time(1)), CAST('2024-02-03 23:59' AS date)",
            [(time(10, 11, 12, 500000), date(2024, 2, 3))],
        ),
        (
            "SELECT TRY_CAST('x' AS int), TRY_CONVERT(date, '2024-01-01'), CAST(2.7 AS int), CAST(' 5 ' AS int)",
            [(None, date(2024, 1, 1), 2, 5)],
        ),
        ("SELECT CONVERT(varchar(20), HASHBYTES('MD5', 'abc'), 2)", [("900150983CD24FB0D696",)]),
        (
            "SELECT DB_NAME(), SUSER_SNAME(), @@SERVERNAME, HOST_NAME(), OBJECT_NAME(OBJECT_ID('dbo.people'))",
            [("d", "sa", "LAB01", "desk", "people")],
        ),
        ("SELECT COUNT(*) FROM people WHERE name LIKE '[aä]n%'", [(2,)]),
        (
            "SELECT name COLLATE Latin1_General_BIN2 FROM people WHERE name COLLATE Latin1_General_BIN2 = 'bob'",
            [("bob",)],
        ),
    ],
)
def test_a_query_answers_as_documented(session, sql, rows):
    assert session.rows(sql) == rows


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT id, name, city, pay, born FROM people", ["int", "nvarchar", "varchar", "decimal", "date"]),
        (
            "SELECT COUNT(*), COUNT_BIG(*), SUM(pay), AVG(weight) FROM people, visits",
            ["int", "bigint", "numeric", "float"],
        ),
        ("SELECT name + city, 1 + 1.5, ISNULL(name, 'x') FROM people", ["nvarchar", "numeric", "nvarchar"]),
        (
            "SELECT GETDATE(), SYSUTCDATETIME(), CAST(1 AS bit), NEWID()",
            ["datetime", "datetime2", "bit", "uniqueidentifier"],
        ),
    ],
)
def test_every_column_has_its_type(session, sql, types):
    assert session.run(sql).types[-1] == types


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT ID, p.NAME, id AS x, y = 1, 1 + 1, 2 'quoted' FROM people p", ["id", "name", "x", "y", "", "quoted"]),
        ("SELECT v.*, p.id FROM people p JOIN visits v ON 1 = 0", ["id", "person", "at", "weight", "token", "id"]),
    ],
)
def test_every_column_has_its_name(session, sql, names):
    assert session.run(sql).columns[-1] == names


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("SELECT * FROM nowhere", 208),
        ("SELECT * FROM other.people", 208),
        ("SELECT nothing FROM people", 207),
        ("SELECT q.id FROM people p", 4104),
        ("SELECT id FROM people a, people b", 209),
        ("SELECT * FROM people, people", 1011),
        ("SELECT q.* FROM people p", 107),
        ("SELECT city, name FROM people GROUP BY city", 8120),
        ("SELECT id, COUNT(*) FROM people", 8120),
        ("SELECT * FROM people WHERE COUNT(*) > 1", 147),
        ("SELECT * FROM people WHERE id", 4145),
        ("SELECT id FROM people ORDER BY 2", 108),
        ("SELECT DISTINCT city FROM people ORDER BY id", 145),
        ("SELECT id FROM people UNION SELECT id, name FROM people", 205),
        ("SELECT (SELECT id FROM people)", 512),
        ("SELECT (SELECT id, name FROM people WHERE id = 1)", 116),
        ("SELECT 1 / 0", 8134),
        ("SELECT 1 / (id - id) FROM people", 8134),
        ("SELECT 1.0 % 0", 8134),
        ("SELECT 2147483647 + 1", 8115),
        ("SELECT CAST(9223372036854775807 AS bigint) + 1", 8115),
        ("SELECT CAST(9223372036854775807 AS bigint) * 3", 8115),
        ("SELECT SUM(CAST(2147483647 AS int)) FROM people", 8115),
        ("SELECT id FROM people WHERE name = 1", 245),
        ("SELECT SUM(name) FROM people", 8117),
        ("SELECT name - 'x' FROM people", 8117),
        ("SELECT @missing", 137),
        ("SELECT LEFT('a', -1)", 536),
        ("SELECT LEN('a', 'b')", 174),
        ("SELECT 1e400", 168),
        ("SELECT POWER(10, 10)", 8115),
        ("SELECT SQRT(-1)", 3623),
        ("SELECT CAST('9999-12-31 23:59:59.9' AS datetime2(0))", 8115),
        ("SELECT DATEADD(fortnight, 1, GETDATE())", 155),
        ("SELECT DATEADD(year, 9999, GETDATE())", 517),
        ("SELECT TOP (-1) id FROM people", 1060),
        ("SELECT ROW_NUMBER() FROM people", 10753),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY id) FROM people", 4112),
        ("SELECT a FROM (SELECT 1) x(a, b)", 8159),
        ("SELECT * FROM (SELECT 1) x", 8155),
        ("SELECT id FROM nodatabase.dbo.people", 911),
    ],
)
def test_what_is_wrong_has_its_number(session, sql, number):
    assert session.error(sql).number == number


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT FORMAT(1, 'N')",
        "SELECT GETDATE() + 1",
        "SELECT CAST('2024-01-01' AS datetime) - CAST('2023-01-01' AS datetime)",
        "SELECT POWER(2.5, 3)",
        "SELECT ISNUMERIC('1')",
        "SELECT 0x01 + 0x02",
        "SELECT STDEV(id) FROM people",
        "SELECT COUNT(DISTINCT id) OVER (ORDER BY id), CUME_DIST() OVER (ORDER BY id) FROM people",
        "SELECT CONVERT(varchar(30), GETDATE(), 130)",
        "SELECT CAST(GETDATE() AS int)",
        "SELECT name COLLATE Japanese_CI_AS FROM people",
        "SELECT * FROM #temporary",
        "SELECT * FROM server.d.dbo.people",
        "SELECT * FROM people WITH (INDEX(1))",
        "SELECT @@CONNECTIONS",
        "SELECT SERVERPROPERTY(name) FROM people",
        "SELECT * FROM STRING_SPLIT('a,b', ',')",
        "SELECT JSON_VALUE('{}', '$.a')",
        "SELECT name FROM people FOR JSON AUTO",
        "SELECT SYSDATETIMEOFFSET()",
    ],
)
def test_a_query_that_is_not_modelled_is_refused_rather_than_wrong(session, sql):
    assert session.error(sql).number == 40515


def test_the_same_text_with_other_literals_gives_other_rows(session):
    for number in (1, 2, 3):
        assert session.rows(f"SELECT id FROM people WHERE id = {number}") == [(number,)]
    assert session.rows("SELECT id FROM people ORDER BY 1 DESC OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY") == [(4,)]
    assert session.rows("SELECT TOP 1 CONVERT(varchar(10), born, 112) FROM people") == [("19900101",)]
    assert session.rows("SELECT TOP 1 CONVERT(varchar(10), born, 120) FROM people") == [("1990-01-01",)]
    assert session.rows("SELECT id % 2, COUNT(*) FROM people GROUP BY id % 2 ORDER BY 1") == [(0, 2), (1, 2)]
    assert session.error("SELECT id % 2, COUNT(*) FROM people GROUP BY id % 3").number == 8120


def test_getdate_is_one_time_for_all_rows(session):
    assert session.rows("SELECT COUNT(DISTINCT t) FROM (SELECT SYSUTCDATETIME() t FROM people, visits) x") == [(1,)]


def test_newid_is_another_one_for_every_row(session):
    assert len(set(session.rows("SELECT NEWID() FROM people"))) == 4


def test_rows_come_in_a_stream(session):
    sql = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n"
    answer = session.run(sql)
    assert [row[0] for row in answer.rows] == list(range(1, 3001))
    assert answer.counts == [3000]
    assert session.value("SELECT @@ROWCOUNT") == 3000
