"""Logins, database states, KILL, SINGLE_USER, batches and procedures."""

from __future__ import annotations

import threading
import time

import pytest

from include.standins.sqlserver.errors import BatchCancelled, SessionKilled, SqlError
from include.standins.sqlserver.results import DatabaseChanged, Parameter, SqlType
from tests.standins.sqlserver.engine_lab import Lab

LIMIT_SECONDS = 20


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    lab.session().run("CREATE DATABASE Sales")
    lab.session("Sales").run("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    for session in list(lab._sessions):
        session.close()
    yield lab
    lab.close()


def restoring(lab: Lab, name: str = "copy") -> None:
    """Leave a database in RESTORING."""
    path = lab.root / "full.bak"
    lab.session().run(
        f"""BACKUP DATABASE Sales TO DISK = N'{path}' WITH INIT
        RESTORE DATABASE {name} FROM DISK = N'{path}' WITH NORECOVERY, MOVE 'Sales' TO '{lab.root}/c.mdf',
            MOVE 'Sales_log' TO '{lab.root}/c.ldf'"""
    )


def wait_until(condition) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(("user", "password"), [("sa", "wrong"), ("nobody", "Local-password-1"), ("sa", "")])
def test_a_wrong_login_is_18456(lab, user, password):
    with pytest.raises(SqlError) as caught:
        lab.session(user=user, password=password)
    assert (caught.value.number, caught.value.severity) == (18456, 14)


def test_a_login_to_a_database_that_cannot_be_opened_is_4060_then_18456(lab):
    restoring(lab)
    for name in ("missing", "copy"):
        with pytest.raises(SqlError) as caught:
            lab.session(name)
        assert [caught.value.number, *(each.number for each in caught.value.follow)] == [4060, 18456]
    assert lab.instance.in_use("copy", None) == []


@pytest.mark.parametrize(("name", "number"), [("missing", 911), ("copy", 927)])
def test_use_of_a_database_that_cannot_be_opened_has_its_number(lab, name, number):
    restoring(lab)
    session = lab.session()
    assert session.error(f"USE {name}").number == number
    assert session.value("SELECT DB_NAME()") == "master"


def test_use_tells_the_client(lab):
    answer = lab.session().run("use [sales]")
    assert DatabaseChanged("master", "Sales") in answer.events
    assert answer.messages == ["Changed database context to 'Sales'."]


def test_a_standby_is_read_but_not_written(lab):
    restoring(lab)
    session = lab.session()
    session.run(f"RESTORE DATABASE copy WITH STANDBY = N'{lab.root}/undo'; USE copy")
    assert session.rows("SELECT id FROM t") == [(1,)]
    for sql in ("INSERT INTO t VALUES (2)", "CREATE TABLE u (a int)", "DROP TABLE t"):
        assert session.error(sql).number == 3906
    assert session.rows("SELECT state_desc, is_in_standby, is_read_only FROM sys.databases WHERE name = 'copy'") == [
        ("ONLINE", True, True)
    ]


def test_a_reader_stands_in_the_way_of_a_restore(lab):
    restoring(lab)
    session, reader = lab.session(), None
    session.run(f"RESTORE DATABASE copy WITH STANDBY = N'{lab.root}/undo'")
    reader = lab.session("copy")
    assert session.error("RESTORE DATABASE copy WITH RECOVERY").number == 3101
    reader.close()
    session.run("RESTORE DATABASE copy WITH RECOVERY")
    assert lab.session("copy").rows("SELECT id FROM t") == [(1,)]


def test_restore_of_the_own_current_database_is_refused(lab):
    session = lab.session("Sales")
    assert session.error("RESTORE DATABASE Sales FROM DISK = '/x' WITH REPLACE").number == 3102
    assert session.error("BACKUP LOG Sales TO DISK = '/x' WITH NORECOVERY").number == 3101
    assert session.error("DROP DATABASE Sales").number == 3702


def test_kill_ends_an_idle_session_and_its_transaction(lab):
    victim, killer = lab.session("Sales"), lab.session()
    victim.run("BEGIN TRAN; INSERT INTO t VALUES (2)")
    killer.run(f"KILL {victim.session.spid}")
    assert victim.disconnected.is_set()
    with pytest.raises(SessionKilled):
        victim.run("SELECT 1")
    assert killer.rows("SELECT COUNT(*) FROM Sales.dbo.t") == [(1,)]
    assert killer.error(f"KILL {victim.session.spid}").number == 6106
    assert killer.error(f"KILL {killer.session.spid}").number == 6104
    assert killer.error("KILL 5").number == 6107


def test_kill_ends_a_running_statement(lab):
    victim, killer = lab.session(), lab.session()
    seen = []

    def run() -> None:
        try:
            victim.run("WAITFOR DELAY '01:00:00'")
        except SessionKilled:
            seen.append("killed")
            victim.close()

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: killer.rows("SELECT session_id FROM sys.dm_exec_requests WHERE command = 'WAITFOR'"))
    killer.run(f"KILL {victim.session.spid}")
    thread.join(LIMIT_SECONDS)
    assert seen == ["killed"]
    assert killer.rows(f"SELECT * FROM sys.dm_exec_sessions WHERE session_id = {victim.session.spid}") == []


def test_single_user_with_rollback_immediate_ends_the_others(lab):
    victim, owner = lab.session("Sales"), lab.session()
    victim.run("BEGIN TRAN; INSERT INTO t VALUES (2)")
    owner.run("ALTER DATABASE Sales SET SINGLE_USER WITH ROLLBACK IMMEDIATE; USE Sales")
    assert victim.session.is_closed
    assert owner.rows("SELECT id FROM t") == [(1,)]
    other = lab.session()
    assert other.error("USE Sales").number == 924
    assert other.error("SELECT * FROM Sales.dbo.t").number == 924
    with pytest.raises(SqlError) as caught:
        lab.session("Sales")
    assert caught.value.number == 4060
    error = other.error("ALTER DATABASE Sales SET MULTI_USER")
    assert [error.number, *(each.number for each in error.follow)] == [5064, 5069]
    owner.run("ALTER DATABASE Sales SET MULTI_USER")
    assert other.rows("SELECT id FROM Sales.dbo.t") == [(1,)]


def test_no_wait_gives_up_when_others_are_there(lab):
    lab.session("Sales")
    error = lab.session().error("ALTER DATABASE Sales SET READ_ONLY WITH NO_WAIT")
    assert [error.number, *(each.number for each in error.follow)] == [5070, 5069]


def test_without_a_termination_clause_it_waits(lab):
    reader, owner = lab.session("Sales"), lab.session()
    thread = threading.Thread(target=lambda: owner.run("ALTER DATABASE Sales SET SINGLE_USER"))
    thread.start()
    wait_until(lambda: owner.session.request is not None)
    assert thread.is_alive()
    reader.close()
    thread.join(LIMIT_SECONDS)
    assert owner.value("SELECT DATABASEPROPERTYEX('Sales', 'UserAccess')") == "SINGLE_USER"


def test_read_only_refuses_writing_until_it_is_lifted(lab):
    session = lab.session("Sales")
    session.run("ALTER DATABASE Sales SET READ_ONLY")
    assert session.error("INSERT INTO t VALUES (2)").number == 3906
    session.run("ALTER DATABASE CURRENT SET READ_WRITE; INSERT INTO t VALUES (2)")


def test_offline_and_online(lab):
    session = lab.session()
    session.run("ALTER DATABASE Sales SET OFFLINE WITH ROLLBACK IMMEDIATE")
    assert session.error("USE Sales").number == 942
    session.run("ALTER DATABASE Sales SET ONLINE; USE Sales")
    assert session.rows("SELECT id FROM t") == [(1,)]


def test_alter_database_of_a_restoring_database_is_5052(lab):
    restoring(lab)
    assert lab.session().error("ALTER DATABASE copy SET RECOVERY SIMPLE").number == 5052
    assert lab.session().error("ALTER DATABASE missing SET MULTI_USER").number == 5011


def test_rename_and_drop(lab):
    session = lab.session()
    session.run("USE Sales; ALTER DATABASE Sales MODIFY NAME = Shop")
    assert session.rows("SELECT DB_NAME(), id FROM t") == [("Shop", 1)]
    session.run("USE master")
    assert session.rows("SELECT name FROM sys.databases WHERE database_id > 4") == [("Shop",)]
    assert session.error("DROP DATABASE Sales").number == 3701
    session.run("DROP DATABASE IF EXISTS Sales; DROP DATABASE Shop")
    assert session.rows("SELECT name FROM sys.databases WHERE database_id > 4") == []


@pytest.mark.parametrize(
    ("sql", "results", "messages", "errors"),
    [
        (
            "DECLARE @i int = 0 WHILE @i < 5 BEGIN SET @i += 1 IF @i = 2 CONTINUE IF @i = 4 BREAK PRINT @i END",
            [],
            ["1", "3"],
            [],
        ),
        ("DECLARE @a int, @b varchar(3) = 'abcdef' SELECT @a = 1, @b = @b + 'x' SELECT @a, @b", [[(1, "abc")]], [], []),
        ("DECLARE @n int SELECT @n = id FROM Sales.dbo.t WHERE 1 = 0 SELECT @n", [[(None,)]], [], []),
        ("IF 1 = NULL PRINT 'true' ELSE PRINT 'not true'", [], ["not true"], []),
        ("PRINT 'before' RETURN PRINT 'after'", [], ["before"], []),
        ("EXEC ('PRINT 1; RETURN; PRINT 2') PRINT 3", [], ["1", "3"], []),
        ("EXEC sp_executesql N'SELECT @a + @b', N'@a int, @b int', @b = 2, @a = 40", [[(42,)]], [], []),
        ("RAISERROR ('%s: %d of %i', 10, 1, N'x', 2, 3) WITH NOWAIT", [], ["x: 2 of 3"], []),
        ("RAISERROR ('bad', 16, 1) SELECT @@ERROR", [[(50000,)]], [], [50000]),
        ("SELECT 1 SELECT * FROM nowhere SELECT 2", [[(1,)]], [], [208]),
        ("SELECT 1 / 0 SELECT 2", [[(2,)]], [], [8134]),
        ("PRINT 'a' BREAK", [], ["a"], [135]),
        ("EXEC sp_nothing", [], [], [2812]),
        ("SET ROWCOUNT 1 SELECT 1 UNION ALL SELECT 2", [[(1,)]], [], []),
        ("DBCC CHECKDB ('Sales') WITH NO_INFOMSGS", [], [], []),
        ("SELECT 1 SELECT 'x' y SELEC", [], [], [102]),
    ],
)
def test_a_batch_runs_as_it_is_written(lab, sql, results, messages, errors):
    answer = lab.session().answer(sql)
    assert (answer.results, answer.messages, answer.errors) == (results, messages, errors)


def test_parameters_are_variables(lab):
    answer = lab.session().run(
        "SELECT @Name + N'!', @n * 2",
        [Parameter("@name", SqlType("nvarchar", 10), "Zoë"), Parameter("@n", SqlType("int"), 21)],
    )
    assert answer.rows == [("Zoë!", 42)]


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("SET ANSI_NULLS OFF", 40515),
        ("SET DATEFORMAT dmy", 40515),
        ("SET FMTONLY ON", 40515),
        ("EXEC xp_cmdshell 'x'", 40515),
        ("EXEC msdb.dbo.sp_update_job @job_name = 'x', @enabled = 0", 40515),
        ("CREATE TABLE master.dbo.t (a int)", 40515),
        ("BACKUP DATABASE master TO DISK = '/x'", 40515),
        ("INSERT INTO msdb.dbo.backupset (name) VALUES ('x')", 229),
        ("EXEC sp_landfall_fault @fault = 'nothing', @value = '1'", 50000),
    ],
)
def test_what_the_server_does_not_do_is_refused(lab, sql, number):
    assert lab.session().error(sql).number == number


def test_faults_are_set_listed_and_ended(lab):
    session = lab.session()
    session.run("EXEC sp_landfall_fault @fault = 'clock_offset', @value = '3600'")
    assert session.rows("EXEC sp_landfall_fault") == [("clock_offset", "3600")]
    session.run("EXEC sp_landfall_fault 'clock_offset', NULL")
    assert session.rows("EXEC sp_landfall_fault") == []


def test_a_query_with_every_kind_of_literal_is_parsed_once(lab):
    session = lab.session("Sales")
    batches = lab.instance.batches
    for number in range(5):
        session.run(f"INSERT INTO t (id) VALUES ({number})")
    known = [key for key in batches._known if key[0] == "INSERT"]
    assert len(known) == 1
    assert len(batches._known[known[0]]) == 1


def test_exec_that_calls_itself_forever_ends(lab):
    sql = """DECLARE @s nvarchar(max) = N'EXEC sp_executesql @s, N''@s nvarchar(max)'', @s = @s'
        EXEC sp_executesql @s, N'@s nvarchar(max)', @s = @s"""
    assert lab.session().error(sql).number == 217


def test_a_running_backup_shows_its_progress_and_can_be_cancelled(lab):
    worker, watcher = lab.session(), lab.session()
    lab.session("Sales").run(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO t SELECT i FROM n"
    )
    watcher.run("EXEC sp_landfall_fault 'slow_backup', '1000000'")
    path = lab.root / "slow.bak"
    seen = []

    def run() -> None:
        try:
            worker.run(f"BACKUP DATABASE Sales TO DISK = N'{path}' WITH INIT, STATS = 1")
        except BatchCancelled:
            seen.append("cancelled")

    thread = threading.Thread(target=run)
    thread.start()
    progress = "SELECT percent_complete FROM sys.dm_exec_requests WHERE command = 'BACKUP DATABASE'"
    wait_until(lambda: any(0 < row[0] < 100 for row in watcher.rows(progress)))
    worker.session.cancel()
    thread.join(LIMIT_SECONDS)
    assert seen == ["cancelled"]
    assert watcher.rows("SELECT COUNT(*) FROM msdb.dbo.backupset") == [(0,)]


def test_a_message_of_a_backup_comes_before_its_end(lab):
    session = lab.session()
    answer = session.run(f"BACKUP DATABASE Sales TO DISK = N'{lab.root}/a.bak' WITH STATS = 50")
    assert "50 percent processed." in answer.messages
    assert answer.messages[-1].startswith("BACKUP DATABASE successfully processed")
