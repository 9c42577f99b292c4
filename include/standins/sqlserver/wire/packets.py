"""Packets and messages: an 8-byte header before every packet, several packets to a message. [MS-TDS] 2.2.3."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from include.standins.sqlserver.wire.byte_reader import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = struct.Struct(">BBHHBB")
HEADER_SIZE = 8
DEFAULT_PACKET_SIZE = 4096
SMALLEST_PACKET_SIZE = 512
LARGEST_PACKET_SIZE = 32767
LOGIN_LIMIT_BYTES = 128 * 1024  # [MS-TDS] 2.2.6.4: a LOGIN7 stays under 128K
REQUEST_LIMIT_BYTES = 64 * 1024 * 1024
_SEND_BYTES = 64 * 1024  # several packets to a system call

END_OF_MESSAGE = 0x01
IGNORE = 0x02
RESET_CONNECTION = 0x08
RESET_KEEPING_TRANSACTION = 0x10


class PacketType(IntEnum):
    """The first byte of a packet."""

    SQL_BATCH = 1
    RPC = 3
    TABULAR_RESULT = 4
    ATTENTION = 6
    BULK_LOAD = 7
    FEDERATED_TOKEN = 8
    TRANSACTION_MANAGER = 14
    LOGIN7 = 16
    SSPI = 17
    PRELOGIN = 18


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet without its header."""

    type: PacketType
    status: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A whole message; `status` is its first packet's, where RESETCONNECTION stands."""

    type: PacketType
    status: int
    body: bytes


class PacketReader:
    """Cuts packets from what `receive` brings; holds at most one packet and one reading.

    :param receive: returns at least one byte, or raises when the connection ended.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()

    def packet(self) -> Packet:
        """Return the next packet; a header that cannot be one raises ProtocolError before its body is awaited."""
        self._fill(HEADER_SIZE)
        kind, status, length, _, _, _ = HEADER.unpack_from(self._buffer)
        if not HEADER_SIZE <= length <= LARGEST_PACKET_SIZE + 1:
            raise ProtocolError(f"a packet says it has {length} bytes")
        try:
            packet_type = PacketType(kind)
        except ValueError:
            raise ProtocolError(f"packet type {kind} is unknown") from None
        self._fill(length)
        payload = bytes(self._buffer[HEADER_SIZE:length])
        del self._buffer[:length]
        return Packet(packet_type, status, payload)

    def take_rest(self) -> bytes:
        """Take out what was received beyond the last packet, as TLS records that follow a handshake."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def put_back(self, data: bytes) -> None:
        """Put bytes in front of everything received later."""
        self._buffer += data

    def _fill(self, count: int) -> None:
        while len(self._buffer) < count:
            self._buffer += self._receive()


def read_request(packets: PacketReader, *, limit: int) -> Request:
    """Join packets to a message of at most `limit` bytes; an ATTENTION in between takes the place of the message."""
    while True:
        packet = packets.packet()
        first, body = packet, bytearray(packet.payload)
        while not packet.status & END_OF_MESSAGE:
            packet = packets.packet()
            if packet.type is PacketType.ATTENTION:
                return Request(packet.type, packet.status, b"")
            if packet.type is not first.type:
                raise ProtocolError(f"a {packet.type.name} packet stands inside a {first.type.name} message")
            body += packet.payload
            if len(body) > limit:
                raise ProtocolError(f"a {first.type.name} message has more than {limit} bytes")
        if not packet.status & IGNORE:
            return Request(first.type, first.status, bytes(body))


class MessageWriter:
    """Packs an answer into packets, and sends them as they fill: an answer of any length takes bounded memory."""

    def __init__(self, send: Callable[[bytes], None], *, packet_size: int = DEFAULT_PACKET_SIZE) -> None:
        self._send = send
        self._buffer = bytearray()
        self._number = 0
        self._payload_size = 0
        self.spid = 0
        self.packet_type = PacketType.TABULAR_RESULT
        self.packet_size = packet_size

    @property
    def packet_size(self) -> int:
        """Bytes of a full packet, with its header."""
        return self._payload_size + HEADER_SIZE

    @packet_size.setter
    def packet_size(self, size: int) -> None:
        self._payload_size = size - HEADER_SIZE

    def write(self, data: bytes) -> None:
        """Add bytes; blocks while the client does not read."""
        self._buffer += data
        if len(self._buffer) > _SEND_BYTES:
            self._send_packets(len(self._buffer) // self._payload_size * self._payload_size, last=False)

    def flush(self) -> None:
        """Send what there is, in a short packet if need be; the message goes on."""
        if self._buffer:
            self._send_packets(len(self._buffer), last=False)

    def finish(self) -> None:
        """Send the rest and end the message."""
        self._send_packets(len(self._buffer), last=True)
        self._number = 0

    def _send_packets(self, count: int, *, last: bool) -> None:
        size, out = self._payload_size, bytearray()
        starts = range(0, count, size) if count else range(1)
        for start in starts:
            payload = self._buffer[start : min(start + size, count)]
            ends = last and start + size >= count
            self._number = (self._number + 1) % 256
            status = END_OF_MESSAGE if ends else 0
            out += HEADER.pack(self.packet_type, status, len(payload) + HEADER_SIZE, self.spid, self._number, 0)
            out += payload
        del self._buffer[:count]
        self._send(bytes(out))
