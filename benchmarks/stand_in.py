"""A local AWS of its own for a benchmark: a process on a free port, gone when the benchmark ends."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

START_SECONDS = 60


class StandIn:
    """Clients for the process."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(read_timeout=900, retries={"max_attempts": 1}),
        )


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    """Start `python -m include.standins.aws` with its state in a folder; stop it at the end."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "include.standins.aws", "--port", str(port), "--state-dir", str(folder / "aws")]
    with (folder / "aws.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[1])
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait(endpoint, process, folder / "aws.log")
        yield StandIn(endpoint)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/_landfall/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The local AWS did not start: {log.read_text()[-2000:]}")
