"""Catalog views and msdb show what is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.standins.sqlserver.engine_lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("views"))
    lab.session().run("CREATE DATABASE Sales; CREATE DATABASE [o'b]]x]")
    lab.session("Sales").run(
        """CREATE TABLE orders (id int IDENTITY CONSTRAINT pk_orders PRIMARY KEY,
            name nvarchar(20) NOT NULL DEFAULT N'x',
            amount decimal(18,2), at datetime2(3)); CREATE INDEX ix_name ON orders (name)"""
    )
    yield lab
    lab.close()


@pytest.fixture
def session(lab):
    session = lab.session()
    yield session
    session.close()


def test_databases_are_listed_with_the_system_ones(session):
    assert session.rows(
        "SELECT name, database_id, state, recovery_model_desc FROM sys.databases ORDER BY database_id"
    ) == [
        ("master", 1, 0, "SIMPLE"),
        ("tempdb", 2, 0, "SIMPLE"),
        ("model", 3, 0, "SIMPLE"),
        ("msdb", 4, 0, "SIMPLE"),
        ("Sales", 5, 0, "FULL"),
        ("o'b]x", 6, 0, "FULL"),
    ]
    assert session.rows(
        "SELECT COUNT(*) FROM Sales.sys.databases UNION ALL SELECT COUNT(*) FROM master..sysdatabases"
    ) == [(6,), (6,)]


def test_names_and_numbers_of_databases_agree(session):
    assert session.rows("SELECT DB_ID('sales'), DB_NAME(6), DB_ID('none'), DB_ID()") == [(5, "o'b]x", None, 1)]
    assert session.rows("USE [o'b]]x]; SELECT DB_NAME(), HAS_DBACCESS('Sales'), HAS_DBACCESS('none')") == [
        ("o'b]x", 1, None)
    ]


def test_files_have_two_rows_per_database(session):
    rows = session.rows(
        "SELECT database_id, file_id, type_desc, name, redo_start_lsn FROM sys.master_files ORDER BY 1, 2"
    )
    assert rows[:2] == [(5, 1, "ROWS", "Sales", None), (5, 2, "LOG", "Sales_log", None)]
    assert session.rows("USE Sales; SELECT name FROM sys.database_files ORDER BY file_id") == [
        ("Sales",),
        ("Sales_log",),
    ]


def test_tables_columns_and_indexes_are_those_declared(session):
    session.run("USE Sales")
    assert session.rows(
        """SELECT c.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity
        FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id WHERE t.name = 'orders'
        ORDER BY c.column_id"""
    ) == [
        ("id", 4, 10, 0, False, True),
        ("name", 40, 0, 0, False, False),
        ("amount", 9, 18, 2, True, False),
        ("at", 8, 23, 3, True, False),
    ]
    assert session.rows(
        """SELECT name, type_desc, is_primary_key FROM sys.indexes WHERE object_id = OBJECT_ID('dbo.orders')
        ORDER BY index_id"""
    ) == [("pk_orders", "CLUSTERED", True), ("ix_name", "NONCLUSTERED", False)]
    assert session.rows(
        """SELECT DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_SCALE, COLUMN_DEFAULT
        FROM INFORMATION_SCHEMA.COLUMNS ORDER BY ORDINAL_POSITION"""
    ) == [
        ("int", None, 0, None),
        ("nvarchar", 20, None, "(N'x')"),
        ("decimal", None, 2, None),
        ("datetime2", None, None, None),
    ]
    assert session.rows("SELECT s.name, t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id") == [
        ("dbo", "orders")
    ]


@pytest.mark.parametrize("name", ["orders", "dbo.orders", "[dbo].[orders]", "Sales..orders", "Sales.dbo.orders"])
def test_object_id_finds_a_table_by_any_of_its_names(session, name):
    assert session.value(f"USE Sales; SELECT OBJECT_ID(N'{name}', 'U')") is not None
    assert session.value(f"SELECT OBJECT_ID(N'{name}x')") is None


def test_sessions_and_requests_show_this_session(session):
    spid = session.session.spid
    assert session.rows(
        """SELECT session_id, login_name, host_name, program_name, status FROM sys.dm_exec_sessions
        WHERE session_id = @@SPID"""
    ) == [(spid, "sa", "desk", "lab", "running")]
    assert session.rows("SELECT session_id, command, percent_complete FROM sys.dm_exec_requests") == [
        (spid, "SELECT", 0.0)
    ]
    assert session.rows("SELECT spid, cmd FROM master..sysprocesses WHERE spid = @@SPID")[0][0] == spid
    assert (spid, "sa") in [(row[0], row[3]) for row in session.rows("EXEC sp_who")]


def test_the_version_says_what_it_is(session):
    assert "Landfall local SQL Server (stand-in)" in session.value("SELECT @@VERSION")
    assert session.rows("SELECT SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('nothing')")[0][1] is None


def test_the_history_of_backups_is_in_msdb(lab, session):
    path = lab.root / "a.bak"
    session.run(f"BACKUP DATABASE Sales TO DISK = N'{path}' WITH INIT, CHECKSUM")
    assert session.rows(
        f"""SELECT s.database_name, s.type, s.has_backup_checksums, f.physical_device_name
        FROM msdb.dbo.backupset s JOIN msdb..backupmediafamily f ON f.media_set_id = s.media_set_id
        WHERE s.backup_finish_date >= DATEADD(hour, -1, GETDATE()) AND s.database_name = 'SALES'
            AND f.physical_device_name = '{path}'"""
    ) == [("Sales", "D", True, str(path))]
    first, last = session.rows("SELECT first_lsn, last_lsn FROM msdb.dbo.backupset")[0]
    assert isinstance(first, Decimal)
    assert first <= last
    assert (
        session.value("SELECT last_log_backup_lsn FROM sys.database_recovery_status WHERE database_id = 5") is not None
    )


def test_monitor_rows_are_written_read_and_rolled_back(session):
    session.run(
        """INSERT INTO msdb.dbo.log_shipping_monitor_primary
            (primary_id, primary_server, primary_database, backup_threshold)
        VALUES ('11111111-1111-1111-1111-111111111111', 'A', 'Sales', 60)"""
    )
    session.run(
        "UPDATE msdb.dbo.log_shipping_monitor_primary SET backup_threshold = 15 WHERE primary_database = 'SALES'"
    )
    session.run("BEGIN TRAN; DELETE FROM msdb.dbo.log_shipping_monitor_primary; ROLLBACK")
    assert session.rows("USE msdb; SELECT primary_server, backup_threshold FROM log_shipping_monitor_primary") == [
        ("A", 15)
    ]


def test_what_a_restarted_instance_shows_is_what_it_had(tmp_path):
    lab = Lab(tmp_path)
    lab.session().run("CREATE DATABASE a; ALTER DATABASE a SET RECOVERY SIMPLE")
    lab.session("a").run("CREATE TABLE t (id int IDENTITY, v decimal(38,4)); INSERT INTO t (v) VALUES (1.5), (2.5)")
    lab.close()
    lab = Lab(tmp_path)
    session = lab.session("a")
    session.run("INSERT INTO t (v) VALUES (9)")
    assert session.rows("SELECT id, v FROM t ORDER BY id") == [
        (1, Decimal("1.5")),
        (2, Decimal("2.5")),
        (3, Decimal(9)),
    ]
    assert session.value("SELECT recovery_model_desc FROM sys.databases WHERE name = 'a'") == "SIMPLE"
    lab.close()
