"""Airflow scans plugins/ by executing files; plugins/.airflowignore decides which."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"

_LIST_SCANNED_FILES = """
import sys
from airflow._shared.module_loading import find_path_from_directory
print("\\n".join(sorted(path for path in find_path_from_directory(sys.argv[1], ".airflowignore", "glob"))))
"""


def scanned_files(folder: Path) -> set[Path]:
    """Ask Airflow, in a process of its own, which Python files of a plugins folder it would execute."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _LIST_SCANNED_FILES, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(line) for line in answer.stdout.splitlines() if line.endswith(".py")}


def test_airflow_executes_only_the_plugin_file() -> None:
    assert scanned_files(PLUGINS) == {PLUGINS / "landfall_plugin.py"}


def test_module_named_like_the_standard_library_is_not_executed(tmp_path: Path) -> None:
    (tmp_path / ".airflowignore").write_text((PLUGINS / ".airflowignore").read_text())
    for name in ("email.py", "landfall/hooks/fsx.py", "landfall/operators/fsx.py", "other_plugin.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert scanned_files(tmp_path) == {tmp_path / "other_plugin.py"}


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*_plugin.py")), ids=lambda path: path.name)
def test_plugin_file_holds_a_plugin_and_stays_short(path: Path) -> None:
    text = path.read_text()
    bases = [
        base.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    ]
    assert "AirflowPlugin" in bases
    assert len(text.splitlines()) < 40


def test_reason_stands_on_top_of_the_ignore_file() -> None:
    lines = (PLUGINS / ".airflowignore").read_text().splitlines()
    assert lines[0].startswith("#")
    assert [line for line in lines if line and not line.startswith("#")] == ["*.py", "!*_plugin.py"]
