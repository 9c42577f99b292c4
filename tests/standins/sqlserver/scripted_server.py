"""Start the scripted server as a process, and talk to it byte by byte."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EOM = 1


class ScriptedServer:
    """A process with the script of scripted_instance.py; its log is what it wrote to stderr."""

    def __init__(self, folder: Path, *, most_connections: int = 100, login_seconds: float = 15):
        self.log = folder / "scripted.log"
        command = [sys.executable, "-m", "tests.standins.sqlserver.scripted_instance", str(folder)]
        command += [str(most_connections), str(login_seconds)]
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            self.process.kill()
            raise RuntimeError(f"The scripted server did not start:\n{self.log.read_text()[-4000:]}")
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self) -> int:
        """Close its input, on which it ends; its exit status."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code


class RawClient:
    """A socket that sends packets as told, right or wrong."""

    def __init__(self, port: int, *, timeout: float = 20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, kind: int, body: bytes, *, status: int = EOM) -> None:
        self.socket.sendall(struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body)

    def answer(self) -> bytes:
        """The payload of one message."""
        body = b""
        while True:
            _, status, length, *_ = struct.unpack(">BBHHBB", self._exactly(8))
            body += self._exactly(length - 8)
            if status & EOM:
                return body

    def is_closed_by_server(self) -> bool:
        """Whether the server ends the connection within the socket's timeout; what it sends before is dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def prelogin(self, encryption: int = 2) -> bytes:
        self.send(18, prelogin(encryption))
        return self.answer()

    def log_in(self, password: str, **options) -> bytes:
        self.prelogin()
        self.send(16, login7(password, **options))
        return self.answer()

    def batch(self, sql: str, *, status: int = EOM) -> bytes:
        self.send(1, headers() + sql.encode("utf-16-le"), status=status)
        return self.answer()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionResetError
            data += piece
        return data


def prelogin(encryption: int) -> bytes:
    """A PRELOGIN with VERSION and ENCRYPTION."""
    return struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + bytes([9, 0, 0, 0, 0, 0]) + bytes([encryption])


def login7(
    password: str,
    *,
    version: int = 0x74000004,
    flags2: int = 0,
    flags3: int = 0,
    database: str = "",
    features: bytes = b"",
) -> bytes:
    """A LOGIN7 of sa."""
    hidden = bytes((((b << 4) & 0xF0) | (b >> 4)) ^ 0xA5 for b in password.encode("utf-16-le"))
    texts = ["host", "sa", None, "app", "server", None, "raw", "", database]
    data, table, offset = b"", b"", 94
    for position, text in enumerate(texts):
        raw = hidden if position == 2 else b"" if text is None else text.encode("utf-16-le")
        if position == 5 and features:
            raw = struct.pack("<I", 0)  # the features' place, filled in below
        table += struct.pack("<HH", offset + len(data), 4 if position == 5 and features else len(raw) // 2)
        data += raw
    table += bytes(6) + struct.pack("<HHHHHHI", 0, 0, 0, 0, 0, 0, 0)
    if features:
        place = struct.unpack_from("<H", table, 20)[0] - offset
        data = data[:place] + struct.pack("<I", offset + len(data)) + data[place + 4 :] + features
    fixed = struct.pack("<IIIIIBBBBII", version, 4096, 7, 1, 0, 0, flags2, 0, flags3, 0, 0x409)
    body = fixed + table + data
    return struct.pack("<I", len(body) + 4) + body


def headers() -> bytes:
    """ALL_HEADERS with the transaction descriptor."""
    return struct.pack("<IIHQI", 22, 18, 2, 0, 1)
