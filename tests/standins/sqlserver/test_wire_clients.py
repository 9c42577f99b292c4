"""Real clients over a socket: they read what the session answered, and raise what it raised."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from tests.standins.sqlserver.clients import (
    DRIVERS,
    connection,
    odbc_connection,
    pymssql_connection,
    pytds_connection,
    refusal_of_pymssql,
)
from tests.standins.sqlserver.scripted_instance import VALUES
from tests.standins.sqlserver.scripted_server import RawClient


@pytest.fixture(params=DRIVERS)
def client(request, scripted):
    opened = connection(request.param, scripted)
    yield opened
    opened.close()


def rows_of(client, sql, *parameters):
    cursor = client.cursor()
    cursor.execute(sql, *parameters)
    return [tuple(row) for row in cursor.fetchall()]


def plain(value):
    """Drivers differ in the class of a time zone and of bytes, not in the moment or the content."""
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC)
    return bytes(value) if isinstance(value, bytearray) else value


def test_every_type_and_every_null_arrives_as_it_was_sent(client):
    values, nulls = rows_of(client, "types")

    assert [plain(value) for value in values] == [plain(value) for _, _, value in VALUES]
    assert nulls == (None,) * len(VALUES)


def test_rows_of_many_packets_arrive_whole_and_in_order(client):
    rows = rows_of(client, "rows 20000")

    assert rows == [(number, "name", 7) for number in range(20_000)]


def test_the_next_batch_finds_the_session_in_order(client):
    assert [rows_of(client, f"select {number}") for number in range(5)] == [[(number,)] for number in range(5)]


PARAMETERS = [1, -(2**40), "O'Neill 東京", Decimal("12345678901234567890.1234"), b"\x00\xff", None, 1.5]


@pytest.mark.parametrize("driver", ["pytds", "mssql-python"])
def test_parameters_of_a_call_reach_the_session(scripted, driver):
    client = connection(driver, scripted)
    mark = "%s" if driver == "pytds" else "?"
    moment, day, guid = dt.datetime.fromisoformat("2026-07-01 12:34:56.123456"), dt.date(2026, 7, 1), uuid.uuid4()
    values = [*PARAMETERS, moment, day, guid]
    if driver == "pytds":
        from pytds import Binary

        values[4] = Binary(values[4])  # plain bytes go out as text
        values.remove(None)  # it writes NULL into the statement

    (row,) = rows_of(client, "echo " + ", ".join([mark] * len(values)), tuple(values))

    got = [plain(value) for value in row]
    assert got == [plain(value) for value in values]
    client.close()


def test_a_statement_run_twice_with_other_values_answers_the_other_values(scripted):
    """ODBC prepares with the first call and executes by handle with the second."""
    client = odbc_connection(scripted.port)
    cursor = client.cursor()

    got = []
    for value in range(5):
        cursor.execute("echo ?", (value,))
        got += [tuple(row) for row in cursor.fetchall()]

    assert got == [(value,) for value in range(5)]
    client.close()


def test_a_procedure_by_name_gets_its_arguments(scripted):
    with pymssql_connection(scripted.port) as client, client.cursor() as cursor:
        cursor.callproc("sp_echo", (5, "five"))

        assert cursor.fetchall() == [(5, "five")]


def test_an_unknown_procedure_is_2812_and_the_connection_lives(scripted):
    import pymssql

    with pymssql_connection(scripted.port) as client, client.cursor() as cursor:
        with pytest.raises(pymssql.Error, match="Could not find stored procedure 'sp_nothing'") as caught:
            cursor.callproc("sp_nothing", ())
        assert caught.value.args[0] == 2812
        assert rows_of(client, "select 1") == [(1,)]


def test_pymssql_names_the_cause_of_a_failed_restore(scripted):
    import pymssql

    with pymssql_connection(scripted.port) as client:
        with pytest.raises(pymssql.OperationalError, match="begins at LSN 5") as caught:
            rows_of(client, "fail")
        assert caught.value.args[0] == 4305
        assert rows_of(client, "select 1") == [(1,)]


def test_pytds_names_the_last_error_of_a_failed_restore(scripted):
    import pytds

    with pytds_connection(scripted.port) as client:
        with pytest.raises(pytds.Error) as caught:
            rows_of(client, "fail")
        assert caught.value.number == 3013
        assert rows_of(client, "select 1") == [(1,)]


def test_mssql_python_gives_the_text_of_a_failed_restore(scripted):
    import mssql_python

    client = odbc_connection(scripted.port)
    with pytest.raises(mssql_python.Error, match="begins at LSN 5"):
        rows_of(client, "fail")
    assert rows_of(client, "select 1") == [(1,)]
    client.close()


@pytest.mark.parametrize("encryption", ["off", "request", "require"])
@pytest.mark.parametrize(("options", "number"), [({"password": "wrong"}, 18456), ({"database": "missing"}, 18456)])
def test_a_refused_login_arrives_as_18456(scripted, encryption, options, number):
    assert refusal_of_pymssql(scripted.port, encryption=encryption, **options) == number


def test_a_missing_database_sends_4060_before_18456(scripted):
    with RawClient(scripted.port) as raw:
        from tests.standins.sqlserver.scripted_instance import PASSWORD

        answer = raw.log_in(PASSWORD, database="missing")

    first = answer.index((4060).to_bytes(4, "little"))
    assert answer.index((18456).to_bytes(4, "little")) > first


def test_who_logs_in_reaches_the_instance(scripted):
    with pymssql_connection(scripted.port, database="orders", appname="landfall") as client:
        ((user, database, _, application),) = rows_of(client, "whoami")

    assert (user, database, application) == ("sa", "orders", "landfall")


def test_use_changes_the_database_that_the_client_knows(scripted):
    with pytds_connection(scripted.port) as client:
        rows_after = client.cursor()
        rows_after.execute("use [orders]")

        assert client._tds_socket.main_session._tds.env.database == "orders"


def test_pymssql_without_autocommit_begins_and_commits(scripted):
    with pymssql_connection(scripted.port, autocommit=False) as client:
        client.commit()
        client.rollback()

        assert rows_of(client, "log") == [("begun",), ("committed",), ("begun",), ("rolled back",), ("begun",)]


def test_pytds_without_autocommit_uses_transaction_requests(scripted):
    with pytds_connection(scripted.port, autocommit=False) as client:
        rows_of(client, "select 1")
        client.commit()
        rows_of(client, "select 1")
        client.rollback()

        entries = [entry for (entry,) in rows_of(client, "log")]
    assert [entry for entry in entries if entry != "begun"] == ["committed", "rolled back"]


def test_mssql_python_without_autocommit_commits(scripted):
    client = odbc_connection(scripted.port, autocommit=False)
    rows_of(client, "select 1")
    client.commit()

    assert rows_of(client, "select 2") == [(2,)]
    client.close()
