"""LOGIN7: who logs in, to which database, in which TDS version. [MS-TDS] 2.2.6.4."""

from __future__ import annotations

from dataclasses import dataclass

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import Login
from include.standins.sqlserver.wire.byte_reader import ByteReader, ProtocolError
from include.standins.sqlserver.wire.packets import DEFAULT_PACKET_SIZE, LARGEST_PACKET_SIZE, SMALLEST_PACKET_SIZE

TDS_7_3_A = 0x730A0003
TDS_7_4 = 0x74000004

_FIXED_BYTES = 36
_INTEGRATED_SECURITY = 0x80  # OptionFlags2
_EXTENSION = 0x10  # OptionFlags3
_CHANGE_PASSWORD = 0x01  # OptionFlags3
_FEATURE_FEDERATED = 0x02
_FEATURES_END = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """LOGIN7 as read.

    :param has_features: the client sent feature extensions and waits for FEATUREEXTACK.
    """

    login: Login
    tds_version: int
    packet_size: int
    has_features: bool


def read_login7(body: bytes) -> LoginRequest:
    """Read a login with name and password.

    :raises ProtocolError: the message is no LOGIN7, or of a version before TDS 7.3.
    :raises SqlError: it asks for integrated or federated authentication, or a change of password.
    """
    reader = ByteReader(body)
    if reader.u32() > len(body):
        raise ProtocolError("LOGIN7 is shorter than it says")
    version, packet_size = reader.u32(), reader.u32()
    if version < TDS_7_3_A:
        raise ProtocolError(f"TDS version {version:#010x} is not modelled; the client must speak 7.3 or 7.4")
    reader.take(13)  # client version, process, connection, OptionFlags1
    flags2, _, flags3 = reader.u8(), reader.u8(), reader.u8()
    reader.position = _FIXED_BYTES
    host, user, password, application = (_field(body, reader) for _ in range(4))
    _field(body, reader)  # the server's name, as the client knows it
    extension = (reader.u16(), reader.u16())
    interface, _, database = (_field(body, reader) for _ in range(3))
    has_features = bool(flags3 & _EXTENSION)
    features = _features(body, extension[0]) if has_features else set()
    _refuse_other_authentication(flags2=flags2, flags3=flags3, features=features)
    login = Login(
        user=_text(user),
        password=_text(_revealed(password)),
        database=_text(database),
        host=_text(host),
        application=_text(application),
        interface=_text(interface),
    )
    return LoginRequest(
        login=login,
        tds_version=min(version, TDS_7_4),
        packet_size=_agreed_packet_size(packet_size),
        has_features=has_features,
    )


def _field(body: bytes, reader: ByteReader) -> bytes:
    offset, characters = reader.u16(), reader.u16()
    return ByteReader(body, offset).take(characters * 2) if characters else b""


def _text(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace")


def _revealed(raw: bytes) -> bytes:
    """Undo the password's obfuscation: each byte XOR 0xA5, then its halves swapped."""
    return bytes(((byte ^ 0xA5) >> 4) | (((byte ^ 0xA5) & 0x0F) << 4) for byte in raw)


def _features(body: bytes, offset: int) -> set[int]:
    reader = ByteReader(body, ByteReader(body, offset).u32())
    features = set()
    while (feature := reader.u8()) != _FEATURES_END:
        features.add(feature)
        reader.take(reader.u32())
    return features


def _refuse_other_authentication(*, flags2: int, flags3: int, features: set[int]) -> None:
    if flags2 & _INTEGRATED_SECURITY:
        raise SqlError(
            18452,
            "Login failed. The local SQL Server knows no integrated authentication; use the login sa.",
            severity=14,
        )
    if _FEATURE_FEDERATED in features:
        raise SqlError(18456, "Login failed. The local SQL Server knows no Entra authentication.", severity=14)
    if flags3 & _CHANGE_PASSWORD:
        raise SqlError(18456, "Login failed. The local SQL Server does not change passwords.", severity=14)


def _agreed_packet_size(asked: int) -> int:
    return min(max(asked or DEFAULT_PACKET_SIZE, SMALLEST_PACKET_SIZE), LARGEST_PACKET_SIZE)
