"""Start the local AWS as its users do: as a process, on a port of its own.

with start_local_aws(tmp_path / "aws") as aws:
    aws.client("s3").create_bucket(Bucket="lake")
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT_SECONDS = 60


@dataclass
class LocalAws:
    """A running local AWS; use as a context manager, or call stop() or kill()."""

    process: subprocess.Popen[str]
    port: int
    state_dir: Path
    log: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The address for AWS_ENDPOINT_URL or a connection's extra."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def airflow_connection(self) -> str:
        """The value of AIRFLOW_CONN_AWS_DEFAULT that points here."""
        extra = {"region_name": "us-east-1", "endpoint_url": self.endpoint}
        return json.dumps({"conn_type": "aws", "login": "local", "password": "local", "extra": extra})

    def client(self, service: str) -> Any:
        """A boto3 client that talks to this process and tries each call once."""
        import boto3
        from botocore.config import Config

        if service not in self._clients:
            session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
            config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=60)
            self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)
        return self._clients[service]

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call /_landfall/<path> and return the JSON answer."""
        status, answer = self.http(method, f"/_landfall/{path}", None if body is None else json.dumps(body).encode())
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.decode()}")
        return json.loads(answer or b"null")

    def http(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Make a plain HTTP request and return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def stop(self) -> int:
        """End it as `landfall down` does, and return its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it as a power cut of the process would."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def __enter__(self) -> LocalAws:
        return self

    def __exit__(self, *_: object) -> None:
        """Nobody reads what it would still write: an orderly end takes two seconds, which `stop` is there to test."""
        self.kill()


def start_local_aws(state_dir: Path, functions: Sequence[str] = (), *, pythonpath: Sequence[Path] = ()) -> LocalAws:
    """Start a local AWS on a free port and return when it is ready.

    `functions` are "name=module:handler"; `pythonpath` is put before the project root for them.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    log = state_dir.parent / f"{state_dir.name}.log"
    command = [sys.executable, "-m", "include.standins.aws", "--port", "0", "--state-dir", str(state_dir)]
    for function in functions:
        command += ["--function", function]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    inherited = [path for path in [environment.get("PYTHONPATH")] if path]
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [*pythonpath, ROOT, ROOT / "plugins", *inherited]))
    with log.open("a") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    port = _ready_port(process, log)
    return LocalAws(process, port, state_dir, log)


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
        raise RuntimeError(f"The local AWS did not start:\n{log.read_text()[-4000:]}")
    return int(line.rsplit(":", 1)[1])
