"""PRELOGIN: versions and whether to encrypt, before anything else. [MS-TDS] 2.2.6.5."""

from __future__ import annotations

import struct
from enum import IntEnum

from include.standins.sqlserver.wire.byte_reader import ByteReader, ProtocolError

SERVER_VERSION = (16, 0, 1000)  # what SQL Server 2022 says; @@VERSION tells that it is a stand-in

_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS, _END = 0, 1, 2, 3, 4, 0xFF
_OPTION = struct.Struct(">BHH")


class Encryption(IntEnum):
    """What a side says about TLS."""

    LOGIN_ONLY = 0
    ON = 1
    NONE = 2
    REQUIRED = 3


def requested_encryption(body: bytes) -> Encryption:
    """Read the client's ENCRYPTION option; a client that does not say wants none.

    :raises ProtocolError: the message is no PRELOGIN, or asks for a client certificate.
    """
    value = _options(body).get(_ENCRYPTION, bytes([Encryption.NONE]))
    try:
        return Encryption(value[0])
    except (IndexError, ValueError):
        raise ProtocolError("PRELOGIN asks for an encryption that is not modelled") from None


def agreed_encryption(requested: Encryption) -> Encryption:
    """Choose as a server with a certificate does that does not force encryption."""
    return Encryption.ON if requested is Encryption.REQUIRED else requested


def prelogin_answer(encryption: Encryption) -> bytes:
    """Answer with the server's version and the encryption to use; multiple active result sets are off."""
    major, minor, build = SERVER_VERSION
    values = {
        _VERSION: struct.pack(">BBHH", major, minor, build, 0),
        _ENCRYPTION: bytes([encryption]),
        _INSTANCE: b"\x00",
        _THREAD: b"",
        _MARS: b"\x00",
    }
    offset = len(values) * _OPTION.size + 1
    table, data = b"", b""
    for option, value in values.items():
        table += _OPTION.pack(option, offset + len(data), len(value))
        data += value
    return table + bytes([_END]) + data


def _options(body: bytes) -> dict[int, bytes]:
    reader, options = ByteReader(body), {}
    while reader.peek() != _END:
        option, offset, length = _OPTION.unpack(reader.take(_OPTION.size))
        options[option] = ByteReader(body, offset).take(length)
    return options
