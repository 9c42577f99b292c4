"""INSERT, UPDATE, DELETE and DDL do what SQL Server does, and fail where it fails."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.standins.sqlserver.engine_lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("changes"))
    lab.session().run("CREATE DATABASE d")
    yield lab
    lab.close()


@pytest.fixture
def session(lab):
    session = lab.session("d")
    session.run(
        """
        CREATE TABLE items (id int IDENTITY(10, 5) PRIMARY KEY, name nvarchar(10) NOT NULL,
            price decimal(9,2) DEFAULT 1.5,
            code char(4), kind tinyint CONSTRAINT ck_kind CHECK (kind < 3));
        CREATE TABLE coded (code char(4) CONSTRAINT uq_code UNIQUE)
        """
    )
    yield session
    if session.session.transaction.is_open:
        session.run("ROLLBACK")
    for (name,) in session.rows("SELECT name FROM sys.tables ORDER BY object_id DESC"):
        session.run(f"DROP TABLE [{name}]")
    session.close()


def test_an_insert_fills_identity_and_defaults(session):
    answer = session.run("INSERT INTO items (name, code) VALUES ('a', 'x'), ('b', NULL)")
    assert answer.counts == [2]
    assert session.rows("SELECT id, name, price, code FROM items ORDER BY id") == [
        (10, "a", Decimal("1.50"), "x   "),
        (15, "b", Decimal("1.50"), None),
    ]
    assert session.rows("SELECT SCOPE_IDENTITY(), @@IDENTITY") == [(15, 15)]


def test_an_identity_goes_on_after_its_rows_are_gone(session):
    session.run("INSERT INTO items (name) VALUES ('a'); DELETE FROM items; INSERT INTO items (name) VALUES ('b')")
    assert session.rows("SELECT id FROM items") == [(15,)]
    session.run("TRUNCATE TABLE items; INSERT INTO items (name) VALUES ('c')")
    assert session.rows("SELECT id FROM items") == [(10,)]


def test_identity_insert_takes_explicit_values(session):
    assert session.error("INSERT INTO items (id, name) VALUES (1, 'a')").number == 544
    session.run("SET IDENTITY_INSERT items ON; INSERT INTO items (id, name) VALUES (100, 'a')")
    assert session.error("INSERT INTO items (name) VALUES ('a')").number == 545
    session.run("SET IDENTITY_INSERT items OFF; INSERT INTO items (name) VALUES ('b')")
    assert session.rows("SELECT id FROM items ORDER BY id") == [(100,), (105,)]


def test_insert_select_default_values_and_output(session):
    session.run("INSERT INTO items (name) VALUES ('a'), ('b')")
    assert session.rows(
        "INSERT INTO items (name, kind) OUTPUT inserted.id, inserted.name SELECT name + '2', 1 FROM items ORDER BY id"
    ) == [
        (20, "a2"),
        (25, "b2"),
    ]
    assert session.error("INSERT INTO items DEFAULT VALUES").number == 515
    session.run("INSERT INTO items (name, price) VALUES ('d', DEFAULT)")
    assert session.value("SELECT price FROM items WHERE name = 'd'") == Decimal("1.50")


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("INSERT INTO items (name) VALUES (NULL)", 515),
        ("INSERT INTO items (name) VALUES ('12345678901')", 2628),
        ("INSERT INTO items (name, price) VALUES ('a', 12345678.90)", 8115),
        ("INSERT INTO items (name, kind) VALUES ('a', 256)", 8115),
        ("INSERT INTO items (name, kind) VALUES ('a', 'x')", 245),
        ("INSERT INTO items (name, kind) VALUES ('a', 5)", 547),
        ("INSERT INTO items (name, code) VALUES ('a', 'taken')", 2628),
        ("INSERT INTO coded VALUES ('SAME')", 2627),
        ("INSERT INTO coded VALUES (NULL), (NULL)", 2627),
        ("INSERT INTO items (name, nothing) VALUES ('a', 1)", 207),
        ("INSERT INTO items (name, name) VALUES ('a', 'b')", 264),
        ("INSERT INTO items (name) VALUES ('a', 'b')", 110),
        ("INSERT INTO items (name, code) VALUES ('a')", 109),
        ("INSERT INTO nowhere VALUES (1)", 208),
        ("UPDATE items SET name = NULL", 515),
        ("UPDATE items SET kind = 9", 547),
        ("UPDATE items SET id = 1", 8102),
        ("UPDATE items SET nothing = 1", 207),
        ("UPDATE items SET price = price / 0", 8134),
        ("DELETE FROM nowhere", 208),
        ("UPDATE sys.databases SET name = 'x'", 259),
        ("TRUNCATE TABLE nowhere", 4701),
        ("DROP TABLE nowhere", 3701),
        ("CREATE TABLE items (a int)", 2714),
        ("CREATE TABLE twice (a int, A int)", 2705),
        ("CREATE TABLE key_of_null (a int NULL PRIMARY KEY)", 8147),
        ("CREATE TABLE two (a int PRIMARY KEY, b int PRIMARY KEY)", 8110),
        ("CREATE TABLE bad (a int CHECK (b > 0))", 207),
        ("CREATE TABLE other.t (a int)", 2760),
        ("ALTER TABLE items DROP COLUMN name2", 4924),
        ("ALTER TABLE items DROP COLUMN kind", 5074),
        ("ALTER TABLE items ADD extra int NOT NULL", 4901),
        ("CREATE UNIQUE INDEX ix ON items (price)", 1505),
        ("DROP INDEX uq_code ON coded", 3723),
    ],
)
def test_what_must_not_be_fails_and_changes_nothing(session, sql, number):
    session.run(
        "INSERT items (name, code, kind) VALUES ('first', 'x', 1), ('second', 'y', 2); INSERT coded VALUES ('same')"
    )
    before = session.rows("SELECT * FROM items ORDER BY id")
    assert session.error(sql).number == number
    assert session.rows("SELECT * FROM items ORDER BY id") == before


def test_a_failing_row_takes_back_its_whole_statement(session):
    assert session.error("INSERT INTO items (name, kind) VALUES ('a', 1), ('b', 9)").number == 547
    assert session.rows("SELECT COUNT(*) FROM items") == [(0,)]


@pytest.mark.parametrize("name", ["x" * 10, "x" * 10 + "   "])
def test_trailing_spaces_beyond_the_length_are_cut(session, name):
    session.run(f"INSERT INTO items (name) VALUES ('{name}')")
    assert session.value("SELECT name FROM items") == "x" * 10


def test_update_with_from_joins(session):
    session.run("INSERT INTO items (name, price) VALUES ('a', 1), ('b', 2)")
    session.run(
        "UPDATE i SET price = s.p, name = name + s.n FROM items i "
        "JOIN (VALUES ('b', 9.5, '!')) s(k, p, n) ON s.k = i.name"
    )
    session.run("UPDATE items SET price += 1 WHERE name = 'a'")
    assert session.rows("SELECT name, price FROM items ORDER BY id") == [
        ("a", Decimal("2.00")),
        ("b!", Decimal("9.50")),
    ]


def test_update_sets_all_columns_from_the_old_row(session):
    session.run("CREATE TABLE pairs (a int, b int); INSERT INTO pairs VALUES (1, 2); UPDATE pairs SET a = b, b = a")
    assert session.rows("SELECT a, b FROM pairs") == [(2, 1)]


def test_delete_with_from_top_and_output(session):
    session.run("INSERT INTO items (name) VALUES ('a'), ('b'), ('c'), ('d')")
    assert session.rows("DELETE FROM items OUTPUT deleted.name WHERE name = 'b'") == [("b",)]
    session.run("DELETE i FROM items i JOIN (VALUES ('c')) s(k) ON s.k = i.name")
    assert session.run("DELETE TOP (1) FROM items").counts == [1]
    assert session.value("SELECT COUNT(*) FROM items") == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE items SET name = 'x' OUTPUT deleted.name",
        "INSERT INTO items (name) OUTPUT inserted.id + 1 VALUES ('a')",
        "WITH c AS (SELECT * FROM items) DELETE FROM c",
        "CREATE TABLE #t (a int)",
        "CREATE TABLE t (a nvarchar(9) COLLATE Latin1_General_BIN2)",
        "CREATE TABLE t (a rowversion)",
        "SELECT * INTO copy FROM items",
        "CREATE INDEX ix ON items (name) WHERE name > 'a'",
    ],
)
def test_a_change_that_is_not_modelled_is_refused(session, sql):
    assert session.error(sql).number == 40515


def test_tables_can_be_altered(session):
    session.run("INSERT INTO items (name) VALUES ('a')")
    session.run("ALTER TABLE items ADD extra int NOT NULL CONSTRAINT df_extra DEFAULT 7, note varchar(5)")
    assert session.rows("SELECT name, extra, note FROM items") == [("a", 7, None)]
    session.run("ALTER TABLE items ADD CONSTRAINT ck_extra CHECK (extra < 10)")
    assert session.error("UPDATE items SET extra = 10").number == 547
    session.run("ALTER TABLE items DROP CONSTRAINT ck_extra; UPDATE items SET extra = 10")
    session.run("ALTER TABLE items DROP CONSTRAINT df_extra; ALTER TABLE items DROP COLUMN extra")
    session.run("ALTER TABLE items ALTER COLUMN note varchar(20)")
    session.run("UPDATE items SET note = 'longer than five'; INSERT INTO items (name) VALUES ('b')")
    assert session.rows("SELECT id, note FROM items ORDER BY id") == [(10, "longer than five"), (15, None)]


def test_foreign_keys_hold(session):
    session.run(
        "CREATE TABLE parts (id int PRIMARY KEY, item int CONSTRAINT fk_item REFERENCES items (id) ON DELETE CASCADE)"
    )
    session.run("INSERT INTO items (name) VALUES ('a'); INSERT INTO parts VALUES (1, 10), (2, NULL)")
    error = session.error("INSERT INTO parts VALUES (3, 99)")
    assert (error.number, "fk_item" in error.message) == (547, True)
    assert session.error("DROP TABLE items").number == 3726
    assert session.error("TRUNCATE TABLE items").number == 4712
    session.run("DELETE FROM items")
    assert session.rows("SELECT id FROM parts") == [(2,)]


def test_ddl_is_part_of_the_transaction(session):
    session.run(
        "BEGIN TRAN; CREATE TABLE later (a int); INSERT INTO later VALUES (1); ALTER TABLE items ADD x int; ROLLBACK"
    )
    assert session.rows("SELECT name FROM sys.tables ORDER BY name") == [("coded",), ("items",)]
    assert session.error("SELECT x FROM items").number == 207


def test_another_session_sees_a_new_table_at_once(lab, session):
    other = lab.session("d")
    assert other.error("SELECT * FROM fresh").number == 208
    session.run("CREATE TABLE fresh (a int); INSERT INTO fresh VALUES (1)")
    assert other.rows("SELECT a FROM fresh") == [(1,)]
    session.run("ALTER TABLE fresh ADD b int")
    assert other.rows("SELECT * FROM fresh") == [(1, None)]
    other.close()


def test_decimals_of_38_digits_are_exact_and_unique(session):
    session.run("CREATE TABLE sums (v decimal(38,10) PRIMARY KEY)")
    session.run("INSERT INTO sums VALUES (1234567890123456789012345678.0000000001), (0.1), (-0.1), (10), (9)")
    assert session.error("INSERT INTO sums VALUES (0.10)").number == 2627
    assert [row[0] for row in session.rows("SELECT v FROM sums ORDER BY v")] == [
        Decimal(text) for text in ("-0.1", "0.1", "9", "10", "1234567890123456789012345678.0000000001")
    ]
    assert session.value("SELECT SUM(v) FROM sums") == Decimal("1234567890123456789012345697.0000000001")


def test_a_unique_index_ignores_case_and_trailing_spaces(session):
    session.run(
        "CREATE TABLE words (w nvarchar(10)); CREATE UNIQUE INDEX i ON words (w); INSERT INTO words VALUES (N'Äpfel')"
    )
    assert session.error("INSERT INTO words VALUES (N'äPFEL ')").number == 2601
    session.run("INSERT INTO words VALUES (N'Apfel')")


def test_three_part_names_read_and_write_other_databases(lab, session):
    lab.session().run("CREATE DATABASE e")
    session.run("USE e; CREATE TABLE notes (t nvarchar(10)); USE d; INSERT INTO items (name) VALUES ('a')")
    session.run("INSERT INTO e.dbo.notes SELECT name FROM d.dbo.items")
    assert session.rows("SELECT n.t, i.id FROM e.dbo.notes n JOIN items i ON i.name = n.t") == [("a", 10)]
    session.run("UPDATE e..notes SET t = 'b'")
    assert session.value("SELECT t FROM e.dbo.notes") == "b"
    lab.session().run("DROP DATABASE e")
