"""While a batch runs: it can be stopped, watched and killed, and a client that does not read costs no memory."""

from __future__ import annotations

import struct
import threading
import time

import pytest

from tests.standins.sqlserver.clients import odbc_connection, pymssql_connection, pytds_connection
from tests.standins.sqlserver.scripted_instance import PASSWORD, WAIT_LIMIT_SECONDS
from tests.standins.sqlserver.scripted_server import RawClient, ScriptedServer, headers

DONE = struct.Struct("<BHHQ")
MORE, ERROR, IN_TRANSACTION, COUNT, ATTENTION = 1, 2, 4, 16, 32
RESET = 1 | 8


def last_done(answer: bytes) -> tuple[int, int]:
    """The last token's kind and status."""
    kind, status, _, _ = DONE.unpack(answer[-DONE.size :])
    return kind, status


def rows_of(client, sql):
    cursor = client.cursor()
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


@pytest.fixture
def raw(scripted):
    with RawClient(scripted.port) as client:
        client.log_in(PASSWORD)
        yield client


@pytest.mark.parametrize("encryption", ["off", "require"])
def test_a_query_timeout_stops_the_batch(scripted, encryption):
    """FreeTDS gives the connection up after a timeout."""
    import pymssql

    with pytest.raises(pymssql.OperationalError) as caught:
        rows_of(pymssql_connection(scripted.port, timeout=1, encryption=encryption), "wait")

    assert caught.value.args[0] == 20047


def test_cancel_leaves_the_connection_usable(scripted):
    client = pytds_connection(scripted.port)
    cursor = client.cursor()
    cursor.execute("endless")
    assert cursor.fetchone()[0] == 0
    cursor.cancel()

    assert rows_of(client, "select 3") == [(3,)]
    client.close()


def test_odbc_cancel_by_timeout_leaves_the_connection_usable(scripted):
    import contextlib

    client = odbc_connection(scripted.port)
    client.timeout = 1
    cursor = client.cursor()
    with pytest.raises(Exception, match=r"(?i)timeout"), contextlib.closing(cursor):
        cursor.execute("wait")

    assert rows_of(client, "select 3") == [(3,)]
    client.close()


def test_an_attention_is_acknowledged_at_the_end_of_the_answer_it_cuts(raw):
    raw.send(1, headers() + "halfway".encode("utf-16-le"))
    raw.send(6, b"")

    assert last_done(raw.answer()) == (0xFD, ATTENTION)
    assert raw.batch("select 4")


def test_an_attention_that_comes_too_late_is_acknowledged_on_its_own(raw):
    raw.batch("select 1")
    raw.send(6, b"")

    assert raw.answer() == DONE.pack(0xFD, ATTENTION, 0, 0)
    assert last_done(raw.batch("select 2")) == (0xFD, COUNT)


def test_attentions_at_any_moment_never_lose_their_acknowledgement(raw):
    """Whether it meets the batch before, in or after its run, each ATTENTION gets exactly one acknowledgement."""
    for _ in range(300):
        raw.send(1, headers() + "rows 300".encode("utf-16-le"))
        raw.send(6, b"")
        if not last_done(raw.answer())[1] & ATTENTION:
            assert raw.answer() == DONE.pack(0xFD, ATTENTION, 0, 0)

    assert last_done(raw.batch("select 2")) == (0xFD, COUNT)


def test_progress_arrives_while_the_statement_still_runs(raw):
    raw.send(1, headers() + "halfway".encode("utf-16-le"))

    first_packet = raw.socket.recv(4096)  # the statement waits until the ATTENTION below

    assert "50 percent".encode("utf-16-le") in first_packet
    raw.send(6, b"")
    assert last_done(raw.answer()) == (0xFD, ATTENTION)


def test_progress_reaches_pymssqls_message_handler(scripted):
    seen = []
    with pymssql_connection(scripted.port) as client:
        client._conn.set_msghandler(lambda state, severity, server, procedure, line, text: seen.append(text))
        rows_of_nothing = client.cursor()
        rows_of_nothing.execute("progress")

    assert [text for text in seen if b"percent" in text] == [
        f"{percent} percent processed.".encode() for percent in range(10, 101, 10)
    ]


def test_a_failed_statement_does_not_hide_what_follows(raw):
    answer = raw.batch("mixed")

    assert answer.count(b"\x81\x01\x00") == 2
    assert (8134).to_bytes(4, "little") in answer
    assert last_done(answer) == (0xFD, COUNT)


def test_an_error_amid_the_rows_is_the_statements_own(raw):
    answer = raw.batch("broken")

    assert DONE.pack(0xFD, MORE | ERROR, 0, 0) in answer
    assert last_done(answer) == (0xFD, COUNT)


def test_a_value_that_does_not_fit_ends_the_batch_with_its_error(raw):
    answer = raw.batch("toolong")

    assert (8115).to_bytes(4, "little") in answer
    assert last_done(answer) == (0xFD, ERROR)
    assert last_done(raw.batch("select 1")) == (0xFD, COUNT)


def test_every_statement_but_the_last_says_that_more_follows(raw):
    answer = raw.batch("counts")

    assert answer == DONE.pack(0xFD, MORE | COUNT, 0xC3, 3) + DONE.pack(0xFD, MORE | COUNT, 0xC5, 5) + DONE.pack(
        0xFD, COUNT, 0xC4, 0
    )


def test_an_open_transaction_shows_in_every_done(raw):
    raw.batch("begin tran")

    assert last_done(raw.batch("select 1"))[1] == COUNT | IN_TRANSACTION
    assert last_done(raw.batch("commit"))[1] == 0


def test_the_driver_sees_one_result_per_statement(scripted):
    client = odbc_connection(scripted.port)
    cursor = client.cursor()
    cursor.execute("counts")
    first, others = cursor.rowcount, 0
    while cursor.nextset():
        others += 1

    assert (first, others) == (3, 2)
    client.close()


def test_a_crash_in_the_session_is_an_error_without_its_traceback(scripted):
    with RawClient(scripted.port) as client:
        client.log_in(PASSWORD)
        answer = client.batch("crash")

        text = answer.decode("utf-16-le", "ignore") + answer[1:].decode("utf-16-le", "ignore")
        assert "met an internal error" in text
        assert "RuntimeError" not in text
        assert client.is_closed_by_server()
    assert "the script asks for a crash" in scripted.log.read_text()
    with RawClient(scripted.port) as after:
        assert after.log_in(PASSWORD)


def test_a_killed_session_is_told_596_before_its_connection_closes(raw):
    answer = raw.batch("kill")

    assert (596).to_bytes(4, "little") in answer
    assert raw.is_closed_by_server()


def test_a_pooled_connection_is_reset_before_its_next_batch(raw):
    raw.batch("use [orders]")

    answer = raw.batch("select 1", status=RESET)

    assert b"\xe3\x03\x00\x12\x00\x00" in answer
    database_back = b"\xe3\x1b\x00\x01\x06" + "master".encode("utf-16-le") + b"\x06" + "orders".encode("utf-16-le")
    assert database_back in answer


def test_a_client_that_does_not_read_costs_no_memory(scripted):
    with pymssql_connection(scripted.port) as watcher:
        ((before,),) = rows_of(watcher, "memory")
        with RawClient(scripted.port) as slow:
            slow.log_in(PASSWORD)
            slow.send(1, headers() + "endless".encode("utf-16-le"))
            for _ in range(2000):  # 8 MB of an answer without end
                slow._exactly(4096)
            ((after,),) = rows_of(watcher, "memory")

    assert after - before < 8 * 1024  # KiB


def test_an_idle_session_that_is_killed_loses_its_connection(scripted, raw):
    with pymssql_connection(scripted.port) as victim:
        ((spid,),) = rows_of(victim, "spid")
        raw.batch(f"evict {spid}")

        with pytest.raises(Exception, match=r"20004|20047|20006|20003|20017|Not connected|DBPROCESS is dead"):
            rows_of(victim, "select 1")


def open_sessions(watcher) -> int:
    return rows_of(watcher, "sessions")[0][0]


def test_a_client_that_leaves_stops_its_batch_and_frees_its_session(scripted):
    with pymssql_connection(scripted.port) as watcher:
        before = open_sessions(watcher)
        client = RawClient(scripted.port)
        client.log_in(PASSWORD)
        client.send(1, headers() + "wait".encode("utf-16-le"))
        assert open_sessions(watcher) == before + 1
        client.socket.close()

        deadline = time.monotonic() + WAIT_LIMIT_SECONDS / 2  # the batch alone would run longer
        while open_sessions(watcher) > before and time.monotonic() < deadline:
            threading.Event().wait(0.02)

        assert open_sessions(watcher) == before


def test_a_stop_ends_running_batches_and_closes_their_sessions(tmp_path):
    server = ScriptedServer(tmp_path)
    with RawClient(server.port) as busy, RawClient(server.port) as reading, RawClient(server.port) as silent:
        for client, sql in ((busy, "wait"), (reading, "endless")):
            client.log_in(PASSWORD)
            client.send(1, headers() + sql.encode("utf-16-le"))
        silent.socket.sendall(b"\x12")

        assert server.stop() == 0  # its status counts the sessions left open
