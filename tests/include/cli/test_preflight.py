"""The checks before a start: each failure is one sentence that helps."""

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from include.cli.preflight import check_all, check_disk, check_ports, check_python, check_writable, port_is_free
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_supported_python_passes(version: tuple[int, int]) -> None:
    check_python(version)


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 14), (4, 0)])
def test_other_python_is_refused_with_the_way_out(version: tuple[int, int]) -> None:
    with pytest.raises(RefusalError, match=r"needs 3\.11, 3\.12 or 3\.13: remove \.venv"):
        check_python(version)


def free_ports() -> dict[str, int]:
    return {which: free_port() for which in ("ui_port", "aws_port", "primary_port", "secondary_port")}


@pytest.mark.parametrize(
    ("which", "variable"),
    [
        ("ui_port", "LANDFALL_UI_PORT"),
        ("aws_port", "LANDFALL_AWS_PORT"),
        ("primary_port", "LANDFALL_PRIMARY_PORT"),
        ("secondary_port", "LANDFALL_SECONDARY_PORT"),
    ],
)
def test_taken_port_names_its_holder_and_the_variable(
    tmp_path: Path, taken_port: int, which: str, variable: str
) -> None:
    ports = free_ports() | {which: taken_port}
    with pytest.raises(RefusalError) as refusal:
        check_ports(StackSettings(project_root=tmp_path, home=tmp_path, **ports))
    assert f"Port {taken_port}" in refusal.value.sentence
    assert variable in refusal.value.sentence
    assert "\n" not in refusal.value.sentence
    if os.uname().sysname == "Linux":
        assert f"(pid {os.getpid()})" in refusal.value.sentence


def test_port_is_free_only_while_nobody_listens(taken_port: int) -> None:
    assert not port_is_free(taken_port)
    assert port_is_free(free_port())


def test_full_disk_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_999_000_000))
    with pytest.raises(RefusalError, match=r"has 2\.0 GB free and the stack needs 2\.1 GB"):
        check_disk(tmp_path)


def test_disk_without_a_byte_left_is_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(RefusalError, match=r"0\.0 GB free"):
        check_writable(tmp_path)


def test_state_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusalError, match=r"cannot be written .* LANDFALL_HOME"):
        check_writable(tmp_path / "file" / "state")


def test_check_leaves_nothing_but_a_private_folder(tmp_path: Path) -> None:
    home = tmp_path / "state"
    check_all(StackSettings(project_root=tmp_path, home=home, **free_ports()), python=(3, 12))
    assert list(home.iterdir()) == []
    assert home.stat().st_mode & 0o777 == 0o700
