"""The checks before a start; each failure is one sentence that says what to do."""

import errno
import os
import shutil
import socket
from pathlib import Path

import psutil

from include.cli.refusal import RefusalError
from include.cli.settings import (
    AWS_PORT_VARIABLE,
    HOME_VARIABLE,
    LOOPBACK,
    PRIMARY_PORT_VARIABLE,
    SECONDARY_PORT_VARIABLE,
    UI_PORT_VARIABLE,
    StackSettings,
)

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
MINIMUM_FREE_BYTES = 2 * 1024**3


def check_python(version: tuple[int, int]) -> None:
    """Refuse a Python that Airflow 3.3 and the pinned wheels do not cover."""
    if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        raise RefusalError(
            f"Python {version[0]}.{version[1]} is running this command, but Landfall needs 3.11, 3.12 or 3.13:"
            " remove .venv, then run `make install PYTHON=python3.11`."
        )


def check_writable(folder: Path) -> None:
    """Make the state folder (mode 0700) and refuse a place where no file can be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".write-probe-{os.getpid()}"
        probe.write_bytes(b"landfall")
        probe.unlink()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise RefusalError(_disk_sentence(folder, free=0)) from error
        raise RefusalError(
            f"The state folder {folder} cannot be written ({error.strerror}): make it writable, or set"
            f" {HOME_VARIABLE} to another folder."
        ) from error


def check_disk(folder: Path) -> None:
    """Refuse to start with less than 2 GB free: a full disk would corrupt the databases midway."""
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_BYTES:
        raise RefusalError(_disk_sentence(folder, free=free))


def check_ports(settings: StackSettings) -> None:
    """Refuse ports that another program holds, and say which program where the system tells."""
    wanted = (
        (settings.ui_port, "Airflow's web UI", UI_PORT_VARIABLE),
        (settings.aws_port, "the local AWS", AWS_PORT_VARIABLE),
        (settings.primary_port, "the primary SQL Server", PRIMARY_PORT_VARIABLE),
        (settings.secondary_port, "the secondary SQL Server", SECONDARY_PORT_VARIABLE),
    )
    for port, purpose, variable in wanted:
        if not port_is_free(port):
            raise RefusalError(
                f"Port {port} (for {purpose}) is taken{_port_holder(port)}:"
                f" stop that program, or set {variable} to a free port."
            )


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1:``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def check_all(settings: StackSettings, *, python: tuple[int, int]) -> None:
    """Run every check, the cheapest and most likely to help first.

    :raises RefusalError: the first check that fails.
    """
    check_python(python)
    check_writable(settings.home)
    check_disk(settings.home)
    check_ports(settings)


def _disk_sentence(folder: Path, *, free: int) -> str:
    return (
        f"The disk of {folder} has {free / 1e9:.1f} GB free and the stack needs {MINIMUM_FREE_BYTES / 1e9:.1f} GB:"
        f" free some space, or set {HOME_VARIABLE} to a folder on another disk."
    )


def _port_holder(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:  # macOS tells it to root only
        return ""
    return ""
