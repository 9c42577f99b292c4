"""Start the local SQL Server as its users do: as a process, on a port of its own.

with start_local_sql_server(tmp_path / "primary") as primary:
    primary.query("SELECT name FROM sys.databases")
    primary.execute("BACKUP LOG [orders] TO DISK = %s", (path,))
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT_SECONDS = 60
STOP_LIMIT_SECONDS = 30
LOGIN = "sa"
PASSWORD = "Local-password-1"


@dataclass
class LocalSqlServer:
    """A running local SQL Server; use as a context manager, or call stop() or kill(). The login is sa."""

    process: subprocess.Popen[str]
    name: str
    port: int
    state_dir: Path
    log: Path
    host: str = "127.0.0.1"
    login: str = LOGIN
    password: str = PASSWORD

    def connect(self, database: str | None = None, *, autocommit: bool = True, **options: Any) -> Any:
        """Open a pymssql connection, in autocommit mode as BACKUP and RESTORE need it; `options` are pymssql's."""
        import pymssql

        options = {"login_timeout": 15, "encryption": "off", **options}
        return pymssql.connect(
            server=self.host,
            port=str(self.port),
            user=self.login,
            password=self.password,
            database=database or "",
            autocommit=autocommit,
            **options,
        )

    def query(self, sql: str, parameters: Sequence[Any] = (), *, database: str | None = None) -> list[dict[str, Any]]:
        """Run one statement on a connection of its own; its rows as dicts, [] when it returns none."""
        with closing(self.connect(database)) as connection, connection.cursor(as_dict=True) as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return list(cursor.fetchall()) if cursor.description else []

    def execute(self, sql: str, parameters: Sequence[Any] = (), *, database: str | None = None) -> None:
        """Run a batch to its end on a connection of its own; rows are thrown away, an error anywhere is raised."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            while cursor.nextset():
                pass

    def value(self, sql: str, parameters: Sequence[Any] = (), *, database: str | None = None) -> Any:
        """Run one statement; the first column of its first row, None without rows."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            row = cursor.fetchone()
            return row[0] if row else None

    def stop(self) -> int:
        """End it as `landfall down` does, and return its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it as a power cut of the process would."""
        return self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same port and state, stopping it first if it still runs."""
        self.stop()
        self.process, self.port = _start(self.state_dir, name=self.name, port=self.port, password=self.password)

    def _end(self, number: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=STOP_LIMIT_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def __enter__(self) -> LocalSqlServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_local_sql_server(
    state_dir: Path, name: str = "SQLFCI01", *, port: int = 0, password: str = PASSWORD
) -> LocalSqlServer:
    """Start a local SQL Server, on a free port unless one is given, and return when it is ready."""
    process, port = _start(state_dir, name=name, port=port, password=password)
    return LocalSqlServer(process, name, port, state_dir, _log_of(state_dir), password=password)


def _log_of(state_dir: Path) -> Path:
    return state_dir.parent / f"{state_dir.name}.log"


def _start(state_dir: Path, *, name: str, port: int, password: str) -> tuple[subprocess.Popen[str], int]:
    state_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "include.standins.sqlserver", "--name", name]
    command += ["--port", str(port), "--state-dir", str(state_dir)]
    environment = {**os.environ, "LANDFALL_SQLSERVER_PASSWORD": password, "PYTHONPATH": str(ROOT)}
    with _log_of(state_dir).open("a") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    return process, _ready_port(process, _log_of(state_dir))


def _ready_port(process: subprocess.Popen[str], log: Path) -> int:
    assert process.stdout
    watchdog = threading.Timer(START_LIMIT_SECONDS, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    if not line.startswith("ready "):
        process.kill()
        process.wait()
        process.stdout.close()
        raise RuntimeError(f"The local SQL Server did not start:\n{log.read_text()[-4000:]}")
    return int(line.rsplit(":", 1)[1])
