"""TLS inside TDS: the handshake travels in PRELOGIN packets, what follows is plain TLS. [MS-TDS] 2.2.6.5, 3.2.5.3."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

from include.standins.sqlserver.wire.byte_reader import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_READ_BYTES = 64 * 1024


def server_context(*, certificate: Path, key: Path) -> ssl.SSLContext:
    """Build the server's TLS settings.

    TLS 1.2 at most: with 1.3 the client's last flight is not wrapped as FreeTDS and ODBC expect, and both fail.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.load_cert_chain(certificate, key)
    return context


class TlsLayer:
    """A TLS connection over bytes in memory. One thread may decrypt while another encrypts."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._lock = threading.Lock()

    def handshake(self, *, receive: Callable[[], bytes], send: Callable[[bytes], None]) -> None:
        """Shake hands; `receive` and `send` carry TLS records in PRELOGIN packets.

        :raises ProtocolError: the client speaks no TLS 1.2, or refuses the certificate.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._hand_over(send)
                self._incoming.write(receive())
            except ssl.SSLError as error:
                self._hand_over(send)
                raise ProtocolError(f"the TLS handshake failed ({error.reason})") from error
            else:
                self._hand_over(send)
                return

    def decrypt(self, records: bytes) -> bytes:
        """Return the plain bytes that are complete so far, b"" when a record is cut.

        :raises ProtocolError: the records are damaged, or the client ended TLS.
        """
        with self._lock:
            self._incoming.write(records)
            plain = bytearray()
            try:
                while data := self._tls.read(_READ_BYTES):
                    plain += data
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise ProtocolError(f"a TLS record is not readable ({error.reason})") from error
            return bytes(plain)

    def encrypt(self, data: bytes) -> bytes:
        """Return `data` as TLS records."""
        with self._lock:
            self._tls.write(data)
            return self._outgoing.read()

    def _hand_over(self, send: Callable[[bytes], None]) -> None:
        if records := self._outgoing.read():
            send(records)
