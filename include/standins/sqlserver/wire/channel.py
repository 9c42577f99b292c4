"""The bytes between client and server: a socket, with or without TLS around it."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.standins.sqlserver.wire.tls import TlsLayer

_RECEIVE_BYTES = 64 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)


class ConnectionEndedError(Exception):
    """The client closed its side, or stayed silent for too long."""


class Channel:
    """One client's socket. One thread receives, one sends."""

    def __init__(self, connection: socket.socket, *, login_seconds: float) -> None:
        self._socket = connection
        self._tls: TlsLayer | None = None
        self._is_aborted = False
        self._deadline: float | None = time.monotonic() + login_seconds
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def receive(self) -> bytes:
        """Return at least one byte of what the client sent, decrypted.

        :raises ConnectionEndedError: the client is gone, or did not log in in time.
        """
        while True:
            raw = self._receive_raw()
            data = raw if self._tls is None else self._tls.decrypt(raw)
            if data:
                return data

    def send(self, data: bytes) -> None:
        """Send everything; blocks while the client does not read."""
        try:
            self._socket.sendall(data if self._tls is None else self._tls.encrypt(data))
        except OSError as error:
            raise ConnectionEndedError(f"the client is gone ({error.strerror or error})") from error

    def use_tls(self, layer: TlsLayer | None) -> None:
        """Encrypt from here on, or (None) no longer."""
        self._tls = layer

    def logged_in(self) -> None:
        """End the time limit of the login."""
        self._deadline = None
        self._socket.settimeout(None)

    def say_goodbye(self) -> None:
        """Tell the client that nothing follows; what it still sends may be read."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Cut both directions, from any thread; closing then resets the connection, also under a client that sends."""
        self._is_aborted = True
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self._socket.shutdown(socket.SHUT_RDWR)

    def drain(self, *, seconds: float) -> None:
        """Read and drop until the client closes, so that closing does not cut off the last answer."""
        if self._is_aborted:
            return
        ends = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while (left := ends - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(_RECEIVE_BYTES):
                    return

    def close(self) -> None:
        """Free the socket."""
        self._socket.close()

    def _receive_raw(self) -> bytes:
        try:
            if self._deadline is not None:
                self._socket.settimeout(max(self._deadline - time.monotonic(), 0.001))
            raw = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError as error:
            raise ConnectionEndedError("the client did not log in in time") from error
        except OSError as error:
            raise ConnectionEndedError(f"the client is gone ({error.strerror or error})") from error
        if not raw:
            raise ConnectionEndedError("the client closed the connection")
        return raw
