"""A local SQL Server of its own for a benchmark: a process on a free port that can be killed and started again."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

START_SECONDS = 60
LOGIN = ("sa", "Benchmark-1")


class SqlStandIn:
    """One process; use as a context manager. It keeps its port over restarts."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.port = 0
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)

    def start(self) -> None:
        """Start it and wait until it serves."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "include.standins.sqlserver", "--name", self.name]
        command += ["--port", str(self.port), "--state-dir", str(self._folder)]
        log = self._folder.with_suffix(".log")
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=Path(__file__).parents[1],
                env=os.environ | {"LANDFALL_SQLSERVER_PASSWORD": LOGIN[1]},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.port = _ready_port(self._process, log)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def lose_disk(self) -> None:
        """End it at once and remove all it stored; backups lie elsewhere."""
        self.kill()
        shutil.rmtree(self._folder)

    def connect(self, database: str = "master") -> Any:
        """Open a pymssql connection with autocommit."""
        import pymssql

        return pymssql.connect(
            server="127.0.0.1",
            port=str(self.port),
            user=LOGIN[0],
            password=LOGIN[1],
            database=database,
            autocommit=True,
            login_timeout=10,
            encryption="off",
        )

    def execute(self, *statements: str, database: str = "master") -> None:
        """Run statements one after the other on one connection."""
        connection = self.connect(database)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
        process.wait(timeout=60)
        if process.stdout:
            process.stdout.close()


def _ready_port(process: subprocess.Popen[str], log: Path) -> int:
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    line = process.stdout.readline() if process.stdout else ""
    watchdog.cancel()
    if not line.startswith("ready "):
        process.kill()
        process.wait()
        raise RuntimeError(f"The local SQL Server did not start: {log.read_text()[-2000:]}")
    return int(line.rsplit(":", 1)[1])
