"""Clients that are no clients: each loses its connection, none takes the server or its memory along."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.standins.sqlserver.clients import pymssql_connection
from tests.standins.sqlserver.scripted_instance import PASSWORD
from tests.standins.sqlserver.scripted_server import ROOT, RawClient, ScriptedServer, headers, login7


def assert_alive(server) -> None:
    with RawClient(server.port) as client:
        client.log_in(PASSWORD)
        assert client.batch("select 1")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A server that waits half a second for a login, and lets two in."""
    server = ScriptedServer(tmp_path_factory.mktemp("impatient"), most_connections=2, login_seconds=0.5)
    yield server
    assert server.stop() == 0


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tls at once, as TDS 8 does": bytes.fromhex("160301020001000001fc0303") + bytes(500),
    "a length of 0": bytes([18, 1, 0, 0, 0, 0, 0, 0]),
    "a length of 65535": bytes([18, 1, 255, 255, 0, 0, 0, 0]),
    "a batch before the login": bytes([1, 1, 0, 12, 0, 0, 0, 0]) + b"\4\0\0\0",
    "an empty PRELOGIN": bytes([18, 1, 0, 8, 0, 0, 0, 0]),
    "a PRELOGIN that points past its end": bytes([18, 1, 0, 14, 0, 0, 0, 0, 1, 99, 99, 0, 9, 255]),
    "zeros": bytes(4096),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_instead_of_a_prelogin_closes_the_connection(scripted, name):
    with RawClient(scripted.port) as client:
        client.socket.sendall(GARBAGE[name])

        assert client.is_closed_by_server()
    assert_alive(scripted)


@pytest.mark.parametrize(
    "body", [b"", bytes(200), os.urandom(300), login7(PASSWORD)[:60], login7("x", version=0x70000000)]
)
def test_a_damaged_login_closes_the_connection(scripted, body):
    with RawClient(scripted.port) as client:
        client.prelogin()
        client.send(16, body)

        assert client.is_closed_by_server()
    assert_alive(scripted)


def test_garbage_in_the_tls_handshake_closes_the_connection(scripted):
    with RawClient(scripted.port) as client:
        client.prelogin(encryption=1)
        client.send(18, b"this is no ClientHello, by any reading of the word")

        assert client.is_closed_by_server()
    assert_alive(scripted)


def test_a_login_that_never_ends_is_cut_at_its_limit(scripted):
    with RawClient(scripted.port) as client:
        client.prelogin()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_without_end(client, bytes([16, 0, 16, 0, 0, 0, 0, 0]) + bytes(4088))
    assert_alive(scripted)


def test_half_a_packet_and_then_nothing_does_no_harm(scripted):
    client = RawClient(scripted.port)
    client.log_in(PASSWORD)
    client.socket.sendall(bytes([1, 1, 16, 0, 0, 0, 0, 0]) + b"half")
    client.socket.close()

    assert_alive(scripted)


def test_a_silent_client_is_closed_after_the_time_for_logins(impatient):
    with RawClient(impatient.port) as client:
        assert client.is_closed_by_server()


def test_a_client_that_trickles_its_login_is_closed_all_the_same(impatient):
    with RawClient(impatient.port) as client, pytest.raises((ConnectionResetError, BrokenPipeError)):
        send_without_end(client, bytes([18, 0, 0, 9, 0, 0, 0, 0, 0]), pause_seconds=0.05)


def send_without_end(client: RawClient, packet: bytes, *, pause_seconds: float = 0) -> None:
    """Send until the server has closed the connection, or 40 MB have gone."""
    for _ in range(10_000):
        client.socket.sendall(packet)
        if pause_seconds and select.select([client.socket], [], [], pause_seconds)[0] and not client.socket.recv(1):
            raise ConnectionResetError


def test_one_client_too_many_is_told_so(impatient):
    import pymssql

    refused = pytest.raises(pymssql.OperationalError, match="maximum number of user connections")
    with pymssql_connection(impatient.port), pymssql_connection(impatient.port), refused:
        pymssql_connection(impatient.port)


@pytest.mark.parametrize("kind", [2, 5, 15, 17, 0x53, 255])
def test_a_packet_type_that_is_not_modelled_ends_without_a_hang(scripted, kind):
    with RawClient(scripted.port) as client:
        client.log_in(PASSWORD)
        client.send(kind, b"\0" * 20)
        answered_or_closed = client.answer() if kind == 17 else client.is_closed_by_server()

        assert answered_or_closed
    assert_alive(scripted)


@pytest.mark.parametrize(
    ("kind", "body", "number"),
    [
        (7, b"\x81\x01\x00", 40515),  # bulk load
        (3, headers() + b"\xff\xff\x02\x00\x00\x00", 2812),  # sp_cursoropen: the session knows none
        (3, headers() + b"\xff\xff\x99\x00\x00\x00", 8009),
        (3, headers() + b"\xff\xff\x0a\x00\x00\x00", 214),  # sp_executesql without a statement
        (3, headers() + b"\xff\xff\x0c\x00\x00\x00\x00\x00\x26\x04\x04\x63\x00\x00\x00", 8179),  # sp_execute 99
        (3, headers() + b"\xff\xff\x0a\x00\x00\x00\x00\x00\xf3", 40515),  # a table-valued parameter
        (3, headers() + b"\xff\xff\x0a\x00\x00\x00\x00\x00\xe7\xff", 8009),
        (3, headers(), 8009),
        (1, b"\x01\x00", 8009),
        (1, b"\xff\xff\xff\xff", 8009),
        (14, headers() + b"\x00\x00", 40515),  # a distributed transaction
        (14, headers(), 8009),
    ],
)
def test_a_damaged_or_unknown_request_is_an_error_and_the_connection_lives(scripted, kind, body, number):
    with RawClient(scripted.port) as client:
        client.log_in(PASSWORD)
        client.send(kind, body)

        assert client.answer()[3:7] == number.to_bytes(4, "little")
        assert client.batch("select 1")[0] == 0x81


def test_requests_piled_up_without_reading_end_the_connection(scripted):
    with RawClient(scripted.port) as client:
        client.log_in(PASSWORD)
        for _ in range(5):
            client.send(1, headers() + "wait".encode("utf-16-le"))

        assert client.is_closed_by_server()
    assert_alive(scripted)


def test_forty_clients_at_once_each_get_their_own_answer(scripted):
    def ask(number):
        with pymssql_connection(scripted.port) as client, client.cursor() as cursor:
            cursor.execute(f"select {number}")
            return cursor.fetchall()

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(40))) == [[(number,)] for number in range(40)]


def test_the_password_is_in_no_log(scripted):
    import pymssql

    with pytest.raises(pymssql.OperationalError):
        pymssql_connection(scripted.port, password="Wrong-secret-9")

    log = scripted.log.read_text()
    assert "Wrong-secret-9" not in log
    assert PASSWORD not in log


def test_tls_1_3_is_not_spoken(scripted):
    """FreeTDS and ODBC fail when the server agrees to it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with RawClient(scripted.port) as client:
        client.prelogin(encryption=1)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        client.send(18, outgoing.read())
        incoming.write(client.answer())
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            tls.do_handshake()


def start(*arguments: str, password: str | None = PASSWORD) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LANDFALL_")}
    if password is not None:
        environment["LANDFALL_SQLSERVER_PASSWORD"] = password
    command = [sys.executable, "-m", "include.standins.sqlserver", "--name", "SQLFCI01", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_without_a_password_it_does_not_start(tmp_path):
    ended = start("--port", "0", "--state-dir", str(tmp_path), password=None)

    assert ended.returncode == 2
    assert "Set LANDFALL_SQLSERVER_PASSWORD" in ended.stderr


def test_two_servers_never_share_a_state_directory(tmp_path):
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = start("--port", "0", "--state-dir", str(tmp_path))

    assert ended.returncode == 3
    assert ended.stderr.endswith(f"Another local SQL Server uses {tmp_path}; stop it or choose another --state-dir.\n")


def test_a_taken_port_is_named(tmp_path, scripted):
    ended = start("--port", str(scripted.port), "--state-dir", str(tmp_path))

    assert ended.returncode == 3
    assert f"cannot start on 127.0.0.1:{scripted.port}" in ended.stderr.splitlines()[-1]


def test_a_state_directory_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    ended = start("--port", "0", "--state-dir", str(tmp_path / "file"))

    assert ended.returncode == 3
    assert str(tmp_path / "file") in ended.stderr.splitlines()[-1]


def test_a_certificate_and_key_are_readable_by_their_owner_alone(scripted):
    for name in ("certificate.pem", "certificate_key.pem"):
        assert (scripted.log.parent / name).stat().st_mode & 0o777 == 0o600


def test_it_listens_on_loopback_alone(scripted):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.settimeout(5)
        with pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", scripted.port))
