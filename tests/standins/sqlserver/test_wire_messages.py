"""Packets, logins and calls, read from bytes."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.wire.byte_reader import ProtocolError
from include.standins.sqlserver.wire.calls import declared_names, read_batch, read_calls, read_transaction_request
from include.standins.sqlserver.wire.login7 import read_login7
from include.standins.sqlserver.wire.packets import MessageWriter, PacketReader, PacketType, read_request
from include.standins.sqlserver.wire.prelogin import Encryption, prelogin_answer, requested_encryption
from tests.standins.sqlserver.scripted_server import headers, login7, prelogin

NVARCHAR = b"\xe7" + struct.pack("<H", 80) + bytes.fromhex("0904d00034")


class Pieces:
    """Hands bytes out in pieces, then says that the client is gone."""

    def __init__(self, data: bytes, size: int):
        self.left, self.size = data, size

    def __call__(self) -> bytes:
        piece, self.left = self.left[: self.size], self.left[self.size :]
        if not piece:
            raise EOFError
        return piece


@given(body=st.binary(max_size=5000), packet_size=st.integers(512, 1024), piece=st.integers(1, 700))
def test_a_message_survives_any_cut_into_packets_and_pieces(body, packet_size, piece):
    sent = []
    writer = MessageWriter(sent.append, packet_size=packet_size)
    writer.packet_type = PacketType.SQL_BATCH
    writer.write(body)
    writer.finish()

    request = read_request(PacketReader(Pieces(b"".join(sent), piece)), limit=10_000)

    assert (request.type, request.body) == (PacketType.SQL_BATCH, body)


def test_a_long_answer_leaves_before_it_is_complete():
    sent = []
    writer = MessageWriter(sent.append)

    for _ in range(100):
        writer.write(bytes(10_000))

    assert sum(map(len, sent)) > 900_000


def test_a_flush_sends_what_there_is_and_the_message_goes_on():
    sent = []
    writer = MessageWriter(sent.append)
    writer.write(b"first")
    writer.flush()
    writer.write(b"second")
    writer.finish()

    assert [(piece[1], piece[8:]) for piece in sent] == [(0, b"first"), (1, b"second")]


def packet(kind: int, body: bytes, status: int = 1) -> bytes:
    return struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "says it has|is unknown"),
        (struct.pack(">BBHHBB", 1, 1, 7, 0, 0, 0), "says it has 7 bytes"),
        (struct.pack(">BBHHBB", 99, 1, 8, 0, 0, 0), "packet type 99 is unknown"),
        (packet(1, b"a", status=0) + packet(3, b"b"), "a RPC packet stands inside a SQL_BATCH message"),
        (packet(1, bytes(600), status=0) + packet(1, bytes(600)), "more than 1000 bytes"),
    ],
)
def test_what_is_no_tds_is_refused_as_soon_as_it_shows(data, sentence):
    with pytest.raises(ProtocolError, match=sentence):
        read_request(PacketReader(Pieces(data, 4096)), limit=1000)


def test_an_attention_in_the_middle_of_a_message_takes_its_place():
    data = packet(1, b"half", status=0) + packet(6, b"")

    assert read_request(PacketReader(Pieces(data, 4096)), limit=1000).type is PacketType.ATTENTION


def test_a_message_that_the_client_takes_back_is_dropped():
    data = packet(1, b"half", status=0) + packet(1, b"", status=3) + packet(1, b"next")

    assert read_request(PacketReader(Pieces(data, 4096)), limit=1000).body == b"next"


@pytest.mark.parametrize("encryption", [0, 1, 2, 3])
def test_prelogin_says_which_encryption_is_asked(encryption):
    assert requested_encryption(prelogin(encryption)) == Encryption(encryption)


def test_a_prelogin_answer_reads_like_a_prelogin():
    assert requested_encryption(prelogin_answer(Encryption.ON)) is Encryption.ON


def test_a_login_is_read_whole():
    request = read_login7(
        login7("päss-wörd 東京", database="orders", flags3=0x10, features=b"\x0a\x01\x00\x00\x00\x01\xff")
    )

    login = request.login
    assert (login.user, login.password, login.database) == ("sa", "päss-wörd 東京", "orders")
    assert (login.host, login.application, login.interface) == ("host", "app", "raw")
    assert request.has_features


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"flags2": 0x80}, "integrated authentication"),
        ({"flags3": 0x10, "features": b"\x02\x00\x00\x00\x00\xff"}, "Entra"),
        ({"flags3": 0x01}, "does not change passwords"),
    ],
)
def test_other_ways_to_log_in_are_refused_by_name(options, sentence):
    with pytest.raises(SqlError, match=sentence):
        read_login7(login7("x", **options))


def test_old_tds_is_refused():
    with pytest.raises(ProtocolError, match=r"must speak 7\.3 or 7\.4"):
        read_login7(login7("x", version=0x71000001))


@given(st.binary(max_size=300))
def test_damaged_logins_never_break_out_of_protocol_errors(data):
    with pytest.raises((ProtocolError, SqlError)):
        read_login7(struct.pack("<II", len(data), 0x74000004) + data[:80])


@given(st.binary(max_size=100))
def test_damaged_calls_never_break_out_of_protocol_errors(data):
    with contextlib.suppress(ProtocolError, SqlError):
        read_calls(headers() + data)


def named_call(name: str, *arguments: bytes) -> bytes:
    return struct.pack("<H", len(name)) + name.encode("utf-16-le") + b"\0\0" + b"".join(arguments)


def text_argument(name: str, value: str, status: int = 0) -> bytes:
    raw, wide = name.encode("utf-16-le"), value.encode("utf-16-le")
    return bytes([len(name)]) + raw + bytes([status]) + NVARCHAR + struct.pack("<H", len(wide)) + wide


def test_several_calls_in_one_request_are_told_apart():
    first = named_call("sp_who", text_argument("@login", "sa"))
    second = named_call("[sys].[SP_ExecuteSql]", text_argument("", "SELECT 1"))

    calls = read_calls(headers() + first + b"\xff" + second)

    assert [(call.procedure, [a.parameter.value for a in call.arguments]) for call in calls] == [
        ("sp_who", ["sa"]),
        ("sp_executesql", ["SELECT 1"]),
    ]


def test_an_argument_left_to_its_default_is_not_passed_on():
    calls = read_calls(headers() + named_call("sp_who", text_argument("@login", "", status=2)))

    assert calls[0].arguments == []


def test_a_table_valued_parameter_is_refused_by_name():
    with pytest.raises(SqlError, match="table-valued"):
        read_calls(headers() + named_call("sp_who", b"\0\0\xf3"))


@pytest.mark.parametrize(
    ("declaration", "names"),
    [
        ("", []),
        ("@P1 int", ["@P1"]),
        ("@P1 decimal(10, 2),@P2 nvarchar(max)", ["@P1", "@P2"]),
        ("  @a int ,\n@b datetime2(7) ", ["@a", "@b"]),
    ],
)
def test_declared_names_come_in_their_order(declaration, names):
    assert declared_names(declaration) == names


def test_a_savepoint_is_refused():
    with pytest.raises(SqlError, match="savepoint"):
        read_transaction_request(headers() + struct.pack("<HB", 8, 2) + "s".encode("utf-16-le"))


def test_half_a_character_at_the_end_of_a_batch_is_refused():
    with pytest.raises(ProtocolError):
        read_batch(headers() + b"abc")
