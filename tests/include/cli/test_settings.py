"""Settings from environment variables."""

import itertools
from pathlib import Path

import pytest

from include.cli.refusal import RefusalError
from include.cli.settings import project_root, stack_settings

PORT_VARIABLES = ("LANDFALL_UI_PORT", "LANDFALL_AWS_PORT", "LANDFALL_PRIMARY_PORT", "LANDFALL_SECONDARY_PORT")


def test_defaults_are_the_documented_ports_and_folder() -> None:
    settings = stack_settings({})
    assert (settings.ui_port, settings.aws_port) == (18080, 14566)
    assert (settings.primary_port, settings.secondary_port) == (14331, 14332)
    assert settings.home == project_root() / ".landfall"


def test_environment_moves_ports_and_folder(tmp_path: Path) -> None:
    settings = stack_settings(
        {
            "LANDFALL_UI_PORT": "20000",
            "LANDFALL_AWS_PORT": "20001",
            "LANDFALL_PRIMARY_PORT": "20002",
            "LANDFALL_SECONDARY_PORT": "20003",
            "LANDFALL_HOME": str(tmp_path),
        }
    )
    assert (settings.primary_port, settings.secondary_port) == (20002, 20003)
    assert (settings.ui_url, settings.aws_url) == ("http://127.0.0.1:20000", "http://127.0.0.1:20001")
    assert settings.run_file == tmp_path / "run.json"


@pytest.mark.parametrize("text", ["http", "80", "70000", "-1", "1.5", "٣٠٠٠"])
def test_port_that_cannot_be_used_is_refused_by_name(text: str) -> None:
    with pytest.raises(RefusalError, match="LANDFALL_AWS_PORT"):
        stack_settings({"LANDFALL_AWS_PORT": text})


@pytest.mark.parametrize(("first", "second"), itertools.combinations(PORT_VARIABLES, 2))
def test_one_port_for_two_servers_is_refused(first: str, second: str) -> None:
    with pytest.raises(RefusalError, match=f"{first} and {second} are both 20000"):
        stack_settings({first: "20000", second: "20000"})


def test_port_that_is_another_servers_default_is_refused() -> None:
    with pytest.raises(RefusalError, match="LANDFALL_AWS_PORT and LANDFALL_PRIMARY_PORT are both 14331"):
        stack_settings({"LANDFALL_AWS_PORT": "14331"})


def test_two_state_folders_never_share_a_mark(tmp_path: Path) -> None:
    first = stack_settings({"LANDFALL_HOME": str(tmp_path / "a")})
    second = stack_settings({"LANDFALL_HOME": str(tmp_path / "b")})
    assert first.stack_id != second.stack_id
    assert first.stack_id == stack_settings({"LANDFALL_HOME": str(tmp_path / "x" / ".." / "a")}).stack_id
