"""Where the local stack lives and which ports it takes."""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.cli.refusal import RefusalError

UI_PORT_VARIABLE = "LANDFALL_UI_PORT"
AWS_PORT_VARIABLE = "LANDFALL_AWS_PORT"
PRIMARY_PORT_VARIABLE = "LANDFALL_PRIMARY_PORT"
SECONDARY_PORT_VARIABLE = "LANDFALL_SECONDARY_PORT"
HOME_VARIABLE = "LANDFALL_HOME"
STACK_ID_VARIABLE = "LANDFALL_STACK_ID"

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """One local stack: its code, its state folder and its four ports."""

    project_root: Path
    home: Path
    ui_port: int = 18080
    aws_port: int = 14566
    primary_port: int = 14331
    secondary_port: int = 14332

    @property
    def stack_id(self) -> str:
        """Mark every process of this stack; the same for every start from the same state folder."""
        return hashlib.sha256(str(self.home).encode()).hexdigest()[:16]

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui_port}"

    @property
    def aws_url(self) -> str:
        return f"http://{LOOPBACK}:{self.aws_port}"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def aws_state(self) -> Path:
        return self.home / "aws"

    @property
    def sqlserver(self) -> Path:
        """Where both SQL Servers keep state, backups and copies."""
        return self.home / "sqlserver"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run_file(self) -> Path:
        return self.home / "run.json"

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets.json"

    @property
    def passwords_file(self) -> Path:
        return self.airflow_home / "passwords.json"


def project_root() -> Path:
    """Find the folder that holds pyproject.toml, dags and include; the install is editable, so it is this code's."""
    return Path(__file__).resolve().parents[2]


def stack_settings(environment: Mapping[str, str]) -> StackSettings:
    """Read the settings from environment variables.

    :raises RefusalError: a port is no number between 1024 and 65535, or two ports are the same.
    """
    ports = {name: _port(environment, name=name, default=default) for name, default in _DEFAULT_PORTS.items()}
    for first, second in itertools.combinations(ports, 2):
        if ports[first] == ports[second]:
            raise RefusalError(f"{first} and {second} are both {ports[first]}: give each its own port.")
    root = project_root()
    return StackSettings(
        project_root=root,
        home=Path(environment.get(HOME_VARIABLE) or root / ".landfall").expanduser().resolve(),
        ui_port=ports[UI_PORT_VARIABLE],
        aws_port=ports[AWS_PORT_VARIABLE],
        primary_port=ports[PRIMARY_PORT_VARIABLE],
        secondary_port=ports[SECONDARY_PORT_VARIABLE],
    )


_DEFAULT_PORTS: Mapping[str, int] = {
    UI_PORT_VARIABLE: StackSettings.ui_port,
    AWS_PORT_VARIABLE: StackSettings.aws_port,
    PRIMARY_PORT_VARIABLE: StackSettings.primary_port,
    SECONDARY_PORT_VARIABLE: StackSettings.secondary_port,
}


def _port(environment: Mapping[str, str], *, name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise RefusalError(f"{name} is {text!r}: set it to a port number from 1024 to 65535.")
    return int(text)
