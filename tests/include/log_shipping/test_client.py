"""The client names what the driver raised, and never says more than the server did."""

from pathlib import Path

import pymssql
import pytest

from include.log_shipping.client import SqlServer, number_and_text, refused_connection
from include.log_shipping.failures import LoginRefusedError, Reaction, ServerUnreachableError, SqlServerError
from include.log_shipping.tsql import Statement
from tests.local_sql_server import start_local_sql_server


class BrokenCursor:
    description = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def execute(self, text: str, parameters: object) -> None:
        raise self.error


class BrokenConnection:
    def __init__(self, error: Exception) -> None:
        self.error = error
        self.closed = False

    def cursor(self, *, as_dict: bool) -> BrokenCursor:
        return BrokenCursor(self.error)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((4305, b"The log in this backup set begins at LSN 7.DB-Lib error message 20018, severity 16:\nGeneral"),
         (4305, "The log in this backup set begins at LSN 7.")),
        (((18456, b"Login failed for user 'sa'."),), (18456, "Login failed for user 'sa'.")),
        (("Connection is closed",), (0, "Connection is closed")),
        ((), (0, "OperationalError")),
    ],
)  # fmt: skip
def test_number_and_sentence_come_out_of_every_shape_the_driver_raises(
    arguments: tuple[object, ...], expected: tuple[int, str]
) -> None:
    assert number_and_text(pymssql.OperationalError(*arguments)) == expected


def test_a_refused_statement_names_server_deed_cause_and_number() -> None:
    connection = BrokenConnection(pymssql.OperationalError(4305, b"too late"))
    with pytest.raises(SqlServerError) as caught:
        SqlServer("EC2SQL02", lambda: connection).run(Statement("SELECT 1"), doing="RESTORE LOG Sales")
    assert str(caught.value) == "EC2SQL02 refused RESTORE LOG Sales: too late (error 4305)"
    assert caught.value.reaction is Reaction.GAP


def test_a_connection_that_raised_is_not_used_again() -> None:
    connections = [BrokenConnection(pymssql.OperationalError(20017, b"eof")) for _ in range(2)]
    opened = iter(connections)
    server = SqlServer("P", lambda: next(opened))
    for _ in range(2):
        with pytest.raises(SqlServerError) as caught:
            server.run(Statement("SELECT 1"), doing="a check")
        assert caught.value.reaction is Reaction.IN_DOUBT
    assert [connection.closed for connection in connections] == [True, True]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pymssql.OperationalError((18456, b"Login failed for user 'sa'.")), LoginRefusedError),
        (pymssql.OperationalError((20009, b"Unable to connect")), ServerUnreachableError),
    ],
)
def test_a_lost_server_is_told_from_a_wrong_password(error: Exception, kind: type[Exception]) -> None:
    def refuse() -> None:
        raise error

    with pytest.raises(kind):
        SqlServer("P", refuse).run(Statement("SELECT 1"), doing="a check")


def test_a_dead_server_asked_after_a_wrong_password_is_dead_and_not_refused(tmp_path: Path) -> None:
    with start_local_sql_server(tmp_path / "primary") as server:

        def wrong() -> object:
            return pymssql.connect(server="127.0.0.1", port=str(server.port), user="sa", password="no", login_timeout=5)

        with pytest.raises(LoginRefusedError):
            SqlServer("P", wrong).now()
        server.kill()
        with pytest.raises(ServerUnreachableError) as caught:
            SqlServer("P", wrong).now()
        assert caught.value.number == 20009


def test_a_wrong_password_after_a_graver_refusal_is_still_a_wrong_password() -> None:
    stale = pymssql.OperationalError((17809, b"DB-Lib error message 20018, severity 14:\nGeneral SQL Server error"))
    assert refused_connection(stale) == (18456, "the server gave no reason")


def test_an_error_of_our_own_is_not_taken_for_the_servers() -> None:
    with pytest.raises(ZeroDivisionError):
        SqlServer("P", lambda: BrokenConnection(ZeroDivisionError())).run(Statement("SELECT 1"), doing="a check")
