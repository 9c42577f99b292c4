"""Statements end where T-SQL ends them, with or without semicolons; what is not T-SQL is named."""

from __future__ import annotations

import pytest

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.requests import BackupKind, MediaQuestion
from include.standins.sqlserver.tsql.parser import parse
from include.standins.sqlserver.tsql.tokens import tokenize


def statements(sql: str):
    return parse(tokenize(sql)).statements


def kinds(sql: str) -> list[str]:
    return [type(each).__name__ for each in statements(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 SELECT 2", ["SelectRows", "SelectRows"]),
        ("SELECT 1; ; SELECT 2;", ["SelectRows", "SelectRows"]),
        ("SELECT a FROM t x SELECT 2", ["SelectRows", "SelectRows"]),
        ("INSERT INTO t VALUES (1) SELECT 2", ["Insert", "SelectRows"]),
        ("INSERT INTO t SELECT 1 UPDATE t SET a = 2", ["Insert", "Update"]),
        ("INSERT t (a) (SELECT 1) DELETE t", ["Insert", "Delete"]),
        ("UPDATE t SET a = 1 SET NOCOUNT ON", ["Update", "SetOption"]),
        ("UPDATE t SET a = 1, b = 2 FROM t WHERE a = 3 DELETE FROM t WHERE b = 1", ["Update", "Delete"]),
        ("WITH c AS (SELECT 1 a) SELECT * FROM c SELECT 2", ["SelectRows", "SelectRows"]),
        ("WITH c AS (SELECT 1 a) INSERT INTO t SELECT * FROM c SELECT 2", ["Insert", "SelectRows"]),
        ("SELECT 1 UNION ALL SELECT 2 SELECT 3", ["SelectRows", "SelectRows"]),
        ("SELECT a FROM t ORDER BY a DESC DELETE t", ["SelectRows", "Delete"]),
        ("SELECT CASE WHEN 1 = 1 THEN 2 END FROM t BEGIN TRAN", ["SelectRows", "Begin"]),
        ("IF EXISTS (SELECT 1 FROM t) DELETE FROM t SELECT 1", ["If", "SelectRows"]),
        ("IF 1 = 1 SELECT 1; ELSE SELECT 2; SELECT 3", ["If", "SelectRows"]),
        ("IF 1 = 1 BEGIN SELECT 1 SELECT 2 END ELSE IF 2 = 2 PRINT 'x' SELECT 3", ["If", "SelectRows"]),
        ("DECLARE @a int = 1, @b varchar(10) SET @a = 2 SELECT @a", ["Declare", "SetVariable", "SelectRows"]),
        ("BEGIN TRY SELECT 1 END TRY BEGIN CATCH THROW END CATCH SELECT 1", ["TryCatch", "SelectRows"]),
        ("WHILE @i < 3 SET @i += 1 PRINT 'x'", ["While", "Print"]),
        ("COMMIT TRAN BEGIN TRAN", ["Commit", "Begin"]),
        ("IF @@TRANCOUNT > 0 ROLLBACK TRAN SELECT 1", ["If", "SelectRows"]),
        ("sp_who 'active'", ["Execute"]),
        ("EXEC sp_who; EXEC ('SELECT 1')", ["Execute", "ExecuteText"]),
        ("BACKUP LOG a TO DISK = 'x' WITH INIT RESTORE HEADERONLY FROM DISK = 'x'", ["Backup", "ReadMedia"]),
        ("USE master DROP DATABASE a", ["Use", "DropDatabase"]),
        ("KILL 55 WAITFOR DELAY '00:00:01'", ["Kill", "WaitFor"]),
        ("SET ARITHABORT, ANSI_NULLS ON SET LOCK_TIMEOUT -1", ["SetOption", "SetOption"]),
        ("(SELECT 1) SELECT 2", ["SelectRows", "SelectRows"]),
        ("", []),
        (" ;; -- nothing\n", []),
    ],
)
def test_statements_end_without_semicolons(sql, expected):
    assert kinds(sql) == expected


@pytest.mark.parametrize(
    ("sql", "number", "near"),
    [
        ("SELECT FROM t", 156, "FROM"),
        ("SELECT * FRM t", 102, "FRM"),
        ("SELECT 1 +", 102, "+"),
        ("SELECT (1", 102, "1"),
        ("INSERT INTO", 102, "INTO"),
        ("UPDATE t SET", 102, "SET"),
        ("BEGIN SELECT 1", 102, "1"),
        ("SELECT 1 END", 156, "END"),
        ("BACKUP DATABASE a TO DISK 'x'", 102, "'x'"),
        ("BACKUP DATABASE a TO DISK = 'x' WITH FASTER", 155, "FASTER"),
        ("RESTORE LOG a FROM DISK = 'x' WITH INIT", 155, "INIT"),
        ("ALTER DATABASE a SET SINGLE_USER WITH ROLLBACK SOON", 102, "SOON"),
        ("SET FANCY ON", 195, "FANCY"),
        ("CREATE TABLE t (a nothing)", 2715, "nothing"),
        ("SELECT CAST(1 AS nothing)", 243, "nothing"),
        ("CREATE TABLE t (a decimal(39, 2))", 2750, "39"),
        ("DECLARE @a int @b int", 102, "@b"),
    ],
)
def test_a_syntax_error_names_the_token(sql, number, near):
    with pytest.raises(SqlError) as caught:
        statements(sql)
    assert caught.value.number == number
    assert near in caught.value.message
    assert caught.value.ends_batch


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE t USING s ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "GOTO here",
        "SELECT 1 INTO t",
        "SELECT * FROM t FOR XML PATH",
        "SELECT * FROM t CROSS APPLY f(1)",
        "SELECT * FROM t PIVOT (SUM(a) FOR b IN ([1])) p",
        "SELECT TOP 10 PERCENT a FROM t",
        "SELECT a FROM t GROUP BY ROLLUP(a)",
        "SELECT dbo.f(1)",
        "DECLARE @t TABLE (a int)",
        "DECLARE c CURSOR FOR SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE PROCEDURE p AS SELECT 1",
        "INSERT INTO t EXEC p",
        "UPDATE t SET @a = b = 1",
        "BACKUP DATABASE a TO URL = 'x'",
        "BACKUP DATABASE a TO DISK = 'x' WITH ENCRYPTION",
        "BACKUP DATABASE a FILE = 'f' TO DISK = 'x'",
        "RESTORE DATABASE a PAGE = '1:1' FROM DISK = 'x'",
        "RESTORE LOG a FROM DISK = 'x' WITH STOPATMARK = 'm'",
        "CREATE DATABASE a ON PRIMARY (NAME = a)",
        "ALTER DATABASE a SET RECOVERY BULK_LOGGED",
        "ALTER DATABASE a ADD FILE (NAME = x)",
        "CREATE TABLE t (a xml)",
        "CREATE TABLE t (a int, b AS a + 1)",
        "SELECT a AT TIME ZONE 'UTC' FROM t",
        "SELECT 1 WHERE 1 = ANY (SELECT 1)",
        "DBCC SHRINKFILE (1)",
        "GRANT SELECT ON t TO u",
    ],
)
def test_what_is_not_modelled_is_refused_by_name(sql):
    with pytest.raises(SqlError) as caught:
        statements(sql)
    assert caught.value.number == 40515
    assert "is not modelled by the local SQL Server" in caught.value.message


def test_a_backup_carries_all_its_options():
    (backup,) = statements(
        "BACKUP DATABASE [my db] TO DISK = N'/a', DISK = @b WITH DIFFERENTIAL, INIT, CHECKSUM, STATS = 5, NAME = N'n'"
    )
    assert backup.kind is BackupKind.DIFFERENTIAL
    assert backup.database == "my db"
    assert backup.devices[0] == "/a"
    assert backup.devices[1].name == "@b"
    assert backup.options == {"INIT": True, "CHECKSUM": True, "STATS": 5, "NAME": "n"}


def test_a_restore_carries_its_moves():
    (restore,) = statements(
        "RESTORE DATABASE a FROM DISK = '/x' "
        "WITH FILE = 2, MOVE 'a' TO '/d/a', REPLACE, MOVE N'l' TO '/d/l', STANDBY = '/u'"
    )
    assert restore.moves == (("a", "/d/a"), ("l", "/d/l"))
    assert restore.options == {"FILE": 2, "REPLACE": True, "STANDBY": "/u"}


def test_restore_without_devices_recovers():
    (restore,) = statements("RESTORE DATABASE a WITH RECOVERY")
    assert (restore.devices, restore.log, restore.options) == ((), False, {"RECOVERY": True})


@pytest.mark.parametrize("question", list(MediaQuestion))
def test_media_questions_are_read(question):
    (reading,) = statements(f"RESTORE {question.value} FROM DISK = 'x' WITH FILE = 1")
    assert reading.question is question


@pytest.mark.parametrize(
    ("clause", "wait"),
    [("", None), (" WITH ROLLBACK IMMEDIATE", 0.0), (" WITH ROLLBACK AFTER 30 SECONDS", 30.0), (" WITH NO_WAIT", -1.0)],
)
def test_termination_clauses_are_read(clause, wait):
    (alter,) = statements(f"ALTER DATABASE a SET READ_ONLY{clause}")
    assert (alter.options, alter.wait) == ((("UPDATES", "READ_ONLY"),), wait)


def test_deep_nesting_is_an_error_and_no_crash():
    with pytest.raises(SqlError) as caught:
        statements("SELECT " + "(" * 5000 + "1" + ")" * 5000)
    assert caught.value.number == 191


def test_literals_in_a_statement_are_baked_and_others_are_not():
    batch = parse(tokenize("INSERT INTO t VALUES (1, 'x', 2.5)"))
    assert not batch.baked
    batch = parse(tokenize("BACKUP LOG a TO DISK = 'x'"))
    assert dict(batch.baked) == {0: "x"}
