"""Processes that fork: what they have imported, and that they are still the program they say."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from include.cli import components
from include.cli.components import airflow_components
from include.cli.preloaded import DAG_LIBRARIES, TASK_LIBRARIES, command
from include.cli.settings import project_root
from tests.include.cli.test_environment import CREDENTIALS, SETTINGS

PROGRAM = """
import json, os, sys
child = os.fork()
if child == 0:
    print(json.dumps({"name": __name__, "argv": sys.argv[1:], "imported": "colorsys" in sys.modules}), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "forking_program.py").write_text(PROGRAM)
    return tmp_path


def said(program: Path, *libraries: str) -> dict[str, object]:
    ended = subprocess.run(
        command(("forking_program", "run", "--fast"), libraries=libraries),
        env=os.environ | {"PYTHONPATH": f"{project_root()}:{program}"},
        cwd=program,
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, object] = json.loads(ended.stdout)
    return document


@pytest.mark.parametrize("libraries", [("colorsys",), ("there_is_no_such_library", "colorsys")])
def test_a_child_finds_the_libraries_imported_and_the_program_its_arguments(
    program: Path, libraries: tuple[str, ...]
) -> None:
    assert said(program, *libraries) == {"name": "__main__", "argv": ["run", "--fast"], "imported": True}


def test_without_libraries_the_program_runs_by_itself(program: Path) -> None:
    assert command(("airflow", "triggerer"), libraries=()) == (sys.executable, "-m", "airflow", "triggerer")
    assert said(program)["imported"] is False


def test_every_library_is_there_under_its_name() -> None:
    assert [name for name in TASK_LIBRARIES if find_spec(name) is None] == []


def test_no_module_of_this_project_is_read_once_for_all() -> None:
    """The stack runs for days while its DAGs and their modules are edited."""
    assert not [name for name in TASK_LIBRARIES if name.split(".")[0] in ("include", "landfall", "dags")]
    assert set(DAG_LIBRARIES) < set(TASK_LIBRARIES)


def test_what_forks_is_preloaded_and_what_does_not_is_not() -> None:
    commands = {each.name: each.command for each in airflow_components(SETTINGS, CREDENTIALS, inherited={})}
    assert ",".join(TASK_LIBRARIES) in commands[components.SCHEDULER]
    assert ",".join(DAG_LIBRARIES) in commands[components.DAG_PROCESSOR]
    for name in (components.API_SERVER, components.TRIGGERER):
        assert commands[name][1:3] == ("-m", "airflow")
