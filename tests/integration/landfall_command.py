"""The `landfall` command as a user runs it, on a stack of the test's own, and what it leaves behind.

stack = UserStack.in_folder(tmp_path)
done = stack.landfall("demo", limit_seconds=300)
"""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from include.cli.airflow_api import AirflowApi
from include.cli.credentials import read_credentials
from include.cli.processes import stack_processes
from include.cli.settings import StackSettings, project_root


@dataclass(frozen=True)
class UserStack:
    """A stack in a folder and on ports of its own."""

    settings: StackSettings

    @classmethod
    def in_folder(cls, home: Path, *, root: Path | None = None) -> "UserStack":
        """`root` holds the DAGs, plugins and code that Airflow runs: this project's unless it says otherwise."""
        return cls(
            StackSettings(
                project_root=root or project_root(),
                home=home.resolve(),
                ui_port=free_port(),
                aws_port=free_port(),
                primary_port=free_port(),
                secondary_port=free_port(),
            )
        )

    @property
    def ports(self) -> tuple[int, ...]:
        settings = self.settings
        return (settings.ui_port, settings.aws_port, settings.primary_port, settings.secondary_port)

    @property
    def environment(self) -> dict[str, str]:
        """What leads the `landfall` command to this stack."""
        return {
            "LANDFALL_HOME": str(self.settings.home),
            "LANDFALL_UI_PORT": str(self.settings.ui_port),
            "LANDFALL_AWS_PORT": str(self.settings.aws_port),
            "LANDFALL_PRIMARY_PORT": str(self.settings.primary_port),
            "LANDFALL_SECONDARY_PORT": str(self.settings.secondary_port),
        }

    def landfall(self, *words: str, limit_seconds: float) -> dict[str, Any]:
        """Run `landfall <words> --json` to its end and return what it printed; fails with its words otherwise."""
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("landfall")), *words, "--json"],
            env=os.environ | self.environment,
            cwd=self.settings.home.parent,
            capture_output=True,
            text=True,
            timeout=limit_seconds,
            check=False,
        )
        assert ended.returncode == 0, f"landfall {' '.join(words)}: {ended.stdout}\n{ended.stderr}"
        printed: dict[str, Any] = json.loads(ended.stdout)
        return printed

    def as_user(self, name: str) -> AirflowApi:
        return AirflowApi(self.settings.ui_url, name, read_credentials(self.settings.secrets_file).passwords[name])

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's local AWS."""
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
        config = Config(retries={"total_max_attempts": 2, "mode": "standard"})
        return session.client(service, endpoint_url=self.settings.aws_url, config=config)

    def processes(self) -> list[psutil.Process]:
        return stack_processes(self.settings.stack_id)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
