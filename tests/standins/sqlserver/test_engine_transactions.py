"""Transactions: what survives, what is undone, who waits, who is the deadlock's victim."""

from __future__ import annotations

import threading
import time

import pytest

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import TransactionChanged
from tests.standins.sqlserver.engine_lab import Lab, LabSession

LIMIT_SECONDS = 20


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    lab.session().run("CREATE DATABASE a; CREATE DATABASE b")
    for name in "ab":
        lab.session(name).run("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0)")
    yield lab
    lab.close()


@pytest.fixture
def session(lab):
    return lab.session("a")


def in_background(action):
    """Run in a thread; return the thread and the list that gets its error."""
    errors: list[SqlError] = []

    def run() -> None:
        try:
            action()
        except SqlError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def wait_until(condition) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def waits(lab: Lab, session: LabSession) -> bool:
    return lab.instance.waiting.blocker(session.session) is not None


@pytest.mark.parametrize(
    ("sql", "ids", "depth"),
    [
        ("BEGIN TRAN; INSERT INTO t VALUES (2, 0); COMMIT", [1, 2], 0),
        ("BEGIN TRAN; INSERT INTO t VALUES (2, 0); ROLLBACK", [1], 0),
        ("BEGIN TRAN; BEGIN TRAN; INSERT INTO t VALUES (2, 0); COMMIT; ROLLBACK", [1], 0),
        ("BEGIN TRAN; BEGIN TRAN; INSERT INTO t VALUES (2, 0); COMMIT", [1, 2], 1),
        (
            "BEGIN TRAN; INSERT t VALUES (2, 0); SAVE TRAN s; INSERT t VALUES (3, 0); ROLLBACK TRAN s; COMMIT",
            [1, 2],
            0,
        ),
        (
            "BEGIN TRAN; SAVE TRAN s; INSERT t VALUES (2, 0); ROLLBACK TRAN s; INSERT t VALUES (3, 0); COMMIT",
            [1, 3],
            0,
        ),
        ("BEGIN TRAN x; INSERT INTO t VALUES (2, 0); ROLLBACK TRAN x", [1], 0),
        ("SET IMPLICIT_TRANSACTIONS ON; INSERT INTO t VALUES (2, 0); ROLLBACK", [1], 0),
        ("SET IMPLICIT_TRANSACTIONS ON; SELECT 1 FROM t", [1], 1),
    ],
)
def test_a_transaction_keeps_what_it_says(session, sql, ids, depth):
    session.run(sql)
    assert session.value("SELECT @@TRANCOUNT") == depth
    assert [row[0] for row in session.rows("SELECT id FROM t ORDER BY id")] == ids


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("COMMIT", 3902),
        ("ROLLBACK", 3903),
        ("SAVE TRAN s", 628),
        ("BEGIN TRAN; ROLLBACK TRAN nothing", 6401),
        ("BEGIN TRAN; BACKUP DATABASE a TO DISK = '/nowhere/x'", 3021),
        ("BEGIN TRAN; RESTORE DATABASE c FROM DISK = '/nowhere/x'", 3021),
        ("BEGIN TRAN; CREATE DATABASE c", 226),
        ("BEGIN TRAN; ALTER DATABASE a SET READ_ONLY", 226),
    ],
)
def test_what_a_transaction_does_not_allow_has_its_number(session, sql, number):
    assert session.error(sql).number == number


def test_a_failing_statement_leaves_the_transaction_open(session):
    session.run("BEGIN TRAN; INSERT INTO t VALUES (2, 0)")
    assert session.answer("INSERT INTO t VALUES (3, 0), (1, 0); SELECT 1").errors == [2627]
    session.run("COMMIT")
    assert session.rows("SELECT COUNT(*) FROM t") == [(2,)]


def test_xact_abort_undoes_all_and_ends_the_batch(session):
    answer = session.answer(
        "SET XACT_ABORT ON; BEGIN TRAN; INSERT INTO t VALUES (2, 0); INSERT INTO t VALUES (1, 0); SELECT 5"
    )
    assert (answer.errors, answer.results) == ([2627], [])
    assert session.rows("SELECT COUNT(*), @@TRANCOUNT FROM t") == [(1, 0)]


def test_a_conversion_error_undoes_all_and_ends_the_batch(session):
    answer = session.answer("BEGIN TRAN; INSERT INTO t VALUES (2, 0); SELECT CAST('x' AS int); SELECT 5")
    assert (answer.errors, answer.results) == ([245], [])
    assert session.rows("SELECT COUNT(*), @@TRANCOUNT FROM t") == [(1, 0)]


def test_catch_sees_the_error_and_can_commit(session):
    answer = session.run(
        """
        BEGIN TRAN; INSERT INTO t VALUES (2, 0)
        BEGIN TRY INSERT INTO t VALUES (1, 0); PRINT 'not reached' END TRY
        BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_SEVERITY(), XACT_STATE(), @@TRANCOUNT END CATCH
        COMMIT; SELECT ERROR_NUMBER(), COUNT(*) FROM t
        """
    )
    assert answer.results == [[(2627, 14, 1, 1)], [(None, 2)]]
    assert not answer.messages


def test_a_doomed_transaction_can_only_roll_back(session):
    answer = session.answer(
        """
        SET XACT_ABORT ON; BEGIN TRAN
        BEGIN TRY INSERT INTO t VALUES (1, 0) END TRY BEGIN CATCH SELECT XACT_STATE() END CATCH
        COMMIT
        """
    )
    assert (answer.results, answer.errors) == ([[(-1,)]], [3930])
    assert session.value("SELECT @@TRANCOUNT") == 0


def test_throw_passes_the_error_on(session):
    answer = session.answer("BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH PRINT 'seen'; THROW END CATCH SELECT 1")
    assert (answer.messages, answer.errors, answer.results) == (["seen"], [8134], [])
    assert session.error("THROW 51000, 'mine', 3").message == "mine"


def test_the_wire_is_told_of_transactions(session):
    events = session.run("BEGIN TRAN; BEGIN TRAN; COMMIT; COMMIT").events
    assert [event.kind for event in events if isinstance(event, TransactionChanged)] == ["begun", "committed"]


def test_readers_see_what_is_committed_and_do_not_wait(lab, session):
    other = lab.session("a")
    session.run("BEGIN TRAN; UPDATE t SET v = 9")
    assert other.rows("SELECT v FROM t") == [(0,)]
    session.run("COMMIT")
    assert other.rows("SELECT v FROM t") == [(9,)]


def test_a_long_transaction_reads_what_others_commit_meanwhile(lab, session):
    other = lab.session("a")
    session.run("BEGIN TRAN")
    assert session.rows("SELECT v FROM t") == [(0,)]
    other.run("UPDATE t SET v = 1")
    session.run("UPDATE t SET v = v + 10; COMMIT")
    assert session.rows("SELECT v FROM t") == [(11,)]


def test_a_second_writer_waits_for_the_first(lab, session):
    other = lab.session("a")
    session.run("BEGIN TRAN; UPDATE t SET v = v + 1")
    thread, errors = in_background(lambda: other.run("UPDATE t SET v = v * 10"))
    wait_until(lambda: waits(lab, other))
    (request,) = session.rows(
        "SELECT session_id, status, wait_type FROM sys.dm_exec_requests WHERE blocking_session_id = @@SPID"
    )
    assert request == (other.session.spid, "suspended", "LCK_M_X")
    session.run("COMMIT")
    thread.join(LIMIT_SECONDS)
    assert not errors
    assert session.rows("SELECT v FROM t") == [(10,)]


def test_lock_timeout_gives_up(lab, session):
    other = lab.session("a")
    session.run("BEGIN TRAN; UPDATE t SET v = 1")
    assert other.error("SET LOCK_TIMEOUT 0; UPDATE t SET v = 2").number == 1222
    session.run("ROLLBACK")
    other.run("UPDATE t SET v = 3")


def test_two_sessions_that_wait_for_each_other_have_one_victim(lab, session):
    other = lab.session("b")
    session.run("BEGIN TRAN; UPDATE t SET v = 1")
    other.run("BEGIN TRAN; UPDATE t SET v = 2")
    thread, errors = in_background(lambda: other.run("USE a; UPDATE t SET v = 2; COMMIT"))
    wait_until(lambda: waits(lab, other))
    mine = []
    try:
        session.run("USE b; UPDATE t SET v = 1; COMMIT")
    except SqlError as error:
        mine.append(error)
    thread.join(LIMIT_SECONDS)
    assert [error.number for error in mine + errors] == [1205]
    winner = 2 if mine else 1
    reader = lab.session()
    assert reader.rows("SELECT v FROM a.dbo.t UNION ALL SELECT v FROM b.dbo.t") == [(winner,), (winner,)]


def test_cancelling_ends_a_wait_for_another_writer(lab, session):
    other = lab.session("a")
    session.run("BEGIN TRAN; UPDATE t SET v = 1")
    seen = []

    def run() -> None:
        try:
            other.run("UPDATE t SET v = 2")
        except BaseException as error:  # noqa: BLE001 -- whatever it is, the test looks at it
            seen.append(type(error).__name__)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: waits(lab, other))
    other.session.cancel()
    thread.join(LIMIT_SECONDS)
    assert seen == ["BatchCancelled"]
    session.run("ROLLBACK")
    other.run("UPDATE t SET v = 3")


def test_cancelling_ends_a_long_query(lab, session):
    seen = []

    def run() -> None:
        try:
            session.run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT SUM(i) FROM n")
        except BaseException as error:  # noqa: BLE001 -- whatever it is, the test looks at it
            seen.append(type(error).__name__)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: session.session.request is not None and "a" in session.session._homes)
    while thread.is_alive():
        session.session.cancel()
        thread.join(0.05)
    assert seen == ["BatchCancelled"]
    assert session.rows("SELECT 1") == [(1,)]


def test_a_transaction_over_two_databases_is_undone_in_both(lab, session):
    session.run("BEGIN TRAN; UPDATE t SET v = 1; UPDATE b.dbo.t SET v = 1; ROLLBACK")
    assert session.rows("SELECT a.v, b.v FROM t a, b.dbo.t b") == [(0, 0)]
    session.run("BEGIN TRAN; UPDATE t SET v = 1; UPDATE b.dbo.t SET v = 1; COMMIT")
    assert session.rows("SELECT a.v, b.v FROM t a, b.dbo.t b") == [(1, 1)]


def test_closing_a_session_undoes_its_transaction(lab, session):
    session.run("BEGIN TRAN; UPDATE t SET v = 1")
    session.close()
    assert lab.session("a").rows("SELECT v FROM t") == [(0,)]


def test_resetting_a_session_undoes_its_transaction_and_settings(lab):
    session = lab.session("a")
    session.run("SET NOCOUNT ON; USE b; BEGIN TRAN; UPDATE t SET v = 1")
    session.session.reset()
    assert session.run("UPDATE t SET v = 5").counts == [1]
    assert session.rows("SELECT DB_NAME(), @@TRANCOUNT") == [("a", 0)]


def test_many_writers_lose_no_update(lab):
    sessions = [lab.session("a") for _ in range(4)]

    def add(session: LabSession) -> None:
        for _ in range(25):
            session.run("UPDATE t SET v = v + 1")

    threads = [threading.Thread(target=add, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert lab.session("a").rows("SELECT v FROM t") == [(100,)]
