"""Listens on loopback and gives every client a connection with threads of its own."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from typing import IO, TYPE_CHECKING

from include.standins.sqlserver.wire.channel import Channel
from include.standins.sqlserver.wire.connection import Connection

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from include.standins.sqlserver.results import Instance

LOGIN_SECONDS = 15.0
MOST_CONNECTIONS = 256
_MOST_REFUSALS = 32  # connections above the limit that are told so; more are cut
_STOP_SECONDS = 10.0
_logger = logging.getLogger(__name__)


def lock_state_dir(state_dir: Path) -> IO[str]:
    """Hold the state directory for this process until the file is closed.

    :raises BlockingIOError: another process holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    held = (state_dir / "lock").open("a")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise
    held.truncate(0)
    held.write(f"{os.getpid()}\n")
    held.flush()
    return held


def listen(*, port: int, host: str = "127.0.0.1") -> socket.socket:
    """Take a port (0: a free one); clients that come before the server starts wait.

    :raises OSError: the port is taken.
    """
    return socket.create_server((host, port), backlog=128)


class SqlServer:
    """A TDS server in front of an instance.

    :param most_connections: clients at a time; one more is refused with 17809.
    """

    def __init__(
        self,
        instance: Instance,
        tls: ssl.SSLContext,
        *,
        listener: socket.socket,
        most_connections: int = MOST_CONNECTIONS,
        login_seconds: float = LOGIN_SECONDS,
    ) -> None:
        self._instance = instance
        self._tls = tls
        self._most_connections = most_connections
        self._login_seconds = login_seconds
        self._connections: dict[Connection, threading.Thread] = {}
        self._is_stopping = False
        self._lock = threading.Lock()
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="tds-accept", daemon=True)

    def start(self) -> None:
        """Take clients from now on."""
        self._acceptor.start()

    def stop(self) -> None:
        """Take no more clients, stop what runs for those that are here, and wait until their sessions are closed."""
        with self._lock:
            self._is_stopping = True
            connections = dict(self._connections)
        # shutdown wakes accept(); close alone would leave it waiting
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in connections:
            connection.stop()
        ends = time.monotonic() + _STOP_SECONDS
        for thread in connections.values():
            thread.join(max(ends - time.monotonic(), 0))
        self._acceptor.join(_STOP_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                self._take(client)
            except OSError as error:
                if self._is_stopping:
                    return
                # out of file descriptors, mostly: those that close free some
                _logger.warning("A client could not be accepted: %s.", error)
                time.sleep(0.1)

    def _take(self, client: socket.socket) -> None:
        with self._lock:  # until the thread runs: stop() joins what it finds here
            count = len(self._connections)
            if self._is_stopping or count >= self._most_connections + _MOST_REFUSALS:
                client.close()
                return
            channel = Channel(client, login_seconds=self._login_seconds)
            is_refused = count >= self._most_connections
            connection = Connection(channel, self._instance, self._tls, is_refused=is_refused)
            thread = threading.Thread(target=self._run, args=(connection,), name="tds-connection", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the machine gives no more threads
                _logger.exception("A client was turned away.")
                client.close()
            else:
                self._connections[connection] = thread

    def _run(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._connections.pop(connection, None)
