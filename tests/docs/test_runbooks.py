"""Runbooks are true: one for each DAG, with the fixed headings, naming tasks, files and prefixes that exist."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import ROOT, dag_files

RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["What you see", "First look (two minutes)", "Branches", "Is it safe to re-run", "Undo"]
DAG_IDS = [f"{path.parent.name}_{path.stem}" for path in dag_files()]
EACH = pytest.mark.parametrize("dag_id", DAG_IDS)


def text_of(dag_id: str) -> str:
    return (RUNBOOKS / f"{dag_id}.md").read_text()


def named(text: str) -> set[str]:
    """Words in code spans that look like identifiers."""
    return set(re.findall(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`", text))


def test_there_is_no_runbook_without_its_dag() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == sorted(DAG_IDS)


@EACH
def test_the_headings_stand_in_their_order(dag_id: str) -> None:
    found = re.findall(r"^## (.+)$", text_of(dag_id), flags=re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


@EACH
def test_every_task_a_runbook_names_exists(dag_id: str, dags: dict[str, Any]) -> None:
    tasks = {task.task_id for dag in dags.values() for task in dag.tasks}
    params = {name for dag in dags.values() for name in dag.params}
    other = {"landfall_mail_receipts", "no_longer_a_candidate", "scanned_bytes"}
    assert named(text_of(dag_id)) <= tasks | params | set(dags) | other


@EACH
def test_every_task_is_spoken_of(dag_id: str, dags: dict[str, Any]) -> None:
    missing = [task.task_id for task in dags[dag_id].tasks if f"`{task.task_id}`" not in text_of(dag_id)]
    assert missing == []


@EACH
def test_every_file_a_runbook_names_exists(dag_id: str) -> None:
    for name in re.findall(r"\b(?:include|docs|dags|plugins)/[\w/.-]+\.(?:py|md|sql)\b", text_of(dag_id)):
        assert (ROOT / name).is_file(), name


@EACH
def test_every_error_a_runbook_names_exists(dag_id: str) -> None:
    source = "\n".join(path.read_text() for folder in ("include", "plugins") for path in (ROOT / folder).rglob("*.py"))
    for name in re.findall(r"`(\w+Error)`", text_of(dag_id)):
        assert f"class {name}(" in source, name


@EACH
def test_every_lake_prefix_a_runbook_names_is_written_by_the_code(dag_id: str) -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "include" / "ioc_refresh").glob("*.py"))
    source += "\n".join(path.read_text() for path in (ROOT / "dags" / "ioc_refresh").glob("*.py"))
    for name in set(re.findall(r"\bioc/([a-z-]+)/", text_of(dag_id))):
        assert f'"{name}' in source or f"ioc/{name}/" in source, name


def test_no_page_names_this_machine() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "dags").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    assert pages
    forbidden = re.compile(r"(?<![\w.-])/(?:work|root|tmp)/")
    assert [str(page) for page in pages if forbidden.search(Path(page).read_text())] == []
